"""How long a post takes to each member: to those on the poster's node, and to those on others."""

import gc
import time
from dataclasses import dataclass, field

from bench.accounting import Cost, Meter
from bench.dialects import Dialect
from bench.frames import TEXT, client_frame
from bench.members import Crowd, Member, ServerError

_PATIENCE = 10.0


@dataclass(frozen=True)
class Crossed:
    """One run. Latencies in seconds, from when a post was due to when a member had it, by node."""

    posts: int
    cost: Cost
    load_busy: float
    latencies: list[list[float]] = field(repr=False)


class Crossing:
    """A settled crowd in one room; `groups` are the members of each node, the first of the first posts.

    The members' clock is the poster's: all are in this process. Every delivery is compared with what
    was posted.
    """

    def __init__(self, crowd: Crowd, dialect: Dialect, groups: list[list[Member]]) -> None:
        self._crowd = crowd
        self._dialect = dialect
        self._poster = groups[0][0]
        self._heard = dict.fromkeys(crowd.by_fd, 0)
        self._node = {member.socket.fileno(): at for at, group in enumerate(groups) for member in group}
        self._due: list[float] = []
        self._latencies: list[list[float]] = [[] for _ in groups]
        self._idle = 0.0

    def run(self, pids: list[int], seconds: float, rate: float) -> Crossed:
        """Post at `rate` a second, until every member has every post."""
        self._latencies = [[] for _ in self._latencies]
        self._idle = 0.0
        gc.disable()
        try:
            meter, began, posts = Meter(pids), time.perf_counter(), int(rate * seconds)
            for number in range(posts):
                due = began + number / rate
                while (wait := due - time.perf_counter()) > 0:
                    self._turn(wait)
                self._poster.send(client_frame(self._dialect.post(len(self._due))))
                self._due.append(due)
            self._until_heard()
            cost = meter.read()
        finally:
            gc.enable()
        return Crossed(posts, cost, 1 - self._idle / cost.wall, self._latencies)

    def _until_heard(self) -> None:
        until = time.perf_counter() + _PATIENCE
        while min(self._heard.values()) < len(self._due):
            self._turn(0.1)
            if time.perf_counter() > until:
                raise ServerError(f"not every member has heard of every post after {_PATIENCE:g} s")

    def _turn(self, timeout: float) -> None:
        began = time.perf_counter()
        ready = self._crowd.epoll.poll(timeout, 4096)
        self._idle += time.perf_counter() - began
        for fd, _ in ready:
            # One after the other: who is looked at last has had it no longer than the others.
            frames = self._crowd.by_fd[fd].drain()
            now = time.perf_counter()
            for frame in frames:
                if frame.opcode == TEXT and self._dialect.hears(frame.payload, self._heard[fd]):
                    self._latencies[self._node[fd]].append(now - self._due[self._heard[fd]])
                    self._heard[fd] += 1
