"""A plain connection's dialogue: the tutorial's client, unchanged.

Being connected is being in a room. What is sent is posted; what the others post comes back.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.admission import Admission
from chatroom.chat import Chat, Member
from chatroom.domain import commands
from chatroom.domain.errors import ChatError, CloseCode, Internal, RateLimited
from chatroom.domain.limits import TokenBucket
from chatroom.domain.ports import Outlet
from chatroom.wire.json import refusal


class PlainSession:
    """One connection; what it asked for stood in its URL."""

    __slots__ = ("_chat", "_early", "_member", "_outlet", "_posts", "_room")
    _log = Logger()

    def __init__(self, chat: Chat, outlet: Outlet, room: str) -> None:
        self._chat = chat
        self._outlet = outlet
        self._room = room
        self._member: Member | None = None
        self._early: list[tuple[bytes, bool]] | None = []
        rate = chat.limits.posts_per_second
        self._posts = TokenBucket(rate, 2 * rate, chat.clock.seconds())

    def open(self, admission: Admission, address: str | None, name: str | None, since: int | None) -> None:
        """Come in as the guest `name`. Errors close the connection, with a code that says which."""
        try:
            admission.hello(address)
            wanted = None if name is None else self._chat.people.free_name(name)
            user, _welcome = self._chat.welcome(commands.Hello(name=wanted))
            self._member = self._chat.arrive(user, self._outlet)
        except RateLimited as error:
            self._outlet.close(CloseCode.TOO_MANY, error.message)
        except ChatError as error:
            self._outlet.close(CloseCode.FORBIDDEN, error.message)
        else:
            Deferred.fromCoroutine(self._enter(self._member, since))

    def receive(self, payload: bytes, binary: bool) -> None:
        """What was sent: a text is posted; binary data is passed on and not kept."""
        if self._member is None:
            return
        if self._early is not None:
            if len(self._early) < 2 * max(1, self._chat.limits.posts_per_second):
                self._early.append((payload, binary))
            return
        try:
            self._posts.take(self._chat.clock.seconds())
        except RateLimited as error:
            self._complain(error)
            return
        if binary:
            self._chat.pass_on(self._member, payload)
        else:
            Deferred.fromCoroutine(self._post(self._member, payload.decode()))

    def closed(self) -> None:
        """The connection is gone."""
        if self._member is not None:
            member, self._member = self._member, None
            self._chat.depart(member)

    async def _enter(self, member: Member, since: int | None) -> None:
        try:
            more = since is not None
            while since is not None and more:
                events, more = await self._chat.read(self._room, since)
                told = [self._outlet.dialect.event(event) for event in events]
                self._show([payload for payload in told if payload is not None])
                since = events[-1].seq if events else since
            joined = await self._chat.join(member, commands.Join(room=self._room, since=since))
            if since is not None:
                self._show([bytes(payload) for payload in joined.events])
        except ChatError as error:
            code = CloseCode.RESTARTING if error.again else CloseCode.FORBIDDEN
            self._outlet.close(code, error.message)
            return
        except Exception:
            self._log.failure("a plain connection could not enter {room}", room=self._room)
            self._outlet.close(CloseCode.RESTARTING, "the server made a mistake; it is logged")
            return
        early, self._early = self._early or [], None
        for payload, binary in early:
            self.receive(payload, binary)

    def _show(self, payloads: list[bytes]) -> None:
        for payload in payloads:
            self._outlet.send(self._outlet.dialect.frame(payload))

    async def _post(self, member: Member, text: str) -> None:
        try:
            await self._chat.post(member, commands.Post(room=self._room, text=text))
        except ChatError as error:
            self._complain(error)
        except Exception:
            self._log.failure("a plain post failed")
            self._complain(Internal("the server made a mistake; it is logged"))

    def _complain(self, error: ChatError) -> None:
        dialect = self._outlet.dialect
        self._outlet.send(dialect.frame(dialect.reply(refusal(error))))
