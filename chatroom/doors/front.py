"""The front door: one port for WebSockets and for the web.

It reads a connection's first request head, strictly, and hands the connection over: an upgrade
straight to the WebSocket factory (going through a web server's resources would cost two thirds
more CPU and memory a connection), everything else to the web site.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from twisted.internet.interfaces import IAddress, IProtocol, IProtocolNegotiationFactory
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from chatroom.admission import Admission
from chatroom.deadlines import Deadlines
from chatroom.domain.ports import Timer
from chatroom.doors.handover import hand_over
from chatroom.doors.headers import last_answer

MAX_HEAD = 16 * 1024
"""The longest request head with its empty line, in bytes."""

_LINGER = 2.0
"""Seconds for a refused client to read why."""

# RFC 9112, sections 3 and 5, and RFC 9110, section 5.5: every line ends in CRLF, no folded lines,
# no space before a colon, and no control bytes at all. 0x85 is none in HTTP, but it is a line's end
# to Python's str.splitlines, with which Autobahn takes a head apart; so are 0x0b, 0x0c, 0x1c-0x1e.
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_HEAD = re.compile(
    rb"%(token)s [\x21-\x7e]+ HTTP/1\.[01]\r\n"
    rb"(?:%(token)s:[\t\x20-\x7e\x80-\x84\x86-\xff]*\r\n)*\r\n" % {b"token": _TOKEN}
)
_UPGRADE = re.compile(rb"\r\nupgrade:[^\r]*\bwebsocket\b", re.IGNORECASE)
_BODY = re.compile(rb"\r\n(?:transfer-encoding:|content-length:(?![ \t]*0+[ \t]*\r))", re.IGNORECASE)
_HOST = re.compile(rb"\r\nhost:", re.IGNORECASE)
_OLD = re.compile(rb"[^\r]* HTTP/1\.0\r")
_BARE_LF = re.compile(rb"(?<!\r)\n")

FULL = "The server is full; try again later."

MALFORMED = (
    "This is not a well-formed HTTP request (RFC 9112): lines end in CRLF, and header fields have no"
    " control bytes."
)


class Refused(Exception):
    """A request that is not let in: its HTTP status, and why in a sentence."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why

    def response(self) -> bytes:
        """The whole answer."""
        return last_answer(self.status, self.why)


def check_head(head: bytes) -> bool:
    """Whether `head`, with its empty line, is a WebSocket upgrade; raises Refused for a bad one."""
    if not _HEAD.fullmatch(head):
        raise Refused(HTTPStatus.BAD_REQUEST, MALFORMED)
    # RFC 9112, section 3.2: exactly one, which only HTTP/1.0 may leave out.
    hosts = len(_HOST.findall(head))
    if hosts > 1 or (not hosts and not _OLD.match(head)):
        raise Refused(HTTPStatus.BAD_REQUEST, "A request has one Host field.")
    if not _UPGRADE.search(head):
        return False
    if _BODY.search(head):
        raise Refused(HTTPStatus.BAD_REQUEST, "A WebSocket upgrade has no body.")
    return True


class FrontDoor(Protocol):
    """One connection until its first request head is whole."""

    factory: FrontFactory
    transport: Any

    def __init__(self) -> None:
        self._head = b""
        self._timer: Timer | None = None
        self._refusing = False

    def connectionMade(self) -> None:
        """Somebody has connected."""
        factory = self.factory
        if factory.admission.full:
            self._refuse(Refused(HTTPStatus.SERVICE_UNAVAILABLE, FULL))
        elif factory.timeout:
            self._timer = factory.deadlines.call_later(factory.timeout, self._too_late)

    def dataReceived(self, data: bytes) -> None:
        """More of the head."""
        if self._refusing:
            return
        seen = len(self._head)
        self._head += data
        end = self._head.find(b"\r\n\r\n", max(0, seen - 3))
        size = end + 4 if end >= 0 else len(self._head) + 1
        try:
            if self._head[0] < 0x20 and self._head[:1] not in b"\r\n":
                raise Refused(HTTPStatus.BAD_REQUEST, "This port speaks plain HTTP: use http:// or ws://.")
            if _BARE_LF.search(self._head, seen, min(size, MAX_HEAD)):
                # Its end might never come, for who thinks that it has sent it.
                raise Refused(HTTPStatus.BAD_REQUEST, MALFORMED)
            if size > MAX_HEAD:
                raise Refused(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
                    f"A request head has at most {MAX_HEAD} bytes.",
                )
            if end >= 0:
                self._pass(check_head(self._head[: end + 4]))
        except Refused as refused:
            self._refuse(refused)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Gone before it said what it wanted."""
        self._stop_timer()

    def _pass(self, upgrade: bool) -> None:
        self._stop_timer()
        factory, transport = self.factory, self.transport
        site = factory.websocket if upgrade else factory.web
        protocol: IProtocol | None = site.buildProtocol(transport.getPeer())
        if protocol is None:
            transport.loseConnection()
            return
        head, self._head = self._head, b""
        hand_over(transport, protocol)
        protocol.dataReceived(head)

    def _refuse(self, refused: Refused) -> None:
        self._stop_timer()
        self._refusing = True
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
        self, websocket: Any, web: Any, deadlines: Deadlines, admission: Admission, timeout: float
    ) -> None:
        self.websocket = websocket
        self.web = web
        self.deadlines = deadlines
        self.admission = admission
        self.timeout = timeout

    def acceptableProtocols(self) -> list[bytes]:
        """What ALPN may choose (RFC 7301): without it, a browser's TLS handshake fails."""
        return [b"http/1.1"]

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """A front door; the address is asked of the transport later."""
        door = FrontDoor()
        door.factory = self
        return door
