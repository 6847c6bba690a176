"""Who is in the live rooms by way of other nodes.

Nothing of it is kept anywhere but in the nodes' memory. Each tells of its own people: of each change, of
all of a room's to whoever asks, and every BEAT seconds where those of its rooms stand in which somebody came
or went lately, and of the others one part in TURNS, so that a lost word is noticed and asked for again. A
node that is not heard of for LEASE seconds is dead, and its people are offline. To a room's presences, all
that a node has of a user is one connection more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import takewhile
from typing import NamedTuple
from zlib import crc32

from msgspec import Struct
from twisted.internet.defer import Deferred

from chatroom.domain.model import User
from chatroom.domain.ports import Clock, Timer
from chatroom.hub import Hub, LiveRoom
from chatroom.namesakes import Namesakes

BEAT = 2.0
"""Seconds between two beats of a node."""

LEASE = 10.0
"""Seconds without a beat after which a node's people are offline."""

TURNS = 30
"""So many beats name every room once: all rooms in each would be nodes times rooms for every node."""

REPEATS = 5
"""So many beats name a room in which somebody came or went: one of them will be heard."""

INTRODUCTION = 0.3
"""Seconds that who comes into a room first here waits, at most, to hear who is there elsewhere."""


class Beat(Struct, array_like=True, frozen=True):
    """A node lives. `at` is the version of what it told last; of each room that is named, the version of
    what it told of its people there, and how many they are. All rooms of that `turn` in which it has any
    are named; None: all rooms."""

    at: int
    rooms: dict[str, tuple[int, int]]
    turn: int | None = None


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


_NOBODY = _Known(0, {})


class _Node:
    """Another node. `heard` is when it last gave a sign, `turns` how many people it has in which rooms."""

    __slots__ = ("heard", "turns")

    def __init__(self) -> None:
        self.heard = 0.0
        self.turns: list[dict[str, int]] = [{} for _ in range(TURNS)]

    def now_in(self, room: str, count: int) -> None:
        """So many of its people are in a room."""
        turn = self.turns[_turn_of(room)]
        if count:
            turn[room] = count
        else:
            turn.pop(room, None)


def _turn_of(room: str) -> int:
    return crc32(room.encode()) % TURNS


class Own:
    """The people of this node, by room, each with the number of their connections here."""

    def __init__(self) -> None:
        self._rooms: dict[str, dict[str, tuple[User, int]]] = {}
        self._versions: dict[str, int] = {}
        self._at = 0
        self._turns: list[dict[str, None]] = [{} for _ in range(TURNS)]
        self._turn = 0
        self._lately: dict[str, int] = {}
        self._beats: deque[int] = deque([0], REPEATS)

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
            del self._rooms[room], self._versions[room], self._turns[_turn_of(room)][room]
        return moved

    def present(self, room: str) -> Present:
        """All of them; in version 0 there is nobody."""
        people = self._rooms.get(room, {})
        return Present(self._versions.get(room, 0), [user for user, _count in people.values()])

    def beat(self) -> Beat:
        """What is told every BEAT seconds."""
        self._turn = (self._turn + 1) % TURNS
        self._forget_what_is_told()
        rooms = {room: self._standing(room) for room in self._turns[self._turn]}
        rooms |= {
            room: self._standing(room) if room in self._rooms else (version, 0)
            for room, version in self._lately.items()
        }
        return Beat(self._at, rooms, self._turn)

    def whole(self) -> Beat:
        """What is told to who knows nothing yet."""
        return Beat(self._at, {room: self._standing(room) for room in self._rooms})

    def _standing(self, room: str) -> tuple[int, int]:
        return self._versions[room], len(self._rooms[room])

    def _forget_what_is_told(self) -> None:
        """What was named in REPEATS beats."""
        if len(self._beats) == REPEATS:
            told = takewhile(lambda pair: pair[1] <= self._beats[0], self._lately.items())
            for room, _version in list(told):
                del self._lately[room]
        self._beats.append(self._at)

    def _moved(self, room: str, user: User, *, here: bool) -> Moved:
        before = self._versions.get(room, 0)
        self._at += 1
        self._versions[room] = self._at
        self._lately.pop(room, None)
        self._lately[room] = self._at
        if not before:
            self._turns[_turn_of(room)][room] = None
        return Moved(self._at, before, here, user)


class Roster:
    """The people of the other nodes. `ask` is called for a room of which something was missed; `names` are
    those that they have."""

    def __init__(self, hub: Hub, clock: Clock, ask: Callable[[str], None], names: Namesakes) -> None:
        self._hub = hub
        self._clock = clock
        self._ask = ask
        self._names = names
        self._nodes: dict[str, _Node] = {}
        self._there: dict[str, dict[str, _Known]] = {}
        self._introductions: dict[str, tuple[set[str], Deferred[None]]] = {}
        self.expired = 0
        """How many nodes have ended by their silence."""

    @property
    def ids(self) -> Collection[str]:
        """Which other nodes there are."""
        return self._nodes.keys()

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
        for known in self._there.pop(room.name, {}).values():
            self._note(known.users, {})

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
        turn = _turn_of(room)
        return sum(node.turns[turn].get(room, 0) for node in self._nodes.values())

    def beat(self, node: str, beat: Beat) -> None:
        """A node gave a sign."""
        one = self._nodes.setdefault(node, _Node())
        one.heard = self._clock.seconds()
        told = one.turns if beat.turn is None else (one.turns[beat.turn],)
        for room in [room for turn in told for room in turn if room not in beat.rooms]:
            self._left(node, room, beat.at)
        for room, (version, count) in beat.rooms.items():
            if not count:
                self._left(node, room, version)
                continue
            one.now_in(room, count)
            there = self._there.get(room)
            if there is not None and version > there.get(node, _NOBODY).version:
                self._ask(room)

    def _left(self, node: str, room: str, version: int) -> None:
        """A node has nobody in a room any more."""
        self._nodes[node].now_in(room, 0)
        known = self._there.get(room, {}).get(node)
        if known is not None and version > known.version:
            self._now_there(room, node, _Known(version, {}))

    def moved(self, node: str, room: str, moved: Moved) -> None:
        """A node tells of a change."""
        there = self._there.get(room)
        if node not in self._nodes or there is None:
            return
        known = there.get(node, _NOBODY)
        if moved.version <= known.version:
            return
        if not moved.before:
            self._now_there(room, node, _Known(moved.version, {moved.user.id: moved.user}))
        elif moved.before == known.version:
            self._one_moved(room, known.users, moved)
            there[node] = known._replace(version=moved.version)
            self._nodes[node].now_in(room, len(known.users))
        else:
            self._ask(room)

    def _one_moved(self, room: str, users: dict[str, User], moved: Moved) -> None:
        """One of many: the others are not looked at."""
        before = users.pop(moved.user.id, None)
        if moved.here:
            users[moved.user.id] = moved.user
        one = {moved.user.id: moved.user}
        was, now = {} if before is None else {before.id: before}, one if moved.here else {}
        self._note(was, now)
        live = self._hub.room(room)
        if live is not None:
            _tell(live, was, now)

    def present(self, node: str, room: str, present: Present) -> None:
        """A node tells of all its people in a room."""
        there = self._there.get(room)
        if node not in self._nodes or there is None:
            return
        if present.version >= there.get(node, _NOBODY).version:
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
        before = self._there[room].get(node, _NOBODY).users
        self._there[room][node] = now
        if node in self._nodes:
            self._nodes[node].now_in(room, len(now.users))
        self._note(before, now.users)
        live = self._hub.room(room)
        if live is not None:
            _tell(live, before, now.users)

    def _note(self, before: Mapping[str, User], now: Mapping[str, User]) -> None:
        """Whose names are taken now."""
        for user in before.values():
            self._names.went(user)
        for user in now.values():
            self._names.came(user)


def _tell(room: LiveRoom, before: Mapping[str, User], now: Mapping[str, User]) -> None:
    for user in _without(now, before):
        # Of who was there before anybody came in here, the answer to `join` tells.
        room.presences.came(user, news=not room.loading)
    for user in _without(before, now):
        room.presences.went(user)


def _without(users: Mapping[str, User], others: Mapping[str, User]) -> Iterable[User]:
    return [user for user in users.values() if user.id not in others]
