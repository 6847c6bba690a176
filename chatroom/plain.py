"""A plain connection's dialogue: the tutorial's client, unchanged.

Being connected is being in a room. What is sent is posted; what the others post comes back.
"""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.domain import commands, names
from chatroom.domain.accounts import Principal
from chatroom.domain.errors import ChatError, CloseCode, Internal, NameTaken, RateLimited
from chatroom.domain.limits import TokenBucket
from chatroom.domain.ports import Outlet
from chatroom.expiry import Expiry
from chatroom.member import Member
from chatroom.pace import taken
from chatroom.session import Doorman, room_for
from chatroom.wire.json import refusal


class PlainSession:
    """One connection; what it asked for stood in its URL."""

    __slots__ = (
        "_address",
        "_chat",
        "_cookie",
        "_doorman",
        "_expiry",
        "_member",
        "_outlet",
        "_queue",
        "_refusals",
        "_room",
    )
    _log = Logger()

    def __init__(
        self, doorman: Doorman, outlet: Outlet, room: str, address: str | None, cookie: str | None = None
    ) -> None:
        self._doorman = doorman
        self._address = address
        self._cookie = cookie
        self._chat = doorman.chat
        self._expiry = Expiry(doorman.chat.clock)
        self._outlet = outlet
        self._room = room
        self._member: Member | None = None
        # What is sent before the room is entered waits, as with hooks do posts for the one before them.
        self._queue: deque[tuple[bytes, bool]] | None = deque()
        self._refusals: TokenBucket | None = None

    def open(self, name: str | None, since: int | None) -> None:
        """Come in as the guest `name`. Errors close the connection, with a code that says which."""
        Deferred.fromCoroutine(self._open(name, since))

    async def _open(self, name: str | None, since: int | None) -> None:
        doorman = self._doorman
        try:
            doorman.admission.hello(self._address)
            self._room = names.room_name(self._room)
            principal = await self._identify(name)
            if self._queue is None:
                return
            self._member = self._chat.arrive(principal, self._outlet, self._address)
            self._expiry.watch(self._member)
        except RateLimited as error:
            self._chat.counts.refuse("hello", error)
            self._outlet.close(CloseCode.TOO_MANY, error.message)
        except Exception as error:
            self._turn_away(error)
        else:
            await self._enter(self._member, since)

    async def _identify(self, name: str | None) -> Principal:
        """Who the cookie says, or else a guest who is called `name`, or something like it."""
        identity, people = self._doorman.identity, self._chat.people
        await identity.ready.passed()
        wanted = None if name is None else people.free_name(name)
        try:
            principal, _token = await identity.identify(commands.Hello(name=wanted), self._cookie)
        except NameTaken:
            # While the cookie was looked at. For a guest nothing is waited for.
            principal, _token = await identity.identify(commands.Hello(name=people.free_name(name or "")))
        return principal

    def receive(self, payload: bytes, binary: bool) -> None:
        """What was sent: a text is posted; binary data is passed on and not kept."""
        if self._queue is None:
            if self._member is not None and not self._member.expelled:
                self._start(self._member, payload, binary)
        elif room_for(len(payload), [len(waiting) for waiting, _ in self._queue]):
            self._queue.append((payload, binary))
        else:
            self._complain(RateLimited("too many messages are waiting"))

    def closed(self) -> None:
        """The connection is gone."""
        self._queue = None
        self._expiry.stop()
        if self._member is not None:
            member, self._member = self._member, None
            self._chat.depart(member)

    def _start(self, member: Member, payload: bytes, binary: bool) -> None:
        try:
            self._doorman.meters.post(member.user.id, self._address)
        except RateLimited as error:
            self._complain(error)
            return
        if self._chat.overlaps(member, self._room):
            Deferred.fromCoroutine(self._told(member, payload, binary))
            return
        done = Deferred.fromCoroutine(self._prepare(member, payload, binary))
        if not done.called:
            self._queue = deque()
            done.addCallback(self._next)

    async def _prepare(self, member: Member, payload: bytes, binary: bool) -> None:
        """Post what was sent, as far as the next one has to wait for it."""
        await self._chat.prepare(member, self._room)
        if self._chat.overlaps(member, self._room):
            Deferred.fromCoroutine(self._told(member, payload, binary))
        else:
            await self._told(member, payload, binary)

    def _next(self, _done: None) -> None:
        waiting, self._queue = self._queue, None
        while waiting and self._member is not None and not self._member.expelled:
            self._start(self._member, *waiting.popleft())
            if self._queue is not None:
                self._queue.extend(waiting)
                return

    async def _enter(self, member: Member, since: int | None) -> None:
        try:
            if since is None:
                await self._chat.join(member, commands.Join(room=self._room))
            else:
                await self._follow(member, since)
        except Exception as error:
            if self._member is not None:
                self._turn_away(error)
            return
        self._next(None)

    def _turn_away(self, error: Exception) -> None:
        if isinstance(error, ChatError):
            self._chat.counts.refuse("hello", error)
            code = CloseCode.RESTARTING if error.again else CloseCode.FORBIDDEN
            self._outlet.close(code, error.message)
            return
        self._log.failure("a plain connection could not enter {room}", room=self._room)
        self._outlet.close(CloseCode.RESTARTING, "the server made a mistake; it is logged")

    async def _follow(self, member: Member, since: int) -> None:
        """Show all that came after `since`, and come in where that ends."""
        while self._member is not None:
            events, more = await self._chat.read(member, self._room, since)
            told = [self._outlet.dialect.event(event) for event in events]
            self._show([payload for payload in told if payload is not None])
            since = events[-1].seq if events else since
            await taken(self._outlet, self._chat.clock)
            if more:
                continue
            joined = await self._chat.join(member, commands.Join(room=self._room, since=since))
            if not joined.more:
                self._show([bytes(payload) for payload in joined.events])
                return
            # More was said meanwhile than one answer holds: read on first.
            await self._chat.leave(member, commands.Leave(room=self._room))

    def _show(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._outlet.send(self._outlet.dialect.frame(payload))

    async def _told(self, member: Member, payload: bytes, binary: bool) -> None:
        try:
            if binary:
                await self._chat.pass_on(member, self._room, payload)
            else:
                await self._chat.post(member, commands.Post(room=self._room, text=payload.decode()))
        except ChatError as error:
            self._complain(error)
        except Exception:
            self._log.failure("a plain post failed")
            self._complain(Internal("the server made a mistake; it is logged"))

    def _complain(self, error: ChatError) -> None:
        self._chat.counts.refuse("post", error)
        dialect = self._outlet.dialect
        self._outlet.send(dialect.frame(dialect.reply(refusal(error))))
        if not isinstance(error, RateLimited):
            return
        if self._refusals is None:
            self._refusals = self._doorman.meters.refusals()
        try:
            self._refusals.take(self._chat.clock.seconds())
        except RateLimited:
            self._outlet.close(CloseCode.TOO_MANY, "too many messages that were refused")
