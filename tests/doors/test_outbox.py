"""The outboxes, case by case. In any order of things: test_outbox_order and test_tls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from chatroom.doors.outbox import BufferedOutbox, DirectOutbox, Outbox, Tick
from chatroom.wire.frames import frame

from .pipes import ScriptedPipe, SocketPipe

CLOSE = frame(b"\x0f\xa8slow", 0x88)
PONG = frame(b"p" * 100, 0x8A)


class Case:
    """An outbox over a socket that takes what the test says; on overflow it closes, as ours do."""

    def __init__(self, limit: int = 1_000, room: int = 0, kind: Callable[..., Outbox] = DirectOutbox) -> None:
        self.pipe = ScriptedPipe()
        self.pipe.make_room(room, 1_000_000)
        self.calls: list[int] = []
        send = self.pipe.socket.send

        def counted(data: Any) -> int:
            self.calls.append(len(data))
            return send(data)

        self.pipe.socket.send = counted  # type: ignore[method-assign]
        self.tick = Tick(self.pipe.reactor)
        self.overflows = 0
        self.outbox = kind(self.pipe.transport, self.tick, limit, self._overflowed)

    def _overflowed(self) -> None:
        self.overflows += 1
        self.outbox.control(CLOSE)

    @property
    def taken(self) -> bytes:
        return self.pipe.socket.taken

    def read(self, size: int = 1_000_000) -> bytes:
        self.pipe.read(size)
        return self.pipe.received


def test_an_idle_connection_is_written_at_once_past_twisteds_buffers() -> None:
    case = Case(room=1_000)
    case.outbox.write(b"first")
    case.outbox.control(b"second")
    assert case.taken == b"firstsecond"
    assert case.calls == [5, 6]
    assert not case.outbox.busy
    assert case.pipe.transport.producer is None
    assert case.pipe.reactor.writers == []


def test_what_is_sent_in_one_tick_is_one_call() -> None:
    case = Case(room=1_000)
    for word in (b"one ", b"two ", b"three"):
        case.outbox.send(word)
    assert case.taken == b""
    case.pipe.reactor.advance(0)
    assert (case.taken, case.calls) == (b"one two three", [13])


def test_who_has_not_read_what_was_sent_is_behind_until_they_have() -> None:
    case = Case(room=10)
    case.outbox.send(b"0123456789")
    assert not case.outbox.behind
    assert case.taken == b"0123456789"
    case.outbox.send(b"more")
    assert case.outbox.behind
    case.read()
    assert not case.outbox.behind
    case.outbox.send(b"x" * 2_000_000)
    assert case.outbox.behind
    case.outbox.seal()
    assert not case.outbox.behind


def test_a_write_goes_behind_what_was_sent_in_this_tick() -> None:
    case = Case(room=1_000)
    case.outbox.send(b"one ")
    case.outbox.write(b"two ")
    case.outbox.control(b"three ")
    case.outbox.write(b"four")
    assert case.taken == b"one two three four"


def test_a_tick_flushes_all_who_sent_once() -> None:
    one, other = Case(room=1_000), Case(room=1_000)
    other.outbox.tick = one.tick
    for case in (one, other, one):
        case.outbox.send(b"x")
    assert len([call for call in one.pipe.reactor.calls if call.func == one.tick._end]) == 1
    one.tick.flush()
    assert (one.taken, other.taken) == (b"xx", b"x")
    one.outbox.send(b"y")
    one.pipe.reactor.advance(0)
    assert one.taken == b"xxy"
    assert one.pipe.reactor.calls == []


def test_what_the_kernel_does_not_take_is_twisteds_and_the_rest_waits_in_whole_frames() -> None:
    case = Case(room=4)
    for number in range(5):
        case.outbox.write(b"<frame %d>" % number)
    assert case.taken == b"<fra"
    assert case.pipe.transport.buffered() == 5
    assert case.outbox.waiting == 5 + 4 * 9
    assert case.read(3) == b"<frame "
    assert case.read() == b"".join(b"<frame %d>" % number for number in range(5))
    assert not case.outbox.busy
    assert case.pipe.transport.producer is None
    case.outbox.write(b"again at once")
    assert case.taken.endswith(b"again at once")


def test_past_the_bound_what_waits_is_dropped_and_the_close_frame_is_the_last() -> None:
    case = Case(limit=100, room=4)
    case.outbox.write(b"<begun>")
    for _ in range(10):
        case.outbox.write(b"<twenty bytes of it>")
    case.outbox.send(b"<more>")
    assert case.overflows == 1
    assert case.outbox.waiting == 3 + len(CLOSE)
    case.tick.flush()
    assert case.read() == b"<begun>" + CLOSE


def test_one_large_write_to_an_idle_connection_is_no_overflow() -> None:
    case = Case(limit=100)
    case.outbox.write(b"x" * 10_000)
    assert case.overflows == 0
    case.outbox.write(b"y")
    assert case.overflows == 1
    assert case.read() == b"x" * 10_000 + CLOSE


def test_without_a_limit_anything_waits() -> None:
    case = Case(limit=0)
    for _ in range(1_000):
        case.outbox.write(b"x" * 1_000)
    assert case.overflows == 0
    assert len(case.read(2_000_000)) == 1_000_000


def test_who_pings_and_does_not_read_fills_no_memory() -> None:
    case = Case(limit=1_000)
    for _ in range(1_000):
        if not case.overflows:
            case.outbox.control(PONG)
            assert case.outbox.waiting <= 1_000
    assert case.overflows == 1
    assert case.read() == PONG + CLOSE


def test_no_pong_follows_a_close_frame_that_it_has_flushed_out() -> None:
    case = Case(limit=100)
    case.outbox.write(b"<begun>")
    case.outbox.send(b"x" * 200)
    case.outbox.control(PONG)
    assert case.read() == b"<begun>" + CLOSE


def test_the_end_waits_until_all_has_left() -> None:
    case = Case(room=3)
    case.outbox.write(b"<begun>")
    case.outbox.send(b"<sent>")
    case.outbox.control(CLOSE)
    case.outbox.finish()
    assert not case.pipe.transport.disconnecting
    assert case.read(5) == b"<begun><"
    assert not case.pipe.transport.disconnecting
    assert case.read() == b"<begun><sent>" + CLOSE
    assert case.pipe.transport.disconnecting


def test_the_end_of_an_idle_connection_is_at_once() -> None:
    case = Case(room=100)
    case.outbox.send(b"<last>")
    case.outbox.finish()
    assert case.taken == b"<last>"
    assert case.pipe.transport.disconnecting
    case.outbox.write(b"<late>")
    case.outbox.send(b"<later>")
    case.tick.flush()
    assert case.taken == b"<last>"


@pytest.mark.parametrize("kind", [DirectOutbox, BufferedOutbox])
def test_a_connection_that_breaks_takes_anything_and_says_nothing(kind: Any) -> None:
    case = Case(room=3, kind=kind)
    case.outbox.write(b"<begun>")
    case.pipe.snap()
    for _ in range(3):
        case.outbox.write(b"<more>")
        case.outbox.send(b"<more>")
        case.outbox.control(PONG)
        case.pipe.reactor.turn()
    assert case.pipe.transport.disconnected
    assert case.overflows == 0
    assert not case.outbox._backlog
    case.outbox.finish()


def test_an_interrupted_call_is_no_end() -> None:
    case = Case()
    send = case.pipe.socket.send
    case.pipe.socket.send = _raising(InterruptedError(4, "Interrupted system call"))  # type: ignore[method-assign]
    case.outbox.write(b"<first>")
    case.pipe.socket.send = send  # type: ignore[method-assign]
    assert case.read() == b"<first>"


def test_where_the_transport_is_gone_already_nothing_happens() -> None:
    case = Case()
    case.pipe.transport.connectionLost(Failure(ConnectionLost()))
    case.outbox.write(b"<first>")
    case.outbox.write(b"<second>")
    assert case.taken == b""
    assert not case.pipe.reactor.writers


def test_a_buffering_transport_is_not_given_more_than_it_wants() -> None:
    case = Case(limit=0, kind=BufferedOutbox)
    for _ in range(100):
        case.outbox.write(b"x" * 100)
    assert case.pipe.transport.buffered() <= case.pipe.transport.bufferSize + 100
    assert case.outbox.busy
    case.pipe.drain()
    assert case.taken == b"x" * 10_000
    case.outbox.finish()
    case.pipe.drain()
    assert case.pipe.ended


def test_real_sockets_take_what_they_can_at_once() -> None:
    pipe = SocketPipe()
    outbox = DirectOutbox(pipe.transport, Tick(pipe.reactor), 10_000_000, lambda: None)
    outbox.write(b"at once")
    assert pipe.far.recv(100) == b"at once"
    outbox.write(b"x" * 1_000_000)
    outbox.write(b"<and then this>")
    assert outbox.busy
    pipe.drain()
    assert pipe.received == b"x" * 1_000_000 + b"<and then this>"
    assert not outbox.busy
    pipe.close()


def _raising(error: Exception) -> Callable[..., Any]:
    def send(_data: Any) -> int:
        raise error

    return send
