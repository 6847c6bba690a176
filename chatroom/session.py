"""A chatroom.v1 connection's dialogue: who is it, what do they ask, what are they answered."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.admission import Admission
from chatroom.chat import Chat, Member
from chatroom.domain import commands
from chatroom.domain.errors import (
    ChatError,
    CloseCode,
    Conflict,
    Forbidden,
    HelloFirst,
    Internal,
    RateLimited,
)
from chatroom.domain.limits import TokenBucket
from chatroom.domain.ports import Outlet
from chatroom.domain.replies import AnyReply, Error
from chatroom.wire.json import refusal

MAX_QUEUED = 1_000
"""So many requests of one connection wait for the one before them."""


class State(Enum):
    """Where a connection stands."""

    NEW = auto()
    KNOWN = auto()
    CLOSING = auto()


_Use = Callable[[Chat, Member, Any], Awaitable[AnyReply]]

_USES: dict[type[commands.Command], _Use] = {
    commands.Join: Chat.join,
    commands.Leave: Chat.leave,
    commands.Post: Chat.post,
    commands.Edit: Chat.edit,
    commands.Delete: Chat.delete,
    commands.Typing: Chat.typing,
    commands.History: Chat.history,
    commands.Who: Chat.who,
    commands.Rooms: Chat.rooms,
    commands.Ping: Chat.ping,
}

_WRITES = (commands.Post, commands.Edit, commands.Delete)


class Session:
    """What one connection says, in order. `address` is where from, None if that says nothing."""

    __slots__ = (
        "_address",
        "_admission",
        "_chat",
        "_hello_timer",
        "_member",
        "_outlet",
        "_posts",
        "_queue",
        "_requests",
        "_state",
    )
    _log = Logger()

    def __init__(self, chat: Chat, admission: Admission, outlet: Outlet, address: str | None) -> None:
        self._chat = chat
        self._admission = admission
        self._outlet = outlet
        self._address = address
        self._state = State.NEW
        self._member: Member | None = None
        self._queue: deque[commands.AnyCommand] | None = None
        now, limits = chat.clock.seconds(), chat.limits
        self._posts = TokenBucket(limits.posts_per_second, 2 * limits.posts_per_second, now)
        self._requests = TokenBucket(limits.requests_per_second, 2 * limits.requests_per_second, now)
        self._hello_timer = (
            chat.deadlines.call_later(limits.hello_timeout, self._too_late) if limits.hello_timeout else None
        )

    def receive(self, command: commands.AnyCommand) -> None:
        """A request. All are answered, each in its turn; posts may overlap each other."""
        if self._state is State.CLOSING:
            return
        if self._queue is None:
            self._start(command)
        elif len(self._queue) < MAX_QUEUED:
            self._queue.append(command)
        else:
            self.answer(refusal(RateLimited("too many requests are waiting", 1.0), command.id))

    def refuse(self, reply: Error) -> None:
        """Answer something that was no request; it counts as one."""
        if self._state is State.CLOSING:
            return
        try:
            self._requests.take(self._chat.clock.seconds())
        except RateLimited as error:
            reply = refusal(error, reply.id)
        self.answer(reply)

    def answer(self, reply: AnyReply) -> None:
        """Send a reply, with the rest of this tick's."""
        dialect = self._outlet.dialect
        self._outlet.send(dialect.frame(dialect.reply(reply)))

    def closed(self) -> None:
        """The connection is gone."""
        self._state = State.CLOSING
        self._queue = None
        self._in_time()
        if self._member is not None:
            member, self._member = self._member, None
            self._chat.depart(member)

    def _start(self, command: commands.AnyCommand) -> None:
        done = Deferred.fromCoroutine(self._handle(command))
        overlaps = isinstance(command, commands.Post) and self._chat.pipelined
        if not overlaps and not done.called:
            self._queue = deque()
            done.addCallback(self._next)

    def _next(self, _done: None) -> None:
        waiting, self._queue = self._queue, None
        while waiting:
            self._start(waiting.popleft())
            if self._queue is not None:
                self._queue.extend(waiting)
                return

    async def _handle(self, command: commands.AnyCommand) -> None:
        try:
            reply = await self._reply(command)
        except ChatError as error:
            reply = refusal(error, command.id)
        except Exception:
            self._log.failure("{command} failed", command=type(command).__name__)
            reply = refusal(Internal("the server made a mistake; it is logged"), command.id)
        if self._state is not State.CLOSING:
            self.answer(reply)

    async def _reply(self, command: commands.AnyCommand) -> AnyReply:
        meter = self._posts if isinstance(command, _WRITES) else self._requests
        meter.take(self._chat.clock.seconds())
        if isinstance(command, commands.Hello):
            return self._hello(command)
        if self._member is None:
            raise HelloFirst("say hello first")
        return await _USES[type(command)](self._chat, self._member, command)

    def _hello(self, command: commands.Hello) -> AnyReply:
        if self._state is not State.NEW:
            raise Conflict("you have said hello already")
        self._admission.hello(self._address)
        try:
            user, welcome = self._chat.welcome(command)
        except Forbidden as error:
            return self._part(error, CloseCode.FORBIDDEN, command)
        try:
            self._member = self._chat.arrive(user, self._outlet)
        except RateLimited as error:
            return self._part(error, CloseCode.TOO_MANY, command)
        self._state = State.KNOWN
        self._in_time()
        return welcome

    def _part(self, error: ChatError, code: CloseCode, command: commands.Hello) -> Error:
        reply = refusal(error, command.id)
        self.answer(reply)
        self._state = State.CLOSING
        self._in_time()
        self._outlet.close(code, error.message)
        return reply

    def _in_time(self) -> None:
        timer, self._hello_timer = self._hello_timer, None
        if timer is not None:
            timer.cancel()

    def _too_late(self) -> None:
        self._hello_timer = None
        self._state = State.CLOSING
        self._outlet.close(CloseCode.UNIDENTIFIED, "no hello in time")
