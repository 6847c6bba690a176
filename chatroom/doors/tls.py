"""TLS: Python's `ssl` between a socket and a protocol, and the outbox over it.

Twisted's own TLS buffers what is written for the next turn of the reactor, and the ciphertext for
the turn after that, and resumes no session. Here OpenSSL works on two buffers in memory, as under
asyncio, and its ciphertext goes to the kernel at once. All that goes to a socket, TLS's own words
too, goes through the connection's one `CipherOutbox`, in one order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from ssl import MemoryBIO, SSLContext, SSLError, SSLObject, SSLWantReadError
from typing import Any

from twisted.internet.interfaces import (
    IProtocolFactory,
    IProtocolNegotiationFactory,
    IPushProducer,
    ISSLTransport,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import Interface, implementer

from chatroom.domain.ports import Clock, Timer
from chatroom.doors.outbox import BufferedOutbox, DirectOutbox, Tick

RECORD = 16 * 1024
"""The most plaintext in one record (RFC 8446, section 5.1), in bytes."""

PIECE = 4 * 1024
"""How much OpenSSL is given at a time, in bytes: its buffers grow to that, and never shrink."""

LINGER = 2.0
"""Seconds for the far end to say goodbye, after all that we had to say and our own goodbye."""


class _Stage(Enum):
    """Where a connection is. TLS says goodbye with an alert, close_notify (RFC 8446, section 6.1)."""

    SHAKING = "hands are not shaken yet: what is written waits"
    OPEN = "both sides talk"
    LEAVING = "we have said goodbye and wait for theirs: nothing more is written or delivered"
    OVER = "TLS has ended, and so has the connection as soon as everything has left"


# Enum looks its members up anew each time, at five times the price of a global.
_SHAKING, _OPEN, _LEAVING, _OVER = _Stage


def _unbounded() -> None:
    """What is called past the bound of an outbox that has none."""


class CipherOutbox(DirectOutbox):
    """The ciphertext's, and so the one writer of the socket. It knows no bound: who has plaintext
    waits while this is busy, which the connection is told with `stuck` and `drained`."""

    __slots__ = ("_connection",)

    def __init__(self, transport: Any, tick: Tick, connection: TlsTransport) -> None:
        super().__init__(transport, tick, 0, _unbounded)
        self._connection: TlsTransport | None = connection

    def _hand_over(self, rest: bytes) -> None:
        idle = not self.busy
        super()._hand_over(rest)
        if idle and self._connection is not None:
            self._connection.stuck()

    def resumeProducing(self) -> None:
        """The socket's transport has nothing left."""
        super().resumeProducing()
        if not self.busy and self._connection is not None:
            self._connection.drained()

    def lost(self) -> None:
        """The connection is gone."""
        super().lost()
        self._connection = None


@implementer(IPushProducer)
class TlsTransport(ProtocolWrapper):
    """One TLS connection: a protocol to the socket's transport, and a transport to its protocol."""

    factory: TlsFactory
    transport: Any
    wrappedProtocol: Any
    _stage = _SHAKING
    _early: Sequence[bytes] = ()
    _producer: IPushProducer | None = None
    _farewell: Timer | None = None

    def __init__(self, factory: TlsFactory, wrapped: Any) -> None:
        super().__init__(factory, wrapped)  # type: ignore[arg-type]
        self._coming, self.going = MemoryBIO(), MemoryBIO()
        self.tls: SSLObject = factory.context.wrap_bio(self._coming, self.going, server_side=True)

    def __conform__(self, interface: type[Interface]) -> object:
        # So Twisted Web asks whether a connection is secure. What provides the interface outright,
        # Autobahn takes for Twisted's own, and looks for pyOpenSSL in it.
        return self if interface is ISSLTransport else None

    def logPrefix(self) -> str:
        """What is said of the connection in the log. (Twisted's own names both protocols, at a price.)"""
        return "TLS"

    # The socket's side.

    def makeConnection(self, transport: Any) -> None:
        """Somebody has connected."""
        self.transport = transport
        self.cipher = CipherOutbox(transport, self.factory.tick, self)
        self.wrappedProtocol.makeConnection(self)

    def dataReceived(self, data: bytes) -> None:
        """Bytes from the far end."""
        if len(data) <= PIECE:
            self._take(data)
            return
        view = memoryview(data)
        for start in range(0, len(data), PIECE):
            self._take(view[start : start + PIECE])

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone. Who goes without TLS's goodbye, as most do, is no error: HTTP and
        WebSocket know themselves whether a message is whole."""
        self._stage = _OVER
        if self._farewell is not None and self._farewell.active():
            self._farewell.cancel()
        self.cipher.lost()
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.stopProducing()
        wrapped, self.wrappedProtocol = self.wrappedProtocol, None
        wrapped.connectionLost(reason)

    def stuck(self) -> None:
        """The socket takes no more for now."""
        if self._producer is not None:
            self._producer.pauseProducing()

    def drained(self) -> None:
        """The socket has taken everything."""
        if self._producer is not None:
            self._producer.resumeProducing()
        if self._stage is _LEAVING:
            self._await_farewell()

    def _take(self, data: bytes | memoryview) -> None:
        if self._stage is _OVER:
            return
        self._coming.write(data)
        if self._stage is _SHAKING and not self._shake_hands():
            return
        while self._coming.pending:
            try:
                plain = self.tls.read(RECORD)
            except SSLWantReadError:
                break
            except SSLError:
                # Their goodbye after ours, or what no TLS is: an alert that says so is on its way.
                self._end()
                return
            if not plain:
                self._take_leave()
                return
            if self._stage is _OPEN:
                self.wrappedProtocol.dataReceived(plain)
        self._flush()

    def _shake_hands(self) -> bool:
        """Go on with the handshake; whether it is done and more has come behind it."""
        try:
            self.tls.do_handshake()
        except SSLWantReadError:
            self._flush()
            return False
        except SSLError:
            self._end()
            return False
        self._stage = _OPEN
        if self.tls.version() != "TLSv1.3":
            self._flush()
        # Else only the ticket is left to say: it can go with the first answer.
        early, self._early = self._early, ()
        for data in early:
            self.write(data)
        if self.disconnecting and self._producer is None:
            self._say_goodbye()
        return bool(self._coming.pending)

    def _flush(self) -> None:
        if self.going.pending:
            self.cipher.write(self.going.read())

    # The protocol's side.

    def getHandle(self) -> SSLObject:
        """What there is to know of the session. (The socket's own would be written to past TLS.)"""
        return self.tls

    @property
    def negotiatedProtocol(self) -> bytes | None:
        """What ALPN has chosen (RFC 7301)."""
        chosen = self.tls.selected_alpn_protocol()
        return None if chosen is None else chosen.encode()

    def write(self, data: bytes) -> None:
        """Plaintext, together with what else is written in this turn of the reactor; much leaves at
        once, so that a producer hears in time that the socket is full."""
        if self._stage is _SHAKING:
            self._early = [*self._early, data]
        elif ciphertext := self._encrypted(data):
            self.cipher.send(ciphertext)
            if len(ciphertext) > PIECE:
                self.cipher.flush()

    def writeSequence(self, data: Sequence[bytes]) -> None:
        """Several writes at once."""
        self.write(b"".join(data))

    def write_now(self, data: bytes) -> None:
        """Plaintext, at once, or after what was written in this turn; the handshake is done."""
        if ciphertext := self._encrypted(data):
            self.cipher.write(ciphertext)

    def _encrypted(self, data: bytes) -> bytes:
        if self._stage is not _OPEN:
            return b""
        tls, going = self.tls, self.going
        try:
            if len(data) <= PIECE:
                tls.write(data)
                return going.read()
            pieces, view = [], memoryview(data)
            for start in range(0, len(data), PIECE):
                tls.write(view[start : start + PIECE])
                pieces.append(going.read())
            return b"".join(pieces)
        except SSLError:
            # With neither renegotiation nor a goodbye it takes everything; a stream with a hole in
            # it must not go on.
            self.abortConnection()
            return b""

    def registerProducer(self, producer: IPushProducer, streaming: bool) -> None:
        """From now on tell `producer` when to pause and to resume. Raises ValueError for one that
        would have to be asked for each piece, and RuntimeError where there is one."""
        if not streaming:
            raise ValueError("a producer over TLS has to be a streaming one")
        if self._producer is not None:
            raise RuntimeError("there is a producer already")
        if self._stage is _OVER:
            producer.stopProducing()
            return
        self._producer = producer
        if self.cipher.busy:
            producer.pauseProducing()

    def unregisterProducer(self) -> None:
        """No more of that."""
        self._producer = None
        if self.disconnecting and self._stage is _OPEN:
            self._say_goodbye()

    def pauseProducing(self) -> None:
        """Read no more for now."""
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Read on."""
        self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """Read no more."""
        self.loseConnection()

    def loseConnection(self) -> None:
        """End the connection in good order, after what was written, and what the producer has."""
        if self.disconnecting:
            return
        self.disconnecting = 1
        if self._stage is _SHAKING and not self._early:
            self.abortConnection()
        elif self._stage is _OPEN and self._producer is None:
            self._say_goodbye()

    def abortConnection(self) -> None:
        """End the connection at once."""
        self.disconnecting = 1
        self._stage = _OVER
        self.transport.abortConnection()

    def _say_goodbye(self) -> None:
        self._stage = _LEAVING
        try:
            self.tls.unwrap()
        except SSLWantReadError:
            self._flush()
            self.cipher.flush()
            if not self.cipher.busy:
                self._await_farewell()
        except SSLError:
            self._end()

    def _await_farewell(self) -> None:
        if self._farewell is None:
            self._farewell = self.factory.clock.callLater(LINGER, self.abortConnection)

    def _take_leave(self) -> None:
        """They have said goodbye: so do we."""
        try:
            self.tls.unwrap()
        except SSLError:
            pass
        self._end()

    def _end(self) -> None:
        self._flush()
        self._stage = _OVER
        self.cipher.finish()


class TlsFactory(WrappingFactory):
    """Puts TLS around the connections of another factory. ALPN offers what that one speaks."""

    protocol = TlsTransport
    noisy = False

    def __init__(self, context: SSLContext, wrapped: IProtocolFactory, clock: Clock) -> None:
        super().__init__(wrapped)
        self.context = context
        self.clock = clock
        self.tick = Tick(clock)
        speaking = IProtocolNegotiationFactory(wrapped, None)
        if speaking is not None:
            context.set_alpn_protocols([name.decode() for name in speaking.acceptableProtocols()])

    def logPrefix(self) -> str:
        """What is said of the port that listens."""
        return f"{self.wrappedFactory.__class__.__name__} (TLS)"


class TlsOutbox(BufferedOutbox):
    """What leaves on one TLS connection: what waits for a slow reader waits as plaintext, bounded,
    and nothing is encrypted before it can leave."""

    __slots__ = ("connection",)

    def __init__(self, transport: TlsTransport, tick: Tick, limit: int, overflow: Callable[[], None]) -> None:
        self.connection = transport
        # From now on nothing but this writes, and nothing waits for the end of a turn.
        transport.cipher.flush()
        super().__init__(transport, tick, limit, overflow)

    @property
    def socket(self) -> Any:
        """Where the ciphertext goes."""
        return self.connection.cipher.socket

    def _put(self, frames: bytes) -> None:
        self.connection.write_now(frames)

    def pauseProducing(self) -> None:
        """The socket takes no more for now."""
        super().pauseProducing()
        self.tick.unready.add(self)

    def resumeProducing(self) -> None:
        """The socket has taken everything."""
        super().resumeProducing()
        self._settle()
