"""A TLS connection, as a transport and as a protocol."""

from __future__ import annotations

import gc
import ssl
import weakref
from typing import Any

import pytest
from OpenSSL import SSL
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from chatroom.doors.tls import LINGER, PIECE, TlsFactory

from .pipes import HandReactor, ScriptedPipe, TlsPipe, server_tls

OLD, MODERN = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class Listener(Protocol):
    """Takes down what happens to it."""

    def __init__(self) -> None:
        self.heard = b""
        self.lost: list[Failure] = []

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.append(reason)


class Source:
    """A producer that takes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")

    def stopProducing(self) -> None:
        self.told.append("stop")


def _sent(pipe: TlsPipe) -> int:
    """How many bytes the socket has taken, of whatever kind."""
    assert isinstance(pipe.below, ScriptedPipe)
    return len(pipe.below.socket.taken)


def _closed(pipe: TlsPipe) -> bool:
    return bool(pipe.below.transport.disconnected)


@pytest.fixture(params=[OLD, MODERN])
def version(request: pytest.FixtureRequest) -> ssl.TLSVersion:
    """Either version."""
    return request.param


@pytest.fixture
def pipe(version: ssl.TLSVersion) -> TlsPipe:
    """A connection over a socket that takes as much as the test says."""
    return TlsPipe(ScriptedPipe, version, Listener())


@pytest.fixture
def new(version: ssl.TLSVersion) -> TlsPipe:
    """One whose handshake has not begun."""
    return TlsPipe(ScriptedPipe, version, Listener(), shaken=False)


class Measured:
    """A buffer of OpenSSL's, and the most that was put into it, or was in it, at once."""

    def __init__(self, buffer: ssl.MemoryBIO) -> None:
        self._buffer = buffer
        self.most = 0

    @property
    def pending(self) -> int:
        return self._buffer.pending

    def write(self, data: bytes) -> None:
        self._buffer.write(data)
        self.most = max(self.most, len(data))

    def read(self) -> bytes:
        self.most = max(self.most, self.pending)
        return self._buffer.read()


class TestHandshake:
    """Until both sides can talk."""

    def test_each_flight_leaves_at_once(self, new: TlsPipe) -> None:
        new.make_room(100_000, 100_000)
        new.greet()
        new.pass_on()
        assert _sent(new) > 300
        assert new.below.transport.buffered() == 0

    def test_what_is_written_before_it_waits_for_it(self, new: TlsPipe) -> None:
        new.transport.write(b"<first>")
        new.transport.writeSequence([b"<sec", b"ond>"])
        assert _sent(new) == 0
        new.shake_hands()
        new.drain()
        assert new.received == b"<first><second>"

    def test_who_is_refused_before_it_can_read_why(self, new: TlsPipe) -> None:
        new.transport.write(b"<full>")
        new.transport.loseConnection()
        new.shake_hands()
        new.drain()
        assert (new.received, new.ended) == (b"<full>", True)

    def test_who_has_nothing_to_say_before_it_hangs_up(self, new: TlsPipe) -> None:
        new.transport.loseConnection()
        new.drain()
        assert (_sent(new), _closed(new)) == (0, True)

    @pytest.mark.parametrize(
        "nonsense", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05\xff\0\0\1\0", b"\0" * 100]
    )
    def test_what_is_no_tls_is_hung_up_on(self, new: TlsPipe, nonsense: bytes) -> None:
        new.make_room(1_000, 1_000)
        new.transport.dataReceived(nonsense)
        new.transport.dataReceived(b"more of it")
        new.below.read(0)
        assert _closed(new)
        assert _sent(new) < 10, "an alert, if anything"
        assert new.protocol.heard == b""

    def test_it_may_come_in_as_many_pieces_as_there_are_bytes(self, new: TlsPipe) -> None:
        new.make_room(100_000, 100_000)
        for _ in range(3):
            new.greet()
            new.pass_on(1)
            new.hear()
        new.say(b"hello")
        assert new.protocol.heard == b"hello"

    def test_a_ticket_leaves_with_the_first_answer(self, new: TlsPipe, version: ssl.TLSVersion) -> None:
        new.make_room(100_000, 100_000)
        new.greet()
        new.pass_on()
        new.hear()
        new.greet()
        before = _sent(new)
        new.pass_on()
        # With TLS 1.2 the server has the last word of the handshake, without which nothing goes on.
        assert (_sent(new) > before) == (version is OLD)
        new.transport.write(b"<first>")
        new.drain()
        assert new.received == b"<first>"
        assert new.far.session.has_ticket


class TestReading:
    """What comes in."""

    @pytest.mark.parametrize("size", [1, PIECE, 16 * 1024, 100_000])
    def test_it_is_delivered_whole(self, pipe: TlsPipe, size: int) -> None:
        data = bytes(range(256)) * (size // 256) + b"." * (size % 256)
        pipe.say(data)
        assert pipe.protocol.heard == data

    def test_what_comes_in_pieces_is_delivered_whole(self, pipe: TlsPipe) -> None:
        for message in (b"<first>", b"x" * 20_000, b"<last>"):
            pipe.far.write(message)
        pipe.pass_on(777)
        assert pipe.protocol.heard == b"<first>" + b"x" * 20_000 + b"<last>"

    def test_openssl_is_given_little_at_a_time(self, pipe: TlsPipe) -> None:
        """Its buffers keep the size of the most that they ever held."""
        pipe.transport._coming = coming = Measured(pipe.transport._coming)
        pipe.transport.going = going = Measured(pipe.transport.going)
        pipe.say(b"x" * 100_000)
        pipe.transport.write(b"x" * 100_000)
        pipe.drain()
        assert len(pipe.protocol.heard) == len(pipe.received) == 100_000
        assert coming.most == PIECE
        assert PIECE < going.most < PIECE + 100

    def test_what_is_forged_ends_the_connection(self, pipe: TlsPipe) -> None:
        pipe.far.write(b"<first>")
        forged = bytearray(pipe.said())
        forged[-1] ^= 1
        pipe.transport.dataReceived(bytes(forged))
        with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
            pipe.drain()
        pipe.below.read(0)
        assert pipe.protocol.heard == b""
        assert _closed(pipe)

    def test_nothing_is_delivered_behind_an_abort(self, pipe: TlsPipe) -> None:
        class Once(Listener):
            def dataReceived(self, data: bytes) -> None:
                super().dataReceived(data)
                pipe.transport.abortConnection()

        pipe.transport.wrappedProtocol = pipe.protocol = Once()
        pipe.far.write(b"<first>")
        pipe.say(b"<second>")
        assert pipe.protocol.heard == b"<first>"

    def test_reading_can_pause(self, pipe: TlsPipe) -> None:
        below = pipe.below.transport
        below.startReading()
        pipe.transport.pauseProducing()
        assert below not in pipe.reactor.readers
        pipe.transport.resumeProducing()
        assert below in pipe.reactor.readers


def test_who_would_shake_hands_again_is_told_no() -> None:
    """TLS 1.2's renegotiation, for which OpenSSL would have to hear before it can write."""
    pipe = TlsPipe(ScriptedPipe, OLD, Listener(), shaken=False)
    pipe.make_room(100_000, 100_000)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    far = SSL.Connection(context)
    far.set_connect_state()
    for _ in range(3):
        _go_on(far, pipe)
    far.renegotiate()
    before = _sent(pipe)
    _go_on(far, pipe)
    assert _sent(pipe) > before
    with pytest.raises(SSL.Error, match="no renegotiation"):
        far.do_handshake()
    assert not _closed(pipe)


def _go_on(far: SSL.Connection, pipe: TlsPipe) -> None:
    """Another flight of a handshake, and the answer to it."""
    heard = _sent(pipe)
    try:
        far.do_handshake()
    except SSL.WantReadError:
        pipe.transport.dataReceived(far.bio_read(100_000))
    assert isinstance(pipe.below, ScriptedPipe)
    if more := pipe.below.socket.taken[heard:]:
        far.bio_write(more)


class TestEnding:
    """How a connection ends."""

    def test_a_goodbye_waits_for_theirs(self, pipe: TlsPipe) -> None:
        pipe.transport.write(b"<last>")
        pipe.transport.loseConnection()
        pipe.make_room(1_000, 1_000)
        pipe.below.read(0)
        assert not _closed(pipe)
        pipe.transport.write(b"<too late>")
        pipe.drain()
        assert (pipe.received, pipe.ended) == (b"<last>", True)
        assert not _closed(pipe)
        pipe.take_leave()
        pipe.below.read(0)
        assert _closed(pipe)
        assert not pipe.reactor.getDelayedCalls()

    def test_who_does_not_answer_it_is_hung_up_on(self, pipe: TlsPipe) -> None:
        pipe.transport.loseConnection()
        pipe.transport.loseConnection()
        pipe.make_room(1_000, 1_000)
        pipe.below.read(0)
        pipe.say(b"never mind")
        assert pipe.protocol.heard == b""
        pipe.reactor.advance(LINGER - 0.01)
        assert not _closed(pipe)
        pipe.reactor.advance(0.01)
        pipe.reactor.turn()
        assert _closed(pipe)

    def test_the_time_to_answer_begins_when_everything_has_left(self, pipe: TlsPipe) -> None:
        pipe.transport.write(b"x" * 10_000)
        pipe.transport.loseConnection()
        pipe.reactor.advance(10 * LINGER)
        assert not _closed(pipe)
        pipe.drain()
        assert pipe.received == b"x" * 10_000
        pipe.reactor.advance(LINGER)
        pipe.reactor.turn()
        assert _closed(pipe)

    def test_who_says_goodbye_is_answered(self, pipe: TlsPipe) -> None:
        pipe.take_leave()
        pipe.drain()
        assert pipe.ended
        assert _closed(pipe)
        assert len(pipe.protocol.lost) == 1

    def test_it_is_said_that_it_is_over_and_nothing_is_kept(self, pipe: TlsPipe) -> None:
        source = Source()
        pipe.transport.registerProducer(source, True)
        protocol, pipe.protocol = pipe.protocol, None
        gone, transport = weakref.ref(protocol), weakref.ref(pipe.transport)
        gc.collect()
        gc.disable()
        try:
            pipe.below.transport.connectionLost(Failure(ConnectionResetError()))
            assert protocol.lost[0].check(ConnectionResetError)
            assert source.told == ["stop"]
            # As Twisted's own connections do.
            del pipe.below.transport.protocol
            del pipe.transport, protocol
            assert (gone(), transport()) == (None, None), "only the garbage collector would have freed it"
        finally:
            gc.enable()


class TestTransport:
    """What protocols ask of a transport."""

    def test_a_producer_is_told_when_the_socket_is_full(self, pipe: TlsPipe) -> None:
        source = Source()
        pipe.transport.registerProducer(source, True)
        pipe.transport.write(b"little")
        assert source.told == []
        pipe.reactor.advance(0)
        assert source.told == ["pause"]

    def test_a_producer_of_much_is_told_at_once(self, pipe: TlsPipe) -> None:
        source = Source()
        pipe.transport.registerProducer(source, True)
        pipe.transport.write(b"<head>")
        pipe.transport.write(b"x" * 10_000)
        assert source.told == ["pause"]
        pipe.drain()
        assert source.told == ["pause", "resume"]
        assert pipe.received == b"<head>" + b"x" * 10_000

    def test_a_producer_may_come_when_it_is_full_already(self, pipe: TlsPipe) -> None:
        source = Source()
        pipe.transport.write(b"x" * 10_000)
        pipe.reactor.advance(0)
        pipe.transport.registerProducer(source, True)
        assert source.told == ["pause"]

    def test_the_goodbye_waits_for_the_producer(self, pipe: TlsPipe) -> None:
        pipe.transport.registerProducer(Source(), True)
        pipe.transport.loseConnection()
        pipe.transport.write(b"<last>")
        pipe.drain()
        assert (pipe.received, pipe.ended) == (b"<last>", False)
        pipe.transport.unregisterProducer()
        pipe.drain()
        assert pipe.ended

    def test_there_is_one_producer_and_it_streams(self, pipe: TlsPipe) -> None:
        with pytest.raises(ValueError, match="streaming"):
            pipe.transport.registerProducer(Source(), False)
        pipe.transport.registerProducer(Source(), True)
        with pytest.raises(RuntimeError):
            pipe.transport.registerProducer(Source(), True)

    def test_a_producer_that_comes_too_late_is_stopped(self, pipe: TlsPipe) -> None:
        source = Source()
        pipe.transport.abortConnection()
        pipe.transport.registerProducer(source, True)
        assert source.told == ["stop"]

    def test_it_is_secure_to_twisted_web_and_its_socket_is_not_to_be_had(self, pipe: TlsPipe) -> None:
        assert ISSLTransport(pipe.transport, None) is pipe.transport
        assert isinstance(pipe.transport.getHandle(), ssl.SSLObject)

    def test_who_offers_no_protocol_has_negotiated_none(self, pipe: TlsPipe) -> None:
        assert pipe.transport.negotiatedProtocol is None

    def test_several_writes_of_one_turn_are_one_system_call(self, pipe: TlsPipe) -> None:
        pipe.make_room(100_000, 100_000)
        before = _sent(pipe)
        pipe.transport.write(b"<first>")
        pipe.transport.write(b"<second>")
        assert _sent(pipe) == before
        pipe.reactor.advance(0)
        pipe.drain()
        assert pipe.received == b"<first><second>"

    def test_what_stops_reading_ends_the_connection(self, pipe: TlsPipe) -> None:
        pipe.transport.stopProducing()
        pipe.drain()
        assert pipe.ended


def test_the_log_says_what_stands_behind_a_port() -> None:
    assert TlsFactory(server_tls(), Factory(), HandReactor()).logPrefix() == "Factory (TLS)"
