"""A node that has no other beside it, on a database that may do what it was not seen to do.

A commit that was cut off is refused, and may be made all the same; nobody tells of it then. Events are
told in the order of their `seq`, so what comes after it shows the hole; and where nothing comes, the
room's head is looked at.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatroom.domain.errors import Unavailable
from chatroom.domain.events import Event, Notice, Passing
from chatroom.domain.model import Seq, User
from chatroom.domain.ports import Clock, Committed, Origin, Timer
from chatroom.hub import LiveRoom
from chatroom.ordering import Ordering

LOOK = 1.0
"""Seconds between two looks at rooms in which something was refused."""

LOOKS = 5
"""So many times: a server that was cut off may come back before it has done what was asked of it."""


class Alone:
    """`chatroom.attendance.Others` of which there are none."""

    _log = Logger()

    def __init__(self, clock: Clock, ordering: Ordering) -> None:
        self._clock = clock
        self._ordering = ordering
        self._unsure: dict[str, int] = {}
        self._timer: Timer | None = None

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._ordering.stop()

    def writing(self, draft: Event, origin: Origin) -> None:
        """See the protocol."""
        if origin is not None and not origin.dialect.echoes:
            self._ordering.writing(draft, origin)

    def refused(self, failure: Failure, draft: Event, origin: Origin) -> Failure:
        """See the protocol."""
        self._ordering.refused(draft, origin)
        if failure.check(Unavailable) is not None:
            self._unsure[draft.room] = LOOKS
            if self._timer is None:
                self._timer = self._clock.callLater(LOOK, self._due)
        return failure

    def committed(self, committed: Committed) -> None:
        """See the protocol."""
        self._ordering.take(committed)

    def came(self, room: str, user: User) -> None:
        """See the protocol."""

    def went(self, room: str, user: User) -> None:
        """See the protocol."""

    async def introduced(self, room: LiveRoom) -> None:
        """See the protocol."""

    def loaded(self, room: LiveRoom) -> None:
        """See the protocol."""
        self._ordering.loaded(room)

    def released(self, room: LiveRoom) -> None:
        """Nobody is in it any more."""
        self._ordering.forget(room)

    async def reach(self, room: LiveRoom, seq: Seq) -> None:
        """See the protocol."""
        await self._ordering.reach(room, seq)

    def pass_on(self, event: Passing, *, room: str = "", user: str = "") -> None:
        """See the protocol."""

    def notify(self, user: str, notice: Notice) -> None:
        """See the protocol."""

    def pass_binary(self, room: str, payload: bytes) -> None:
        """See the protocol."""

    def _due(self) -> None:
        self._timer = None
        Deferred.fromCoroutine(self._look()).addErrback(
            lambda failure: self._log.failure("what was refused cannot be looked for", failure)
        )

    async def _look(self) -> None:
        rooms = list(self._unsure)
        if await self._ordering.look(rooms):
            for room in rooms:
                self._unsure[room] -= 1
                if not self._unsure[room]:
                    del self._unsure[room]
        if self._unsure and self._timer is None:
            self._timer = self._clock.callLater(LOOK, self._due)
