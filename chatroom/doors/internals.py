"""Autobahn's and Twisted's insides: the one module that touches what they do not promise to keep.

A connection works with what Autobahn documents (`PublicProtocol`). `QuickProtocol` does the same
for a third of the CPU time and memory, because it knows Autobahn's inner state: it reads the
commonest handshakes and frames itself, and leaves all others to Autobahn. `lacking` rehearses it
against Autobahn when the server starts; where anything is not as it knows it, the server does
without it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache
from inspect import isfunction
from typing import Any, NamedTuple

from autobahn.twisted.websocket import WebSocketServerProtocol
from autobahn.wamp.types import TransportDetails
from autobahn.websocket.compress import PERMESSAGE_COMPRESSION_EXTENSION
from autobahn.websocket.protocol import TrafficStats, WebSocketProtocol
from autobahn.websocket.types import ConnectionDeny, ConnectionRequest
from autobahn.websocket.utf8validator import Utf8Validator
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from chatroom.doors.handshakes import Asked, Handshake, asked_of, common_handshake, response
from chatroom.doors.heads import Head, read_head
from chatroom.doors.reading import whole_text


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


QUIET = _Quiet()


class PublicProtocol(WebSocketServerProtocol):
    """A WebSocket connection by what Autobahn documents, and nothing else.

    Both kinds of protocols are given a whole request head by `upgrade`, ask `admit` whether the
    handshake may succeed, and call Autobahn's own `onOpen`, `onMessage` and `onClose`.
    """

    log = QUIET
    transport: Any

    def upgrade(self, head: Head, rest: bytes) -> None:
        """Begin with a handshake, which the head asks for, and with what has come behind it."""
        self.dataReceived(head.raw + rest)

    def onConnect(self, request: ConnectionRequest) -> str | None:
        """Say yes or no to a handshake that is right so far."""
        return self.admit(asked_of(request))

    def admit(self, asked: Asked) -> str | None:
        """The subprotocol to speak, None for none; raises ConnectionDeny for a no."""
        raise NotImplementedError


class _Settled:
    """In place of the Deferreds that nobody waits for."""

    def callback(self, _result: object) -> None:
        """Nothing."""


class _Agreement(NamedTuple):
    """Which extension both sides use."""

    accept: Any
    answer: bytes


class QuickProtocol(PublicProtocol):
    """A WebSocket connection by Autobahn's inner state, which starts on the class (`quick_state`)."""

    message_data: Any
    inside_message: bool
    current_frame: Any
    maxMessagePayloadSize: int
    perMessageCompressionAccept: Callable[[list[Any]], Any]

    def __init__(self) -> None:
        """Nothing: Autobahn makes two Deferreds and a description of the transport."""

    @cached_property
    def utf8validator(self) -> Any:  # type: ignore[override]  # both can be written
        """Made for the first text that `dataReceived` leaves to Autobahn."""
        return Utf8Validator()

    def connectionMade(self) -> None:
        """The connection is ours."""
        try:
            self.transport.setTcpNoDelay(True)
        except (AttributeError, OSError):
            pass  # a Unix socket has no such option

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        WebSocketProtocol._connectionLost(self, reason)  # type: ignore[arg-type]

    def sendData(self, data: bytes, sync: bool = False, chopsize: int | None = None) -> None:
        """Autobahn's own formats its own name for a debug line."""
        self.transport.write(data)

    def upgrade(self, head: Head, rest: bytes) -> None:
        """Begin with a handshake: the commonest at once, all others through Autobahn."""
        handshake = common_handshake(head)
        agreement = (
            None if handshake is None else _agreement(handshake.extensions, self.perMessageCompressionAccept)
        )
        if handshake is None or agreement is None:
            self._dataReceived(head.raw + rest)
            return
        try:
            protocol = self.admit(handshake.asked)
        except ConnectionDeny as denied:
            self.failHandshake(denied.reason or "", denied.code)
            return
        self._open(handshake, protocol, agreement)
        if rest:
            self.dataReceived(rest)

    def _open(self, handshake: Handshake, protocol: str | None, agreement: _Agreement) -> None:
        self.websocket_protocol_in_use = protocol
        if agreement.accept is not None:
            kind = _COMPRESSIONS[agreement.accept.EXTENSION_NAME]
            compression = kind["PMCE"].create_from_offer_accept(True, agreement.accept)
            self._perMessageCompress = compression
            self.websocket_extensions_in_use = [compression]
        self.transport.write(response(handshake.key, protocol, agreement.answer))
        self.state = self.STATE_OPEN
        self.onOpen()

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the peer: whole short texts at once, all else through Autobahn."""
        start = 0
        # Nothing is buffered, no frame and no message is under way.
        while self.state == self.STATE_OPEN and not (self.data or self.inside_message or self.current_frame):
            text = whole_text(data, start, self.maxMessagePayloadSize)
            if text is None:
                break
            start = text.end
            self.onMessage(text.payload, False)
            if start == len(data):
                return
        self._dataReceived(data[start:] if start else data)

    def onMessageEnd(self) -> None:
        """A whole message has come. Autobahn's own also fires an event that nobody listens to."""
        parts, self.message_data = self.message_data, []
        if not self.failedByMe:
            self.onMessage(b"".join(parts), self.message_is_binary)


_COMPRESSIONS: dict[str, Any] = PERMESSAGE_COMPRESSION_EXTENSION


# Clients send a handful of different offers.
@lru_cache(maxsize=256)
def _agreement(offered: str, accept: Callable[[list[Any]], Any]) -> _Agreement | None:
    """What Autobahn answers to an offer of extensions; None where it refuses the handshake."""
    offers = []
    parse: Any = WebSocketProtocol._parseExtensionsHeader
    for name, parameters in parse(None, offered):
        if name in _COMPRESSIONS:
            try:
                offers.append(_COMPRESSIONS[name]["Offer"].parse(parameters))
            except Exception:
                return None
    accepted = accept(offers) if offers else None
    return _Agreement(accepted, b"" if accepted is None else accepted.get_extension_string().encode())


# What Autobahn sets on each connection, and nobody here asks for once the handshake is done.
_FORGOTTEN = {
    "http_headers",
    "http_request_data",
    "http_request_host",
    "http_request_params",
    "http_request_path",
    "http_request_uri",
    "http_response_data",
    "http_status_line",
    "websocket_extensions",
    "websocket_origin",
    "websocket_protocols",
    "_results",
    "_valid_events",
    "_wskey",
}

_CONSTANT = (bool, int, bytes, str, type(None))

_STILL = {
    "trafficStats": TrafficStats(),
    "send_queue": (),
    "websocket_extensions_in_use": (),
    "is_open": _Settled(),
    "is_closed": _Settled(),
    "_transport_details": TransportDetails(),
}
"""Of what is no constant: one for all connections, or what nothing can be done with."""

_OWN = {"factory", "transport", "utf8validator"}
"""The rest of it."""


def forget_handshake(protocol: PublicProtocol) -> None:
    """What Autobahn has read of it is a third of an idle connection's memory."""
    state = vars(protocol)
    if "http_headers" in state:
        for name in _FORGOTTEN:
            state.pop(name, None)


def quick_state(factory: Any) -> dict[str, Any]:
    """The attributes of a QuickProtocol's class: Autobahn's settings, and how its state begins.

    Autobahn sets some seventy attributes on each connection. Here those that are constants are the
    class's, and those of `_STILL` stand still.
    """
    settings = {name: getattr(factory, name) for name in WebSocketServerProtocol.CONFIG_ATTRS}
    before, after = _opened(_Actor(), factory, _HEADS[0])
    return {
        **{name: value for name, value in {**after, **before}.items() if isinstance(value, _CONSTANT)},
        **{name: staticmethod(value) if isfunction(value) else value for name, value in settings.items()},
        **_STILL,
        "CONFIG_ATTRS": (),
    }


class AnsweringChannel(HTTPChannel):
    """Twisted Web's side of a connection, asked what to answer to a request that is none.

    Should Twisted cease to call this, it gives its own answer, which has no headers and no body.
    """

    def refuse_request(self) -> None:
        """Answer, and close the connection."""
        raise NotImplementedError

    def _respondToBadRequestAndDisconnect(self) -> None:
        self.refuse_request()


# The rehearsal: a conversation in which everything happens that a QuickProtocol knows about.

_HEADS = [
    b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %dGhlIHNhbXBsZSBub25jZQ==\r\n%b\r\n" % (number, more)
    for number, more in enumerate(
        (
            b"",
            b"Sec-WebSocket-Protocol: a\r\nOrigin: http://a\r\n"
            b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
            b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n",
            # Not of the commonest kind.
            b"Sec-WebSocket-Protocol: a, b\r\n",
        )
    )
]
_NO_MASK = b"\0\0\0\0"
_FRAMES = [
    b"\x81\x85" + _NO_MASK + b"whole",
    b"\x01\x82" + _NO_MASK + b"in",
    b"\x89\x84" + _NO_MASK + b"ping",
    b"\x80\x86" + _NO_MASK + b" parts",
    b"\x82\x83" + _NO_MASK + b"\0\1\2",
    b"\x81\x8a" + _NO_MASK + b"in ",
    b"pieces." + b"\x88\x82" + _NO_MASK + b"\x03\xe8",
]


class _Paper:
    """A transport that takes down what is written."""

    def __init__(self) -> None:
        self.lines: list[object] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *given: self.lines.append((name, *given))


class _Actor(PublicProtocol):
    """An application of PublicProtocol that takes down what happens."""

    factory: Any

    def __init__(self) -> None:
        super().__init__()
        self.peer = ""
        self.transport = _Paper()

    def admit(self, asked: Asked) -> str | None:
        self.transport.lines.append(asked)
        return asked.protocols[0] if asked.protocols else None

    def onOpen(self) -> None:
        self.transport.lines.append("open")

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.transport.lines.append((payload, isBinary))

    def onClose(self, wasClean: bool, code: int | None, reason: str | None) -> None:
        self.transport.lines.append((wasClean, code, reason))


def _opened(actor: _Actor, factory: Any, head: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Open a connection; Autobahn's state of it before the handshake and after."""
    actor.factory = factory
    if not isinstance(actor, QuickProtocol):
        actor._connectionMade()
    before = dict(vars(actor))
    actor.upgrade(read_head(head), b"")
    unknown = _FORGOTTEN | set(WebSocketServerProtocol.CONFIG_ATTRS)
    after = {name: value for name, value in vars(actor).items() if name not in unknown}
    return {name: value for name, value in before.items() if name not in unknown}, after


def _strange(head: bytes, factory: Any, quick: type[_Actor]) -> str | None:
    """Wherein the two differ after a handshake and a conversation, if they do."""
    first, second = _Actor(), quick()
    _, state = _opened(first, factory, head)
    _opened(second, factory, head)
    for name, value in state.items():
        if isinstance(value, _CONSTANT):
            if getattr(second, name, ...) != value:
                return f"{name} is {getattr(second, name, None)!r}, not {value!r}"
        elif name not in _OWN and repr(getattr(second, name, ...)) != repr(value) and name not in _STILL:
            return f"{name} is new"
    for actor in (first, second):
        for data in _FRAMES:
            actor.dataReceived(data)
        actor.connectionLost(Failure(ConnectionDone()))
    said, wanted = second.transport.lines, first.transport.lines
    return None if said == wanted and "open" in said else f"{said!r} is not {wanted!r}"


def lacking(factory: Any) -> str | None:
    """Why a QuickProtocol would not do as Autobahn does; None where it does."""
    try:
        quick: Any = type("Rehearsal", (_Actor, QuickProtocol), quick_state(factory))
        for head in _HEADS:
            strange = _strange(head, factory, quick)
            if strange is not None:
                return strange
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
