"""Rows of plain connections: whoever is busy, short or gone among them, each gets whole frames in order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from chatroom.doors.outbox import BufferedOutbox, DirectOutbox, Outbox, Tick
from chatroom.doors.row import DirectRow
from chatroom.wire.frames import frame

from .outbox_machine import READS, SETTINGS, SIZES
from .pipes import HandReactor, Pipe, ScriptedPipe, SocketPipe
from .rawframes import CLOSE, PONG, parse


class Member:
    """An outlet over a connection that is read as slowly as a test wants."""

    def __init__(self, tick: Tick, pipe: Pipe, limit: int = 0, *, pristine: bool = True) -> None:
        self.pipe = pipe
        self.outbox = DirectOutbox(pipe.transport, tick, limit, self._overflowed, pristine=pristine)
        self.write, self.send = self.outbox.write, self.outbox.send
        self.told: list[bytes] = []
        """The frames it was given before its close frame."""
        self.closing: bytes | None = None
        self.overflowed = self.snapped = False

    def hear(self, frames: bytes) -> None:
        """What it is given, if its connection is not closing."""
        if self.closing is None:
            self.told.append(frames)

    def close(self, code: int = 1000) -> None:
        """As the protocol does."""
        self.outbox.flush()
        if self.closing is None:
            closing = frame(code.to_bytes(2, "big"), 0x80 | CLOSE)
            self.outbox.control(closing)
            self.closing = self.closing or closing
            self.outbox.seal()

    def _overflowed(self) -> None:
        self.overflowed = True
        self.close(4008)

    @property
    def waits(self) -> bool:
        """Whether anything stands between what it was given and its socket."""
        outbox = self.outbox
        return bool(outbox.busy or outbox._pending or outbox._backlog or outbox.waiting)


class Hall:
    """A row whose members' sockets take what the test says, and the calls that it made of them."""

    def __init__(self, *rooms: int) -> None:
        self.tick = Tick(HandReactor())
        self.calls: list[Any] = []
        self.row: Any = DirectRow(self.tick, self._send)
        self.members: list[Any] = []
        for room in rooms:
            pipe = ScriptedPipe()
            pipe.make_room(room, 1_000_000)
            self.members.append(Member(self.tick, pipe))
            assert self.row.add(self.members[-1])

    def _send(self, socket: Any, frames: bytes) -> int:
        self.calls.append(socket)
        taken: int = socket.send(frames)
        return taken

    def drained(self) -> list[bytes]:
        """What each member's far end has read in the end."""
        for member in self.members:
            member.pipe.drain()
        return [member.pipe.received for member in self.members]


def test_idle_members_are_written_to_past_their_outboxes() -> None:
    hall = Hall(100, 100, 100)
    hall.row.write(b"<first>")
    assert [member.pipe.socket.taken for member in hall.members] == [b"<first>"] * 3
    assert len(hall.calls) == 3
    assert not hall.tick.unready


def test_what_some_sockets_do_not_take_is_their_outboxes() -> None:
    # Full, short, nothing amiss, and the last one full too.
    hall = Hall(0, 4, 100, 0)
    hall.row.write(b"<first>")
    hall.row.write(b"<second>")
    assert [member.outbox.busy for member in hall.members] == [True, True, False, True]
    assert hall.members[1].pipe.socket.taken == b"<fir"
    assert len(hall.calls) == 4 + 1, "who is busy is not tried again"
    assert hall.drained() == [b"<first><second>"] * 4
    assert not hall.tick.unready
    hall.row.write(b"<third>")
    assert len(hall.calls) == 5 + 4


def test_who_has_something_waiting_in_this_tick_gets_it_first() -> None:
    hall = Hall(100, 100, 100)
    hall.members[1].send(b"<ok>")
    hall.row.write(b"<event>")
    hall.tick.flush()
    assert hall.drained() == [b"<event>", b"<ok><event>", b"<event>"]
    assert not hall.tick.unready


def test_a_broken_connection_hinders_nobody() -> None:
    hall = Hall(100, 100, 100, 100)
    hall.members[0].pipe.snap()
    hall.members[2].pipe.snap()
    hall.row.write(b"<first>")
    hall.row.write(b"<second>")
    assert [member.pipe.socket.taken for member in hall.members] == [b"", b"<first><second>"] * 2


def test_nothing_goes_behind_a_close_frame() -> None:
    hall = Hall(100, 100)
    hall.members[0].close()
    hall.row.write(b"<late>")
    hall.members[0].send(b"<later>")
    hall.tick.flush()
    assert hall.drained() == [hall.members[0].closing, b"<late>"]


@pytest.mark.parametrize("state", ["idle", "unready"])
def test_some_can_be_left_out(state: str) -> None:
    hall = Hall(100, 100, 100)
    if state == "unready":
        hall.members[1].send(b"<ok>")
    hall.row.write(b"<event>", [hall.members[1], object()])
    expected = b"<ok>" if state == "unready" else b""
    hall.tick.flush()
    assert hall.drained() == [b"<event>", expected, b"<event>"]


def test_who_is_discarded_is_told_no_more() -> None:
    hall = Hall(100, 100)
    gone, left = hall.members
    hall.row.discard(gone)
    hall.row.discard(gone)
    hall.row.discard(object())
    hall.row.write(b"<event>")
    assert hall.drained() == [b"", b"<event>"]
    assert (gone in hall.row, left in hall.row, len(hall.row)) == (False, True, 1)


def test_a_used_connection_waits_until_twisted_has_nothing_of_it() -> None:
    hall = Hall()
    pipe = ScriptedPipe()
    pipe.transport.write(b"<answer>")
    hall.row.add(Member(hall.tick, pipe, pristine=False))
    pipe.make_room(100, 100)
    hall.row.write(b"<event>")
    pipe.drain()
    assert pipe.received == b"<answer><event>"
    assert not hall.tick.unready


def test_only_direct_outboxes_of_the_same_tick_are_taken() -> None:
    hall, other = Hall(), Hall(100)
    buffered = other.members[0]
    assert not hall.row.add(other.members[0])
    buffered.outbox = BufferedOutbox(ScriptedPipe().transport, hall.tick, 0, lambda: None)
    assert not hall.row.add(buffered)
    assert not hall.row.add(object())
    assert not len(hall.row)


def test_a_lost_connection_leaves_nothing_behind() -> None:
    hall = Hall(100, 0, 100)
    for member in hall.members[:2]:
        member.send(b"<ok>")
    hall.row.write(b"<event>")
    for member in hall.members:
        member.pipe.snap()
        member.pipe.transport.connectionLost(Failure(ConnectionLost()))
        member.outbox.lost()
    assert not hall.tick.unready
    hall.row.write(b"<late>")
    hall.tick.flush()
    assert not hall.tick.unready


def test_real_sockets_full_broken_and_closed() -> None:
    tick = Tick(HandReactor())
    row: Any = DirectRow(tick)
    members: list[Any] = [Member(tick, SocketPipe()) for _ in range(5)]
    for member in members:
        assert row.add(member)
    full, broken, closed = members[0], members[2], members[4]
    full.write(b"x" * 100_000)
    broken.pipe.snap()
    closed.pipe.close()
    closed.outbox.lost()
    row.write(b"<first>")
    row.write(b"y" * 50_000)
    for member in (full, members[1], members[3]):
        member.pipe.drain()
    assert full.pipe.received == b"x" * 100_000 + b"<first>" + b"y" * 50_000
    assert [members[at].pipe.received for at in (1, 3)] == [b"<first>" + b"y" * 50_000] * 2
    for member in members:
        member.pipe.close()


WHICH = st.integers(0, 5)


class RowMachine(RuleBasedStateMachine):
    """A row of connections of which each is read, answered, closed or broken in any order of things."""

    @initialize(limit=st.sampled_from([0, 1_000, 20_000]))
    def open(self, limit: int) -> None:
        self.tick = Tick(HandReactor())
        self.members = [self._member(limit) for _ in range(6)]
        self.row: Any = self.make_row()
        for member in self.members:
            assert self.row.add(member)
        self.here = dict.fromkeys(range(6), True)
        self.count = 0

    def make_row(self) -> Any:
        """An empty row."""
        return DirectRow(self.tick, lambda socket, frames: socket.send(frames))

    def make_pipe(self) -> Pipe:
        """A connection."""
        return ScriptedPipe()

    @rule(size=SIZES, but=st.lists(WHICH, max_size=2))
    def tell(self, size: int, but: list[int]) -> None:
        frames = self._fresh(size)
        for at, member in enumerate(self.members):
            if self.here[at] and at not in but:
                member.hear(frames)
        self.row.write(frames, [self.members[at] for at in but])

    @rule(which=WHICH, size=SIZES, how=st.sampled_from(["send", "write"]))
    def tell_one(self, which: int, size: int, how: str) -> None:
        frames = self._fresh(size)
        self.members[which].hear(frames)
        getattr(self.members[which], how)(frames)

    @rule(which=WHICH)
    def answer_a_ping(self, which: int) -> None:
        member = self.members[which]
        if member.closing is None:
            pong = frame(b"p", 0x80 | PONG)
            member.hear(pong)
            member.outbox.control(pong)

    @rule()
    def end_the_tick(self) -> None:
        self.tick.flush()

    @rule(which=WHICH)
    def close(self, which: int) -> None:
        self.members[which].close()

    @rule(which=WHICH, size=READS)
    def read(self, which: int, size: int) -> None:
        self.members[which].pipe.read(size)

    @rule(which=WHICH, size=READS, at_once=st.sampled_from([1, 7, 200, 1_000_000]))
    def make_room(self, which: int, size: int, at_once: int) -> None:
        self.members[which].pipe.make_room(size, at_once)

    @rule()
    def read_all(self) -> None:
        for member in self.members:
            member.pipe.drain()

    @rule(which=WHICH)
    def leave_or_come_back(self, which: int) -> None:
        if self.here[which]:
            self.row.discard(self.members[which])
        else:
            assert self.row.add(self.members[which])
        self.here[which] = not self.here[which]

    @precondition(lambda self: sum(not member.snapped for member in self.members) > 3)
    @rule(which=WHICH)
    def snap(self, which: int) -> None:
        self.members[which].snapped = True
        self.members[which].pipe.snap()

    @invariant()
    def each_read_whole_frames_in_order(self) -> None:
        for member in getattr(self, "members", ()):
            frames, rest = parse(member.pipe.received)
            read = [frame(one.payload, one.first) for one in frames]
            if read and frames[-1].opcode == CLOSE:
                assert read.pop() == member.closing
                assert not rest, "something came behind the close frame"
            assert read == member.told[: len(read)]
            coming = [member.closing or b"", *member.told[len(read) : len(read) + 1]]
            assert any(one.startswith(rest) for one in coming), "what is under way is not the next frame"

    @invariant()
    def who_is_ready_has_nothing_waiting(self) -> None:
        for member in getattr(self, "members", ()):
            outbox: Outbox = member.outbox
            assert outbox in self.tick.unready or not (member.waits or member.closing)

    def teardown(self) -> None:
        if not hasattr(self, "members"):
            return
        try:
            self.tick.flush()
            self.read_all()
            self.each_read_whole_frames_in_order()
            for member in self.members:
                frames, rest = parse(member.pipe.received)
                if not (member.snapped or member.overflowed):
                    given = len(member.told) + (member.closing is not None)
                    assert (len(frames), rest) == (given, b""), "something was lost"
                member.outbox.lost()
            assert not self.tick.unready
        finally:
            for member in self.members:
                if isinstance(member.pipe, SocketPipe):
                    member.pipe.close()

    def _member(self, limit: int) -> Member:
        return Member(self.tick, self.make_pipe(), limit)

    def _fresh(self, size: int) -> bytes:
        """A frame like no other."""
        self.count += 1
        return frame(b"%d:" % self.count + b"x" * size)


class RealRowMachine(RowMachine):
    """The same over real sockets, with the loop in C."""

    def make_row(self) -> Any:
        return DirectRow(self.tick)

    def make_pipe(self) -> Pipe:
        return SocketPipe()


TestRow = RowMachine.TestCase
TestRealRow = RealRowMachine.TestCase
for test in (TestRow, TestRealRow):
    test.settings = SETTINGS
del test
