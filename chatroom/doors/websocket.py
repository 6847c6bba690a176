"""The WebSocket door: Autobahn's protocol between the front door and a session."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.protocol import WebSocketProtocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatroom.admission import address_of
from chatroom.domain import names
from chatroom.domain.errors import BadRequest, CloseCode
from chatroom.domain.events import Closing
from chatroom.domain.ports import Clock, Dialect, Row, Timer
from chatroom.doors.dialogues import Dialogue, Echo, JsonDialogue, PlainDialogue
from chatroom.doors.front import FULL
from chatroom.doors.headers import last_answer
from chatroom.doors.heads import Head
from chatroom.doors.origins import Origins
from chatroom.doors.outbox import Outbox, Tick
from chatroom.doors.outlets import outbox_for, row_for
from chatroom.doors.reading import whole_text
from chatroom.doors.settings import LINGER, settings, window_bits
from chatroom.plain import PlainSession
from chatroom.session import Doorman, Session
from chatroom.wire.dialects import json_dialect, plain_dialect
from chatroom.wire.json import SUBPROTOCOL

PATHS = ("/", "/ws")
ECHO = "/echo"
_UNSUPPORTED_DATA = 1003
"""RFC 6455, section 7.4.1: a type of data that cannot be accepted."""


class _Quiet:
    """Autobahn's log: its debug lines cost nothing, and a client's faults are no warnings of ours."""

    _log = Logger(namespace="chatroom.doors.websocket")

    def debug(self, *_args: object, **_kw: object) -> None:
        """Nothing."""

    info = trace = warn = warning = debug

    def error(self, text: str, **kw: object) -> None:
        """What Autobahn cannot go on from."""
        self._log.error(text, **kw)

    failure = error


def _nothing(_frames: bytes) -> None:
    """Where the hub's bytes go once a connection is closing."""


class ChatProtocol(WebSocketServerProtocol):
    """One WebSocket connection. It is the `Outlet` that the hub writes to.

    Its settings are on the class (`settings.settings`); `ChatFactory` makes that class.
    """

    log = _Quiet()
    factory: ChatFactory
    transport: Any
    maxMessagePayloadSize: int
    dialect: Dialect
    outbox: Outbox
    write: Callable[[bytes], None]
    """The outbox's, until the connection is closing."""
    send: Callable[[bytes], None]
    """The same."""
    pristine = True
    """False where the connection has carried other HTTP requests before this one."""

    _dialogue: Dialogue | None = None
    _abort: Timer | None = None
    _refused: str | None = None
    _counted = False

    # Twisted's side. Autobahn's own versions format debug lines for each call.

    def connectionMade(self) -> None:
        """The front door has handed the connection over."""
        transport = self.transport
        self.address = address_of(transport.getPeer())
        self.peer = self.address or "?"
        try:
            transport.setTcpNoDelay(True)
        except (AttributeError, OSError):
            pass  # a Unix socket has no such option
        factory = self.factory
        self.outbox = outbox_for(
            transport,
            factory.tick,
            factory.chat.limits.backlog_bytes,
            self._overflowed,
            pristine=self.pristine,
        )
        self.write = self.outbox.write
        self.send = self.outbox.send
        WebSocketProtocol._connectionMade(self)
        factory.countConnections += 1

    def upgrade(self, head: Head, rest: bytes) -> None:
        """Begin with a handshake, which the head asks for, and with what has come behind it."""
        self.dataReceived(head.raw + rest)

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the peer: whole short texts at once, all else through Autobahn."""
        start = 0
        # Nothing is buffered, no frame and no message is under way.
        while self.state == self.STATE_OPEN and not (self.data or self.inside_message or self.current_frame):
            text = whole_text(data, start, self.maxMessagePayloadSize)
            if text is None:
                break
            start = text.end
            self._take(text.payload)
            if start == len(data):
                return
        self._dataReceived(data[start:] if start else data)

    def _take(self, payload: bytes) -> None:
        if self.autoPingTimeoutCall is not None:
            # Who sends is there: that answers the ping.
            self._cancelAutoPingTimeoutCall()
        if self._dialogue is not None:
            self._dialogue.message(payload, False)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        # Autobahn forgets the second.
        for timer in (self._abort, self.closeHandshakeTimeoutCall):
            if timer is not None:
                timer.cancel()
        WebSocketProtocol._connectionLost(self, reason)  # type: ignore[arg-type]
        self.factory.countConnections -= 1
        if self._counted:
            self.factory.admission.leave(self.address)
        # The outbox's methods here would keep the connection alive in a cycle.
        self.write = self.send = _nothing
        self.outbox.lost()
        # Autobahn's Deferred for the end has the protocol itself for its result.
        self.is_closed = self.is_open = None

    # Everything that leaves goes through the outbox.

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Autobahn's own bytes: handshake, pong, close."""
        self.outbox.control(data)

    def sendCloseFrame(
        self,
        code: int | None = None,
        reasonUtf8: bytes | None = None,
        isReply: bool = False,
    ) -> None:
        """The close frame, which is the last one (RFC 6455, section 5.5.1)."""
        # First what was sent in this tick: where that is too much, another close frame is on its way.
        self.outbox.flush()
        super().sendCloseFrame(code, reasonUtf8, isReply)
        self.outbox.seal()
        self.write = self.send = _nothing

    def unregisterProducer(self) -> None:
        """Nothing: the outbox is the producer, and knows when it is done."""

    def _closeConnection(self, abort: bool = False) -> None:
        if abort:
            self.transport.abortConnection()
            return
        self.outbox.finish()
        # Who does not read what is left does not keep the connection for ever.
        self._abort = self.factory.chat.deadlines.call_later(LINGER, self.transport.abortConnection)

    def close(self, code: int, reason: str) -> None:
        """End the connection, after what was sent before (the hub's `Outlet`)."""
        self.sendClose(int(code), reason)

    def row(self) -> Row:
        """An empty row for members like this one (the hub's `Outlet`)."""
        return row_for(self.outbox)

    def _overflowed(self) -> None:
        self.close(CloseCode.SLOW, "too slow a reader: resume where you were")

    def sendHttpErrorResponse(
        self,
        code: int,
        reason: str,
        responseHeaders: Any = None,
    ) -> None:
        """The answer to a handshake that fails; Autobahn's has no body and no length."""
        self.sendData(last_answer(HTTPStatus(code), reason, responseHeaders or ()))

    # Autobahn's side.

    def onConnect(self, request: ConnectionRequest) -> str | None:
        """Say yes or no to a handshake that is right so far."""
        factory = self.factory
        origin, host = request.origin or "", request.headers.get("host", "")
        if not factory.origins.allow(origin, host):
            factory.refuse_origin(origin)
            raise ConnectionDeny(
                403, f"pages of {origin} may not connect: start the server with --origin {origin}"
            )
        if request.path == ECHO and factory.echo:
            return None
        if request.path not in PATHS:
            raise ConnectionDeny(404, "WebSockets are at /ws")
        if request.protocols and SUBPROTOCOL not in request.protocols:
            raise ConnectionDeny(400, f"the subprotocols here are: {SUBPROTOCOL}; or ask for none")
        if not request.protocols:
            self._check_plain(request)
        if factory.admission.full:
            # The front door has looked too, but then others were still on their way in.
            raise ConnectionDeny(503, FULL)
        self._counted = True
        if not factory.admission.enter(self.address):
            self._refused = "too many connections from your address"
        return SUBPROTOCOL if request.protocols else None

    def onOpen(self) -> None:
        """The handshake is done."""
        factory = self.factory
        factory.open.add(self)
        if self._refused is not None:
            self.close(CloseCode.TOO_MANY, self._refused)
        elif self.http_request_path == ECHO:
            self._dialogue = Echo(self)
        elif self.websocket_protocol_in_use == SUBPROTOCOL:
            self.dialect = json_dialect(window_bits(self._perMessageCompress))
            self._dialogue = JsonDialogue(self, Session(factory.doorman, self, self.address))
        else:
            self._open_plain()
        self._forget_handshake()

    def onMessageEnd(self) -> None:
        """A whole message has come. (Autobahn's own version also fires an event nobody listens to.)"""
        parts, self.message_data = self.message_data, []
        if self._dialogue is not None and not self.failedByMe:
            self._dialogue.message(b"".join(parts), self.message_is_binary)

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        """The connection is gone."""
        self.factory.open.discard(self)
        dialogue, self._dialogue = self._dialogue, None
        if dialogue is not None:
            dialogue.closed()

    def refuse_binary(self) -> None:
        """Binary data where only text is understood."""
        self._fail_connection(_UNSUPPORTED_DATA, "chatroom.v1 is JSON in text messages")

    def _check_plain(self, request: ConnectionRequest) -> None:
        """What a plain connection asks for in its URL; what is wrong with it is a 400."""
        asked = {name: values[-1] for name, values in request.params.items()}
        try:
            room = names.room_name(asked.get("room", names.DEFAULT_ROOM))
            name = names.user_name(asked["name"]) if "name" in asked else None
        except BadRequest as error:
            raise ConnectionDeny(400, error.message) from None
        since = asked.get("since")
        if since is not None and not (since.isascii() and since.isdigit() and len(since) < 16):
            raise ConnectionDeny(400, "since is the number of an event")
        self._asked = (room, name, None if since is None else int(since))

    def _open_plain(self) -> None:
        factory = self.factory
        room, name, since = self._asked
        del self._asked
        self.dialect = plain_dialect(window_bits(self._perMessageCompress))
        session = PlainSession(factory.doorman, self, room, self.address)
        self._dialogue = PlainDialogue(session)
        session.open(name, since)

    def _forget_handshake(self) -> None:
        """What nobody needs any more is a third of an idle connection's memory."""
        for name in (
            "http_headers",
            "http_request_data",
            "http_request_params",
            "http_request_uri",
            "http_response_data",
            "http_status_line",
            "websocket_extensions",
            "websocket_protocols",
        ):
            self.__dict__.pop(name, None)


class ChatFactory(WebSocketServerFactory):
    """Makes the connections' protocols, and holds what they share."""

    log = _Quiet()
    noisy = False
    _own_log = Logger()

    def __init__(
        self,
        doorman: Doorman,
        clock: Clock,
        origins: Origins,
        *,
        echo: bool = False,
    ) -> None:
        super().__init__(server="", reactor=clock)
        # Autobahn asks this for its pings and its time limits.
        self._batched_timer = doorman.chat.deadlines
        self.doorman = doorman
        self.chat = doorman.chat
        self.clock = clock
        self.admission = doorman.admission
        self.origins = origins
        self.echo = echo
        self.tick = Tick(clock)
        doorman.chat.hub.at_tick.append(self.tick.flush)
        self.protocol: Any = type("ChatProtocol", (ChatProtocol,), settings(doorman.chat.limits))
        self.open: set[ChatProtocol] = set()
        """Every connection that is open."""
        self._warned: set[str] = set()

    def close_all(self, reason: str, reconnect_after: float) -> None:
        """Ask every client to come back in `reconnect_after` seconds, and close its connection."""
        closing = Closing(reason=reason, reconnect_after=reconnect_after)
        for protocol in list(self.open):
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
