"""Telling a room: one string of bytes for all members of a dialect, in slices where they are many.

A room of sixteen thousand would hold the reactor for seventy milliseconds. Past SLICE members the
telling is cut up, and everything else gets its turn in between. What comes meanwhile is told after
it, joined into one write a member.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from chatroom.domain.model import MAX_SEQ, Seq, User
from chatroom.domain.ports import Clock, Dialect, Origin, Outlet

SLICE = 2_000
"""So many members are told in one turn of the reactor: about ten milliseconds."""

PASSING = MAX_SEQ + 1
"""In place of the `seq` of what has none: newer than any position."""


class Seat(NamedTuple):
    """A member's place in a room: who they are, and the `head` they were told when they came."""

    user: User
    head: Seq


class Framed(NamedTuple):
    """One event as the members of a dialect get it, all but `origin`."""

    frame: bytes
    origin: Origin
    seq: Seq


Members = dict[Outlet, Seat]


class _Job:
    """What the members of one dialect are still to be told."""

    __slots__ = ("_frames", "_rest", "dialect", "framed", "members")

    def __init__(self, dialect: Dialect, members: Members, framed: list[Framed]) -> None:
        self.dialect = dialect
        self.members = members
        self.framed = framed
        self._frames = b""
        self._rest: Iterator[tuple[Outlet, Seat]] | None = None

    @property
    def started(self) -> bool:
        """Whether some have been told, so that nothing can be added."""
        return self._rest is not None

    def run(self, count: int) -> int:
        """Tell the next `count` members; how many there were."""
        if self._rest is None:
            self._rest = iter(list(self.members.items()))
            self._frames = b"".join([one.frame for one in self.framed])
        oldest, told = min(one.seq for one in self.framed), 0
        origins = {one.origin for one in self.framed}
        for outlet, seat in islice(self._rest, count):
            told += 1
            # Who has left meanwhile is not told; who has come back was told when they did.
            if self.members.get(outlet) is not seat:
                continue
            if seat.head < oldest and outlet not in origins:
                outlet.write(self._frames)
            else:
                _write_some(outlet, seat, self.framed)
        return told


class FanOut:
    """The members of one room, by dialect, and what they are being told."""

    __slots__ = ("_clock", "_jobs", "members")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: deque[_Job] = deque()
        self.members: dict[Dialect, Members] = {}

    def admit(self, outlet: Outlet, seat: Seat) -> None:
        """From now on `outlet` is told what comes after `seat.head`."""
        self.members.setdefault(outlet.dialect, {})[outlet] = seat

    def dismiss(self, outlet: Outlet) -> None:
        """`outlet` is told nothing more."""
        members = self.members.get(outlet.dialect, {})
        if members.pop(outlet, None) is not None and not members:
            del self.members[outlet.dialect]

    def tell(self, dialect: Dialect, framed: list[Framed]) -> None:
        """Tell the members of a dialect: at once if they are few, else beginning at once."""
        members = self.members.get(dialect)
        if not members or not framed:
            return
        if len(members) <= SLICE and not self._jobs:
            _write_all(members, framed)
            return
        for job in self._jobs:
            if job.dialect is dialect and job.members is members and not job.started:
                job.framed += framed
                return
        self._jobs.append(_Job(dialect, members, framed))
        if len(self._jobs) == 1:
            self._slice()

    def _slice(self) -> None:
        left = SLICE
        while self._jobs and left > 0:
            told = self._jobs[0].run(left)
            if told < left:
                self._jobs.popleft()
            left -= told
        if self._jobs:
            self._clock.callLater(0, self._slice)


def _write_all(members: Members, framed: list[Framed]) -> None:
    frames = b"".join([one.frame for one in framed])
    origins = {one.origin for one in framed}
    if origins == {None}:
        for outlet in members:
            outlet.write(frames)
        return
    for outlet, seat in members.items():
        if outlet in origins:
            _write_some(outlet, seat, framed)
        else:
            outlet.write(frames)


def _write_some(outlet: Outlet, seat: Seat, framed: list[Framed]) -> None:
    """What of it is new to this member, and not its own."""
    frames = b"".join([one.frame for one in framed if one.seq > seat.head and one.origin is not outlet])
    if frames:
        outlet.write(frames)
