"""Connections that come: plain and over TLS, and what each then keeps in memory."""

import ssl
from collections.abc import Iterator
from functools import partial

from bench.contestant import Contestant
from bench.course import Course, Live, Sample
from bench.joining import fill, stages
from bench.members import Member, tls_context
from bench.samples import MICRO, joining_figures
from bench.scenarios.scenario import Bound, Column, Reading, Scenario

MEMBERS = 1000

_OURS = Reading("chatroom", "all")
_COLUMNS = (
    Column("cpu_us", "CPU µs a connection", spread=True),
    Column("accept_us", "accepted"),
    Column("connect_us", "connect"),
    Column("hello_us", "hello"),
    Column("join_us", "join"),
    Column("subscribe_us", "subscribe"),
    Column("rss_kib", "KiB each (RSS)", spread=True),
    Column("pss_kib", "KiB (PSS)"),
    Column("resumed_us", "accepted, session resumed"),
    Column("resumes_12", "resumes TLS 1.2", "flag"),
    Column("resumes_13", "resumes TLS 1.3", "flag"),
)


def _accept(course: Course, contestant: Contestant, *, tls: bool) -> Iterator[Sample]:
    with course.serve(contestant, tls=tls) as live, live.crowd() as crowd:
        others = live.others()
        joined = fill(crowd, live.dialect, live.pids, course.plan.count(MEMBERS))
        figures = joining_figures(joined) | {"others_busy": others()}
        if tls:
            figures |= _resumption(live, course.plan.count(MEMBERS) // 4)
        yield {"measure": "all", **figures}


def _resumption(live: Live, count: int) -> Sample:
    """Whether a session is resumed, in both versions of TLS, and what accepting it costs then."""
    figures: Sample = {}
    for name, version in (("12", ssl.TLSVersion.TLSv1_2), ("13", ssl.TLSVersion.TLSv1_3)):
        context = tls_context()
        context.minimum_version = context.maximum_version = version
        session, _ = _visit(live, context, None)
        _, reused = _visit(live, context, session)
        figures[f"resumes_{name}"] = float(reused)
        if reused and version is ssl.TLSVersion.TLSv1_3:
            with live.crowd() as crowd:
                crowd.resume(context, session)
                # Under names of their own: the first thousand's are taken.
                crowd.first = 100_000
                costs, _ = stages(crowd, live.dialect, live.pids, count)
            figures["resumed_us"] = sum(costs.values()) * MICRO
    return figures


def _visit(
    live: Live, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[ssl.SSLSession | None, bool]:
    """Upgrade, which also brings in the tickets of TLS 1.3, and go: the session, and if it was old."""
    member = Member(live.place, context, session=session)
    assert isinstance(member.socket, ssl.SSLSocket)
    try:
        member.ask_upgrade()
        member.await_upgrade()
        return member.socket.session, bool(member.socket.session_reused)
    finally:
        member.socket.close()


ACCEPT = Scenario(
    name="accept",
    title="A connection comes",
    words=(
        "1,000 connections, sixteen at a time, and then idle. chatroom's greet and join a room of as "
        "many, the others in it being told; with most peers there is nothing to join."
    ),
    contestants=("chatroom", "nchan", "uwebsockets", "picows", "ws", "socketio", "websockets", "autobahn"),
    turn=partial(_accept, tls=False),
    columns=_COLUMNS,
    bounds=(
        Bound("with hello and join, beside Autobahn's accept", 0.7, _OURS, Reading("autobahn", "all")),
        Bound("with hello and join, beside ws's accept", 1.0, _OURS, Reading("ws", "all")),
        Bound(
            "accepted only, beside Autobahn's",
            0.75,
            Reading("chatroom", "all", "accept_us"),
            Reading("autobahn", "all", "accept_us"),
        ),
        Bound("KiB an idle joined connection", 10.0, Reading("chatroom", "all", "rss_kib")),
    ),
    unit="µs of server CPU each (less is better)",
)

ACCEPT_TLS = Scenario(
    name="accept-tls",
    title="A connection comes over TLS",
    words=(
        "The same over TLS 1.3 with an ECDSA P-256 key, every handshake a full one; and a quarter as "
        "many that resume a session."
    ),
    contestants=("chatroom", "nchan", "autobahn"),
    turn=partial(_accept, tls=True),
    columns=_COLUMNS,
    bounds=(
        Bound("with hello and join, beside Autobahn's accept", 0.6, _OURS, Reading("autobahn", "all")),
        Bound("TLS 1.2 sessions are resumed", 1, Reading("chatroom", "all", "resumes_12"), least=True),
        Bound("TLS 1.3 sessions are resumed", 1, Reading("chatroom", "all", "resumes_13"), least=True),
        Bound("KiB an idle joined connection", 32.0, Reading("chatroom", "all", "rss_kib")),
    ),
    unit="µs of server CPU each (less is better)",
)
