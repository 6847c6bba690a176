"""Drives an outbox in any order of things, and says what holds whatever that order is."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatroom.doors import outbox as outboxes
from chatroom.doors.outbox import DirectOutbox, Outbox, Tick
from chatroom.doors.outlets import row_for
from chatroom.doors.tls import TlsOutbox
from chatroom.wire.frames import frame

from .pipes import Pipe, ScriptedSocket
from .rawframes import CLOSE, PONG, parse

SIZES = st.one_of(
    st.integers(0, 200), st.sampled_from([0, 125, 126, 300, 5_000]), st.sampled_from([70_000, 300_000])
)
READS = st.one_of(st.integers(0, 300), st.sampled_from([1, 4_096, 70_000, 1_000_000]))
LIMITS = st.sampled_from([0, 100, 1_000, 20_000, 400_000])
SETTINGS = settings(max_examples=50, stateful_step_count=40)
HOW = st.sampled_from(["send", "write", "row"])


class Member:
    """What of an outlet a row looks at."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.write = outbox.write


def make_row(outbox: Outbox) -> Any:
    """The row that its members would get, also where the socket is a stand-in."""
    row: Any = row_for(outbox)
    if isinstance(getattr(outbox, "socket", None), ScriptedSocket):
        row = type(row)(outbox.tick, ScriptedSocket.send)
    return row


class OutboxMachine(RuleBasedStateMachine):
    """Drives an outbox as its protocol and its transport do, and compares what the far end reads."""

    def make(self, limit: int) -> tuple[Pipe, Any]:
        """The connection, and what makes its outbox."""
        raise NotImplementedError

    @initialize(limit=LIMITS)
    def open(self, limit: int) -> None:
        # Small, so that a backlog is often more than one of them.
        self._usual_chunk, outboxes.CHUNK = outboxes.CHUNK, 500
        self.limit = limit
        self.pipe, kind = self.make(limit)
        self.tick = Tick(self.pipe.reactor)
        self.before = len(self.pipe.received)
        self.outbox: Outbox = kind(self.pipe.transport, self.tick, limit, self._overflowed)
        self.row = make_row(self.outbox)
        assert self.row.add(Member(self.outbox))
        self.accepted: list[bytes] = []
        """The frames it was given before the close frame."""
        self.overflows = 0
        self.closing: bytes | None = None
        self.finished = self.snapped = False
        self.given = self.most = 0
        """How much it was given since the last flush, and the most of that so far: an idle connection
        takes so much at once, whatever the limit."""

    # What the protocol and the hub do.

    @precondition(lambda self: self.closing is None)
    @rule(sizes=st.lists(SIZES, min_size=1, max_size=4), how=HOW)
    def tell(self, sizes: list[int], how: str) -> None:
        frames = [self._fresh(size) for size in sizes]
        self.accepted += frames
        self._count(frames)
        self._tell(how, b"".join(frames))

    @precondition(lambda self: self.closing is not None)
    @rule(size=SIZES, how=HOW)
    def tell_too_late(self, size: int, how: str) -> None:
        self._tell(how, self._fresh(size))

    @precondition(lambda self: self.closing is None)
    @rule(size=st.integers(0, 125))
    def answer_a_ping(self, size: int) -> None:
        pong = frame(b"p" * size, 0x80 | PONG)
        self.accepted.append(pong)
        self._count([pong])
        self.outbox.control(pong)

    @rule()
    def end_the_tick(self) -> None:
        self.tick.flush()
        self.given = 0

    @precondition(lambda self: self.closing is None)
    @rule()
    def close(self) -> None:
        self._close(1000)

    @precondition(lambda self: self.closing is not None and not self.finished)
    @rule()
    def finish(self) -> None:
        self.finished = True
        self.outbox.finish()

    # What happens to the connection.

    @rule(size=READS)
    def read(self, size: int) -> None:
        self.pipe.read(size)

    @rule(size=READS, at_once=st.sampled_from([1, 7, 200, 1_000_000]))
    def make_room(self, size: int, at_once: int) -> None:
        self.pipe.make_room(size, at_once)

    @rule()
    def read_all(self) -> None:
        self.tick.flush()
        self.pipe.drain()
        self.given = 0
        if not self.snapped and not self.overflows:
            frames, rest = parse(self.pipe.received[self.before :])
            assert not rest
            assert len(frames) == len(self.accepted) + (self.closing is not None), "something is stuck"

    @precondition(lambda self: not self.snapped)
    @rule()
    def snap(self) -> None:
        self.snapped = True
        self.pipe.snap()

    # What holds.

    @invariant()
    def what_was_read_is_whole_frames_in_order(self) -> None:
        if not hasattr(self, "pipe"):
            return
        frames, rest = parse(self.pipe.received[self.before :])
        read = [frame(one.payload, one.first) for one in frames]
        if read and frames[-1].opcode == CLOSE:
            assert read.pop() == self.closing
            assert not rest, "something came behind the close frame"
        assert all(one.opcode != CLOSE for one in frames[: len(read)])
        assert read == self.accepted[: len(read)]
        next_ones = [self.closing or b"", *self.accepted[len(read) : len(read) + 1]]
        assert any(one.startswith(rest) for one in next_ones), "what is under way is not the next frame"

    @invariant()
    def what_waits_is_bounded(self) -> None:
        if hasattr(self, "pipe"):
            backlog = sum(map(len, self.outbox._backlog or ()))
            assert backlog == self.outbox._waiting or self.snapped
            assert not self.limit or backlog <= self.limit + len(self.closing or b"")
            assert self.under_way() <= (self.most + outboxes.CHUNK) * 1.1 + 1_000
            assert self.overflows == self.outbox.overflowed

    @invariant()
    def who_is_ready_has_nothing_waiting(self) -> None:
        if hasattr(self, "pipe") and isinstance(self.outbox, (DirectOutbox, TlsOutbox)):
            idle = not (self.outbox.busy or self.outbox._pending or self.closing)
            assert idle or self.outbox in self.tick.unready

    def under_way(self) -> int:
        """How many bytes the outbox has let go and the kernel has not taken."""
        return 0

    def teardown(self) -> None:
        if not hasattr(self, "pipe"):
            return
        try:
            self._end()
        finally:
            outboxes.CHUNK = self._usual_chunk
            self.discard()

    def _end(self) -> None:
        self.tick.flush()
        if self.closing is None:
            self._close(1000)
        if not self.finished:
            self.outbox.finish()
        self.pipe.drain()
        self.what_was_read_is_whole_frames_in_order()
        if not self.snapped:
            frames, rest = parse(self.pipe.received[self.before :])
            assert not rest
            assert frames[-1].code == (4008 if self.overflows else 1000)
            if not self.overflows:
                assert len(frames) == len(self.accepted) + 1, "something was lost"
            assert self.pipe.ended, "the connection was not closed"
            assert not self.pipe.reactor.writers

    def discard(self) -> None:
        """Give back what the pipe had of the system's."""

    # As the hub and the protocol do.

    def _tell(self, how: str, frames: bytes) -> None:
        tell = self.row.write if how == "row" else getattr(self.outbox, how)
        tell(frames)

    def _fresh(self, size: int) -> bytes:
        """A frame like no other."""
        return frame(b"%d:" % len(self.accepted) + b"x" * size)

    def _count(self, frames: list[bytes]) -> None:
        self.given += sum(map(len, frames))
        self.most = max(self.most, self.given)

    def _overflowed(self) -> None:
        self.overflows += 1
        self._close(4008)

    def _close(self, code: int) -> None:
        self.outbox.flush()
        if self.closing is None:
            closing = frame(code.to_bytes(2, "big") + b"why", 0x80 | CLOSE)
            self.outbox.control(closing)
            self.outbox.seal()
            # That may have been too much, and another one is on its way.
            self.closing = self.closing or closing
