"""Rows of TLS connections: whoever is busy, short or gone among them, each gets whole frames in order."""

from __future__ import annotations

import ssl
from typing import Any

from chatroom.doors.outbox import Tick
from chatroom.doors.tls import PIECE, TlsOutbox
from chatroom.doors.tlsrow import TlsRow

from .pipes import HandReactor, ScriptedPipe, ScriptedSocket, TlsPipe


class Member:
    """An outlet over a TLS connection whose socket takes so many bytes."""

    def __init__(self, tick: Tick, room: int) -> None:
        self.pipe = TlsPipe(ScriptedPipe, ssl.TLSVersion.TLSv1_3)
        self.outbox = TlsOutbox(self.pipe.transport, tick, 100_000, lambda: None)
        self.pipe.make_room(room, 1_000_000)

    def read(self) -> bytes:
        """All that it gets."""
        self.pipe.drain()
        return self.pipe.received


class Hall:
    """A row of members, and the calls that it made of their sockets."""

    def __init__(self, *rooms: int) -> None:
        self.tick = Tick(HandReactor())
        self.calls = 0
        self.row: Any = TlsRow(self.tick, self._send)
        self.members: list[Any] = [Member(self.tick, room) for room in rooms]
        for member in self.members:
            assert self.row.add(member)

    def _send(self, socket: ScriptedSocket, data: bytes) -> int:
        self.calls += 1
        return socket.send(data)

    def read(self) -> list[bytes]:
        """What each member gets in the end."""
        return [member.read() for member in self.members]


PLENTY = 1_000_000


def test_idle_members_are_written_to_with_one_call_each() -> None:
    hall = Hall(PLENTY, PLENTY, PLENTY)
    hall.row.write(b"<first>")
    assert hall.calls == 3
    assert not any(member.pipe.below.transport.buffered() for member in hall.members)
    assert hall.read() == [b"<first>"] * 3


def test_what_some_sockets_do_not_take_comes_later_and_in_order() -> None:
    # Full, short, nothing amiss, full.
    hall = Hall(0, 10, PLENTY, 0)
    hall.row.write(b"<first>")
    assert [member.outbox.busy for member in hall.members] == [True, True, False, True]
    hall.row.write(b"<second>")
    assert hall.calls <= 4 + 1 + 4, "who is busy is not tried again"
    assert hall.read() == [b"<first><second>"] * 4
    assert not hall.tick.unready
    hall.row.write(b"<third>")
    assert hall.read() == [b"<first><second><third>"] * 4


def test_who_has_something_waiting_in_this_tick_gets_it_first() -> None:
    hall = Hall(PLENTY, PLENTY, PLENTY)
    hall.members[1].outbox.send(b"<ok>")
    hall.row.write(b"<event>")
    hall.tick.flush()
    assert hall.read() == [b"<event>", b"<ok><event>", b"<event>"]


def test_what_was_written_before_the_outbox_comes_first() -> None:
    tick = Tick(HandReactor())
    pipe = TlsPipe(ScriptedPipe, ssl.TLSVersion.TLSv1_3)
    pipe.make_room(PLENTY, PLENTY)
    pipe.transport.write(b"<an answer of the web's>")
    member = Member.__new__(Member)
    member.pipe, member.outbox = pipe, TlsOutbox(pipe.transport, tick, 0, lambda: None)
    row: Any = TlsRow(tick, ScriptedSocket.send)
    row.add(member)
    row.write(b"<event>")
    assert member.read() == b"<an answer of the web's><event>"


def test_who_is_gone_or_breaks_off_hinders_nobody() -> None:
    hall = Hall(*[PLENTY] * 4)
    hall.members[0].pipe.snap()
    hall.members[2].pipe.take_leave()
    hall.row.write(b"<first>")
    hall.row.write(b"<second>")
    assert [hall.members[place].read() for place in (1, 3)] == [b"<first><second>"] * 2
    assert [hall.members[place].read() for place in (0, 2)] == [b""] * 2


def test_who_misses_one_gets_no_more() -> None:
    hall = Hall(PLENTY, PLENTY)
    try:
        # TLS says goodbye behind its connection's back, and takes nothing after that.
        hall.members[0].pipe.transport.tls.unwrap()
    except ssl.SSLWantReadError:
        pass
    hall.row.write(b"<first>")
    hall.row.write(b"<second>")
    assert hall.read() == [b"", b"<first><second>"]
    assert hall.members[0].pipe.below.transport.disconnected


def test_some_are_left_out_and_much_is_given_piece_by_piece() -> None:
    hall = Hall(PLENTY, PLENTY, PLENTY)
    hall.row.write(b"<first>", [hall.members[0]])
    before = hall.calls
    hall.row.write(b"x" * (PIECE + 1), [hall.members[2]])
    assert hall.calls == before, "that would make OpenSSL's buffers grow"
    hall.row.discard(hall.members[1])
    hall.row.write(b"<last>")
    much = b"x" * (PIECE + 1)
    assert hall.read() == [much + b"<last>", b"<first>" + much, b"<first><last>"]


def test_outlets_of_another_kind_have_another_row() -> None:
    assert not TlsRow(Tick(HandReactor())).add(object())  # type: ignore[arg-type]
