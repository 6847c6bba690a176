"""Rooms as they live: who is in them here, their newest events, the order of what they are told.

Everything in this module happens on one thread and never waits, so between two of its calls
nothing changes. That is what makes "the reply to join, then head + 1" true without a lock.
"""

from collections.abc import Callable, Collection, Iterable
from itertools import groupby

from chatroom.domain.events import Event, Passing
from chatroom.domain.model import User
from chatroom.domain.ports import Clock, Committed, Dialect, Origin, Outlet
from chatroom.fanout import FanOut, Framed, Told
from chatroom.presence import Presences
from chatroom.tail import Tail, named_in, renamed


class LiveRoom:
    """A room that has members here.

    `head` is the `seq` of the newest event that members were told. While `loading`, the tail is
    being read from the store, and what is committed meanwhile waits in `early`.
    """

    __slots__ = ("early", "fan_out", "joining", "loading", "name", "presences", "tail")

    def __init__(self, name: str, presences: Presences, fan_out: FanOut) -> None:
        self.name = name
        self.loading = True
        self.joining = 0
        self.early: list[tuple[Event, Origin]] = []
        self.tail = Tail()
        self.presences = presences
        self.fan_out = fan_out

    @property
    def head(self) -> int:
        """The newest event's `seq`."""
        return self.tail.head

    @property
    def empty(self) -> bool:
        """Whether nobody is in it or on the way in."""
        return not self.fan_out.members and not self.joining

    def framed(self, dialect: Dialect, fresh: Committed) -> list[Framed]:
        """Events as a dialect has them, without those that it does not tell of."""
        return [
            Framed(dialect.frame(payload), None if dialect.echoes else origin)
            for event, origin in fresh
            if (payload := self.tail.payload(event, dialect)) is not None
        ]


class Hub:
    """All live rooms, and the one way for events to their members: `deliver`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rooms: dict[str, LiveRoom] = {}
        self._renamed: dict[str, str] = {}
        self.told = Told()
        self.places = 0
        """How many connections are in how many rooms, each counted in each."""
        self.at_tick: list[Callable[[], None]] = []
        """Called at the end of each delivery: what was sent meanwhile may leave now."""
        self.on_open: Callable[[LiveRoom], None] | None = None
        self.on_release: Callable[[LiveRoom], None] | None = None

    def room(self, name: str) -> LiveRoom | None:
        """The live room of that name."""
        return self._rooms.get(name)

    def rooms(self) -> Collection[LiveRoom]:
        """Every live room."""
        return self._rooms.values()

    def open(self, name: str) -> LiveRoom:
        """The live room of that name, made (and then `loading`) where there is none."""
        room = self._rooms.get(name)
        if room is None:
            room = LiveRoom(name, Presences(name, self._clock, self.tell), FanOut(self._clock, self.told))
            self._rooms[name] = room
            if self.on_open is not None:
                self.on_open(room)
        return room

    def loaded(self, room: LiveRoom, events: Iterable[Event], head: int) -> None:
        """The store's newest `events` of `room`, and its `head`; what came meanwhile follows."""
        room.tail.fill(map(self._current, events), head)
        room.loading = False
        early, room.early = room.early, []
        self._deliver(room, early)

    def enter(self, room: LiveRoom, outlet: Outlet, user: User) -> None:
        """`outlet` becomes a member, right after `room.head`."""
        self.enter_again(room, outlet, user)
        room.presences.came(user)

    def enter_again(self, room: LiveRoom, outlet: Outlet, user: User) -> None:
        """A member goes on right after `room.head`, whatever of before it is still to be told; or
        comes, and nobody sees it."""
        self.places += room.fan_out.admit(outlet, user)

    def leave(self, room: LiveRoom, outlet: Outlet, user: User | None) -> None:
        """`outlet` is a member no more; None for a user whom nobody has seen come."""
        self.places -= room.fan_out.dismiss(outlet)
        if user is not None:
            room.presences.went(user)
        self.release(room)

    def see_off(self, room: LiveRoom, outlet: Outlet, user: User | None) -> None:
        """`outlet` is told at once what it is still to be told, and is a member no more."""
        room.fan_out.finish(outlet)
        self.leave(room, outlet, user)

    def rename(self, user_id: str, name: str) -> None:
        """From now on nobody who comes is told another name of that user, whatever was read or written
        before this."""
        self._renamed[user_id] = name
        for room in self._rooms.values():
            room.tail.rename(user_id, name)

    def _current(self, event: Event) -> Event:
        for user in named_in(event):
            if user in self._renamed:
                event = renamed(event, user, self._renamed[user])
        return event

    def release(self, room: LiveRoom) -> None:
        """Forget `room` if nobody is in it."""
        if room.empty and self._rooms.get(room.name) is room:
            room.presences.stop()
            del self._rooms[room.name]
            if self.on_release is not None:
                self.on_release(room)

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
        if self._renamed:
            fresh = [(self._current(event), origin) for event, origin in fresh]
        for event, _origin in fresh:
            room.tail.append(event)
        for dialect in room.fan_out.members if fresh else ():
            room.fan_out.tell(dialect, room.framed(dialect, fresh))

    def tell(self, name: str, event: Passing, but: Outlet | None = None) -> None:
        """Tell the members of a room something that is not kept."""
        room = self._rooms.get(name)
        for dialect in room.fan_out.members if room is not None else ():
            payload = dialect.event(event)
            if room is not None and payload is not None:
                room.fan_out.tell(dialect, [Framed(dialect.frame(payload), but)])

    def pass_on(self, name: str, payload: bytes, but: Outlet | None = None) -> None:
        """Give a binary message, which is not kept, to the members that can take one."""
        room = self._rooms.get(name)
        for dialect in room.fan_out.members if room is not None else ():
            frames = dialect.binary(payload)
            if room is not None and frames is not None:
                room.fan_out.tell(dialect, [Framed(frames, but)])
