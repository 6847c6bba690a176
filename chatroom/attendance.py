"""Who is in which live room here: coming in, going out, being put out, and being told what happens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Iterator, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatroom.direct import Direct
from chatroom.domain import names
from chatroom.domain.errors import CloseCode, NotFound
from chatroom.domain.events import Event, MemberChanged, Notice, Passing
from chatroom.domain.model import Millis, Seq, User
from chatroom.domain.ports import Committed, Origin, Store
from chatroom.hub import Hub, LiveRoom
from chatroom.member import Member
from chatroom.people import People
from chatroom.rights import Rights
from chatroom.stage import Applications
from chatroom.tail import LOADED


class Watcher(Protocol):
    """Who is told of everything that happens in rooms, besides those who are in them."""

    def committed(self, committed: Committed) -> None:
        """These events are in the logs."""

    def attends(self, room: str) -> bool:
        """Whether it is to be told who comes into a room, or goes."""

    def came(self, room: str, user: User, head: Seq) -> None:
        """Somebody is in a room on this node who was not, after its event `head`."""

    def went(self, room: str, user: User, head: Seq) -> None:
        """Somebody is in a room on this node no more, on none of their connections."""


class Others(Protocol):
    """The other nodes of this server."""

    def writing(self, draft: Event, origin: Origin) -> None:
        """This is about to be appended here."""

    def refused(self, failure: Failure, draft: Event, origin: Origin) -> Failure:
        """It could not be; gives the failure back."""

    def committed(self, committed: Committed) -> None:
        """These events are in the logs, by this node's doing: they are told here when it is their turn."""

    def came(self, room: str, user: User) -> None:
        """One connection more is in a room here, and seen there."""

    def went(self, room: str, user: User) -> None:
        """One less."""

    async def introduced(self, room: LiveRoom) -> None:
        """Once it is known who is in a room elsewhere, or after a moment."""

    def loaded(self, room: LiveRoom) -> None:
        """A room's tail is read."""

    async def reach(self, room: LiveRoom, seq: Seq) -> None:
        """Tell of what comes up to `seq`, as far as the log goes. Raises Unavailable."""

    def pass_on(self, event: Passing, *, room: str = "", user: str = "") -> None:
        """Something that is not kept, to who is in a room or to a user's devices."""

    def notify(self, user: str, notice: Notice) -> None:
        """Something that is not kept, to a user's connections in a room."""

    def pass_binary(self, room: str, payload: bytes) -> None:
        """A binary message."""


class Attendance:
    """The members of the live rooms, and the way of what is committed to them."""

    def __init__(
        self,
        store: Store,
        hub: Hub,
        people: People,
        rights: Rights,
        direct: Direct,
        applications: Applications | None,
    ) -> None:
        self._store = store
        self._hub = hub
        self._people = people
        self._rights = rights
        self._direct = direct
        self._apps = applications
        self.loading: dict[str, list[Deferred[None]]] = {}
        """Who waits for each room's tail that is being read."""
        self.watcher: Watcher | None = None
        """Set once it is made; it posts itself."""
        self.others: Others | None = None
        """Where there are any, set before anybody comes."""
        self.written: Counter[type[Event]] = Counter()
        """How many events of each kind this server has put into the logs."""
        store.on_commit = self._committed
        if applications is not None:
            applications.hall = self

    async def load(self, room: LiveRoom) -> None:
        """Read a new live room's tail; all who join meanwhile wait for the one reading."""
        if not room.loading:
            return
        if room.name in self.loading:
            waiter: Deferred[None] = Deferred()
            self.loading[room.name].append(waiter)
            await waiter
            return
        self.loading[room.name] = []
        try:
            page = await self._store.before(room.name, None, LOADED)
            if self.others is not None:
                await self.others.introduced(room)
            self._hub.loaded(room, page.events, page.events[-1].seq if page.events else 0)
            if self.others is not None:
                self.others.loaded(room)
        except Exception as error:
            for waiter in self.loading.pop(room.name):
                waiter.errback(error)
            raise
        for waiter in self.loading.pop(room.name):
            waiter.callback(None)

    async def reach(self, room: LiveRoom, seq: Seq) -> None:
        """Have the room, which is loaded, be as far as who comes into it was told already: on another node,
        which may have been quicker. Raises Unavailable."""
        if room.head < seq and self.others is not None:
            await self.others.reach(room, seq)

    def enter(self, member: Member, room: LiveRoom) -> None:
        """Somebody is in a room, right after its head, whether or not they were before."""
        if member.gone:
            raise NotFound("the connection is gone")
        if room.name in member.rooms or member.listening is not None:
            member.rooms[room.name] = room
            self._hub.enter_again(room, member.outlet, member.user)
        else:
            watcher = self._watcher_of(member, room)
            member.rooms[room.name] = room
            if watcher is not None:
                watcher.came(room.name, member.user, room.head)
            self._hub.enter(room, member.outlet, member.user)
            if self.others is not None:
                self.others.came(room.name, member.user)
            if self._apps is not None:
                self._apps.connected(room.name, member.user)

    def leave(self, member: Member, name: str) -> None:
        """Somebody goes out of a room that they are in."""
        room = member.rooms.pop(name)
        self._hub.leave(room, member.outlet, _seen(member))
        self._closed(member, room)

    def put_out(self, member: Member, name: str) -> None:
        """Somebody may not be in a room any more; what happened there until now they are still told."""
        if name not in member.rooms:
            return
        room = member.rooms.pop(name)
        self._hub.see_off(room, member.outlet, _seen(member))
        self._closed(member, room)
        if member.listening is not None or not member.outlet.dialect.echoes:
            # They, and the tutorial's client, have that one room, and no other way to hear of it.
            member.expel(CloseCode.FORBIDDEN, f"you may not be in {name} any more")

    def append(self, draft: Event, origin: Origin) -> Awaitable[Event]:
        """As `Store.append`. In a direct room every device of both is told of the event, whether or not
        it asked to be, and those too that come while it is being written."""
        if self.others is not None:
            self.others.writing(draft, origin)
        if names.kind_of(draft.room) == "direct":
            return self._append_direct(draft, origin)
        return self._written(draft, origin)

    def _written(self, draft: Event, origin: Origin) -> Awaitable[Event]:
        written = self._store.append(draft, origin)
        if self.others is not None and isinstance(written, Deferred):
            written.addErrback(self.others.refused, draft, origin)
        return written

    async def _append_direct(self, draft: Event, origin: Origin) -> Event:
        name = draft.room
        room = self._hub.open(name)
        room.joining += 1
        try:
            users = await self._direct.users(name)
            await self.load(room)
            event = await self._written(draft, origin)
            # Not announced yet: that comes right after this.
            for user in users:
                for member in self._outside(name, user):
                    self.enter(member, room)
            return event
        finally:
            room.joining -= 1
            self._hub.release(room)

    async def bring(self, name: str, user: str, after: Seq, since: Millis = 0) -> None:
        """Something happened in a direct room, on another node: a user's devices here are told what is after
        `after` and not from before `since`, and are in the room from now on."""
        if not self._outside(name, user):
            return
        room = self._hub.open(name)
        room.joining += 1
        try:
            await self._direct.catch_up()
            await self.load(room)
            for member in self._outside(name, user):
                stays = await self._rights.stays(member.principal, name)
                if not stays or member.gone or name in member.rooms:
                    continue
                dialect = member.outlet.dialect
                for payload in room.tail.after(max(after, room.tail.before(since)), dialect, LOADED).payloads:
                    member.outlet.send(dialect.frame(payload))
                self.enter(member, room)
        finally:
            room.joining -= 1
            self._hub.release(room)

    async def look_in(self, name: str) -> LiveRoom | None:
        """The room, where anybody may be in it; on other nodes too."""
        room = self._hub.room(name)
        if room is not None or self.others is None:
            return room
        room = self._hub.open(name)
        room.joining += 1
        try:
            await self.load(room)
        finally:
            room.joining -= 1
            self._hub.release(room)
        return room

    def notify(self, user: str, notice: Notice) -> None:
        """Tell a user's connections in a room something that is not kept, those to other nodes too."""
        self.notify_here(user, notice)
        if self.others is not None:
            self.others.notify(user, notice)

    def notify_here(self, user: str, notice: Notice) -> None:
        """Tell a user's connections to this node, where they are in the notice's room."""
        for member in self._people.connections(user):
            dialect = member.outlet.dialect
            payload = dialect.event(notice)
            if notice.room in member.rooms and payload is not None:
                member.outlet.send(dialect.frame(payload))

    def users_of(self, room: str) -> Sequence[str]:
        """Whose a direct room is, where that was asked lately."""
        return self._direct.known(room)

    def _outside(self, name: str, user: str) -> list[Member]:
        """A user's devices that are not in a direct room of theirs, and may be."""
        return [
            member
            for member in self._people.connections(user)
            if name not in member.rooms
            and member.listening is None
            and self._rights.reads(member.principal, name)
        ]

    def _closed(self, member: Member, room: LiveRoom) -> None:
        if member.listening is not None:
            return
        if self.others is not None:
            self.others.went(room.name, member.user)
        if self._apps is not None:
            self._apps.closed(room.name, member.user)
        watcher = self._watcher_of(member, room)
        if watcher is not None:
            watcher.went(room.name, member.user, room.head)

    def _watcher_of(self, member: Member, room: LiveRoom) -> Watcher | None:
        """Who is to be told that somebody comes or goes: none of their connections here is in the room."""
        if self.watcher is None or not self.watcher.attends(room.name):
            return None
        there = self._people.connections(member.user.id)
        return None if any(room.name in one.rooms and _seen(one) for one in there) else self.watcher

    def people_here(self) -> Iterator[tuple[str, User]]:
        """Who is in which rooms here, each once for each of their connections."""
        for member in self._people.everybody():
            for room in member.rooms if _seen(member) else ():
                yield room, member.user

    def _committed(self, committed: Committed) -> None:
        self.written.update([type(event) for event, _origin in committed])
        if self.others is None:
            self.tell(committed)
        else:
            self.others.committed(committed)
        if self.watcher is not None:
            self.watcher.committed(committed)

    def tell(self, committed: Committed, *, invites: bool = True) -> None:
        """Tell the members of rooms what is next in their logs, and (`invites`) who is given a place in
        one."""
        for part in _until_each_is_put_out(committed):
            self._hub.deliver(part)
            for event, _origin in part if invites else ():
                if isinstance(event, MemberChanged) and event.change == "invited":
                    self.tell_invited(event)
            event = part[-1][0]
            if isinstance(event, MemberChanged) and _puts_out(event):
                for member in self._people.connections(event.user.id):
                    self.put_out(member, event.room)

    def tell_invited(self, event: MemberChanged) -> None:
        """Who is given a place hears of it on every device: how else would they know of the room?"""
        for member in self._people.connections(event.user.id):
            dialect = member.outlet.dialect
            payload = dialect.event(event)
            elsewhere = event.room not in member.rooms and self._rights.reads(member.principal, event.room)
            if elsewhere and member.listening is None and payload is not None:
                member.outlet.send(dialect.frame(payload))


def _seen(member: Member) -> User | None:
    """Whose going the others hear of."""
    return member.user if member.listening is None else None


def _puts_out(event: MemberChanged) -> bool:
    """Whether who it is about may not be in the room after it."""
    if event.change == "role":
        return event.role == "guest" and names.kind_of(event.room) is not None
    return event.change in ("kicked", "banned")


def _until_each_is_put_out(committed: Committed) -> Iterator[Committed]:
    """The events of one commit, cut after each that puts somebody out: they are told no more."""
    if not any(isinstance(event, MemberChanged) and _puts_out(event) for event, _origin in committed):
        yield committed
        return
    part = []
    for pair in sorted(committed, key=lambda pair: (pair[0].room, pair[0].seq)):
        part.append(pair)
        if isinstance(pair[0], MemberChanged) and _puts_out(pair[0]):
            yield part
            part = []
    if part:
        yield part
