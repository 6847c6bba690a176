"""A chatroom.v1 connection's dialogue: who is it, what do they ask, what are they answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Sequence
from enum import Enum, auto
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatroom.accountkeeping import AccountKeeping
from chatroom.admission import Admission
from chatroom.chat import Chat
from chatroom.domain import commands
from chatroom.domain.accounts import Principal
from chatroom.domain.errors import (
    Banned,
    ChatError,
    CloseCode,
    Conflict,
    Forbidden,
    HelloFirst,
    Internal,
    RateLimited,
)
from chatroom.domain.events import Event
from chatroom.domain.limits import TokenBucket
from chatroom.domain.model import Id
from chatroom.domain.ports import Outlet, Timer
from chatroom.domain.replies import AnyReply, Error, Posted
from chatroom.expiry import Expiry
from chatroom.identity import Identity
from chatroom.member import Member
from chatroom.metering import Meters
from chatroom.wire.json import Malformed, decode, refusal

MAX_QUEUED, MAX_QUEUED_BYTES = 1_000, 256 * 1024
"""So many requests of one connection wait for the one before them, and as they came so many bytes."""


class State(Enum):
    """Where a connection stands."""

    NEW = auto()
    KNOWN = auto()
    CLOSING = auto()


WRITES = (commands.Post, commands.Edit, commands.Delete, commands.React)


def room_for(size: int, waiting: Sequence[int]) -> bool:
    """Whether one of that size may wait behind those of these sizes."""
    return len(waiting) < MAX_QUEUED and (not waiting or sum(waiting) + size <= MAX_QUEUED_BYTES)


class Doorman(NamedTuple):
    """What a connection comes past on its way in; the same for all."""

    chat: Chat
    admission: Admission
    meters: Meters
    identity: Identity
    accounts: AccountKeeping


class Session:
    """What one connection says, in order. `address` is where from, None if that says nothing;
    `cookie` the login token that came with the connection."""

    __slots__ = (
        "_address",
        "_chat",
        "_cookie",
        "_doorman",
        "_expiry",
        "_hello_timer",
        "_member",
        "_outlet",
        "_queue",
        "_refusals",
        "_state",
    )
    _log = Logger()

    def __init__(
        self, doorman: Doorman, outlet: Outlet, address: str | None, cookie: str | None = None
    ) -> None:
        chat = doorman.chat
        self._chat = chat
        self._doorman = doorman
        self._cookie = cookie
        self._outlet = outlet
        self._address = address
        self._state = State.NEW
        self._member: Member | None = None
        self._queue: deque[tuple[commands.AnyCommand, int]] | None = None
        # Made with the first refusal: most connections never have one.
        self._refusals: TokenBucket | None = None
        self._expiry = Expiry(chat.clock)
        self._hello_timer: Timer | None = None
        self._await_hello()

    def read(self, payload: bytes) -> None:
        """A request as it came."""
        try:
            command = decode(payload)
        except Malformed as malformed:
            self.refuse(malformed.reply)
        else:
            self.receive(command, len(payload))

    def receive(self, command: commands.AnyCommand, size: int) -> None:
        """A request that came in so many bytes. All are answered, each in its turn; posts may overlap
        each other."""
        if self._state is State.CLOSING:
            return
        if self._queue is None:
            self._start(command)
        elif room_for(size, [size for _, size in self._queue]):
            self._queue.append((command, size))
        else:
            too_many = RateLimited("too many requests are waiting", 1.0)
            self._chat.counts.refuse(command, too_many)
            self.answer(refusal(too_many, command.id))

    def refuse(self, reply: Error) -> None:
        """Answer something that was no request; it counts as one."""
        if self._state is State.CLOSING:
            return
        try:
            self._doorman.meters.request(self._user, self._address)
        except RateLimited as error:
            reply = refusal(error, reply.id)
        self._chat.counts.refused["none", reply.code] += 1
        self._refuse(reply)

    def _refuse(self, reply: Error) -> None:
        """Answer with an error. Who goes on asking for them is shown out."""
        self.answer(reply)
        if reply.code != RateLimited.code and self._member is not None:
            return
        if self._refusals is None:
            self._refusals = self._doorman.meters.refusals()
        try:
            self._refusals.take(self._chat.clock.seconds())
        except RateLimited:
            self._state = State.CLOSING
            self._in_time()
            self._outlet.close(CloseCode.TOO_MANY, "too many requests that were refused")

    @property
    def _user(self) -> str | None:
        return None if self._member is None else self._member.user.id

    def answer(self, reply: AnyReply) -> None:
        """Send a reply, with the rest of this tick's."""
        dialect = self._outlet.dialect
        self._outlet.send(dialect.frame(dialect.reply(reply)))

    def closed(self) -> None:
        """The connection is gone."""
        self._state = State.CLOSING
        self._queue = None
        self._in_time()
        self._expiry.stop()
        if self._member is not None:
            member, self._member = self._member, None
            self._chat.depart(member)

    def _start(self, command: commands.AnyCommand) -> None:
        if not isinstance(command, commands.Post):
            done = Deferred.fromCoroutine(self._handle(command))
        elif self._member is not None and self._chat.granted(self._member, command):
            self._say(self._member, command)
            return
        elif self._overlaps(command):
            Deferred.fromCoroutine(self._handle(command))
            return
        else:
            done = Deferred.fromCoroutine(self._prepare(command))
        if not done.called:
            self._queue = deque()
            done.addCallback(self._next)

    def _overlaps(self, post: commands.Post) -> bool:
        member = self._member
        return member is None or (post.to is None and self._chat.overlaps(member, post.room))

    def _say(self, member: Member, post: commands.Post) -> None:
        """`_handle` what waits for nothing but its commit: the commonest request by far, of whose time
        coroutines would take a quarter."""
        try:
            self._meter(member, post)
            written = self._chat.say(member, post)
        except Exception:
            self._fail(Failure(), post)
        else:
            told = written if isinstance(written, Deferred) else Deferred.fromCoroutine(_awaited(written))
            told.addCallbacks(self._said, self._fail, (post.id,), errbackArgs=(post,))

    def _said(self, event: Event, number: Id | None) -> None:
        self._conclude(Posted(id=number, room=event.room, seq=event.seq, at=event.at))

    async def _prepare(self, post: commands.Post) -> None:
        """Handle a post as far as the next request has to wait for it."""
        if self._member is not None and post.to is None:
            await self._chat.prepare(self._member, post.room)
        if self._overlaps(post):
            Deferred.fromCoroutine(self._handle(post))
        else:
            await self._handle(post)

    def _next(self, _done: None) -> None:
        waiting, self._queue = self._queue, None
        while waiting:
            self._start(waiting.popleft()[0])
            if self._queue is not None:
                self._queue.extend(waiting)
                return

    async def _handle(self, command: commands.AnyCommand) -> None:
        try:
            reply = await self._reply(command)
        except Exception:
            self._fail(Failure(), command)
        else:
            self._conclude(reply)

    def _fail(self, failure: Failure, command: commands.AnyCommand) -> None:
        error = failure.value
        if not isinstance(error, ChatError):
            self._log.failure("{command} failed", failure, command=type(command).__name__)
            error = Internal("the server made a mistake; it is logged")
        self._chat.counts.refuse(command, error)
        self._conclude(refusal(error, command.id))

    def _conclude(self, reply: AnyReply) -> None:
        if self._state is State.CLOSING:
            return
        if isinstance(reply, Error):
            self._refuse(reply)
        else:
            self.answer(reply)

    async def _reply(self, command: commands.AnyCommand) -> AnyReply:
        member = self._member
        self._meter(member, command)
        if isinstance(command, commands.Hello | commands.Login):
            return await self._come_in(command)
        if member is None:
            raise HelloFirst("say hello first")
        return await self._chat.uses[type(command)](member, command)

    def _meter(self, member: Member | None, command: commands.AnyCommand) -> None:
        """Raises RateLimited for what comes too fast, and Forbidden for what comes too late."""
        meters = self._doorman.meters
        meter = meters.post if isinstance(command, WRITES) else meters.request
        meter(None if member is None else member.principal.user.id, self._address)
        if member is not None and member.expelled:
            raise Forbidden("this connection is being closed")

    async def _come_in(self, command: commands.Hello | commands.Login) -> AnyReply:
        self._doorman.admission.hello(self._address)
        if self._state is State.KNOWN:
            return await self._renew(command)
        # Passwords are checked one after the other; who waits for that is not too late.
        self._in_time()
        try:
            principal, token = await self._identify(command)
            self._check_open()
            member = self._chat.arrive(principal, self._outlet, self._address)
            self._member, self._state = member, State.KNOWN
        except (Forbidden, Banned) as error:
            return self._part(error, CloseCode.FORBIDDEN, command)
        except RateLimited as error:
            if error.retry_after is not None:
                raise
            return self._part(error, CloseCode.TOO_MANY, command)
        finally:
            if self._state is State.NEW:
                self._await_hello()
        self._expiry.watch(member)
        return self._chat.welcome(command, principal, token)

    async def _identify(self, command: commands.Hello | commands.Login) -> tuple[Principal, str | None]:
        identity = self._doorman.identity
        if isinstance(command, commands.Hello):
            return await identity.identify(command, self._cookie)
        self._doorman.meters.login(self._address)
        await identity.ready.passed()
        _principal, token = await self._doorman.accounts.log_in(
            command.name, command.password, command.client, self._address
        )
        # Passwords take their time; by now that login may have been ended, or the account.
        principal, _again = await identity.identify(commands.Hello(token=token))
        return principal, token

    async def _renew(self, command: commands.Hello | commands.Login) -> AnyReply:
        """The same user shows a newer token: the connection lasts as long as that one."""
        if isinstance(command, commands.Login) or command.token is None or self._member is None:
            raise Conflict("you have said hello already")
        principal, token = await self._doorman.identity.identify(command)
        self._check_open()
        member = self._member
        if principal.user.id != member.user.id:
            raise Conflict("this token is another user's: connect again to be them")
        member.renew(principal)
        self._expiry.watch(member)
        await self._chat.review(member)
        return self._chat.welcome(command, member.principal, token)

    def _check_open(self) -> None:
        if self._state is State.CLOSING:
            raise Conflict("the connection is gone")

    def _part(self, error: ChatError, code: CloseCode, command: commands.Hello | commands.Login) -> Error:
        reply = refusal(error, command.id)
        self._chat.counts.refuse(command, error)
        self.answer(reply)
        self._state = State.CLOSING
        self._in_time()
        self._outlet.close(code, error.message)
        return reply

    def _await_hello(self) -> None:
        timeout = self._chat.limits.hello_timeout
        if timeout:
            self._hello_timer = self._chat.deadlines.call_later(timeout, self._too_late)

    def _in_time(self) -> None:
        timer, self._hello_timer = self._hello_timer, None
        if timer is not None:
            timer.cancel()

    def _too_late(self) -> None:
        self._hello_timer = None
        self._state = State.CLOSING
        self._outlet.close(CloseCode.UNIDENTIFIED, "no hello in time")


async def _awaited(event: Awaitable[Event]) -> Event:
    return await event
