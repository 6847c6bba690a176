"""The commonest request of the HTTP API, read and answered in front of Twisted Web.

Publishing one message is what sensors, sites and alerts do all day, and Twisted Web, Klein and the
objects that they make for a request cost three times what the rest of it does. So a request that is
nothing but that, as most programs send it, is read from its bytes here. All that is not of this kind
goes the other way, and so does whatever there is to say of it that Twisted Web says better: what is
asked, checked, metered and answered is the same on both (`tests/doors/test_publishing.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple, Protocol

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import datetimeToString

from chatroom.domain import commands
from chatroom.domain.accounts import Principal
from chatroom.domain.errors import ChatError, Internal
from chatroom.domain.events import Event
from chatroom.doors import apitypes as t
from chatroom.doors.apimessages import publish_message
from chatroom.doors.calls import bearer
from chatroom.doors.headers import headers_of
from chatroom.doors.heads import MAX_HEAD, Refused, read_head
from chatroom.doors.hosts import Hosts
from chatroom.doors.http import API_BODY
from chatroom.doors.jsonhttp import decoded, refusal_fields, status_of
from chatroom.doors.operations import Call, Door, idempotency_key
from chatroom.member import Member
from chatroom.reception import told_by

_TARGET = re.compile(rb"/api/v1/rooms/([A-Za-z0-9_.~-]{1,64})/messages")
_LENGTH = re.compile(rb"[1-9][0-9]{0,5}")
_UNUSUAL = frozenset(
    {b"transfer-encoding", b"expect", b"origin", b"access-control-request-method", b"te", b"trailer"}
)
"""Fields whose requests go the other way."""

_USUAL = (
    (b"Vary", b"Origin"),
    (b"Cache-Control", b"no-store"),
    (b"Content-Type", b"application/json"),
)


class Publisher(Protocol):
    """A connection on which such requests come. `known` is whose the last one was."""

    known: tuple[Principal, Member] | None

    def address(self, forwarded_for: str | None, forwarded_proto: str | None) -> str | None:
        """Where it comes from (`proxies.Source`)."""

    @property
    def roomy(self) -> bool:
        """Whether the connection may stay for another request."""


class Asked(NamedTuple):
    """A request to publish. `lacking`: so many bytes of it have not come yet; `end` is where it ends."""

    room: str
    fields: dict[bytes, bytes]
    token: str
    address: str | None
    body: bytes
    end: int
    lacking: int

    def field(self, name: str) -> str | None:
        """A header field's value."""
        value = self.fields.get(name.encode())
        return None if value is None else value.decode("latin-1")


class Publishing:
    """Reads and answers such requests, for all connections."""

    _log = Logger()

    def __init__(self, door: Door, hosts: Hosts) -> None:
        self._door = door
        self._reception = door.reception
        self._chat = door.reception.chat
        self._hosts = hosts
        self._decoder = msgspec.json.Decoder(t.NewMessage)

    def read(self, data: bytes, publisher: Publisher) -> Asked | None:
        """The request that `data` begins with, where it is one of the commonest kind."""
        end = data.find(b"\r\n\r\n", 0, MAX_HEAD) + 4
        if end < 4:
            return None
        try:
            head = read_head(data[:end])
        except Refused:
            return None
        fields, target = head.fields, _TARGET.fullmatch(head.target)
        length = fields.get(b"content-length", b"")
        if (
            target is None
            or not head.single
            or head.upgrade
            or head.version != b"HTTP/1.1"
            or not _UNUSUAL.isdisjoint(fields)
            or fields.get(b"connection", b"keep-alive").lower() != b"keep-alive"
            or fields.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json"
            or not _LENGTH.fullmatch(length)
            or int(length) > API_BODY
            or not publisher.roomy
        ):
            return None
        token = bearer(fields.get(b"authorization", b"").decode("latin-1"))
        if token is None or not self._hosts.serves(fields.get(b"host", b"").decode("latin-1")):
            return None
        stop = end + int(length)
        return Asked(
            target[1].decode(),
            fields,
            token,
            publisher.address(_text(fields, b"x-forwarded-for"), _text(fields, b"x-forwarded-proto")),
            data[end:stop],
            stop,
            max(0, stop - len(data)),
        )

    def begin(self, asked: Asked, publisher: Publisher, done: Callable[[bytes], None]) -> None:
        """Publish, and have `done` called with the whole answer; maybe before this returns."""
        now = self._chat.now()
        try:
            written = self._say(asked, publisher)
        except Exception:
            done(self._refused(Failure()))
            return
        if written is None:
            answered = Deferred.fromCoroutine(self._serve(asked, publisher))
            answered.addErrback(self._wrong)
        else:
            answered = written.addCallbacks(self._published, self._refused, (now,))
        answered.addCallback(done)
        answered.addErrback(lambda failure: self._log.failure("an answer could not be written", failure))

    def _say(self, asked: Asked, publisher: Publisher) -> Deferred[Event] | None:
        """What waits for nothing but its commit; None where there is more to find out first."""
        principal, known = self._reception.known(asked.token), publisher.known
        if principal is None or known is None or known[0] is not principal:
            return None
        member = known[1]
        if member.address != asked.address:
            return None
        self._chat.rights.check_entry(principal, asked.address)
        wanted = decoded(asked.body, self._decoder)
        command = commands.Post(
            room=asked.room,
            text=wanted.text,
            key=idempotency_key(asked.field("idempotency-key")),
            reply_to=wanted.reply_to,
            data=wanted.data,
        )
        if wanted.shown_as is not None or not self._chat.granted(member, command):
            return None
        self._reception.meters.post(principal.user.id, asked.address)
        written = self._chat.say(member, command)
        return written if isinstance(written, Deferred) else None

    async def _serve(self, asked: Asked, publisher: Publisher) -> bytes:
        """The same, with all that there may be to find out, as the operation does it."""
        principal = await self._reception.identify(asked.token, asked.address)
        known, member = publisher.known, None
        if known is not None and known[0] is principal and known[1].address == asked.address:
            member = known[1]
            self._chat.rights.check_entry(principal, asked.address)
        else:
            member = self._reception.member(principal, asked.address)
            publisher.known = principal, member
        wanted = decoded(asked.body, self._decoder)
        answer = await publish_message(self._door, Call(asked, member, wanted, None), asked.room)
        status = answer.status or HTTPStatus.CREATED
        return self._answer(status, msgspec.json.encode(answer.body))

    def _published(self, event: Event, asked: int) -> bytes:
        status = HTTPStatus.OK if event.at < asked else HTTPStatus.CREATED
        return self._answer(status, msgspec.json.encode(t.Posted(event.room, event.seq, event.at)))

    def _refused(self, failure: Failure) -> bytes:
        """What was not asked of the reception, which counts for itself."""
        if isinstance(failure.value, ChatError):
            self._chat.counts.refuse("post", failure.value)
        return self._wrong(failure)

    def _wrong(self, failure: Failure) -> bytes:
        error = failure.value
        if not isinstance(error, ChatError):
            self._log.failure("a message could not be published", failure)
            error = Internal("the server made a mistake; it is logged")
        payload = msgspec.json.encode({"error": told_by(error)})
        return self._answer(status_of(error), payload, refusal_fields(error, b"Bearer"))

    def _answer(self, status: HTTPStatus, payload: bytes, more: Iterable[tuple[bytes, bytes]] = ()) -> bytes:
        self._chat.counts.answered[status.value] += 1
        extra = b"".join(b"%b: %b\r\n" % field for field in more)
        date = _date(int(self._chat.clock.seconds()))
        size = len(payload) + 1
        return b"%b%bDate: %b\r\nContent-Length: %d\r\n\r\n%b\n" % (
            _start(status, self._chat.node),
            extra,
            date,
            size,
            payload,
        )


def _text(fields: dict[bytes, bytes], name: bytes) -> str | None:
    value = fields.get(name)
    return None if value is None else value.decode("latin-1")


@lru_cache(maxsize=32)
def _start(status: HTTPStatus, node: str | None) -> bytes:
    """An answer up to the fields that are different each time."""
    every = [(name.encode(), value.encode()) for name, value in headers_of(node).items()]
    fields = [b"%b: %b" % one for one in (*every, *_USUAL)]
    return b"\r\n".join([b"HTTP/1.1 %d %b" % (status.value, status.phrase.encode()), *fields, b""])


@lru_cache(maxsize=2)
def _date(second: int) -> bytes:
    told: bytes = datetimeToString(second)
    return told
