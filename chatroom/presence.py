"""Who is in a room now, and telling the others without a storm.

Comings and goings are gathered for a moment, and somebody who comes and goes within it is not
mentioned. In a room of more than LARGE people only their number is told: a storm must not cost
members times members.
"""

from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

from chatroom.domain.events import Passing, Presence
from chatroom.domain.model import User
from chatroom.domain.ports import Clock, Timer

GATHER = 0.1
"""Seconds between somebody's coming and the others' hearing of it."""

GATHER_LARGE = 1.0
"""The same in a large room."""

LARGE = 100

_ALL = -1


class _News(NamedTuple):
    """What is to be told of somebody. `looks` is how often it had been asked who is here when that changed;
    _ALL where it is to be told whatever comes."""

    user: User
    here: bool
    looks: int


class Presences:
    """The people of one room, each counted once, whatever the number of their connections."""

    __slots__ = ("_clock", "_first", "_looks", "_news", "_people", "_room", "_tell", "_timer")

    def __init__(self, room: str, clock: Clock, tell: Callable[[str, Passing], None]) -> None:
        self._room = room
        self._clock = clock
        self._tell = tell
        self._people: dict[str, tuple[User, int]] = {}
        self._news: dict[str, _News] = {}
        self._looks = 0
        self._timer: Timer | None = None
        # What `some` said last: in a large room it is the same for all who come.
        self._first: tuple[int, tuple[User, ...]] | None = None

    def __len__(self) -> int:
        return len(self._people)

    def __contains__(self, user_id: object) -> bool:
        return user_id in self._people

    def some(self, limit: int, asker: User | None = None) -> tuple[User, ...]:
        """At most `limit` of the people, those who came first first; the same object while it is true.
        Whoever asks is told of every change from now on; `asker` has just come, and does not tell of that."""
        own = self._news.get(asker.id) if asker is not None else None
        if own is not None and own.looks == self._looks:
            self._news[own.user.id] = own._replace(looks=self._looks + 1)
        self._looks += 1
        if self._first is None or self._first[0] != limit:
            chosen = [user for user, _connections in islice(self._people.values(), limit)]
            self._first = limit, tuple(chosen)
        return self._first[1]

    def came(self, user: User, *, news: bool = True) -> None:
        """One more connection of `user` is in the room, or of another node's: one for all that it has
        there. It is no `news` where who is here has been told already."""
        known, connections = self._people.get(user.id, (user, 0))
        self._people[user.id] = (user, connections + 1)
        if self._first is not None and (known != user or len(self._people) <= self._first[0]):
            self._first = None
        if not news:
            self._news.pop(user.id, None)
        elif not connections:
            self._note(user, here=True)

    def went(self, user: User) -> None:
        """One connection of `user` less, as `came` counts them."""
        self._first = None
        _user, connections = self._people.get(user.id, (user, 0))
        if connections > 1:
            self._people[user.id] = (user, connections - 1)
        elif connections:
            del self._people[user.id]
            self._note(user, here=False)

    def stop(self) -> None:
        """Tell nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _note(self, user: User, *, here: bool) -> None:
        before = self._news.pop(user.id, None)
        if before is None:
            self._news[user.id] = _News(user, here, self._looks)
        elif before.here is here:
            self._news[user.id] = before
        elif before.looks != self._looks:
            # Somebody who came meanwhile was told otherwise.
            self._news[user.id] = _News(user, here, _ALL)
        # Else back within the moment: for the others, nothing happened.
        if self._timer is None:
            delay = GATHER_LARGE if len(self._people) > LARGE else GATHER
            self._timer = self._clock.callLater(delay, self._told)

    def _told(self) -> None:
        self._timer = None
        news, self._news = self._news, {}
        if not news:
            return
        if len(self._people) > LARGE:
            self._tell(self._room, Presence(room=self._room, count=len(self._people)))
            return
        for user, here, _looks in news.values():
            presence = Presence(room=self._room, user=user, state="online" if here else "offline")
            self._tell(self._room, presence)
