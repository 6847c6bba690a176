"""Rooms as they live: who is in them here, their newest events, the order of what they are told.

Everything in this module happens on one thread and never waits, so between two of its calls
nothing changes. That is what makes "the reply to join, then head + 1" true without a lock.
"""

from collections.abc import Callable, Iterable
from itertools import groupby

from chatroom.domain.events import Event, Passing
from chatroom.domain.model import User
from chatroom.domain.ports import Clock, Committed, Dialect, Origin, Outlet
from chatroom.presence import Presences
from chatroom.tail import Tail


class LiveRoom:
    """A room that has members here.

    `head` is the `seq` of the newest event that members were told. While `loading`, the tail is
    being read from the store, and what is committed meanwhile waits in `early`.
    """

    __slots__ = ("early", "joining", "loading", "name", "outlets", "presences", "tail")

    def __init__(self, name: str, presences: Presences) -> None:
        self.name = name
        self.loading = True
        self.joining = 0
        self.early: list[tuple[Event, Origin]] = []
        self.tail = Tail()
        self.outlets: dict[Dialect, dict[Outlet, User]] = {}
        self.presences = presences

    @property
    def head(self) -> int:
        """The newest event's `seq`."""
        return self.tail.head

    @property
    def empty(self) -> bool:
        """Whether nobody is in it or on the way in."""
        return not self.outlets and not self.joining

    def admit(self, outlet: Outlet, user: User) -> None:
        """From now on `outlet` gets what the room is told."""
        self.outlets.setdefault(outlet.dialect, {})[outlet] = user

    def dismiss(self, outlet: Outlet) -> None:
        """`outlet` gets nothing more."""
        members = self.outlets.get(outlet.dialect, {})
        if members.pop(outlet, None) is not None and not members:
            del self.outlets[outlet.dialect]


class Hub:
    """All live rooms, and the one way for events to their members: `deliver`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rooms: dict[str, LiveRoom] = {}
        self.at_tick: list[Callable[[], None]] = []
        """Called at the end of each delivery: what was sent meanwhile may leave now."""

    def room(self, name: str) -> LiveRoom | None:
        """The live room of that name."""
        return self._rooms.get(name)

    def rooms(self) -> Iterable[LiveRoom]:
        """Every live room."""
        return self._rooms.values()

    def open(self, name: str) -> LiveRoom:
        """The live room of that name, made (and then `loading`) where there is none."""
        room = self._rooms.get(name)
        if room is None:
            room = LiveRoom(name, Presences(name, self._clock, self.tell))
            self._rooms[name] = room
        return room

    def loaded(self, room: LiveRoom, events: Iterable[Event], head: int) -> None:
        """The store's newest `events` of `room`, and its `head`; what came meanwhile follows."""
        room.tail.fill(events, head)
        room.loading = False
        early, room.early = room.early, []
        self._deliver(room, early)

    def enter(self, room: LiveRoom, outlet: Outlet, user: User) -> None:
        """`outlet` becomes a member, right after `room.head`."""
        room.admit(outlet, user)
        room.presences.came(user)

    def leave(self, room: LiveRoom, outlet: Outlet, user: User) -> None:
        """`outlet` is a member no more."""
        room.dismiss(outlet)
        room.presences.went(user)
        self.release(room)

    def release(self, room: LiveRoom) -> None:
        """Forget `room` if nobody is in it."""
        if room.empty and self._rooms.get(room.name) is room:
            room.presences.stop()
            del self._rooms[room.name]

    def deliver(self, committed: Committed) -> None:
        """Tell the members of each room its new events, in `seq` order, then end the tick."""
        ordered = sorted(committed, key=lambda pair: (pair[0].room, pair[0].seq))
        for name, pairs in groupby(ordered, key=lambda pair: pair[0].room):
            room = self._rooms.get(name)
            if room is not None:
                self._deliver(room, list(pairs))
        for flush in self.at_tick:
            flush()

    def _deliver(self, room: LiveRoom, pairs: list[tuple[Event, Origin]]) -> None:
        if room.loading:
            room.early += pairs
            return
        # What the store's reading already had, or a bus doubled, has been told.
        fresh = [pair for pair in pairs if pair[0].seq > room.head]
        for event, _origin in fresh:
            room.tail.append(event)
        if fresh:
            for dialect, members in room.outlets.items():
                _fan_out(dialect, members, fresh, room.tail)

    def tell(self, name: str, event: Passing, but: Outlet | None = None) -> None:
        """Tell the members of a room something that is not kept."""
        room = self._rooms.get(name)
        if room is None:
            return
        for dialect, members in room.outlets.items():
            payload = dialect.event(event)
            if payload is not None:
                frames = dialect.frame(payload)
                for outlet in members:
                    if outlet is not but:
                        outlet.write(frames)

    def pass_on(self, name: str, payload: bytes, but: Outlet) -> None:
        """Give a binary message, which is not kept, to the members that can take one."""
        room = self._rooms.get(name)
        if room is None:
            return
        for dialect, members in room.outlets.items():
            frames = dialect.binary(payload)
            if frames is not None:
                for outlet in members:
                    if outlet is not but:
                        outlet.write(frames)


def _fan_out(
    dialect: Dialect,
    members: Iterable[Outlet],
    fresh: list[tuple[Event, Origin]],
    tail: Tail,
) -> None:
    """One string of bytes for all members of a dialect; what the echoless caused is left out for them."""
    framed: list[tuple[bytes, Origin]] = []
    for event, origin in fresh:
        payload = tail.payload(event, dialect)
        if payload is not None:
            framed.append((dialect.frame(payload), origin))
    if not framed:
        return
    frames = b"".join([one for one, _origin in framed])
    authors = set() if dialect.echoes else {origin for _one, origin in framed if origin is not None}
    for outlet in members:
        if outlet not in authors:
            outlet.write(frames)
    for author in authors:
        others = b"".join([one for one, origin in framed if origin is not author])
        if others and author in members:
            author.write(others)
