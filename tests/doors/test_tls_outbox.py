"""The outbox over TLS, alone and in any order of things."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from hypothesis.stateful import precondition, rule

from chatroom.doors.outbox import BufferedOutbox, Tick
from chatroom.doors.tls import PIECE, TlsOutbox

from .outbox_machine import SETTINGS, OutboxMachine
from .pipes import Pipe, ScriptedPipe, SocketPipe, TlsPipe, TwistedTlsPipe

OLD, MODERN = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


class BufferedTls(OutboxMachine):
    """Over Twisted's TLS, through Twisted."""

    def make(self, limit: int) -> tuple[Pipe, Any]:
        return TwistedTlsPipe(ScriptedPipe, MODERN), BufferedOutbox


class TlsScripted(OutboxMachine):
    """Over a socket that takes as much as the test says."""

    version = MODERN

    def make(self, limit: int) -> tuple[Pipe, Any]:
        return TlsPipe(ScriptedPipe, self.version), TlsOutbox

    def under_way(self) -> int:
        waiting: int = self.pipe.transport.cipher.waiting
        return waiting

    @precondition(lambda self: not self.snapped)
    @rule()
    def the_far_end_speaks(self) -> None:
        assert isinstance(self.pipe, TlsPipe)
        if not self.finished:
            self.pipe.say(b"hello")


class TlsOld(TlsScripted):
    """The same with TLS 1.2."""

    version = OLD


class TlsSocket(OutboxMachine):
    """Over real sockets."""

    def make(self, limit: int) -> tuple[Pipe, Any]:
        return TlsPipe(SocketPipe, MODERN), TlsOutbox

    def discard(self) -> None:
        assert isinstance(self.pipe, TlsPipe)
        assert isinstance(self.pipe.below, SocketPipe)
        self.pipe.below.close()


def _outbox(pipe: TlsPipe, limit: int = 100_000) -> TlsOutbox:
    return TlsOutbox(pipe.transport, Tick(pipe.reactor), limit, lambda: None)


@pytest.fixture(params=[OLD, MODERN])
def pipe(request: pytest.FixtureRequest) -> TlsPipe:
    """A connection over a socket that takes as much as the test says."""
    return TlsPipe(ScriptedPipe, request.param)


class Reluctant:
    """OpenSSL that has to hear from the far end before it can say more."""

    def write(self, _data: bytes) -> int:
        raise ssl.SSLWantReadError


def test_it_leaves_at_once(pipe: TlsPipe) -> None:
    outbox = _outbox(pipe)
    pipe.make_room(1_000_000, 1_000_000)
    outbox.write(b"<first>")
    outbox.write(b"x" * 100_000)
    assert pipe.below.transport.buffered() == 0, "it went past Twisted's buffers"
    pipe.read(0)
    assert pipe.received == b"<first>" + b"x" * 100_000


@pytest.mark.parametrize("size", [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 3 * PIECE + 1])
def test_no_size_leaves_anything_behind_in_openssl(pipe: TlsPipe, size: int) -> None:
    outbox = _outbox(pipe)
    outbox.write(b"<first>")
    outbox.write(b"x" * size)
    pipe.drain()
    assert pipe.received == b"<first>" + b"x" * size


def test_what_waits_is_encrypted_only_when_there_is_room(pipe: TlsPipe) -> None:
    outbox = _outbox(pipe, 0)
    for _ in range(100):
        outbox.write(b"x" * 1_000)
    assert outbox.busy
    assert pipe.transport.cipher.waiting < 2_000
    pipe.drain()
    assert pipe.received == b"x" * 100_000
    assert not outbox.busy


def test_what_waits_is_bounded(pipe: TlsPipe) -> None:
    overflows: list[bool] = []
    outbox = TlsOutbox(pipe.transport, Tick(pipe.reactor), 5_000, lambda: overflows.append(True))
    for _ in range(100):
        outbox.write(b"x" * 1_000)
    assert overflows == [True]
    assert outbox.waiting + pipe.transport.cipher.waiting < 2_000


def test_a_stream_that_openssl_breaks_off_does_not_go_on(pipe: TlsPipe) -> None:
    outbox = _outbox(pipe)
    outbox.write(b"<first>")
    pipe.drain()
    pipe.transport.tls = Reluctant()
    outbox.write(b"<second>")
    outbox.write(b"<third>")
    pipe.drain()
    assert pipe.received == b"<first>"
    assert pipe.below.transport.disconnected


def test_the_goodbye_comes_behind_everything(pipe: TlsPipe) -> None:
    outbox = _outbox(pipe)
    outbox.write(b"<first>")
    outbox.write(b"<second>")
    outbox.finish()
    pipe.drain()
    assert (pipe.received, pipe.ended) == (b"<first><second>", True)


def test_the_far_end_may_take_its_leave_at_any_time(pipe: TlsPipe) -> None:
    outbox = _outbox(pipe)
    outbox.write(b"<first>")
    outbox.write(b"<second>")
    pipe.take_leave()
    outbox.write(b"<third>")
    outbox.control(b"<fourth>")
    pipe.drain()
    assert b"<first><second>".startswith(pipe.received)
    outbox.finish()
    pipe.drain()
    assert pipe.below.transport.disconnected


TestBufferedTls = BufferedTls.TestCase
TestTlsScripted = TlsScripted.TestCase
TestTlsOld = TlsOld.TestCase
TestTlsSocket = TlsSocket.TestCase
for test in (TestBufferedTls, TestTlsScripted, TestTlsOld, TestTlsSocket):
    test.settings = SETTINGS
del test
