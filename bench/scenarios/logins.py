"""Many log in at once, and how long the others wait meanwhile."""

import json
import time
from collections import Counter
from collections.abc import Iterator

from bench.contestant import Contestant
from bench.course import Course, Sample
from bench.frames import client_frame
from bench.members import Crowd
from bench.prober import Probe
from bench.samples import MILLI, percentile
from bench.scenarios.scenario import Bound, Column, Reading, Scenario

RATE = 200
"""Logins a second."""
_CONNECTIONS = 400
"""More than may wait for a password to be hashed."""
_ALONE, _MEANWHILE = "elsewhere, nobody logs in", f"elsewhere, {RATE} logins a second"


def _logins(course: Course, contestant: Contestant) -> Iterator[Sample]:
    seconds = course.plan.seconds * 2
    with course.serve(contestant) as live, live.crowd() as crowd:
        probe = Probe(live.place, seconds, live.cores.load)
        yield {"measure": _ALONE, **_waits(probe)}
        crowd.open(_CONNECTIONS)
        probe = Probe(live.place, seconds, live.cores.load)
        outcomes = _try(crowd, seconds)
        yield {"measure": _MEANWHILE, **_waits(probe), **outcomes}


def _try(crowd: Crowd, seconds: float) -> Sample:
    """Send logins at their rate; what came of them, once all were answered or the time is over."""
    began, sent = time.perf_counter(), 0
    outcomes: Counter[str] = Counter()
    while (now := time.perf_counter() - began) < seconds:
        while sent < now * RATE:
            member = crowd.members[sent % len(crowd)]
            login = {"type": "login", "name": f"nobody {sent}", "password": "not the password"}
            member.send(client_frame(json.dumps(login).encode()))
            sent += 1
        for fd, _event in crowd.epoll.poll(0.005, 4096):
            for frame in crowd.by_fd[fd].drain():
                outcomes[json.loads(frame.payload).get("code", "ok")] += 1
    return {
        "sent": sent,
        "checked": outcomes["bad_token"],
        "put_off": outcomes["unavailable"] + outcomes["rate_limited"],
    }


def _waits(probe: Probe) -> Sample:
    waits = probe.result()
    pings = [waited for _, waited in waits.pings]
    posts = [waited for _, waited in waits.posts]
    return {
        "ping_p50_ms": percentile(pings, 0.5) * MILLI,
        "ping_p99_ms": percentile(pings, 0.99) * MILLI,
        "ping_max_ms": max(pings) * MILLI,
        "ack_p50_ms": percentile(posts, 0.5) * MILLI,
        "ack_p99_ms": percentile(posts, 0.99) * MILLI,
    }


LOGINS = Scenario(
    name="logins",
    title=f"{RATE} logins a second",
    words=(
        "Passwords that are wrong, under names that nobody has: they cost what right ones do. Each is "
        "hashed (argon2id, on the server's one core too); those that would wait too long are put off "
        "with `unavailable`. Meanwhile another connection sends a ping, and a post into a room of its "
        "own, every 5 ms."
    ),
    contestants=("chatroom",),
    turn=_logins,
    columns=(
        Column("sent", "sent"),
        Column("checked", "checked"),
        Column("put_off", "put off"),
        Column("ping_p50_ms", "ping p50, ms"),
        Column("ping_p99_ms", "ping p99, ms", spread=True),
        Column("ping_max_ms", "longest, ms"),
        Column("ack_p50_ms", "post p50, ms"),
        Column("ack_p99_ms", "post p99, ms"),
    ),
    bounds=(Bound("pings answered, ms (p99)", 50.0, Reading("chatroom", _MEANWHILE, "ping_p99_ms")),),
    plot="ping_p99_ms",
    unit="ms that a ping waits, p99 (less is better)",
    compared="",
)
