"""Who is in the live rooms by way of other nodes.

Nothing of it is kept anywhere but in the nodes' memory. Each tells of its own people: of each change, of
all of a room's to whoever asks, and every BEAT seconds which of its rooms stand where, so that a lost
word is noticed and asked for again. A node that is not heard of for LEASE seconds is dead, and its people
are offline. To a room's presences, all that a node has of a user is one connection more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from msgspec import Struct
from twisted.internet.defer import Deferred

from chatroom.domain.model import User
from chatroom.domain.ports import Clock, Timer
from chatroom.hub import Hub, LiveRoom

BEAT = 2.0
"""Seconds between two beats of a node."""

LEASE = 10.0
"""Seconds without a beat after which a node's people are offline."""

INTRODUCTION = 0.3
"""Seconds that who comes into a room first here waits, at most, to hear who is there elsewhere."""


class Beat(Struct, array_like=True, frozen=True):
    """A node lives: of each room in which it has people, the version of what it told of them, and how
    many they are. `at` is the newest version of all."""

    at: int
    rooms: dict[str, tuple[int, int]]


class Moved(Struct, array_like=True, frozen=True):
    """`user` came into a room on a node, or (not `here`) went, which makes version `before` of its people
    there `version`; before version 0 there was nobody."""

    version: int
    before: int
    here: bool
    user: User


class Present(Struct, array_like=True, frozen=True):
    """All people that a node has in a room; nobody in version 0."""

    version: int
    users: list[User]


class _Known(NamedTuple):
    """What is known here of a node's people in a room."""

    version: int
    users: dict[str, User]


class _Node:
    """Another node. `heard` is when it last gave a sign."""

    __slots__ = ("heard", "rooms")

    def __init__(self) -> None:
        self.heard = 0.0
        self.rooms: dict[str, tuple[int, int]] = {}


class Own:
    """The people of this node, by room, each with the number of their connections here."""

    def __init__(self) -> None:
        self._rooms: dict[str, dict[str, tuple[User, int]]] = {}
        self._versions: dict[str, int] = {}
        self._at = 0

    def came(self, room: str, user: User) -> Moved | None:
        """One connection more; what to tell of it."""
        people = self._rooms.setdefault(room, {})
        count = people[user.id][1] if user.id in people else 0
        people[user.id] = user, count + 1
        return None if count else self._moved(room, user, here=True)

    def went(self, room: str, user: User) -> Moved | None:
        """One connection less; what to tell of it."""
        people = self._rooms.get(room, {})
        count = people[user.id][1] if user.id in people else 0
        if count > 1:
            people[user.id] = user, count - 1
        if count != 1:
            return None
        del people[user.id]
        moved = self._moved(room, user, here=False)
        if not people:
            del self._rooms[room], self._versions[room]
        return moved

    def present(self, room: str) -> Present:
        """All of them; in version 0 there is nobody."""
        people = self._rooms.get(room, {})
        return Present(self._versions.get(room, 0), [user for user, _count in people.values()])

    def beat(self) -> Beat:
        """What is told every BEAT seconds."""
        return Beat(self._at, {room: (self._versions[room], len(all_)) for room, all_ in self._rooms.items()})

    def _moved(self, room: str, user: User, *, here: bool) -> Moved:
        before = self._versions.get(room, 0)
        self._at += 1
        self._versions[room] = self._at
        return Moved(self._at, before, here, user)


class Roster:
    """The people of the other nodes. `ask` is called for a room of which something was missed."""

    def __init__(self, hub: Hub, clock: Clock, ask: Callable[[str], None]) -> None:
        self._hub = hub
        self._clock = clock
        self._ask = ask
        self._nodes: dict[str, _Node] = {}
        self._there: dict[str, dict[str, _Known]] = {}
        self._introductions: dict[str, tuple[set[str], Deferred[None]]] = {}
        self.expired = 0
        """How many nodes have ended by their silence."""

    @property
    def nodes(self) -> int:
        """How many other nodes there are."""
        return len(self._nodes)

    def open(self, room: LiveRoom) -> None:
        """Somebody comes into a room here: from now on it matters who else is there."""
        self._there[room.name] = {}
        self._ask(room.name)

    def forget(self, room: LiveRoom) -> None:
        """Nobody is there any more."""
        self._there.pop(room.name, None)

    async def introduced(self, room: LiveRoom) -> None:
        """Once it is known who is in a room elsewhere, or after a moment."""
        missing = self._nodes.keys() - self._there.get(room.name, {}).keys()
        if not missing or room.name in self._introductions:
            return
        done: Deferred[None] = Deferred()
        self._introductions[room.name] = missing, done
        timer: Timer = self._clock.callLater(INTRODUCTION, done.callback, None)
        try:
            await done
        finally:
            del self._introductions[room.name]
            if timer.active():
                timer.cancel()

    def count(self, room: str) -> int:
        """About how many people are in a room on other nodes."""
        return sum(node.rooms[room][1] for node in self._nodes.values() if room in node.rooms)

    def beat(self, node: str, beat: Beat) -> None:
        """A node gave a sign."""
        one = self._nodes.setdefault(node, _Node())
        one.heard, one.rooms = self._clock.seconds(), beat.rooms
        for room, there in self._there.items():
            known = there.get(node)
            version = 0 if known is None else known.version
            if room in beat.rooms:
                if beat.rooms[room][0] > version:
                    self._ask(room)
            elif known is not None and known.users and beat.at > version:
                self._now_there(room, node, _Known(beat.at, {}))

    def moved(self, node: str, room: str, moved: Moved) -> None:
        """A node tells of a change."""
        there = self._there.get(room)
        if node not in self._nodes or there is None:
            return
        known = there.get(node, _Known(0, {}))
        if moved.version <= known.version:
            return
        if moved.before not in (0, known.version):
            self._ask(room)
            return
        users = dict(known.users) if moved.before else {}
        users.pop(moved.user.id, None)
        if moved.here:
            users[moved.user.id] = moved.user
        self._now_there(room, node, _Known(moved.version, users))

    def present(self, node: str, room: str, present: Present) -> None:
        """A node tells of all its people in a room."""
        there = self._there.get(room)
        if node not in self._nodes or there is None:
            return
        if present.version >= there.get(node, _Known(0, {})).version:
            users = {user.id: user for user in present.users}
            self._now_there(room, node, _Known(present.version, users))
        if room in self._introductions:
            missing, done = self._introductions[room]
            missing.discard(node)
            if not missing and not done.called:
                done.callback(None)

    def end(self, node: str) -> None:
        """A node is no more."""
        if self._nodes.pop(node, None) is not None:
            for room, there in self._there.items():
                if node in there:
                    self._now_there(room, node, _Known(0, {}))
                    del there[node]

    def expire(self, since: float) -> None:
        """End the nodes that were silent for a lease; `since` is from when on they could be heard."""
        now = self._clock.seconds()
        for node in [one for one, it in self._nodes.items() if now - max(it.heard, since) > LEASE]:
            self.expired += 1
            self.end(node)

    def _now_there(self, room: str, node: str, now: _Known) -> None:
        before = self._there[room].get(node, _Known(0, {})).users
        self._there[room][node] = now
        live = self._hub.room(room)
        if live is not None:
            _tell(live, before, now.users)


def _tell(room: LiveRoom, before: Mapping[str, User], now: Mapping[str, User]) -> None:
    for user in _without(now, before):
        # Of who was there before anybody came in here, the answer to `join` tells.
        room.presences.came(user, news=not room.loading)
    for user in _without(before, now):
        room.presences.went(user)


def _without(users: Mapping[str, User], others: Mapping[str, User]) -> Iterable[User]:
    return [user for user in users.values() if user.id not in others]
