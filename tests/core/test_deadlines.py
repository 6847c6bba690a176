"""Many deadlines on one timer behave as many timers do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from chatroom.deadlines import Deadlines
from tests.logs import Logs


def test_it_is_called_when_it_is_due_and_not_before() -> None:
    clock, called = Clock(), []
    Deadlines(clock).call_later(10, lambda: called.append(clock.seconds()))
    clock.advance(9.9)
    assert called == []
    clock.advance(0.1)
    assert called == [10]


def test_many_of_one_length_take_one_timer() -> None:
    clock = Clock()
    deadlines = Deadlines(clock)
    for _ in range(1000):
        deadlines.call_later(10, list).cancel()
    assert len(clock.getDelayedCalls()) == 1
    clock.advance(10)
    assert clock.getDelayedCalls() == []


def test_one_that_fails_keeps_none_from_being_called() -> None:
    clock, called = Clock(), []
    deadlines = Deadlines(clock)
    deadlines.call_later(1, lambda: 1 // 0)
    deadlines.call_later(1, lambda: called.append(True))
    with Logs() as logs:
        clock.advance(1)
    assert called == [True]
    assert "ZeroDivisionError" in logs.tracebacks()[0]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from([1, 2, 5])),
        st.tuples(st.just("cancel"), st.integers(0, 20)),
        st.tuples(st.just("wait"), st.integers(1, 4)),
    ),
    max_size=50,
)


@given(STEPS)
def test_it_does_what_the_reactors_own_timers_do(steps: list[tuple[str, int]]) -> None:
    clock, called, expected = Clock(), [], []
    deadlines, ours, theirs = Deadlines(clock), [], []
    for step, number in steps:
        if step == "set":
            mark = len(ours)
            ours.append(
                deadlines.call_later(number, lambda mark=mark: called.append((mark, clock.seconds())))
            )
            theirs.append(clock.callLater(number, lambda mark=mark: expected.append((mark, clock.seconds()))))
        elif step == "cancel" and number < len(ours):
            assert ours[number].active() == theirs[number].active()
            ours[number].cancel()
            if theirs[number].active():
                theirs[number].cancel()
        elif step == "wait":
            for _ in range(number):
                clock.advance(1)
    assert sorted(called) == sorted(expected)
