"""Messages published by HTTP, beside posts on WebSockets."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.contestant import Contestant
from bench.course import Course, Live, Sample
from bench.durable import Posters
from bench.publishing import Publishers, Request
from bench.samples import durable_figures
from bench.scenarios.durability import head_of
from bench.scenarios.scenario import LATENCY, LOAD, Bound, Column, Reading, Scenario

CONNECTIONS = (8, 50)


def _publish(course: Course, contestant: Contestant) -> Iterator[Sample]:
    plan = course.plan
    for count in CONNECTIONS:
        with course.serve(contestant) as live:
            place = replace(live.place, upgrade=not contestant.publish)
            with live.crowd(place) as crowd:
                members = crowd.open(count)
                if contestant.publish:
                    request = _request(live, contestant)
                    run: Posters = Publishers(crowd, request)
                else:
                    # They do not join: nobody is told anything but that the message is kept.
                    hello = live.dialect.openings[0]
                    crowd.ask(members, hello.request, hello.answer)
                    run = Posters(crowd, "lobby", window=1)
                crowd.settle()
                head = head_of(live)
                run.run(live.pids, plan.warm_up, head)
                others = live.others()
                result = run.run(live.pids, plan.seconds, head)
                yield {
                    "measure": f"{count} connections",
                    **durable_figures(result),
                    "others_busy": others(),
                }


def _request(live: Live, contestant: Contestant) -> Request:
    if contestant.kind != "ours":
        return _plain(f"POST {contestant.publish} HTTP/1.1\r\nHost: {live.place.host}\r\n")
    key = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "chatroom"), "key", "add", "bench"),
            *("--data", str(live.setting.directory / "data"), "--can", "publish:lobby"),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return _json(
        f"POST {contestant.publish} HTTP/1.1\r\nHost: {live.place.host}\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\n"
    )


def _plain(head: str) -> Request:
    return lambda text, _key: f"{head}Content-Length: {len(text)}\r\n\r\n{text}".encode()


def _json(head: str) -> Request:
    def request(text: str, key: str) -> bytes:
        body = f'{{"text":"{text}"}}'
        return f"{head}Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()

    return request


PUBLISH = Scenario(
    name="publish",
    title="Publishing by HTTP",
    words=(
        "One message on the way on each connection, which is kept alive; nobody is in the room. chatroom "
        "commits each to disk (fsync) before it answers 201, as it does before a WebSocket's ok; "
        "afterwards the room's head must have risen by exactly the number acknowledged. nchan keeps the "
        "last 100 in memory."
    ),
    contestants=("chatroom-publish", "chatroom", "nchan-publish"),
    turn=_publish,
    columns=(
        Column("per_second", "messages/s", spread=True),
        *LATENCY,
        Column("cpu_us", "CPU µs a message"),
        Column("server_busy", "server busy", "share"),
        LOAD,
    ),
    bounds=tuple(
        Bound(
            f"{count} connections: messages/s, beside posts on WebSockets",
            0.5,
            Reading("chatroom-publish", f"{count} connections", "per_second"),
            Reading("chatroom", f"{count} connections", "per_second"),
            least=True,
        )
        for count in CONNECTIONS
    ),
    plot="per_second",
    unit="acknowledged messages a second (more is better)",
    compared="per_second",
)
