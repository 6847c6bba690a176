"""Acknowledged posts: how many a second, and how long each waits for its `ok`."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.accounting import Cost, Meter
from bench.frames import client_frame
from bench.members import Crowd, Member, ServerError

TEXT_BYTES = 100
_PATIENCE = 30.0

# An acknowledgement; or, of a server that only echoes, the post itself.
_REPLY = re.compile(rb'\{"type":"(?:ok|post)","id":(\d+)[,}]')
_REPLY_HEAD = 32


@dataclass(frozen=True)
class Acknowledged:
    """One run. Latencies in seconds from sending a post to its `ok`."""

    posters: int
    window: int
    posts: int
    cost: Cost
    load_busy: float
    latencies: list[float] = field(repr=False)
    kept: bool | None
    """Whether the room's head afterwards had risen by exactly the number acknowledged."""


class Posters:
    """Every member of the crowd posts, `window` posts on the way each; each post has a key."""

    def __init__(self, crowd: Crowd, room: str, window: int) -> None:
        self._crowd = crowd
        self._room = room
        self._window = window
        self._sent: dict[int, float] = {}
        self._latencies: list[float] = []
        self._carry: dict[int, bytes] = {}
        self._number = 0
        self._idle = 0.0

    def run(self, pids: list[int], seconds: float, head: Callable[[], int] | None = None) -> Acknowledged:
        """Post for `seconds`; `head` asks a server that keeps a log for the newest seq."""
        self._latencies, self._idle = [], 0.0
        before = head() if head else 0
        meter = Meter(pids)
        until = time.perf_counter() + seconds
        for member in self._crowd.members:
            self._post(member, self._window)
        while self._sent:
            self._turn(until)
        cost = meter.read()
        posts = len(self._latencies)
        return Acknowledged(
            posters=len(self._crowd),
            window=self._window,
            posts=posts,
            cost=cost,
            load_busy=1 - self._idle / cost.wall,
            latencies=self._latencies,
            kept=head() - before == posts if head else None,
        )

    def _turn(self, until: float) -> None:
        began = time.perf_counter()
        ready = self._crowd.epoll.poll(_PATIENCE, 4096)
        now = time.perf_counter()
        self._idle += now - began
        if not ready:
            raise ServerError(f"no acknowledgement for {_PATIENCE:.0f} s")
        for fd, _ in ready:
            member = self._crowd.by_fd[fd]
            answered = self._acknowledged(member)
            if answered and now < until:
                self._post(member, answered)

    def _acknowledged(self, member: Member) -> int:
        """Count the replies. Most of what comes are events; parsing them would hold up the load."""
        number = member.number
        data = self._carry.get(number, b"") + member.receive_all()
        if b'"type":"error"' in data:
            raise ServerError(f"a post was refused: {data!r}")
        now, end, count = time.perf_counter(), 0, 0
        for found in _REPLY.finditer(data):
            end = found.end()
            if (sent := self._sent.pop(int(found[1]), None)) is not None:
                self._latencies.append(now - sent)
                count += 1
        self._carry[number] = data[max(end, len(data) - _REPLY_HEAD) :]
        return count

    def _post(self, member: Member, count: int) -> None:
        frames = b""
        now = time.perf_counter()
        for _ in range(count):
            self._number += 1
            post = {
                "type": "post",
                "id": self._number,
                "room": self._room,
                "text": f"{self._number:08d}".ljust(TEXT_BYTES, "x"),
                "key": f"k{self._number:08d}",
            }
            frames += client_frame(json.dumps(post, separators=(",", ":")).encode())
            self._sent[self._number] = now
        member.send(frames)
