"""A web connection: every request head on it is read as strictly as the first one was.

Reverse proxies keep connections alive and send upgrades, and requests for streams, on them. Twisted
Web has no way to give a connection away (its ticket 3204), so whole heads are read here, before
Twisted Web sees them, and it is between two requests, with nothing under way, when it loses the
connection.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from chatroom.admission import Place
from chatroom.doors.handover import hand_over
from chatroom.doors.headers import last_answer
from chatroom.doors.heads import MALFORMED, MAX_HEAD, TOO_LONG, Head, Refused, read_head
from chatroom.doors.internals import AnsweringChannel


class WebChannel(AnsweringChannel):
    """HTTP/1.1, each of whose answers has the security headers.

    `place` is the connection's in the count (`chatroom.admission`).
    """

    transport: Any
    factory: Any
    place: Place | None = None
    refused = False
    target = b""
    """What the request asks for that is being read or answered."""

    _asking = False

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[bytes] = []
        self._size = 0

    def resetTimeout(self) -> None:
        """Bytes have come: a request has its time from its first one on, and no other gives it more."""
        if not self._asking:
            self._asking = True
            super().resetTimeout()

    def requestDone(self, request: Any) -> None:
        """It is answered."""
        self._asking = False
        super().requestDone(request)

    def lineReceived(self, line: bytes) -> None:
        """A line of a request's head; Twisted Web gets them once it is whole."""
        if not self.persistent or not (line or self._lines):
            # What comes behind the last request, or the one empty line that may stand before any.
            super().lineReceived(line)
            return
        self._lines.append(line)
        self._size += len(line) + 2
        try:
            if self._size > MAX_HEAD:
                raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LONG)
            if not line:
                self._pass()
        except Refused as refused:
            self.refuse(refused.status, refused.why)

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line that is longer than a head may be."""
        self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LONG)

    def refuse(self, status: HTTPStatus, why: str) -> None:
        """Answer a request that is none, and close the connection."""
        self.refused = True
        self.transport.write(last_answer(status, why))
        self.loseConnection()

    def refuse_request(self) -> None:
        """The same, of what only Twisted Web has found out."""
        self.refuse(HTTPStatus.BAD_REQUEST, MALFORMED)

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """Whether the connection may stay for another request: not where others may want its place."""
        if self.place is not None and not self.place.roomy:
            request.responseHeaders.setRawHeaders(b"connection", [b"close"])
            return False
        return bool(super().checkPersistence(request, version))

    def pauseProducing(self) -> None:
        """The client does not read: it has as long for that as for its next request."""
        super().pauseProducing()
        self.setTimeout(self.factory.timeOut)

    def resumeProducing(self) -> None:
        """It does."""
        super().resumeProducing()
        if self.requests:
            self.setTimeout(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        super().connectionLost(reason)
        if self.place is not None:
            self.place.leave()

    def _pass(self) -> None:
        lines, self._lines, self._size = self._lines, [], 0
        head = read_head(b"\r\n".join([*lines, b""]))
        if head.upgrade:
            self._give_away(head, self.factory.websocket)
            return
        if self.factory.streams.takes(head):
            self._give_away(head, self.factory.streams)
            return
        self.target = head.target
        for line in lines:
            super().lineReceived(line)

    def _give_away(self, head: Head, door: Any) -> None:
        """Lose the connection to another door, for good."""
        transport, self.transport = self.transport, None
        self.setTimeout(None)
        # Twisted Web is the transport's producer, and may have paused it.
        transport.unregisterProducer()
        protocol = door.buildProtocol(transport.getPeer())
        protocol.pristine = False
        protocol.place, self.place = self.place, None
        hand_over(transport, protocol)
        transport.resumeProducing()
        protocol.upgrade(head, self.clearLineBuffer())
