"""The use cases: what each request does, from the question to the answer.

A request that cannot be done raises a `ChatError`. Only the store is waited for.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw, structs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.deadlines import Deadlines
from chatroom.domain import commands, names, replies, rules
from chatroom.domain.errors import BadRequest, NotFound, RateLimited
from chatroom.domain.events import Deleted, Edited, Event, Message, Typing
from chatroom.domain.limits import Limits
from chatroom.domain.model import Room, User
from chatroom.domain.ports import Clock, Outlet, Store
from chatroom.hub import Hub, LiveRoom
from chatroom.people import People
from chatroom.stage import Applications
from chatroom.tail import LOADED

NEWEST = 50
"""How many events somebody gets who joins without a `since` that can be honoured."""

SHOWN = 100
"""How many members `join` names; `who` names more."""


class Member:
    """A connection whose user is known, and the rooms it is in."""

    __slots__ = ("gone", "outlet", "rooms", "user")

    def __init__(self, user: User, outlet: Outlet) -> None:
        self.gone = False
        self.user = user
        self.outlet = outlet
        self.rooms: dict[str, LiveRoom] = {}


class Chat:
    """The chat rooms of one server: everything a door needs."""

    _log = Logger()

    def __init__(
        self,
        store: Store,
        hub: Hub,
        clock: Clock,
        limits: Limits,
        people: People,
        applications: Applications | None = None,
    ) -> None:
        self.hub = hub
        self.clock = clock
        self.deadlines = Deadlines(clock)
        self.limits = limits
        self._told_limits = structs.asdict(limits)
        self.people = people
        self._store = store
        self._apps = applications
        self._loading: dict[str, list[Deferred[None]]] = {}
        store.on_commit = hub.deliver

    @property
    def pipelined(self) -> bool:
        """Whether a post may start before the one before it is done: not where hooks see each."""
        return self._apps is None

    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(self.clock.seconds() * 1000)

    def arrive(self, user: User, outlet: Outlet) -> Member:
        """`user` is connected; raises RateLimited where they are too often already."""
        self.people.arrive(user)
        return Member(user, outlet)

    def depart(self, member: Member) -> None:
        """The connection is gone: it leaves every room."""
        member.gone = True
        for name in list(member.rooms):
            self._leave(member, name)
        self.people.depart(member.user)

    def welcome(self, command: commands.Hello) -> tuple[User, replies.Welcome]:
        """Who somebody is, and the answer to their hello."""
        user, token = self.people.identify(command)
        return user, replies.Welcome(
            id=command.id,
            user=user,
            epoch=self._store.epoch,
            limits=self._told_limits,
            time=self.now(),
            token=token,
        )

    async def join(self, member: Member, command: commands.Join) -> replies.Joined:
        """Come into a room, and be told what is new there."""
        name = names.room_name(command.room)
        self._check_room_count(member, name)
        room = self.hub.open(name)
        room.joining += 1
        try:
            await self._load(room)
            payloads, recovered, more = await self._resume(room, member.outlet, command)
            # From here to the return nothing waits: the reply says where the room stands, and the
            # member's first live event is the next one.
            self._enter(member, room)
        finally:
            room.joining -= 1
            self.hub.release(room)
        return replies.Joined(
            id=command.id,
            room=Room(name, name, "public", room.head, len(room.presences)),
            members=room.presences.some(SHOWN),
            events=[Raw(payload) for payload in payloads],
            recovered=recovered,
            more=more,
        )

    async def leave(self, member: Member, command: commands.Leave) -> replies.Reply:
        """Go out of a room."""
        name = names.room_name(command.room)
        if name not in member.rooms:
            raise NotFound(f"you are not in {name}")
        self._leave(member, name)
        return replies.Reply(id=command.id)

    async def post(self, member: Member, command: commands.Post) -> replies.Posted:
        """Say something; answered once it is on disk."""
        name = names.room_name(command.room)
        rules.check_text(command.text, self.limits)
        rules.check_data(command.data)
        if self._apps is not None:
            event = await self._apps.process(name, member.user, command, member.outlet)
        else:
            event = await self._store.append(
                Message(
                    room=name,
                    at=self.now(),
                    by=rules.author(member.user),
                    key=command.key,
                    text=command.text,
                    reply_to=command.reply_to,
                    data=command.data,
                ),
                member.outlet,
            )
        if event is None:
            return replies.Posted(id=command.id, room=name)
        return replies.Posted(id=command.id, room=name, seq=event.seq, at=event.at)

    async def edit(self, member: Member, command: commands.Edit) -> replies.Changed:
        """Give a message another text."""
        name = names.room_name(command.room)
        rules.check_text(command.text, self.limits)
        draft = Edited(
            room=name,
            at=self.now(),
            by=rules.author(member.user),
            key=command.key,
            target=command.seq,
            text=command.text,
        )
        return replies.Changed(id=command.id, seq=(await self._change(member, draft)).seq)

    async def delete(self, member: Member, command: commands.Delete) -> replies.Changed:
        """Take a message back."""
        name = names.room_name(command.room)
        by = rules.author(member.user)
        draft = Deleted(room=name, at=self.now(), by=by, key=command.key, target=command.seq)
        return replies.Changed(id=command.id, seq=(await self._change(member, draft)).seq)

    async def typing(self, member: Member, command: commands.Typing) -> replies.Reply:
        """Say that somebody is writing."""
        name = names.room_name(command.room)
        if name not in member.rooms:
            raise NotFound(f"you are not in {name}; join it first")
        typing = Typing(room=name, user=member.user, on=command.on)
        self.hub.tell(name, typing, but=member.outlet)
        return replies.Reply(id=command.id)

    async def history(self, member: Member, command: commands.History) -> replies.Events:
        """A stretch of a room's log."""
        name = names.room_name(command.room)
        dialect, limit = member.outlet.dialect, command.limit
        if command.after is not None and command.before is not None:
            raise BadRequest("history takes before or after, not both")
        if command.after is not None:
            room = self.hub.room(name)
            if room is not None and not room.loading and room.tail.reaches(command.after):
                stretch = room.tail.after(command.after, dialect, limit)
                events = [Raw(payload) for payload in stretch.payloads]
                return replies.Events(id=command.id, events=events, more=stretch.more)
            page = await self._store.after(name, command.after, limit)
        else:
            page = await self._store.before(name, command.before, limit)
        events = [Raw(payload) for event in page.events if (payload := dialect.event(event))]
        return replies.Events(id=command.id, events=events, more=page.more)

    async def read(self, room: str, after: int) -> tuple[Sequence[Event], bool]:
        """The first events of a room after a `seq`, and whether there are more."""
        name = names.room_name(room)
        page = await self._store.after(name, after, commands.MAX_PAGE)
        live = self.hub.room(name)
        if live is None:
            return page.events, page.more
        await self._load(live)
        # The store may be ahead of what members were told; that will come as live events.
        told = [event for event in page.events if event.seq <= live.head]
        return told, page.more and len(told) == len(page.events)

    async def who(self, _member: Member, command: commands.Who) -> replies.Members:
        """The people in a room."""
        room = self.hub.room(names.room_name(command.room))
        members = [] if room is None else room.presences.some(commands.MAX_PAGE)
        count = 0 if room is None else len(room.presences)
        return replies.Members(id=command.id, members=members, count=count)

    async def rooms(self, _member: Member, command: commands.Rooms) -> replies.RoomList:
        """Every room that has events, or somebody in it."""
        rooms = {room.name: room for room in await self._store.rooms()}
        for live in self.hub.rooms():
            if not live.loading:
                rooms[live.name] = Room(live.name, live.name, "public", live.head, len(live.presences))
        return replies.RoomList(id=command.id, rooms=[rooms[name] for name in sorted(rooms)])

    async def ping(self, _member: Member, command: commands.Ping) -> replies.Pong:
        """Yes."""
        return replies.Pong(id=command.id, time=self.now())

    def pass_on(self, member: Member, payload: bytes) -> None:
        """A binary message of the plain dialect: to the others, live, and not kept."""
        for name in member.rooms:
            self.hub.pass_on(name, payload, member.outlet)

    def _check_room_count(self, member: Member, name: str) -> None:
        most = self.limits.rooms_per_user
        if most and len(member.rooms) >= most and name not in member.rooms:
            raise RateLimited(f"one connection is in at most {most} rooms; leave one first")

    def _enter(self, member: Member, room: LiveRoom) -> None:
        if member.gone:
            raise NotFound("the connection is gone")
        if room.name in member.rooms:
            self.hub.enter_again(room, member.outlet, member.user)
        else:
            member.rooms[room.name] = room
            self.hub.enter(room, member.outlet, member.user)
            if self._apps is not None:
                self._apps.connected(room.name, member.user)

    def _leave(self, member: Member, name: str) -> None:
        self.hub.leave(member.rooms.pop(name), member.outlet, member.user)
        if self._apps is not None:
            self._apps.closed(name, member.user)

    async def _load(self, room: LiveRoom) -> None:
        """Read a new live room's tail; all who join meanwhile wait for the one reading."""
        if not room.loading:
            return
        if room.name in self._loading:
            waiter: Deferred[None] = Deferred()
            self._loading[room.name].append(waiter)
            await waiter
            return
        self._loading[room.name] = []
        try:
            page = await self._store.before(room.name, None, LOADED)
            self.hub.loaded(room, page.events, page.events[-1].seq if page.events else 0)
        except Exception as error:
            for waiter in self._loading.pop(room.name):
                waiter.errback(error)
            raise
        for waiter in self._loading.pop(room.name):
            waiter.callback(None)

    async def _resume(
        self, room: LiveRoom, outlet: Outlet, command: commands.Join
    ) -> tuple[list[bytes], bool, bool]:
        """What a joiner is told: the events, whether they follow on `since`, whether more do."""
        since, tail, dialect = command.since, room.tail, outlet.dialect
        other_log = command.epoch is not None and command.epoch != self._store.epoch
        if since is None or other_log or since > tail.head:
            return tail.newest(dialect, NEWEST), False, False
        payloads: list[bytes] = []
        if not tail.reaches(since):
            page = await self._store.after(room.name, since, commands.MAX_PAGE)
            # The store may be ahead of what members were told; that will come as live events.
            events = [event for event in page.events if event.seq <= tail.head]
            payloads = [payload for event in events if (payload := dialect.event(event))]
            since = events[-1].seq if events else since
            if page.more or not tail.reaches(since):
                return payloads, True, since < tail.head
        stretch = tail.after(since, dialect, commands.MAX_PAGE - len(payloads))
        return payloads + stretch.payloads, True, stretch.more

    async def _change(self, member: Member, draft: Edited | Deleted) -> Event:
        if draft.key is not None:
            done = await self._store.repeated(draft.room, draft.by.id, draft.key)
            if done is not None:
                return done
        rules.may_change(member.user, await self._store.message(draft.room, draft.target))
        return await self._store.append(draft, member.outlet)
