"""How long others wait: a connection of its own asks every few milliseconds, in its own process.

    python -m bench.prober PORT PATH SECONDS EACH CORE ROOM

Every EACH seconds it sends a ping and, into a room that is not the busy one, a post. A question
that is late is sent at once, and its waiting counted from when it was due, so a server that is
held up is asked as often as one that is not. Prints a JSON list of [kind, due, waited], seconds.
"""

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass

from bench.frames import client_frame
from bench.members import Member, Place
from bench.servers import ROOT

_REPLY = re.compile(rb'"id":"(ping|post)-(\d+)"')
_PATIENCE = 10.0


@dataclass(frozen=True)
class Waits:
    """Seconds that pings and posts waited for their answers, with when they were due."""

    pings: list[tuple[float, float]]
    posts: list[tuple[float, float]]


class Probe:
    """A prober at work; `result` awaits its end."""

    def __init__(self, place: Place, seconds: float, core: int, each: float = 0.005) -> None:
        command = [sys.executable, "-m", "bench.prober", str(place.port), place.path]
        command += [str(seconds), str(each), str(core), "elsewhere"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        assert self._process.stdout is not None
        # Its first line comes when it has joined and begins.
        self._process.stdout.readline()
        self._patience = seconds + _PATIENCE * 2

    def result(self) -> Waits:
        try:
            output, _ = self._process.communicate(timeout=self._patience)
        finally:
            self._process.kill()
        waits = json.loads(output)
        return Waits(*([(due, waited) for kind, due, waited in waits if kind == k] for k in ("ping", "post")))


def _prepare(core: int) -> None:
    """Onto the load's core, but ahead of the load: its business is to be on time."""
    os.sched_setaffinity(0, {core})
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def _ask(member: Member, seconds: float, each: float, room: str) -> list[tuple[str, float, float]]:
    poll = select.poll()
    poll.register(member.socket, select.POLLIN)
    began = time.perf_counter()
    waits: list[tuple[str, float, float]] = []
    number, carry = 0, b""
    while len(waits) < 2 * number or time.perf_counter() - began < seconds:
        now = time.perf_counter() - began
        while number * each <= now < seconds:
            ping = {"type": "ping", "id": f"ping-{number}"}
            post = {"type": "post", "id": f"post-{number}", "room": room, "text": f"{number:08d}"}
            member.send(client_frame(json.dumps(ping).encode()) + client_frame(json.dumps(post).encode()))
            number += 1
        if now > seconds + _PATIENCE:
            break
        poll.poll(max(0.0, number * each - now) * 1000 if now < seconds else 100)
        data = carry + member.receive_all()
        now, end = time.perf_counter() - began, 0
        for found in _REPLY.finditer(data):
            end = found.end()
            due = int(found[2]) * each
            waits.append((found[1].decode(), due, now - due))
        carry = data[max(end, len(data) - 40) :]
    return waits


def main() -> None:
    port, path, seconds, each, core, room = sys.argv[1:]
    _prepare(int(core))
    member = Member(Place(int(port), path, subprotocol="chatroom.v1"))
    member.ask_upgrade()
    member.await_upgrade()
    member.ask(b'{"type":"hello","id":1,"name":"prober-%d"}' % os.getpid(), b'"welcome"')
    member.ask(b'{"type":"join","id":2,"room":"%s"}' % room.encode(), b'"ok"')
    print(flush=True)
    print(json.dumps(_ask(member, float(seconds), float(each), room)))


if __name__ == "__main__":
    main()
