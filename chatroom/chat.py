"""The use cases: what each request does, from the question to the answer.

A request that cannot be done raises a `ChatError`. Only the store is waited for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from msgspec import Raw, structs
from twisted.logger import Logger

from chatroom.attendance import Attendance
from chatroom.counts import Counts
from chatroom.deadlines import Deadlines
from chatroom.direct import Direct
from chatroom.domain import commands, names, replies, rules
from chatroom.domain.accounts import Principal
from chatroom.domain.errors import BadRequest, NotFound, RateLimited
from chatroom.domain.events import Deleted, Edited, Event, Message, Typing
from chatroom.domain.limits import Limits
from chatroom.domain.ports import Clock, Outlet, Store
from chatroom.hub import Hub, LiveRoom
from chatroom.member import Grant, Member
from chatroom.people import People
from chatroom.rights import Rights
from chatroom.roomkeeping import shown
from chatroom.stage import Applications

NEWEST = 50
"""How many events somebody gets who joins without a `since` that can be honoured."""

SHOWN = 100
"""How many members `join` names; `who` names more."""


_Use = Callable[[Member, Any], Awaitable[replies.AnyReply]]


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
        rights: Rights,
        direct: Direct,
        applications: Applications | None = None,
        node: str | None = None,
    ) -> None:
        self.node = node
        """What this server is called among several, where it has a name."""
        self.hub = hub
        self.clock = clock
        self.deadlines = Deadlines(clock)
        self.counts = Counts()
        self.limits = limits
        self._told_limits = structs.asdict(limits)
        self.people = people
        self.rights = rights
        self._direct = direct
        self._store = store
        self._apps = applications
        self.attendance = Attendance(store, hub, people, rights, direct, applications)
        self.uses: dict[type[commands.Command], _Use] = {
            commands.Join: self.join,
            commands.Leave: self.leave,
            commands.Post: self.post,
            commands.Edit: self.edit,
            commands.Delete: self.delete,
            commands.Typing: self.typing,
            commands.History: self.history,
            commands.Who: self.who,
            commands.Ping: self.ping,
        }
        """The use case of each request that a known user makes; others add theirs."""

    def overlaps(self, member: Member, room: str) -> bool:
        """Whether the next request need not wait for a post into `room`: where the post waits for
        nothing before it is written itself. So all of one connection are written in their order."""
        return self._apps is None and self.rights.ready(member.principal, room)

    def granted(self, member: Member, command: commands.Post) -> bool:
        """Whether nothing has to be found out before `command` is `say`d."""
        grant = member.grant
        return (
            grant is not None
            and grant.asked == command.room
            and grant.version == self.rights.version
            and command.to is None
        )

    async def prepare(self, member: Member, room: str) -> None:
        """Look up what there is to know before a post into `room`."""
        # What is wrong, the post itself will find, and tell.
        with suppress(Exception):
            await self.rights.admit("post", member.principal, names.room_name(room))

    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(self.clock.seconds() * 1000)

    @property
    def epoch(self) -> str:
        """The random id of the log's life; known once people are let in."""
        return self._store.epoch

    def arrive(
        self,
        principal: Principal,
        outlet: Outlet,
        address: str | None = None,
        listening: str | None = None,
    ) -> Member:
        """Somebody is connected (see `Member`); raises Banned, and RateLimited where they are too often
        already."""
        self.rights.check_entry(principal, address)
        member = Member(principal, outlet, address, listening)
        self.people.arrive(member)
        return member

    def depart(self, member: Member) -> None:
        """The connection is gone: it leaves every room."""
        member.gone = True
        for name in list(member.rooms):
            self.attendance.leave(member, name)
        self.people.depart(member)

    def welcome(self, command: commands.Command, principal: Principal, token: str | None) -> replies.Welcome:
        """The answer to a hello; `token` makes a later one this user's again."""
        return replies.Welcome(
            id=command.id,
            user=principal.user,
            role=principal.role,
            epoch=self._store.epoch,
            limits=self._told_limits,
            time=self.now(),
            token=token,
            node=self.node,
        )

    async def join(self, member: Member, command: commands.Join) -> replies.Joined:
        """Come into a room, and be told what is new there."""
        name = names.room_name(command.room)
        record = await self.rights.admit("join", member.principal, name)
        version = self.rights.version
        self._check_room_count(member, name)
        room = self.hub.open(name)
        room.joining += 1
        try:
            await self.attendance.load(room)
            while True:
                payloads, recovered, more = await self._resume(room, member.outlet, command)
                if version == self.rights.version:
                    break
                # Something was changed meanwhile; it may be that they may not come in any more.
                record = await self.rights.admit("join", member.principal, name)
                version = self.rights.version
            # From here to the return nothing waits: the reply says where the room stands, and the
            # member's first live event is the next one.
            self.attendance.enter(member, room)
        finally:
            room.joining -= 1
            self.hub.release(room)
        return replies.Joined(
            id=command.id,
            room=shown(record, None, room.head, len(room.presences)),
            members=room.presences.some(SHOWN, member.user),
            events=[Raw(payload) for payload in payloads],
            recovered=recovered,
            more=more,
        )

    async def leave(self, member: Member, command: commands.Leave) -> replies.Reply:
        """Go out of a room."""
        name = names.room_name(command.room)
        if name not in member.rooms:
            raise NotFound(f"you are not in {name}")
        self.attendance.leave(member, name)
        return replies.Reply(id=command.id)

    async def post(self, member: Member, command: commands.Post) -> replies.Posted:
        """Say something; answered once it is on disk."""
        self._check(command)
        name = await self._addressed(member, command)
        if self._apps is not None and names.kind_of(name) != "direct":
            event = await self._apps.process(name, member.user, command, member.outlet)
        else:
            event = await self._append(member, command, name)
        if event is None:
            return replies.Posted(id=command.id, room=name)
        return replies.Posted(id=command.id, room=name, seq=event.seq, at=event.at)

    def say(self, member: Member, command: commands.Post) -> Awaitable[Event]:
        """`post` what is `granted`: the event, once it is on disk."""
        self._check(command)
        return self._append(member, command, member.grant.room if member.grant else command.room)

    def _check(self, command: commands.Post) -> None:
        rules.check_text(command.text, self.limits)
        rules.check_data(command.data)

    def _append(self, member: Member, command: commands.Post, name: str) -> Awaitable[Event]:
        draft = Message(
            room=name,
            at=self.now(),
            by=rules.author(member.user),
            key=command.key,
            text=command.text,
            reply_to=command.reply_to,
            data=command.data,
        )
        return self.attendance.append(draft, member.outlet)

    async def _addressed(self, member: Member, command: commands.Post) -> str:
        """The room that a post goes to, where its author may post there now."""
        principal = member.principal
        if command.to is not None:
            if command.room:
                raise BadRequest("a post goes to a room or to a user, not to both")
            name = await self._direct.room_with(principal, command.to)
        else:
            name = names.room_name(command.room)
        record = await self.rights.admit("post", principal, name)
        if record.slow:
            self.rights.post_in_turn(principal, record, await self.rights.role(principal, record))
        elif self._apps is None and record.kind != "direct":
            # The same is asked of each of their posts, and the answer is this one until something is
            # changed. What time alone changes is a sanction's end, and who has one is given no leave.
            member.grant = Grant(command.room, name, self.rights.version)
        return name

    async def edit(self, member: Member, command: commands.Edit) -> replies.Changed:
        """Give a message another text."""
        name = names.room_name(command.room)
        await self.rights.admit("edit", member.principal, name)
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
        await self.rights.admit("delete", member.principal, name)
        by = rules.author(member.user)
        draft = Deleted(room=name, at=self.now(), by=by, key=command.key, target=command.seq)
        return replies.Changed(id=command.id, seq=(await self._change(member, draft)).seq)

    async def typing(self, member: Member, command: commands.Typing) -> replies.Reply:
        """Say that somebody is writing."""
        name = names.room_name(command.room)
        if name not in member.rooms:
            raise NotFound(f"you are not in {name}; join it first")
        await self.rights.admit("typing", member.principal, name)
        typing = Typing(room=name, user=member.user, on=command.on)
        self.hub.tell(name, typing, but=member.outlet)
        if self.attendance.others is not None:
            self.attendance.others.pass_on(typing, room=name)
        return replies.Reply(id=command.id)

    async def history(self, member: Member, command: commands.History) -> replies.Events:
        """A stretch of a room's log."""
        name = names.room_name(command.room)
        dialect, limit = member.outlet.dialect, command.limit
        if command.after is not None and command.before is not None:
            raise BadRequest("history takes before or after, not both")
        await self.rights.admit("history", member.principal, name)
        version = self.rights.version
        if command.after is not None:
            room = self.hub.room(name)
            if room is not None and not room.loading and room.tail.reaches(command.after):
                stretch = room.tail.after(command.after, dialect, limit)
                events = [Raw(payload) for payload in stretch.payloads]
                return replies.Events(id=command.id, events=events, more=stretch.more)
            page = await self._store.after(name, command.after, limit)
        else:
            page = await self._store.before(name, command.before, limit)
        if version != self.rights.version:
            await self.rights.admit("history", member.principal, name)
        events = [Raw(payload) for event in page.events if (payload := dialect.event(event))]
        return replies.Events(id=command.id, events=events, more=page.more)

    async def read(self, member: Member, room: str, after: int) -> tuple[Sequence[Event], bool]:
        """The first events of a room after a `seq`, and whether there are more."""
        name = names.room_name(room)
        await self.rights.admit("history", member.principal, name)
        version = self.rights.version
        page = await self._store.after(name, after, commands.MAX_PAGE)
        if version != self.rights.version:
            await self.rights.admit("history", member.principal, name)
        live = self.hub.room(name)
        if live is None:
            return page.events, page.more
        await self.attendance.load(live)
        # The store may be ahead of what members were told; that will come as live events.
        told = [event for event in page.events if event.seq <= live.head]
        return told, page.more and len(told) == len(page.events)

    async def who(self, member: Member, command: commands.Who) -> replies.Members:
        """The people in a room."""
        name = names.room_name(command.room)
        await self.rights.admit("who", member.principal, name)
        room = await self.attendance.look_in(name)
        members = () if room is None else room.presences.some(commands.MAX_PAGE)
        count = 0 if room is None else len(room.presences)
        return replies.Members(id=command.id, members=members, count=count)

    async def ping(self, _member: Member, command: commands.Ping) -> replies.Pong:
        """Yes."""
        return replies.Pong(id=command.id, time=self.now())

    async def pass_on(self, member: Member, room: str, payload: bytes) -> None:
        """A binary message of the plain dialect: to the others in that room, live, and not kept."""
        name = names.room_name(room)
        await self.rights.admit("post", member.principal, name)
        self.hub.pass_on(name, payload, member.outlet)
        if self.attendance.others is not None:
            self.attendance.others.pass_binary(name, payload)

    async def review(self, member: Member) -> None:
        """Put somebody out of the rooms in which they may not be any more."""
        for name in list(member.rooms):
            if not await self.rights.stays(member.principal, name):
                self.attendance.put_out(member, name)

    def _check_room_count(self, member: Member, name: str) -> None:
        most = self.limits.rooms_per_user
        # Into direct rooms one is brought by others, who must not be able to keep one out of the rest.
        asked = sum(1 for room in member.rooms if names.kind_of(room) != "direct")
        if 0 < most <= asked and name not in member.rooms and names.kind_of(name) != "direct":
            raise RateLimited(f"one connection is in at most {most} rooms; leave one first")

    async def _resume(
        self, room: LiveRoom, outlet: Outlet, command: commands.Join
    ) -> tuple[list[bytes], bool, bool]:
        """What a joiner is told: the events, whether they follow on `since`, whether more do."""
        since, tail, dialect = command.since, room.tail, outlet.dialect
        other_log = command.epoch is not None and command.epoch != self._store.epoch
        if since is not None and not other_log:
            await self.attendance.reach(room, since)
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
        target = await self._store.message(draft.room, draft.target)
        request = "edit"
        if isinstance(draft, Deleted):
            request = "delete" if rules.there(target).by.id == member.user.id else "delete any"
        if request != "delete any":
            rules.may_change(member.user, target)
        # Again, right before it is written: the message may have taken its time.
        await self.rights.admit(request, member.principal, draft.room)
        return await self.attendance.append(draft, member.outlet)
