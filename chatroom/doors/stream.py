"""An HTTP answer that does not end: server-sent events, written by an outbox of its own.

As with WebSockets, the connection is taken away from the web server once its request's head is read:
with the same direct writes, the same bound for who does not read, and the same bytes for all.
"""

from __future__ import annotations

import socket
import typing
from collections.abc import Callable
from http import HTTPStatus
from math import ceil
from typing import Any

import msgspec
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from chatroom.admission import Place
from chatroom.domain.errors import (
    BadToken,
    Banned,
    ChatError,
    CloseCode,
    Forbidden,
    RateLimited,
    Unavailable,
)
from chatroom.domain.limits import Limits
from chatroom.domain.ports import Dialect, Row, Timer
from chatroom.domain.replies import Error
from chatroom.doors.calls import Call, read_call
from chatroom.doors.headers import headers_of
from chatroom.doors.heads import Head
from chatroom.doors.jsonhttp import STATUSES, Mistake
from chatroom.doors.outbox import Outbox
from chatroom.doors.outlets import outbox_for, row_for
from chatroom.doors.proxies import Source, is_encrypted
from chatroom.doors.settings import LINGER
from chatroom.reception import told_by
from chatroom.wire import sse
from chatroom.wire.json import refusal

_REASONS: dict[int, type[ChatError]] = {
    CloseCode.UNIDENTIFIED: BadToken,
    CloseCode.FORBIDDEN: Banned,
    CloseCode.TOO_MANY: RateLimited,
}
"""What somebody is told whose connection the core closes; all others may come back at once."""


def _nothing(_frames: bytes) -> None:
    """Where bytes go before the stream begins, and once it ends."""


class Feed(typing.Protocol):
    """What is streamed."""

    def open(self, stream: Stream) -> None:
        """Begin, or refuse; then or later."""

    def last_words(self, code: int, why: Error) -> bytes:
        """What a stream that has begun ends with, by the `CloseCode` of it."""

    def closed(self) -> None:
        """The connection is gone."""


class Stream(Protocol):
    """One connection. It is the `Outlet` that the hub writes to."""

    factory: Any
    transport: Any
    outbox: Outbox
    dialect: Dialect
    write: Callable[[bytes], None] = staticmethod(_nothing)
    """The outbox's, while the stream goes on."""
    send: Callable[[bytes], None] = staticmethod(_nothing)
    """The same."""
    pristine = True
    """False where the connection has carried other HTTP requests before this one."""
    place: Place | None = None
    """The connection's in the count."""

    _feed: Feed | None = None
    _timer: Timer | None = None
    _begun = False
    _ending = False
    _readable_for = ""
    """The origin whose pages may read the answer."""

    # Twisted's side.

    def connectionMade(self) -> None:
        """The front door has handed the connection over."""
        factory = self.factory
        limit = factory.chat.limits.backlog_bytes
        self.outbox = outbox_for(
            self.transport, factory.tick, limit, self._overflowed, pristine=self.pristine
        )
        factory.open.add(self)

    def upgrade(self, head: Head, _rest: bytes) -> None:
        """The request. What came behind it is not read."""
        try:
            call = read_call(head, self._source(head))
            self._admit(call)
            if call.method == "OPTIONS":
                self._answer(HTTPStatus.NO_CONTENT, _PREFLIGHT, b"")
            else:
                self._feed = self.factory.feed(call)
                self._feed.open(self)
        except Mistake as mistake:
            self._refuse(mistake.status, {"code": mistake.code, "message": mistake.message}, {})
        except ChatError as error:
            self.refuse(error)

    def dataReceived(self, data: bytes) -> None:
        """Nobody hears what is said on a stream."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self.factory.open.discard(self)
        self._stop_timer()
        self._ending = True
        # The outbox's methods here would keep the connection alive in a cycle.
        self.write = self.send = _nothing
        self.outbox.lost()
        if self.place is not None:
            self.place.leave()
        feed, self._feed = self._feed, None
        if feed is not None:
            feed.closed()

    # The core's side.

    @property
    def behind(self) -> bool:
        """Whether the reader has not taken yet what was sent."""
        return self.outbox.behind and not self._ending

    @property
    def over(self) -> bool:
        """Whether the stream ends, and nothing more is sent."""
        return self._ending

    def begin(self) -> None:
        """They may listen: what is sent from now on is the stream."""
        if self._ending:
            return
        self._begun = True
        _watch(getattr(self.outbox, "socket", None), self.factory.chat.limits)
        self.outbox.send(self._head(HTTPStatus.OK, _STREAMING))
        self.write, self.send = self.outbox.write, self.outbox.send
        self._beat_later()

    def refuse(self, error: ChatError) -> None:
        """They may not (any more), and why."""
        if self._ending:
            return
        if self._begun:
            self._part(0, refusal(error))
            return
        status = HTTPStatus(STATUSES.get(error.code, HTTPStatus.BAD_REQUEST))
        fields: dict[str, str] = {}
        if status is HTTPStatus.UNAUTHORIZED:
            fields["WWW-Authenticate"] = 'Bearer realm="chatroom"'
        if error.retry_after is not None:
            fields["Retry-After"] = str(ceil(error.retry_after))
        self._refuse(status, told_by(error), fields)

    def close(self, code: int, reason: str) -> None:
        """End the stream, after what was sent before (the hub's `Outlet`)."""
        error = _REASONS.get(code, Unavailable)(reason)
        if self._begun:
            self._part(code, refusal(error))
        else:
            self.refuse(error)

    def row(self) -> Row:
        """An empty row for members like this one (the hub's `Outlet`)."""
        return row_for(self.outbox)

    def _overflowed(self) -> None:
        self.factory.chat.counts.slow += 1
        # In the middle of what cannot be said to its end: the last whole event's id is where to go on.
        self._end()

    def _part(self, code: int, why: Error) -> None:
        if self._feed is not None:
            self.send(self._feed.last_words(code, why))
        self._end()

    # The connection.

    def _source(self, head: Head) -> Source:
        forwarded = (head.fields.get(b"x-forwarded-for"), head.fields.get(b"x-forwarded-proto"))
        client, scheme = (None if one is None else one.decode("latin-1") for one in forwarded)
        source: Source = self.factory.proxies.source(
            self.transport.getPeer(), is_encrypted(self.transport), client, scheme
        )
        if self.place is not None:
            self.place.move(source.address)
        return source

    def _admit(self, call: Call) -> None:
        factory = self.factory
        if not factory.hosts.serves(call.host):
            raise Mistake(HTTPStatus.MISDIRECTED_REQUEST, "misdirected", factory.hosts.refusal(call.host))
        if not factory.origins.allow(call.origin, call.host, call.source.secure):
            factory.refuse_origin(call.origin)
            raise Forbidden(
                f"pages of {call.origin} may not listen: start the server with --origin {call.origin}"
            )
        self._readable_for = call.origin
        if self.place is not None and self.place.crowded:
            raise RateLimited("too many connections from your address")

    def _refuse(self, status: HTTPStatus, error: dict[str, object], fields: dict[str, str]) -> None:
        said = {"Content-Type": "application/json", "Cache-Control": "no-store"}
        self._answer(status, said | fields, msgspec.json.encode({"error": error}) + b"\n")

    def _answer(self, status: HTTPStatus, fields: dict[str, str], body: bytes) -> None:
        """A whole answer, after which the connection ends."""
        length = {} if status is HTTPStatus.NO_CONTENT else {"Content-Length": str(len(body))}
        self.outbox.send(self._head(status, fields | length) + body)
        self._end()

    def _head(self, status: HTTPStatus, fields: dict[str, str]) -> bytes:
        self.factory.chat.counts.answered[status.value] += 1
        named = {**fields, "Connection": "close", "Vary": "Origin", **headers_of(self.factory.chat.node)}
        if self._readable_for:
            named["Access-Control-Allow-Origin"] = self._readable_for
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {named[name]}" for name in named)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1")

    def _end(self) -> None:
        if self._ending:
            return
        self._ending = True
        self.write = self.send = _nothing
        self._stop_timer()
        # Who does not read what is left does not keep the connection.
        deadlines = self.factory.chat.deadlines
        self._timer = deadlines.call_later(LINGER, self.transport.abortConnection)
        self.outbox.finish()

    def _beat_later(self) -> None:
        interval = self.factory.chat.limits.ping_interval
        if interval:
            self._timer = self.factory.chat.deadlines.call_later(interval, self._beat)

    def _beat(self) -> None:
        self._timer = None
        self.write(sse.COMMENT)
        if not self._ending:
            self._beat_later()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


_STREAMING = {
    "Content-Type": f"{sse.TYPE}; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    # A proxy that collects an answer before it passes it on would pass on nothing.
    "X-Accel-Buffering": "no",
}

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET",
    "Access-Control-Allow-Headers": "authorization, cache-control, last-event-id",
    "Access-Control-Max-Age": "86400",
}
"""What a browser is told that asks before a page of another origin may ask (Fetch Standard, section
3.2.2)."""


def _watch(connected: object, limits: Limits) -> None:
    """Have the kernel end a connection whose far end takes nothing for as long as a WebSocket's may
    leave a ping unanswered (RFC 5482): a listener says nothing that would show it alive."""
    seconds = limits.ping_interval + limits.ping_timeout
    if limits.ping_interval and limits.ping_timeout and isinstance(connected, socket.socket):
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(seconds * 1000))
        except (AttributeError, OSError):
            pass  # no Linux, or no TCP
