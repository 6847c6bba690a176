"""The WebSocket door: who may connect, and what their connection speaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, NamedTuple

from autobahn.twisted.websocket import WebSocketServerFactory
from autobahn.websocket.types import ConnectionDeny
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatroom.admission import Place
from chatroom.domain import names
from chatroom.domain.errors import BadRequest, CloseCode
from chatroom.domain.events import Closing
from chatroom.domain.ports import Clock, Dialect, Outlet, Row, Timer
from chatroom.doors.cookies import login_token
from chatroom.doors.dialogues import Dialogue, Echo, JsonDialogue, PlainDialogue
from chatroom.doors.handshakes import Asked
from chatroom.doors.headers import last_answer
from chatroom.doors.heartbeat import Heartbeat
from chatroom.doors.hosts import Hosts
from chatroom.doors.internals import (
    QUIET,
    PublicProtocol,
    QuickProtocol,
    forget_handshake,
    lacking,
    quick_state,
)
from chatroom.doors.origins import Origins, is_own
from chatroom.doors.outbox import Outbox, Tick
from chatroom.doors.outlets import outbox_for, row_for
from chatroom.doors.proxies import Proxies, is_encrypted
from chatroom.doors.settings import LINGER, options, window_bits
from chatroom.doors.writing import OutboxTransport
from chatroom.plain import PlainSession
from chatroom.session import Doorman, Session
from chatroom.wire.dialects import json_dialect, plain_dialect
from chatroom.wire.json import SUBPROTOCOL

PATHS = ("/", "/ws")
ECHO = "/echo"
_UNSUPPORTED_DATA = 1003
"""RFC 6455, section 7.4.1: a type of data that cannot be accepted."""


class Wanted(NamedTuple):
    """What a plain connection asks for in its URL."""

    room: str
    name: str | None
    since: int | None


def _wanted(asked: Asked) -> Wanted:
    """What is wrong with it is a 400."""
    given = {name: values[-1] for name, values in asked.params.items()}
    try:
        room = names.room_name(given.get("room", names.DEFAULT_ROOM))
        name = names.user_name(given["name"]) if "name" in given else None
    except BadRequest as error:
        raise ConnectionDeny(400, error.message) from None
    since = given.get("since")
    if since is not None and not (since.isascii() and since.isdigit() and len(since) < 16):
        raise ConnectionDeny(400, "since is the number of an event")
    return Wanted(room, name, None if since is None else int(since))


def _nothing(_frames: bytes) -> None:
    """Where the hub's bytes go once a connection is closing."""


class ChatProtocol(Heartbeat, PublicProtocol):  # type: ignore[misc]  # Autobahn's bases differ a little
    """One WebSocket connection. It is the `Outlet` that the hub writes to.

    `ChatFactory` makes its class, of this and, where it can, of QuickProtocol.
    """

    factory: ChatFactory
    dialect: Dialect
    outbox: Outbox
    write: Callable[[bytes], None]
    """The outbox's, until the connection is closing."""
    send: Callable[[bytes], None]
    """The same."""
    pristine = True
    """False where the connection has carried other HTTP requests before this one."""
    place: Place | None = None
    """The connection's in the count."""
    address: str | None = None
    """Where it is from, as in `proxies.Source`."""

    _wanted: Wanted | None = None
    _dialogue: Dialogue | None = None
    _abort: Timer | None = None
    _refused: str | None = None
    _encrypted = False
    _cookie: str | None = None

    # Twisted's side.

    def connectionMade(self) -> None:
        """The front door has handed the connection over."""
        transport, factory = self.transport, self.factory
        if is_encrypted(transport):
            self._encrypted = True
        self.outbox = outbox_for(
            transport,
            factory.tick,
            factory.chat.limits.backlog_bytes,
            self._overflowed,
            pristine=self.pristine,
        )
        self.write = self.outbox.write
        self.send = self.outbox.send
        self.transport = OutboxTransport(transport, self.outbox, self)
        super().connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self.stop_beating()
        if self._abort is not None:
            self._abort.cancel()
        super().connectionLost(reason)
        if self.place is not None:
            self.place.leave()
        # The outbox's methods here would keep the connection alive in a cycle.
        self.write = self.send = _nothing
        self.outbox.lost()
        self.transport.lost()
        # Autobahn's Deferred for the end has the protocol itself for its result.
        self.is_closed = self.is_open = None

    def ending(self) -> None:
        """The close frame is the last one (RFC 6455, section 5.5.1)."""
        self.outbox.seal()
        self.write = self.send = _nothing
        self.stop_beating()
        if self._abort is None:
            # Who does not answer it, or does not read what is left, does not keep the connection.
            self._abort = self.factory.chat.deadlines.call_later(LINGER, self.transport.abortConnection)

    @property
    def behind(self) -> bool:
        """Whether the reader has not taken yet what was sent (the hub's `Outlet`)."""
        return self.outbox.behind

    def close(self, code: int, reason: str) -> None:
        """End the connection, after what was sent before (the hub's `Outlet`)."""
        self.sendClose(int(code), reason)

    def row(self) -> Row:
        """An empty row for members like this one (the hub's `Outlet`)."""
        return row_for(self.outbox)

    def _overflowed(self) -> None:
        self.factory.chat.counts.slow += 1
        self.close(CloseCode.SLOW, "too slow a reader: resume where you were")

    # Autobahn's side.

    def admit(self, asked: Asked) -> str | None:
        """Say yes or no to a handshake that is right so far."""
        factory = self.factory
        if not factory.hosts.serves(asked.host):
            raise ConnectionDeny(421, factory.hosts.refusal(asked.host))
        secure = self._look_where_from(asked)
        if not factory.origins.allow(asked.origin, asked.host, secure):
            factory.refuse_origin(asked.origin)
            raise ConnectionDeny(
                403,
                f"pages of {asked.origin} may not connect: start the server with --origin {asked.origin}",
            )
        if asked.path == ECHO and factory.echo:
            self._dialogue = Echo(self)
            return None
        if asked.path not in PATHS:
            raise ConnectionDeny(404, "WebSockets are at /ws")
        if asked.protocols and SUBPROTOCOL not in asked.protocols:
            raise ConnectionDeny(400, f"the subprotocols here are: {SUBPROTOCOL}; or ask for none")
        if not asked.protocols:
            self._wanted = _wanted(asked)
        if asked.cookie is not None and is_own(asked.origin, asked.host, secure):
            # A browser sends it along whatever page asks: of others' pages it says nothing.
            self._cookie = login_token(asked.cookie, secure)
        if self.place is not None and self.place.crowded:
            self._refused = "too many connections from your address"
        return SUBPROTOCOL if asked.protocols else None

    def _look_where_from(self, asked: Asked) -> bool | None:
        """Take down the address; whether the client speaks TLS, as in `proxies.Source`."""
        place, proxies = self.place, self.factory.proxies
        if place is not None and (place.address or not (asked.forwarded_for or proxies.trusting)):
            # Who has an address of their own can say nothing of others, and nobody does.
            self.address = place.address
            return self._encrypted or None
        self.address, secure = proxies.source(
            self.transport.getPeer(), self._encrypted, asked.forwarded_for, asked.forwarded_proto
        )
        if place is not None:
            place.move(self.address)
        return secure

    def sendHttpErrorResponse(
        self,
        code: int,
        reason: str,
        responseHeaders: Any = None,
    ) -> None:
        """The answer to a handshake that fails; Autobahn's has no body and no length."""
        self.factory.chat.counts.answered[code] += 1
        self.transport.write(last_answer(HTTPStatus(code), reason, responseHeaders or ()))

    def onOpen(self) -> None:
        """The handshake is done."""
        factory = self.factory
        factory.open.add(self)
        factory.chat.counts.answered[101] += 1
        self.start_beating()
        forget_handshake(self)
        compression = self.websocket_extensions_in_use
        bits = window_bits(compression[0]) if compression else 0
        if self._refused is not None:
            self.close(CloseCode.TOO_MANY, self._refused)
        elif self.websocket_protocol_in_use == SUBPROTOCOL:
            self.dialect = json_dialect(bits)
            self._dialogue = JsonDialogue(self, Session(factory.doorman, self, self.address, self._cookie))
        elif self._wanted is not None:
            self.dialect = plain_dialect(bits)
            self._open_plain(self._wanted)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """A whole message has come."""
        self.heard()
        if self._dialogue is not None:
            self._dialogue.message(payload, isBinary)

    def onMessageFrameEnd(self) -> None:
        """A part of one has come."""
        self.heard()
        super().onMessageFrameEnd()

    def onMessageFrame(self, payload: Any) -> None:
        """What was in it, in pieces. Empty ones are not kept: there may be any number of them, and no
        limit in bytes ends that."""
        pieces: Any = [piece for piece in payload if piece]
        super().onMessageFrame(pieces)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The connection is gone."""
        self.factory.open.discard(self)
        self._end_dialogue()

    def refuse_binary(self) -> None:
        """Binary data where only text is understood."""
        self._end_dialogue()
        self.sendCloseFrame(_UNSUPPORTED_DATA, b"chatroom.v1 is JSON in text messages")

    def _end_dialogue(self) -> None:
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            dialogue.closed()

    def _open_plain(self, wanted: Wanted) -> None:
        factory = self.factory
        self._wanted = None
        session = PlainSession(factory.doorman, self, wanted.room, self.address, self._cookie)
        self._dialogue = PlainDialogue(session)
        session.open(wanted.name, wanted.since)


class ChatFactory(WebSocketServerFactory):
    """Makes the connections' protocols, and holds what they share."""

    log = QUIET
    noisy = False
    _own_log = Logger()

    def __init__(
        self,
        doorman: Doorman,
        clock: Clock,
        origins: Origins,
        *,
        hosts: Hosts | None = None,
        proxies: Proxies | None = None,
        echo: bool = False,
        quick: bool = True,
    ) -> None:
        super().__init__(server="", reactor=clock)
        self.setProtocolOptions(**options(doorman.chat.limits))
        self.doorman = doorman
        self.chat = doorman.chat
        self.clock = clock
        self.admission = doorman.admission
        self.origins = origins
        self.hosts = hosts or Hosts()
        self.proxies = proxies or Proxies()
        self.echo = echo
        self.tick = Tick(clock)
        doorman.chat.hub.at_tick.append(self.tick.flush)
        self.protocol: Any = self._kind() if quick else ChatProtocol
        self.open: set[Outlet] = set()
        """Every connection that is open, streams too."""
        self._warned: set[str] = set()

    def _kind(self) -> type[ChatProtocol]:
        """The quick kind of connection, where Autobahn is as that needs it."""
        strange = lacking(self)
        if strange is None:
            return type("ChatProtocol", (ChatProtocol, QuickProtocol), quick_state(self))
        self._own_log.warn(
            "Autobahn {version} is not known inside ({strange}): only what it documents is used, which"
            " costs CPU time and memory",
            version=version("autobahn"),
            strange=strange,
        )
        return ChatProtocol

    def close_all(self, reason: str, reconnect_after: float) -> None:
        """`send_off` everybody."""
        self.send_off(list(self.open), reason, reconnect_after)

    def send_off(self, connections: Iterable[Outlet], reason: str, reconnect_after: float) -> None:
        """Ask clients to come back in `reconnect_after` seconds, and close their connections."""
        closing = Closing(reason=reason, reconnect_after=reconnect_after)
        for protocol in connections:
            dialect = getattr(protocol, "dialect", None)
            payload = None if dialect is None else dialect.event(closing)
            if dialect is not None and payload is not None:
                protocol.send(dialect.frame(payload))
            protocol.close(CloseCode.RESTARTING, reason)

    def refuse_origin(self, origin: str) -> None:
        """Tell the operator once of each origin what lets it in."""
        if origin not in self._warned and len(self._warned) < 100:
            self._warned.add(origin)
            self._own_log.warn("refused a page of {origin}: --origin {origin} would let it in", origin=origin)
