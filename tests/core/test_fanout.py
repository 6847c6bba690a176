"""Telling a room: few at once, many in slices, each member once and in order whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from chatroom import fanout
from chatroom.domain.model import User
from chatroom.domain.ports import Outlet
from chatroom.fanout import FanOut, Framed, OneByOne
from chatroom.wire.dialects import json_dialect

DIALECT = json_dialect()
USER = User("g1", "Ana")


class Ear:
    """An outlet that remembers, as the numbers that were written to it."""

    dialect = DIALECT

    def __init__(self) -> None:
        self.heard: list[int] = []

    def write(self, frames: bytes) -> None:
        self.heard += list(frames)

    send = write

    def close(self, code: int, reason: str) -> None:
        raise AssertionError("nobody is closed here")

    def row(self) -> OneByOne:
        return OneByOne()


class Duet(OneByOne):
    """A row that takes only Birds."""

    def add(self, outlet: Outlet) -> bool:
        return isinstance(outlet, Bird) and super().add(outlet)


class Bird(Ear):
    """An outlet of another kind."""

    def row(self) -> OneByOne:
        return Duet()


class Turns(Clock):
    """A clock whose `turn` is one of the reactor's: what is scheduled in it waits for the next."""

    def turn(self) -> None:
        due, self.calls = self.calls, []
        for call in due:
            call.func(*call.args, **call.kw)


@pytest.fixture(autouse=True)
def slices_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fanout, "SLICE", 3)


def event(seq: int, origin: Ear | None = None) -> list[Framed]:
    return [Framed(bytes([seq]), origin)]


def test_few_are_told_at_once() -> None:
    room, ears = FanOut(Clock()), [Ear() for _ in range(3)]
    for ear in ears:
        room.admit(ear, USER)
    room.tell(DIALECT, event(1))
    assert [ear.heard for ear in ears] == [[1]] * 3


def test_many_are_told_in_slices_with_room_for_others_between() -> None:
    clock = Turns()
    room, ears = FanOut(clock), [Ear() for _ in range(8)]
    for ear in ears:
        room.admit(ear, USER)
    room.tell(DIALECT, event(1))
    told = [sum(bool(ear.heard) for ear in ears)]
    while clock.calls:
        clock.turn()
        told.append(sum(bool(ear.heard) for ear in ears))
    assert told == [3, 6, 8]


def test_what_comes_meanwhile_is_told_after_it_in_one_write() -> None:
    clock, writes = Turns(), []
    room, ears = FanOut(clock), [Ear() for _ in range(7)]
    ears[6].write = writes.append  # type: ignore[method-assign]
    for ear in ears:
        room.admit(ear, USER)
    for seq in (1, 2, 3):
        room.tell(DIALECT, event(seq))
    while clock.calls:
        clock.turn()
    assert [ear.heard for ear in ears[:6]] == [[1, 2, 3]] * 6
    assert writes == [b"\x01", b"\x02\x03"]


def test_the_one_who_caused_it_is_left_out_and_only_of_that() -> None:
    clock = Turns()
    room, ears = FanOut(clock), [Ear() for _ in range(5)]
    for ear in ears:
        room.admit(ear, USER)
    room.tell(DIALECT, event(1, ears[4]) + event(2))
    while clock.calls:
        clock.turn()
    assert [ear.heard for ear in ears] == [[1, 2]] * 4 + [[2]]


def test_each_kind_sits_in_rows_of_its_own_and_small_rows_are_told_together() -> None:
    clock = Turns()
    room, ears = FanOut(clock), [kind() for kind in (Ear, Bird, Ear, Bird, Bird, Bird)]
    for ear in ears:
        room.admit(ear, USER)
    room.dismiss(ears[1])
    room.dismiss(ears[3])
    room.tell(DIALECT, event(1))
    told = [len(ear.heard) for ear in ears]
    # Two Ears, but with the two Birds that are left they would be one too many.
    assert told == [1, 0, 1, 0, 0, 0]
    clock.turn()
    assert [ear.heard for ear in ears] == [[1], [], [1], [], [1], [1]]


def test_who_comes_takes_the_place_of_who_has_left() -> None:
    room, ears = FanOut(Clock()), [Ear() for _ in range(4)]
    for ear in ears[:3]:
        room.admit(ear, USER)
    room.dismiss(ears[0])
    room.admit(ears[3], USER)
    room.tell(DIALECT, event(1))
    # All at once, so they are one row.
    assert [ear.heard for ear in ears] == [[], [1], [1], [1]]


def test_a_room_that_all_have_left_can_be_entered_again() -> None:
    room, ear = FanOut(Clock()), Ear()
    for seq in (1, 2):
        room.admit(ear, USER)
        room.tell(DIALECT, event(seq))
        room.dismiss(ear)
        room.dismiss(ear)
        assert room.members == {}
        room.tell(DIALECT, event(9))
    assert ear.heard == [1, 2]


def test_who_comes_while_a_telling_waits_hears_only_what_is_told_from_then_on() -> None:
    clock = Turns()
    room, ears = FanOut(clock), [Ear() for _ in range(4)]
    for ear in ears:
        room.admit(ear, USER)
    room.tell(DIALECT, event(1))
    room.tell(DIALECT, event(2))
    late = Ear()
    room.admit(late, USER)
    room.tell(DIALECT, event(3) + event(4, late))
    while clock.calls:
        clock.turn()
    assert late.heard == [3]
    assert [ear.heard for ear in ears] == [[1, 2, 3, 4]] * 4


def test_a_row_that_fails_does_not_silence_the_room() -> None:
    clock = Turns()
    room, ears = FanOut(clock), [Ear() for _ in range(4)]
    for ear in ears:
        room.admit(ear, USER)

    def fail(_frames: bytes) -> None:
        raise RuntimeError("a mistake of ours")

    ears[0].write = fail  # type: ignore[method-assign]
    with pytest.raises(RuntimeError):
        room.tell(DIALECT, event(1))
    clock.turn()
    assert [ear.heard for ear in ears] == [[], [], [], [1]]
    assert not clock.calls


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("event"), st.integers(0, 9)),
        st.tuples(st.just("passing"), st.integers(0, 9)),
        st.tuples(st.just("join"), st.integers(0, 9)),
        st.tuples(st.just("leave"), st.integers(0, 9)),
        st.tuples(st.just("turn"), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS)
def test_every_member_is_told_each_event_since_it_came_once_and_in_order(
    steps: list[tuple[str, int]],
) -> None:
    clock, head = Turns(), 0
    room = FanOut(clock)
    kinds = [Ear, Bird, Ear, Ear, Bird] * 2
    ears = [kind() for kind in kinds]
    since: dict[int, int] = {}
    for step, which in steps:
        if step == "event" and head < 100:
            head += 1
            room.tell(DIALECT, event(head))
        elif step == "passing":
            room.tell(DIALECT, [Framed(b"\xff", ears[which])])
        elif step == "join" and which not in since:
            since[which] = head
            ears[which] = kinds[which]()
            room.admit(ears[which], USER)
        elif step == "leave" and since.pop(which, None) is not None:
            room.dismiss(ears[which])
        elif step == "turn":
            clock.turn()
    while clock.calls:
        clock.turn()
    for which, first in since.items():
        assert [seq for seq in ears[which].heard if seq != 255] == list(range(first + 1, head + 1))


@given(st.lists(st.sampled_from(["event", "rejoin", "turn"]), max_size=40))
def test_who_leaves_and_comes_back_on_the_same_connection_is_told_nothing_twice(
    steps: list[str],
) -> None:
    clock = Turns()
    room, ears, head = FanOut(clock), [Ear() for _ in range(7)], 0
    for ear in ears:
        room.admit(ear, USER)
    back, shown = ears[6], 0
    for step in steps:
        if step == "event":
            head += 1
            room.tell(DIALECT, event(head))
        elif step == "rejoin":
            room.dismiss(back)
            room.admit(back, USER)
            back.heard.clear()
            shown = head
        else:
            clock.turn()
    while clock.calls:
        clock.turn()
    assert back.heard == list(range(shown + 1, head + 1))
