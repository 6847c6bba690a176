"""One WebSocket to a server."""

from __future__ import annotations

import re
from typing import Any, NamedTuple, Protocol

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.wamp.types import TransportDetails
from autobahn.websocket.types import ConnectingRequest
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatroom.client.address import Address

SUBPROTOCOL = "chatroom.v1"

MAX_MESSAGE = 64 * 1024 * 1024
"""Bytes of the largest message that is taken: five hundred events of the largest kind fit."""


class Loss(NamedTuple):
    """How a connection ended. `code` is the close code (RFC 6455, section 7.4), 1006 where there was
    none; `status` the HTTP status where the server did not upgrade; `problem` what the network said."""

    code: int
    reason: str
    status: int | None
    problem: BaseException | None


class Owner(Protocol):
    """Whose connection it is."""

    def built(self, line: Line) -> None:
        """It is being made."""

    def opened(self, line: Line) -> None:
        """The WebSocket is open."""

    def received(self, line: Line, payload: bytes) -> None:
        """A text message came."""

    def lost(self, line: Line, loss: Loss) -> None:
        """It is gone, or was never open."""


class _Quiet:
    """Autobahn's log, of which nothing is wanted: all that goes wrong reaches the owner."""

    def debug(self, *_args: object, **_kw: object) -> None:
        """Nothing."""

    info = trace = warn = warning = error = failure = critical = debug


class Line(WebSocketClientProtocol):
    """A connection, by what Autobahn documents."""

    log = _Quiet()
    _log = Logger()
    _problem: BaseException | None = None
    http_status_line: str = ""
    """Autobahn's: the first line of the server's answer."""
    wasNotCleanReason: str
    """Autobahn's: why there was no closing handshake."""
    factory: LineFactory

    def onConnecting(self, transport_details: TransportDetails) -> ConnectingRequest:
        """Ask for the upgrade. Autobahn would leave the brackets of an IPv6 address out."""
        where = self.factory.where
        host = where.authority.rpartition(":")[0]
        return ConnectingRequest(
            host=host,
            port=where.port,
            resource=where.resource,
            headers={},
            useragent=self.factory.agent,
            protocols=[SUBPROTOCOL],
        )

    def onOpen(self) -> None:
        """The handshake is done."""
        self.factory.owner.opened(self)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """A message; binary ones are not of this protocol."""
        if not isBinary:
            self.factory.owner.received(self, payload)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The transport is gone."""
        self._problem = reason.value
        super().connectionLost(reason)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """Autobahn has seen the end."""
        status = re.match(r"HTTP/1\.\d (\d{3})", self.http_status_line)
        answered = None if status is None or status[1] == "101" else int(status[1])
        why = reason if wasClean else self.wasNotCleanReason
        loss = Loss(code or 1006, why or "", answered, self._problem)
        self.factory.owner.lost(self, loss)

    def say(self, payload: bytes) -> None:
        """Send a text message; on a connection that is being closed it goes nowhere."""
        if self.state == self.STATE_OPEN:
            self.sendMessage(payload)

    def hang_up(self) -> None:
        """End it, in good order where it is open."""
        if self.state == self.STATE_OPEN:
            self.sendClose(1000)
        elif self.state != self.STATE_CLOSING:
            self.drop()

    def drop(self) -> None:
        """End it at once, for nothing comes from there."""
        self.wasNotCleanReason = "it does not answer"
        if self.transport is not None:
            self.dropConnection(abort=True)


class LineFactory(WebSocketClientFactory):
    """Makes connections for an owner. `agent` is what they call themselves."""

    log = _Quiet()
    noisy = False

    def __init__(self, where: Address, owner: Owner, agent: str, reactor: Any) -> None:
        super().__init__(where.url, protocols=[SUBPROTOCOL], reactor=reactor)
        self.where = where
        self.owner = owner
        self.agent = agent
        # Timeouts are the owner's, who has a clock that tests can turn.
        self.setProtocolOptions(
            openHandshakeTimeout=0,
            closeHandshakeTimeout=0,
            serverConnectionDropTimeout=0,
            autoPingInterval=0,
            maxFramePayloadSize=MAX_MESSAGE,
            maxMessagePayloadSize=MAX_MESSAGE,
        )

    def buildProtocol(self, addr: IAddress | None) -> Line:  # type: ignore[override]
        """A connection more."""
        line = Line()
        line.factory = self
        self.owner.built(line)
        return line
