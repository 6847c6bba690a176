"""Telling a room: one string of bytes for all members of a dialect, in slices where they are many.

A room of sixteen thousand would hold the reactor for sixty milliseconds. Past SLICE members the
telling is cut up, and everything else gets its turn in between. What comes meanwhile is told after
it, joined into one write a member.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable
from typing import NamedTuple

from chatroom.domain.model import User
from chatroom.domain.ports import Clock, Dialect, Origin, Outlet, Row

SLICE = 1_000
"""So many members are told in one turn of the reactor, and sit in one row: about four milliseconds."""


class Framed(NamedTuple):
    """One event as the members of a dialect get it, all but `origin`."""

    frame: bytes
    origin: Origin


Members = dict[Outlet, User]


class OneByOne:
    """The row of outlets that have no quicker one."""

    __slots__ = ("_outlets",)

    def __init__(self) -> None:
        self._outlets: dict[Outlet, None] = {}

    def __len__(self) -> int:
        return len(self._outlets)

    def __contains__(self, outlet: object) -> bool:
        return outlet in self._outlets

    def add(self, outlet: Outlet) -> bool:
        """See `Row.add`."""
        self._outlets[outlet] = None
        return True

    def discard(self, outlet: Outlet) -> None:
        """See `Row.discard`."""
        self._outlets.pop(outlet, None)

    def write(self, frames: bytes, but: Collection[Outlet] = ()) -> None:
        """See `Row.write`."""
        for outlet in list(self._outlets):
            if outlet not in but:
                outlet.write(frames)


class Told:
    """How much the members of all rooms have been told. Counted once a row and tick,
    never once a member."""

    __slots__ = ("events", "octets")

    def __init__(self) -> None:
        self.events = 0
        """Each event once for each connection that it was for."""
        self.octets = 0
        """What these had to be sent, before any encryption."""


class _Job:
    """What the members of one dialect are still to be told."""

    __slots__ = ("_frames", "_late", "_origins", "_rows", "dialect", "framed", "started")

    def __init__(self, dialect: Dialect, framed: list[Framed]) -> None:
        self.dialect = dialect
        self.framed = framed
        self.started = False
        """Whether some have been told, so that nothing can be added."""
        self._frames = b""
        self._origins: set[Outlet] = set()
        self._rows: deque[Row] = deque()
        self._late: dict[Outlet, int] = {}
        """Who came while it waited, and with which of `framed` it begins for them."""

    def start(self, rows: Iterable[Row]) -> None:
        """These are to be told."""
        self.started = True
        self._rows.extend(rows)
        self._frames = b"".join([one.frame for one in self.framed])
        self._origins = {one.origin for one in self.framed if one.origin is not None}

    def came(self, outlet: Outlet) -> None:
        """`outlet` knows all that is in it now."""
        self._late[outlet] = len(self.framed)

    @property
    def next(self) -> int:
        """How many the next row tells; 0 where all have been told."""
        while self._rows and not len(self._rows[0]):
            self._rows.popleft()
        return len(self._rows[0]) if self._rows else 0

    def run(self, told: Told) -> None:
        """Tell the next row."""
        row = self._rows.popleft()
        size = len(row)
        told.events += size * len(self.framed)
        told.octets += size * len(self._frames)
        if not (self._origins or self._late):
            row.write(self._frames)
            return
        apart = self._origins | self._late.keys()
        row.write(self._frames, apart)
        for outlet in apart:
            if outlet in row:
                self._write_some(outlet)

    def finish(self, outlet: Outlet) -> None:
        """Tell `outlet` now, unless its row has been told."""
        if not self.started or any(outlet in row for row in self._rows):
            self._write_some(outlet)

    def _write_some(self, outlet: Outlet) -> None:
        """What of it is new to this member, and not its own."""
        new = self.framed[self._late.get(outlet, 0) :]
        frames = b"".join([one.frame for one in new if one.origin is not outlet])
        if frames:
            outlet.write(frames)


class FanOut:
    """The members of one room, by dialect, and what they are being told, which is added to `told`."""

    __slots__ = ("_clock", "_jobs", "_rows", "_told", "members")

    def __init__(self, clock: Clock, told: Told | None = None) -> None:
        self._clock = clock
        self._told = told or Told()
        self._jobs: deque[_Job] = deque()
        self._rows: dict[Dialect, list[Row]] = {}
        self.members: dict[Dialect, Members] = {}

    def admit(self, outlet: Outlet, user: User) -> bool:
        """`outlet` is told all that comes from now on, and nothing that still waits from before; whether
        it is a member only now."""
        members = self.members.setdefault(outlet.dialect, {})
        new = outlet not in members
        if new:
            self._seat(outlet)
        members[outlet] = user
        for job in self._jobs:
            job.came(outlet)
        return new

    def finish(self, outlet: Outlet) -> None:
        """Tell a member at once what it is still to be told; to be dismissed then."""
        for job in self._jobs:
            if job.dialect is outlet.dialect:
                job.finish(outlet)

    def dismiss(self, outlet: Outlet) -> bool:
        """`outlet` is told nothing more; whether it was a member until now."""
        members = self.members.get(outlet.dialect, {})
        if members.pop(outlet, None) is None:
            return False
        rows = self._rows[outlet.dialect]
        row = next(row for row in rows if outlet in row)
        row.discard(outlet)
        if not len(row):
            rows.remove(row)
        if not members:
            del self.members[outlet.dialect], self._rows[outlet.dialect]
        return True

    def tell(self, dialect: Dialect, framed: list[Framed]) -> None:
        """Tell the members of a dialect: at once if they are few, else beginning at once."""
        rows = self._rows.get(dialect)
        if not framed or rows is None:
            return
        job = _Job(dialect, framed)
        if len(rows) == 1 and not self._jobs:
            job.start(rows)
            job.run(self._told)
            return
        for waiting in self._jobs:
            if waiting.dialect is dialect and not waiting.started:
                waiting.framed += framed
                return
        self._jobs.append(job)
        if len(self._jobs) == 1:
            self._slice()

    def _seat(self, outlet: Outlet) -> None:
        rows = self._rows.setdefault(outlet.dialect, [])
        if not any(len(row) < SLICE and row.add(outlet) for row in rows):
            row = outlet.row()
            row.add(outlet)
            rows.append(row)

    def _slice(self) -> None:
        try:
            self._tell_some()
        finally:
            if self._jobs:
                self._clock.callLater(0, self._slice)

    def _tell_some(self) -> None:
        """Whole rows, at least one, and no more than SLICE members."""
        told, jobs = 0, self._jobs
        while jobs:
            job = jobs[0]
            if not job.started:
                job.start(self._rows.get(job.dialect, ()))
            size = job.next
            if told and told + size > SLICE:
                return
            if size:
                told += size
                job.run(self._told)
            else:
                jobs.popleft()
