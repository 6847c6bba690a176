"""Connections whose far end reads as slowly as a test wants, one for each kind of transport.

What is Twisted's here is Twisted's own: its buffering, its producers, its TLS. Only the reactor is
a stand-in that is turned by hand, and, where a test wants to say how many bytes the kernel takes,
the socket.
"""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from twisted.internet import main
from twisted.internet.abstract import FileDescriptor
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import PrivateCertificate
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from chatroom.certificate import make
from chatroom.doors.tls import TlsFactory
from chatroom.encryption import server_context


class HandReactor(Clock):
    """A reactor that is turned by hand. `ready` says who may write."""

    def __init__(self) -> None:
        super().__init__()
        self.writers: list[Any] = []
        self.readers: list[Any] = []

    def addWriter(self, writer: Any) -> None:
        if writer not in self.writers:
            self.writers.append(writer)

    def removeWriter(self, writer: Any) -> None:
        if writer in self.writers:
            self.writers.remove(writer)

    def addReader(self, reader: Any) -> None:
        if reader not in self.readers:
            self.readers.append(reader)

    def removeReader(self, reader: Any) -> None:
        if reader in self.readers:
            self.readers.remove(reader)

    def turn(self) -> None:
        """What is due, then those who have something to write, if the kernel takes it."""
        self.advance(0)
        for writer in list(self.writers):
            problem = writer.doWrite()
            if problem is not None:
                self.removeWriter(writer)
                writer.connectionLost(Failure(problem))


class ScriptedSocket:
    """A socket that takes as many bytes as it is allowed, `at_once` at most, and then says EAGAIN."""

    def __init__(self) -> None:
        self.allowed = 0
        self.at_once = 1_000_000
        self.broken = False
        self.taken = b""

    def send(self, data: Any) -> int:
        if self.broken:
            raise BrokenPipeError(32, "Broken pipe")
        if not self.allowed:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        some = bytes(data[: min(self.allowed, self.at_once)])
        self.allowed -= len(some)
        self.taken += some
        return len(some)


class ScriptedTransport(FileDescriptor):
    """Twisted's buffering over a ScriptedSocket."""

    connected = 1

    def __init__(self, reactor: HandReactor, handle: ScriptedSocket, protocol: Any) -> None:
        super().__init__(reactor)  # type: ignore[arg-type]
        # So that a push producer is paused and resumed often.
        self.bufferSize = 300
        self.protocol = protocol
        self.asked_to_end_at: int | None = None
        """How many bytes had been taken when the connection was to be closed."""
        self._handle = handle

    def buffered(self) -> int:
        """How much it has that the socket has not taken."""
        return len(self.dataBuffer) - self.offset + self._tempDataLen

    def getHandle(self) -> ScriptedSocket:
        return self._handle

    def writeSomeData(self, data: Any) -> Any:
        try:
            return self._handle.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return main.CONNECTION_LOST

    def loseConnection(self) -> None:
        if self.asked_to_end_at is None:
            self.asked_to_end_at = len(self._handle.taken)
        super().loseConnection()

    def abortConnection(self) -> None:
        self.reactor.callLater(0, self.connectionLost, Failure(main.CONNECTION_LOST))

    def connectionLost(self, reason: Any) -> None:
        if not self.disconnected:
            super().connectionLost(reason)
            self.protocol.connectionLost(reason)


class Pipe:
    """One connection. `transport` is what an outbox writes to."""

    transport: Any

    def __init__(self) -> None:
        self.reactor = HandReactor()
        self.received = b""
        """What the far end has read."""
        self.ended = False
        """Whether it has been told that there is no more."""

    def read(self, size: int) -> None:
        """Let the far end read, and then the reactor turn."""
        raise NotImplementedError

    def make_room(self, size: int, at_once: int) -> None:
        """The kernel can take more, which the reactor does not know yet."""

    def snap(self) -> None:
        """The connection breaks."""
        raise NotImplementedError

    def drain(self) -> None:
        """Let the far end read to the end."""
        quiet = 0
        while quiet < 3:
            before = len(self.received)
            self.make_room(0, 1_000_000)
            self.read(1_000_000)
            quiet = 0 if len(self.received) > before else quiet + 1


class ScriptedPipe(Pipe):
    """Over a socket that takes as many bytes at a time as the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.socket = ScriptedSocket()
        self.transport = ScriptedTransport(self.reactor, self.socket, Protocol())

    def read(self, size: int) -> None:
        self.socket.allowed += size
        self.reactor.turn()
        self.received = self.socket.taken
        self.ended = bool(self.transport.disconnected) and not self.socket.broken

    def make_room(self, size: int, at_once: int) -> None:
        self.socket.allowed += size
        self.socket.at_once = at_once

    def snap(self) -> None:
        self.socket.broken = True


class SocketPipe(Pipe):
    """Over a pair of real sockets with small buffers and Twisted's own connection."""

    def __init__(self, protocol: Any = None) -> None:
        super().__init__()
        near, self.far = socket.socketpair()
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.far.setblocking(False)
        self._near = near
        self.transport = Connection(near, protocol or Protocol(), self.reactor)
        self.transport.connected = 1

    def read(self, size: int) -> None:
        self.reactor.turn()
        if not size or self.far.fileno() < 0:
            return
        try:
            data = self.far.recv(size)
        except BlockingIOError:
            return
        self.received += data
        self.ended = not data

    def snap(self) -> None:
        self.far.close()

    def close(self) -> None:
        """Give the descriptors back."""
        self.far.close()
        self._near.close()


@cache
def _pem() -> bytes:
    return make(["localhost"], datetime.now(UTC))


@cache
def server_tls() -> ssl.SSLContext:
    """A server's TLS, as behind an `ssl:` endpoint."""
    with NamedTemporaryFile() as file:
        file.write(_pem())
        file.flush()
        return server_context(Path(file.name), Path(file.name))


def client_tls(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client's TLS of that version alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    return context


class TlsPipe(Pipe):
    """Over TLS, whose handshake is done unless `shaken` is False, and that over either of the others."""

    transport: Any

    def __init__(
        self,
        below: type[ScriptedPipe | SocketPipe],
        version: ssl.TLSVersion,
        protocol: Any = None,
        *,
        shaken: bool = True,
    ) -> None:
        super().__init__()
        self.below = below()
        self.reactor = self.below.reactor
        self.protocol = protocol or Protocol()
        factory = Factory()
        factory.buildProtocol = lambda _address: self.protocol  # type: ignore[method-assign]
        self.transport = self.wrap(factory)
        self.below.transport.protocol = self.transport
        self.transport.makeConnection(self.below.transport)
        self._coming, self._going = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.far = client_tls(version).wrap_bio(self._coming, self._going)
        self._seen = 0
        if shaken:
            self.shake_hands()

    def wrap(self, factory: Factory) -> Any:
        """The TLS transport of a new connection to `factory`."""
        return TlsFactory(server_tls(), factory, self.reactor).buildProtocol(None)

    def read(self, size: int) -> None:
        self.below.read(size)
        self._take()
        try:
            while data := self.far.read(65536):
                self.received += data
            self.ended = True
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        if not self.below.transport.disconnected:
            self.pass_on()

    def make_room(self, size: int, at_once: int) -> None:
        self.below.make_room(size, at_once)

    def snap(self) -> None:
        self.below.snap()

    def say(self, data: bytes) -> None:
        """The far end sends something."""
        self.far.write(data)
        self.pass_on()

    def take_leave(self) -> None:
        """The far end ends TLS in good order."""
        try:
            self.far.unwrap()
        except ssl.SSLError:
            pass  # it waits for the answer
        self.pass_on()

    def shake_hands(self) -> None:
        """Until both sides are done."""
        for _ in range(6):
            self.greet()
            self.pass_on()
            self.below.read(65_536)
            self._take()
        assert self.far.version() is not None
        if isinstance(self.below, ScriptedPipe):
            self.below.socket.allowed = 0

    def greet(self) -> None:
        """The far end goes on with the handshake; `pass_on` sends what it says."""
        try:
            self.far.do_handshake()
        except ssl.SSLWantReadError:
            pass

    def pass_on(self, piece: int = 65_536) -> None:
        """What the far end has said arrives, in pieces of so many bytes."""
        while self._going.pending:
            self.transport.dataReceived(self._going.read(piece))

    def said(self) -> bytes:
        """What the far end has said, which will not arrive."""
        return self._going.read()

    def hear(self) -> None:
        """The far end takes what has left."""
        self.below.read(0)
        self._take()

    def _take(self) -> None:
        self._coming.write(self.below.received[self._seen :])
        self._seen = len(self.below.received)


class TwistedTlsPipe(TlsPipe):
    """Over Twisted's own TLS."""

    def wrap(self, factory: Factory) -> Any:
        """The TLS transport of a new connection to `factory`."""
        options = PrivateCertificate.loadPEM(_pem()).options()
        return TLSMemoryBIOFactory(options, False, factory, self.reactor).buildProtocol(None)
