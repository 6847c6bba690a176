"""The outbox over TLS, alone and in any order of things."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from hypothesis.stateful import precondition, rule
from OpenSSL import SSL

from chatroom.doors.outbox import BufferedOutbox, Tick
from chatroom.doors.tls import TlsOutbox

from .outbox_machine import SETTINGS, OutboxMachine
from .pipes import Pipe, ScriptedPipe, SocketPipe, TlsPipe


class BufferedTls(OutboxMachine):
    """Over Twisted's TLS, through Twisted."""

    def make(self, limit: int) -> tuple[Pipe, Any]:
        return TlsPipe(ScriptedPipe, ssl.TLSVersion.TLSv1_3), BufferedOutbox


class TlsScripted(OutboxMachine):
    """TLS at once, over a socket that takes as much as the test says."""

    version = ssl.TLSVersion.TLSv1_3

    def make(self, limit: int) -> tuple[Pipe, Any]:
        return TlsPipe(ScriptedPipe, self.version), TlsOutbox

    def under_way(self) -> int:
        assert isinstance(self.outbox, TlsOutbox)
        return self.outbox._cipher.waiting

    @precondition(lambda self: not self.snapped)
    @rule()
    def the_far_end_speaks(self) -> None:
        assert isinstance(self.pipe, TlsPipe)
        if not self.finished:
            self.pipe.say(b"hello")


class TlsOld(TlsScripted):
    """The same with TLS 1.2."""

    version = ssl.TLSVersion.TLSv1_2


class TlsSocket(OutboxMachine):
    """TLS at once, over real sockets."""

    def make(self, limit: int) -> tuple[Pipe, Any]:
        return TlsPipe(SocketPipe, ssl.TLSVersion.TLSv1_3), TlsOutbox

    def discard(self) -> None:
        assert isinstance(self.pipe, TlsPipe)
        assert isinstance(self.pipe.below, SocketPipe)
        self.pipe.below.close()


def _outbox(pipe: TlsPipe, limit: int = 100_000) -> TlsOutbox:
    return TlsOutbox(pipe.transport, Tick(pipe.reactor), limit, lambda: None)


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def pipe(request: pytest.FixtureRequest) -> TlsPipe:
    """A connection over a socket that takes as much as the test says."""
    return TlsPipe(ScriptedPipe, request.param)


def test_what_is_written_leaves_at_once_in_records_of_16_kib(pipe: TlsPipe) -> None:
    outbox = _outbox(pipe)
    outbox.write(b"<first>")
    pipe.read(100_000)
    assert pipe.received == b"<first>"
    pipe.make_room(1_000_000, 1_000_000)
    outbox.write(b"x" * 100_000)
    assert pipe.below.transport.buffered() == 0, "it went past Twisted's buffers"
    pipe.read(0)
    assert pipe.received == b"<first>" + b"x" * 100_000


@pytest.mark.parametrize("size", [1, 16_383, 16_384, 16_385, 32_768, 49_152])
def test_no_size_leaves_anything_behind_in_openssl(pipe: TlsPipe, size: int) -> None:
    outbox = _outbox(pipe)
    outbox.write(b"<first>")
    pipe.read(100_000)
    outbox.write(b"x" * size)
    pipe.read(100_000)
    assert pipe.received == b"<first>" + b"x" * size


def test_what_waits_is_encrypted_only_when_there_is_room(pipe: TlsPipe) -> None:
    outbox = _outbox(pipe, 0)
    for _ in range(100):
        outbox.write(b"x" * 1_000)
    assert outbox.busy
    assert outbox._cipher.waiting < 2_000
    pipe.drain()
    assert pipe.received == b"x" * 100_000
    assert not outbox.busy


def test_twisteds_own_words_keep_their_place(pipe: TlsPipe) -> None:
    outbox = _outbox(pipe)
    outbox.write(b"<first>")
    outbox.write(b"<second>")
    outbox.finish()
    pipe.drain()
    # The alert that ends TLS came behind everything.
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


class Reluctant:
    """OpenSSL that has to hear from the far end before it can say more."""

    def send(self, _data: bytes) -> int:
        raise SSL.WantReadError


def test_where_openssl_must_hear_first_twisted_waits_for_it(pipe: TlsPipe) -> None:
    outbox = _outbox(pipe)
    outbox.write(b"<first>")
    pipe.read(100_000)
    outbox._tls = Reluctant()  # type: ignore[assignment]
    outbox.write(b"<second>")
    outbox.write(b"<third>")
    pipe.drain()
    assert pipe.received == b"<first><second><third>"


TestBufferedTls = BufferedTls.TestCase
TestTlsScripted = TlsScripted.TestCase
TestTlsOld = TlsOld.TestCase
TestTlsSocket = TlsSocket.TestCase
for test in (TestBufferedTls, TestTlsScripted, TestTlsOld, TestTlsSocket):
    test.settings = SETTINGS
del test
