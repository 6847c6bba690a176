"""The front door: one port for WebSockets and for the web.

It reads a connection's first request head, strictly, and hands the connection over: an upgrade
straight to the WebSocket factory (going through a web server's resources would cost two thirds
more CPU and memory a connection), a listener to the streams' one, everything else to the web site.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from twisted.internet.interfaces import IAddress, IProtocolNegotiationFactory
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from chatroom.admission import Admission, Place
from chatroom.deadlines import Deadlines
from chatroom.domain.ports import Timer
from chatroom.doors.handover import hand_over
from chatroom.doors.heads import MALFORMED, MAX_HEAD, NOT_HTTP, TOO_LONG, Head, Refused, is_binary, read_head
from chatroom.doors.proxies import Proxies, is_balanced

_LINGER = 2.0
"""Seconds for a refused client to read why."""

FULL = "The server is full; try again later."

CROWDED = "There are too many connections from your address; close some of them."


class FrontDoor(Protocol):
    """One connection until its first request head is whole."""

    factory: FrontFactory
    transport: Any

    _head = b""
    _timer: Timer | None = None
    _place: Place | None = None
    _refusing = False

    def connectionMade(self) -> None:
        """Somebody has connected."""
        factory = self.factory
        if factory.admission.full:
            self._refuse(Refused(HTTPStatus.SERVICE_UNAVAILABLE, FULL))
            return
        self._place = factory.admission.arrive(factory.proxies.address_at_first(self.transport))
        if self._place.swamped:
            self._refuse(Refused(HTTPStatus.TOO_MANY_REQUESTS, CROWDED))
        elif factory.timeout:
            self._timer = factory.deadlines.call_later(factory.timeout, self._too_late)

    def dataReceived(self, data: bytes) -> None:
        """More of the head."""
        if self._refusing:
            return
        seen = len(self._head)
        self._head = self._head + data if seen else data
        end = self._head.find(b"\r\n\r\n", max(0, seen - 3)) + 4
        try:
            if 4 <= end <= MAX_HEAD:
                self._pass(read_head(self._head[:end]), self._head[end:])
            else:
                self._check_part(seen, end)
        except Refused as refused:
            self._refuse(refused)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Gone before it said what it wanted."""
        self._stop_timer()
        if self._place is not None:
            self._place.leave()

    def _check_part(self, seen: int, end: int) -> None:
        """Raise Refused for a head that cannot become one; `end` is 3 where it has none yet."""
        head = self._head
        if is_binary(head):
            raise Refused(HTTPStatus.BAD_REQUEST, NOT_HTTP)
        size = min(end if end >= 4 else len(head), MAX_HEAD)
        if head.count(b"\n", seen, size) > head.count(b"\r\n", max(0, seen - 1), size):
            # Its end might never come, for who thinks that it has sent it.
            raise Refused(HTTPStatus.BAD_REQUEST, MALFORMED)
        if end > MAX_HEAD or (end < 4 and len(head) >= MAX_HEAD):
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, TOO_LONG)

    def _pass(self, head: Head, rest: bytes) -> None:
        self._stop_timer()
        factory, transport = self.factory, self.transport
        taken = head.upgrade or factory.streams.takes(head)
        site = factory.web if not taken else factory.websocket if head.upgrade else factory.streams
        peer = transport.getPeer()
        protocol: Any = site.buildProtocol(peer)
        if protocol is None:
            transport.loseConnection()
            return
        self._head = b""
        protocol.place, self._place = self._place, None
        if protocol.place is not None and is_balanced(transport):
            protocol.place.move(factory.proxies.address_of(peer))
        hand_over(transport, protocol)
        if taken:
            protocol.upgrade(head, rest)
        else:
            protocol.dataReceived(head.raw + rest)

    def _refuse(self, refused: Refused) -> None:
        self._stop_timer()
        self._refusing = True
        self.factory.admission.turned_away[refused.status.value] += 1
        self._timer = self.factory.deadlines.call_later(_LINGER, self._give_up)
        self.transport.write(refused.response())
        self.transport.loseConnection()

    def _too_late(self) -> None:
        self._timer = None
        if self._head:
            self._refuse(Refused(HTTPStatus.REQUEST_TIMEOUT, "The request did not end in time."))
        else:
            self.transport.abortConnection()

    def _give_up(self) -> None:
        self._timer = None
        self.transport.abortConnection()

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()


@implementer(IProtocolNegotiationFactory)
class FrontFactory(Factory):
    """Makes front doors. `timeout` is how many seconds a request head may take; 0 for any."""

    noisy = False

    def __init__(
        self,
        websocket: Any,
        streams: Any,
        web: Any,
        deadlines: Deadlines,
        admission: Admission,
        timeout: float,
        proxies: Proxies | None = None,
    ) -> None:
        self.websocket = websocket
        self.streams = streams
        self.web = web
        self.deadlines = deadlines
        self.admission = admission
        self.timeout = timeout
        self.proxies = proxies or Proxies()

    def acceptableProtocols(self) -> list[bytes]:
        """What ALPN may choose (RFC 7301): without it, a browser's TLS handshake fails."""
        return [b"http/1.1"]

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """A front door; the address is asked of the transport later."""
        door = FrontDoor()
        door.factory = self
        return door
