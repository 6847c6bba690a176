"""Direct messages of which no word came, while the bus was down.

A device hears of a direct room that it is not in by what is told to its user. What was not told is found in
the database: in which direct rooms of those who are here something was said lately.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol

from chatroom.domain.errors import ChatError
from chatroom.domain.model import Millis, Seq
from chatroom.domain.ports import Clock
from chatroom.domain.registry import Registry
from chatroom.ordering import STUCK
from chatroom.people import People

EVERY = 5.0
"""Seconds between two looks."""

SLACK = 90.0
"""Seconds before the bus was noticed to be down from which on words are looked for: it may have been silent
for some, and nodes' clocks may differ by a minute."""

_AT_ONCE = 1_000
"""So many users are asked for in one query."""


class Rooms(Protocol):
    """Direct rooms, and who is here of those whose they are."""

    def bring(self, room: str, user_id: str, after: Seq, since: Millis = 0) -> Awaitable[None]:
        """Tell a user's devices that are not in the room what was said there after `after` and not before
        `since`; they are in it from then on."""


class Missed:
    """Looks for them."""

    def __init__(self, registry: Registry, people: People, clock: Clock, rooms: Rooms) -> None:
        self._registry = registry
        self._people = people
        self._clock = clock
        self._rooms = rooms
        self._told: dict[str, Seq] = {}
        self._down: float | None = None
        self._looked = 0.0
        self._looking: float | None = None

    def lost(self) -> None:
        """From about now on no word may have come."""
        if self._down is None:
            self._down = self._clock.seconds()

    async def look(self, *, up: bool) -> None:
        """Look, if words may have been lost: now and then while the bus is down, once when it is `up` again.
        To be called again and again: where the database cannot be asked, the next time will do."""
        now, down = self._clock.seconds(), self._down
        if down is None or (self._looking is not None and now - self._looking < STUCK):
            return
        if not up and now - self._looked < EVERY:
            return
        self._looking = self._looked = now
        try:
            await self._find(int((down - SLACK) * 1000))
        except ChatError:
            return
        finally:
            if self._looking == now:
                self._looking = None
        if up:
            self._down = None
            self._told.clear()

    async def _find(self, since: Millis) -> None:
        users, heads = self._people.ids(), dict[str, Seq]()
        for start in range(0, len(users), _AT_ONCE):
            found = await self._registry.spoken_with(users[start : start + _AT_ONCE], since)
            for room, user, head in found:
                told = self._told.get(room, 0)
                if head > told:
                    await self._rooms.bring(room, user, told, since)
                heads[room] = head
        self._told |= heads
