"""The other nodes of this server: what they are told, and what is made of what they tell.

Nothing that is promised rests on it. What it carries is quicker than the database, from which every node
reads the rest: the log of a room (`ordering`), and what was changed in the registry (`changes`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from itertools import groupby
from secrets import token_hex
from typing import Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatroom.domain import names
from chatroom.domain.accounts import Change
from chatroom.domain.errors import Unavailable
from chatroom.domain.events import Event, MemberChanged, Notice, Passing
from chatroom.domain.model import Seq, User
from chatroom.domain.ports import Bus, Clock, Committed, Origin, Timer
from chatroom.hub import Hub, LiveRoom
from chatroom.missed import Missed
from chatroom.ordering import Ordering
from chatroom.people import People
from chatroom.relay import TOPIC as _WEBHOOKS
from chatroom.relay import Relay, Telling
from chatroom.roster import BEAT, LEASE, Beat, Moved, Own, Present, Roster
from chatroom.wire.dialects import json_dialect
from chatroom.wire.json import encode_any

LOOK = 1.0
"""Seconds between two looks at the heads of the live rooms while the bus is down."""

LOOK_ANYWAY = 5.0
"""The same while it is up: it may lose the last word."""

_INTRODUCTIONS = 3
"""So many times, between two beats, a node tells who asks of all its rooms: when all come back at once, each
asks all."""

_NODES = "nodes"
_ROOM, _USER = "room:", "user:"

_events = msgspec.json.Decoder(list[Event])
_passing = msgspec.json.Decoder(Passing)
_notice = msgspec.json.Decoder(Notice)
_beat = msgspec.json.Decoder(Beat)
_moved = msgspec.json.Decoder(Moved)
_present = msgspec.json.Decoder(Present)


class Rooms(Protocol):
    """What is done here with what the others tell."""

    def tell(self, committed: Committed, *, invites: bool = True) -> None:
        """These events are in the logs, in order: tell who is here."""

    def tell_invited(self, event: MemberChanged) -> None:
        """Somebody was given a place."""

    def users_of(self, room: str) -> Sequence[str]:
        """Whose a direct room is, where that is known."""

    def notify_here(self, user: str, notice: Notice) -> None:
        """An application has something to say to somebody."""

    def bring(self, room: str, user_id: str, after: Seq) -> Awaitable[None]:
        """Something happened in a direct room of somebody's, after its event `after`."""


class Neighbours:
    """This node among the others. `nudged` is called when something in the registry was changed."""

    _log = Logger()

    def __init__(
        self,
        bus: Bus,
        hub: Hub,
        people: People,
        clock: Clock,
        ordering: Ordering,
        missed: Missed,
        rooms: Rooms,
        nudged: Callable[[], None],
    ) -> None:
        self._bus = bus
        self._hub = hub
        self._people = people
        self._clock = clock
        self._rooms = rooms
        self._nudged = nudged
        self.node = token_hex(8)
        """The random id of this node's life."""
        self._mark = self.node.encode()
        self.ordering = ordering
        self.missed = missed
        self.roster = Roster(hub, clock, self._ask, people.elsewhere)
        self._own = Own()
        self.taken = 0
        """How many events the others have told of that are for members here."""
        self._newest_change = 0
        self._asked = 0
        self._since = 0.0
        self._fresh: set[str] = set()
        self._looked = self._beaten = 0.0
        self._timers: list[Timer] = []
        self.relay: Relay | None = None
        bus.heard, bus.mended = self._heard, self._mended
        hub.on_open, hub.on_release = self._opened, self._released
        people.elsewhere.known = lambda: bus.up
        people.on_here, people.on_gone = self._user_here, self._user_gone

    @property
    def bus_up(self) -> bool:
        """Whether what is said now comes to the others, and theirs here, as far as is known."""
        return self._bus.up

    def start(self, server: str) -> None:
        """Take part in the server of that id."""
        self._since = self._looked = self._beaten = self._clock.seconds()
        self._bus.listen(_NODES)
        self._bus.start(server)
        self._timers = [self._clock.callLater(LOOK, self._look), self._clock.callLater(BEAT, self._beat)]

    def relay_to(self, webhooks: Telling) -> Relay:
        """What connects the webhooks of this node with those of the others."""
        self.relay = Relay(self._bus, self._publish, self._all, webhooks)
        return self.relay

    async def stop(self) -> None:
        """Take leave."""
        for timer in self._timers:
            timer.cancel()
        self._timers = []
        self.ordering.stop()
        self._publish(_NODES, b"G")
        await self._bus.stop()

    def _all(self) -> Collection[str] | None:
        """The ids of all nodes, this one's too; None where the others may have had no time to say so."""
        heard = self._bus.up and self._clock.seconds() - self._since >= LEASE
        return {self.node, *self.roster.ids} if heard else None

    # What happens here.

    def committed(self, committed: Committed) -> None:
        """These are in the logs, by this node's doing."""
        invited = _invitations(event for event, _origin in committed)
        for event in invited:
            self._rooms.tell_invited(event)
        self.ordering.take(committed)
        ordered = sorted((event for event, _origin in committed), key=lambda event: (event.room, event.seq))
        for room, grouped in groupby(ordered, key=lambda event: event.room):
            events = list(grouped)
            payload = self._encoded(room, events)
            self._publish(_ROOM + room, b"E", payload)
            if self.relay is not None:
                self.relay.committed(room, payload)
            if names.kind_of(room) == "direct":
                for user in set(self._rooms.users_of(room)):
                    self._publish(_USER + user, b"D", payload)
        for event in invited:
            self._publish(_USER + event.user.id, b"I", encode_any([event]))

    def writing(self, draft: Event, origin: Origin) -> None:
        """Somebody here is about to append this."""
        if origin is not None and not origin.dialect.echoes:
            self.ordering.writing(draft, origin)

    def refused(self, failure: Failure, draft: Event, origin: Origin) -> Failure:
        """It was not appended, as far as is known."""
        self.ordering.refused(draft, origin)
        if failure.check(Unavailable) is not None:
            # A database that was cut off may have done it, and tells nobody.
            self._fresh.add(draft.room)
        return failure

    def came(self, room: str, user: User) -> None:
        """One connection more is in a room here, and seen there."""
        self._tell_moved(room, self._own.came(room, user))

    def went(self, room: str, user: User) -> None:
        """One less."""
        self._tell_moved(room, self._own.went(room, user))

    async def introduced(self, room: LiveRoom) -> None:
        """Once it is known who is in a room that is just being opened, or after a moment."""
        if self._bus.up:
            await self.roster.introduced(room)

    def loaded(self, room: LiveRoom) -> None:
        """A room's tail is read."""
        self._fresh.add(room.name)
        self.ordering.loaded(room)

    async def reach(self, room: LiveRoom, seq: Seq) -> None:
        """Tell of what comes up to `seq`, which somebody who comes in here was told on another node."""
        await self.ordering.reach(room, seq)

    def pass_on(self, event: Passing, *, room: str = "", user: str = "") -> None:
        """Something that is not kept, to who is in a room or to a user's devices, on other nodes."""
        self._publish(_ROOM + room if room else _USER + user, b"P", encode_any(event))

    def notify(self, user: str, notice: Notice) -> None:
        """Something that is not kept, to a user's connections in a room, on other nodes."""
        self._publish(_USER + user, b"S", encode_any(notice))

    def pass_binary(self, room: str, payload: bytes) -> None:
        """A binary message, to who is in a room on other nodes."""
        self._publish(_ROOM + room, b"X", payload)

    async def before_change(self, change: Change | None) -> None:
        """A change is about to be looked into, which may put people out of rooms: what happened there
        until now they are told first."""
        if change is None or change.what in ("membership", "sanction"):
            await self.ordering.look()

    def changed(self, change: Change | None) -> None:
        """A change was noticed: the others may look, if it was none of them that said so."""
        if change is not None and change.id > self._newest_change:
            self._newest_change = change.id
            self._publish(_NODES, b"N", encode_any(change.id))

    # What the others tell.

    def _heard(self, topic: str, payload: bytes) -> None:
        if payload.startswith(self._mark):
            return
        node, kind, body = payload[:16].decode("ascii", "replace"), payload[16:17], payload[17:]
        try:
            if topic == _NODES:
                self._of_nodes(node, kind, body)
            elif topic.startswith(_ROOM):
                self._of_room(topic[len(_ROOM) :], node, kind, body)
            elif topic.startswith(_USER):
                self._of_user(topic[len(_USER) :], kind, body)
            elif topic == _WEBHOOKS and self.relay is not None:
                self.relay.heard(kind, body)
        except msgspec.MsgspecError as error:
            self._log.warn("another node says what is not understood here: {error}", error=str(error))

    def _of_nodes(self, node: str, kind: bytes, body: bytes) -> None:
        if kind == b"B":
            beat = _beat.decode(body)
            if beat.turn is not None and node not in self.roster.ids:
                # It was taken for dead, or what it said first was lost.
                self._publish(_NODES, b"H")
            self.roster.beat(node, beat)
        elif kind == b"H":
            self._introduce()
        elif kind == b"A":
            room = body.decode("utf-8", "replace")
            self._publish(_ROOM + room, b"F", encode_any(self._own.present(room)))
        elif kind == b"G":
            self.roster.end(node)
        elif kind == b"N":
            self._newest_change = max(self._newest_change, msgspec.json.decode(body, type=int))
            self._nudged()

    def _of_room(self, room: str, node: str, kind: bytes, body: bytes) -> None:
        if self._hub.room(room) is None:
            return
        if kind == b"E":
            events = _events.decode(body)
            self.taken += len(events)
            self.ordering.take([(event, None) for event in events if event.room == room])
        elif kind == b"P":
            self._hub.tell(room, _passing.decode(body))
        elif kind == b"X":
            self._hub.pass_on(room, body)
        elif kind == b"M":
            self.roster.moved(node, room, _moved.decode(body))
        elif kind == b"F":
            self.roster.present(node, room, _present.decode(body))

    def _of_user(self, user: str, kind: bytes, body: bytes) -> None:
        if kind == b"D":
            events = _events.decode(body)
            if events:
                self._run(self._rooms.bring(events[0].room, user, events[0].seq - 1))
        elif kind == b"I":
            for event in _invitations(_events.decode(body)):
                self._rooms.tell_invited(event)
        elif kind == b"S":
            self._rooms.notify_here(user, _notice.decode(body))
        elif kind == b"P":
            passing = _passing.decode(body)
            for member in self._people.connections(user):
                told = member.outlet.dialect.event(passing)
                if told is not None:
                    member.outlet.send(member.outlet.dialect.frame(told))

    def _mended(self) -> None:
        """Whoever was silent meanwhile has a lease's time to say something."""
        self._since = self._clock.seconds()
        self._publish(_NODES, b"H")
        self._introduce()
        self._nudged()
        self._run(self.ordering.look())
        self.missed.lost()
        self._run(self.missed.look(up=True))
        if self.relay is not None:
            self.relay.mended()

    def _introduce(self) -> None:
        """Tell of all rooms: at once, but where many ask, all of them with the next beat."""
        self._asked += 1
        if self._asked <= _INTRODUCTIONS:
            self._publish(_NODES, b"B", encode_any(self._own.whole()))

    # Now and then.

    def _beat(self) -> None:
        self._timers[1] = self._clock.callLater(BEAT, self._beat)
        beat = self._own.whole() if self._asked > _INTRODUCTIONS else self._own.beat()
        self._asked = 0
        self._publish(_NODES, b"B", encode_any(beat))
        before, self._beaten = self._beaten, self._clock.seconds()
        if self._beaten - before > 2 * BEAT:
            # It was this node that stood still, or its clock was set: nobody else was silent.
            self._since = self._beaten
        if self._bus.up:
            self.roster.expire(self._since)

    def _look(self) -> None:
        self._timers[0] = self._clock.callLater(LOOK, self._look)
        fresh, self._fresh = self._fresh, set()
        if not self._bus.up:
            self.missed.lost()
        self._run(self.missed.look(up=self._bus.up))
        if not self._bus.up or self._clock.seconds() - self._looked >= LOOK_ANYWAY:
            self._looked = self._clock.seconds()
            self._run(self._look_at(None, fresh))
        elif fresh:
            # What was said between the reading of the tail and the bus' listening.
            # Or in a commit that was refused and made all the same.
            self._run(self._look_at(fresh, fresh))

    async def _look_at(self, rooms: set[str] | None, again: set[str]) -> None:
        if not await self.ordering.look(rooms):
            self._fresh |= again

    # The rest.

    def _opened(self, room: LiveRoom) -> None:
        self._bus.listen(_ROOM + room.name)
        self.roster.open(room)

    def _released(self, room: LiveRoom) -> None:
        self._bus.ignore(_ROOM + room.name)
        self.roster.forget(room)
        self.ordering.forget(room)

    def _user_here(self, user: str) -> None:
        self._bus.listen(_USER + user)

    def _user_gone(self, user: str) -> None:
        self._bus.ignore(_USER + user)

    def _ask(self, room: str) -> None:
        self._publish(_NODES, b"A", room.encode())

    def _tell_moved(self, room: str, moved: Moved | None) -> None:
        if moved is not None:
            self._publish(_ROOM + room, b"M", encode_any(moved))

    def _publish(self, topic: str, kind: bytes, body: bytes = b"") -> None:
        self._bus.publish(topic, self._mark + kind + body)

    def _encoded(self, room: str, events: Iterable[Event]) -> bytes:
        """The events as JSON, those that members here were told just now not encoded again."""
        dialect, live = json_dialect(), self._hub.room(room)
        encoded = [
            dialect.event(event) if live is None else live.tail.payload(event, dialect) for event in events
        ]
        return b"[" + b",".join(filter(None, encoded)) + b"]"

    def _run(self, work: Awaitable[object]) -> None:
        async def run() -> None:
            await work

        Deferred.fromCoroutine(run()).addErrback(
            lambda failure: self._log.failure("what another node said is not done", failure)
        )


def _invitations(events: Iterable[Event]) -> list[MemberChanged]:
    return [event for event in events if isinstance(event, MemberChanged) and event.change == "invited"]
