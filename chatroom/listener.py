"""Listening to one room over a one-way stream: with the guarantee of `join`, and seen by nobody."""

from __future__ import annotations

from random import random
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.domain import commands, names
from chatroom.domain.accounts import Principal
from chatroom.domain.errors import BadRequest, BadToken, ChatError, Forbidden, Internal
from chatroom.domain.model import MAX_SEQ
from chatroom.domain.ports import Outlet
from chatroom.domain.replies import Joined
from chatroom.expiry import Expiry
from chatroom.member import Member
from chatroom.pace import taken
from chatroom.session import Doorman
from chatroom.wire.dialects import Events, events_dialect

RETRY = 1.0
"""Seconds after which a listener whose stream breaks comes back; at most twice as many, so that
thousands do not come at the same moment."""


class Position(NamedTuple):
    """An event that a listener has. Without the epoch of the log, it is taken for this one's."""

    seq: int
    epoch: str | None = None


def position(text: str) -> Position:
    """What an event's id says, `EPOCH:SEQ`, or only `SEQ`. Raises BadRequest."""
    epoch, _, seq = text.rpartition(":")
    if not (seq.isascii() and seq.isdigit() and len(seq) < 17 and int(seq) <= MAX_SEQ):
        raise BadRequest(f"an event's id is EPOCH:SEQ, or SEQ alone, not {text[:64]!r}")
    return Position(int(seq), epoch or None)


class Wanted(NamedTuple):
    """What a listener asks for. `token` is of any kind; the `cookie`'s counts where there is none."""

    room: str
    after: Position | None = None
    token: str | None = None
    cookie: str | None = None


class Stream(Outlet, Protocol):
    """A listener's connection."""

    @property
    def over(self) -> bool:
        """Whether the stream ends, and nothing more is sent."""

    def begin(self) -> None:
        """They may listen: what is sent from now on is the stream."""

    def refuse(self, error: ChatError) -> None:
        """They may not; it has not begun."""


class Listener:
    """One stream. `address` is where from, None if that says nothing."""

    __slots__ = ("_address", "_chat", "_doorman", "_expiry", "_gone", "_member", "_stream")
    _log = Logger()

    def __init__(self, doorman: Doorman, stream: Stream, address: str | None) -> None:
        self._doorman = doorman
        self._chat = doorman.chat
        self._stream = stream
        self._address = address
        self._expiry = Expiry(doorman.chat.clock)
        self._member: Member | None = None
        self._gone = False

    def open(self, wanted: Wanted) -> None:
        """Come in, be told what there is to be told, and listen on."""
        Deferred.fromCoroutine(self._open(wanted))

    def closed(self) -> None:
        """The connection is gone."""
        self._gone = True
        self._expiry.stop()
        member, self._member = self._member, None
        if member is not None:
            self._chat.depart(member)

    async def _open(self, wanted: Wanted) -> None:
        try:
            self._doorman.admission.hello(self._address)
            room = names.room_name(wanted.room)
            principal = await self._identify(wanted)
            if self._gone:
                return
            self._stream.dialect = self._dialect
            self._member = self._chat.arrive(principal, self._stream, self._address, room)
            self._expiry.watch(self._member)
            await self._listen(self._member, room, wanted.after)
        except Exception as error:
            if not self._gone:
                self._turn_away(error)

    async def _identify(self, wanted: Wanted) -> Principal:
        hello = commands.Hello(token=wanted.token)
        try:
            principal, _again = await self._doorman.identity.identify(hello, wanted.cookie)
        except Forbidden:
            raise BadToken("guests may not listen here: Authorization: Bearer and a key") from None
        self._doorman.meters.request(principal.user.id, self._address)
        return principal

    def _turn_away(self, error: Exception) -> None:
        if not isinstance(error, ChatError):
            self._log.failure("somebody could not listen")
            error = Internal("the server made a mistake; it is logged")
        self._stream.refuse(error)

    async def _listen(self, member: Member, room: str, after: Position | None) -> None:
        since, epoch = (None, None) if after is None else after
        joined = await self._join(member, room, since, epoch)
        self._stream.begin()
        head, events = joined.room.head, joined.events
        if since is None:
            self._send(self._dialect.place(head, _retry()))
            return
        self._send(self._dialect.place(since if joined.recovered else head - len(events), _retry()))
        if not joined.recovered:
            self._send(self._dialect.reset(room, head))
        while joined.more:
            # The stream is to have no hole, however much was missed: nothing live before that.
            self._chat.attendance.leave(member, room)
            since = await self._catch_up(member, room, since)
            if self._stream.over:
                return
            joined = await self._join(member, room, since, None)
        for payload in joined.events:
            self._send(self._dialect.frame(bytes(payload)))

    async def _join(self, member: Member, room: str, since: int | None, epoch: str | None) -> Joined:
        return await self._chat.join(member, commands.Join(room=room, since=since, epoch=epoch))

    async def _catch_up(self, member: Member, room: str, since: int) -> int:
        """Tell all that is in the log after `since`, a page at a time as it is read; up to which."""
        more = True
        while more and not self._stream.over:
            events, more = await self._chat.read(member, room, since)
            for event in events:
                payload = self._dialect.event(event)
                if payload is not None:
                    self._send(self._dialect.frame(payload))
            since = events[-1].seq if events else since
            await taken(self._stream, self._chat.clock)
        return since

    def _send(self, frames: bytes) -> None:
        self._stream.send(frames)

    @property
    def _dialect(self) -> Events:
        return events_dialect(self._chat.epoch)


def _retry() -> float:
    return RETRY * (1 + random())  # noqa: S311 - nobody gains by guessing it
