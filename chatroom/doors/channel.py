"""A web connection: every request head on it is read as strictly as the first one was.

Reverse proxies keep connections alive and send upgrades, and requests for streams, on them. Twisted
Web has no way to give a connection away (its ticket 3204), so whole heads are read here, before
Twisted Web sees them, and it is between two requests, with nothing under way, when it loses the
connection.
"""

from __future__ import annotations

import socket
from http import HTTPStatus
from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper
from twisted.python.failure import Failure

from chatroom.admission import Place
from chatroom.domain.accounts import Principal
from chatroom.doors.handover import hand_over
from chatroom.doors.headers import last_answer
from chatroom.doors.heads import MALFORMED, MAX_HEAD, TOO_LONG, Head, Refused, read_head
from chatroom.doors.internals import AnsweringChannel
from chatroom.doors.proxies import Proxies
from chatroom.member import Member

BEGINNING = b"POST /api/v1/rooms/"
"""How the requests begin that are published without Twisted Web."""

HELD = 64 * 1024
"""So many bytes are read ahead of an answer, before no more are read."""


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

    known: tuple[Principal, Member] | None = None
    """Who has published here last."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[bytes] = []
        self._size = 0
        self._begun: list[bytes] = []
        self._lacking = 0
        self._held = b""
        self._passed_on = self._posting = self._offering = False
        self._paused = self._choked = self._gone = self._late = False
        self._socket: socket.socket | None = None

    def connectionMade(self) -> None:
        """It is ours."""
        super().connectionMade()
        self.factory.channels.add(self)
        if not isinstance(self.transport, ProtocolWrapper):
            handle = getattr(self.transport, "getHandle", lambda: None)()
            self._socket = handle if isinstance(handle, socket.socket) else None

    def dataReceived(self, data: bytes) -> None:
        """More of a request. The commonest are answered in front of Twisted Web (`publishing`), up to
        the first that is none of these: nobody here knows how much of the next one Twisted has."""
        if self._passed_on:
            super().dataReceived(data)
        elif self._posting:
            self._hold(data)
        elif self._lacking > len(data):
            self._begun.append(data)
            self._lacking -= len(data)
        else:
            begun, self._begun, self._lacking = [*self._begun, data], [], 0
            self._offer(b"".join(begun))

    def _offer(self, data: bytes) -> None:
        """Bytes with which a request begins."""
        self._offering = True
        while data and not (self._posting or self._lacking):
            asked = self._read(data)
            if asked is None:
                self._passed_on = True
                super().dataReceived(data)
                break
            self.resetTimeout()
            if asked.lacking:
                self._begun, self._lacking = [data], asked.lacking
            else:
                self._posting, self._held = True, data[asked.end :]
                self.factory.publishing.begin(asked, self, self._answer)
                if not self._posting:
                    data, self._held = self._held, b""
        self._offering = False

    def _read(self, data: bytes) -> Any:
        publishing = self.factory.publishing
        return publishing.read(data, self) if publishing and data.startswith(BEGINNING) else None

    def _answer(self, answer: bytes) -> None:
        """A message is published, or is not."""
        self._posting = self._asking = False
        if self._gone:
            return
        self._write(answer)
        if self._late:
            self._late = False
            self.setTimeout(self.timeOut)
        else:
            super().resetTimeout()
        if self._paused and not self._choked:
            self._paused = False
            self.transport.resumeProducing()
        if not self._offering:
            held, self._held = self._held, b""
            self._offer(held)

    def _write(self, answer: bytes) -> None:
        taken = 0
        if self._socket is not None:
            try:
                taken = self._socket.send(answer)
            except OSError:
                pass  # full, interrupted, or gone: Twisted will find out, and say so
        if taken != len(answer):
            self._socket = None
            self.transport.write(answer[taken:])

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > HELD and not self._paused:
            self._paused = True
            self.transport.pauseProducing()

    def address(self, forwarded_for: str | None, forwarded_proto: str | None) -> str | None:
        """Where a request with such header fields comes from."""
        proxies: Proxies = self.factory.proxies
        return proxies.source(self.transport.getPeer(), False, forwarded_for, forwarded_proto).address

    @property
    def roomy(self) -> bool:
        """Whether the connection may stay for another request: not where others may want its place, and
        not where the server is about to stop."""
        return (self.place is None or self.place.roomy) and not self.factory.readiness.leaving

    @property
    def answering(self) -> bool:
        """Whether there is a request whose answer is not written yet."""
        return self._posting or bool(self.requests)

    def timeoutConnection(self) -> None:
        """Nothing has come for a while; but who waits for an answer is not late."""
        if self._posting:
            self._late = True
        else:
            super().timeoutConnection()

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
        self.factory.websocket.chat.counts.answered[status.value] += 1
        self.transport.write(last_answer(status, why))
        self.loseConnection()

    def refuse_request(self) -> None:
        """The same, of what only Twisted Web has found out."""
        self.refuse(HTTPStatus.BAD_REQUEST, MALFORMED)

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        """Whether it is `roomy`, and HTTP's own rules are for it."""
        if not self.roomy:
            request.responseHeaders.setRawHeaders(b"connection", [b"close"])
            return False
        return bool(super().checkPersistence(request, version))

    def pauseProducing(self) -> None:
        """The client does not read: it has as long for that as for its next request."""
        self._choked = True
        super().pauseProducing()
        self.setTimeout(self.factory.timeOut)

    def resumeProducing(self) -> None:
        """It does."""
        self._choked = False
        super().resumeProducing()
        if self.requests:
            self.setTimeout(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self._gone = True
        self.factory.channels.discard(self)
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
        self.factory.channels.discard(self)
        self.setTimeout(None)
        # Twisted Web is the transport's producer, and may have paused it.
        transport.unregisterProducer()
        protocol = door.buildProtocol(transport.getPeer())
        protocol.pristine = False
        protocol.place, self.place = self.place, None
        hand_over(transport, protocol)
        transport.resumeProducing()
        protocol.upgrade(head, self.clearLineBuffer())
