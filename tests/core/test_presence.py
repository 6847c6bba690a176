"""Who is in a room, and what the others are told of it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from chatroom import presence as module
from chatroom.domain.model import User
from chatroom.presence import GATHER, GATHER_LARGE, Presences

ANA, BOB, EVA = (User(f"g{number}", name) for number, name in enumerate(("Ana", "Bob", "Eva")))


class Room:
    """The people of a room, and what was told of them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.told: list[tuple] = []
        self.people = Presences("lobby", self.clock, self._tell)

    def _tell(self, room, event) -> None:
        assert room == event.room == "lobby"
        self.told.append((event.user and event.user.name, event.state, event.count))

    def wait(self, seconds: float = GATHER) -> list[tuple]:
        """What is told within that time."""
        self.told.clear()
        self.clock.advance(seconds)
        return list(self.told)


@pytest.fixture
def room() -> Room:
    return Room()


def test_nobody_is_there_at_first(room):
    assert len(room.people) == 0
    assert room.people.some(10) == ()
    assert room.wait(60) == []


def test_who_comes_is_there_at_once_and_told_of_soon(room):
    room.people.came(ANA)
    assert room.people.some(10) == (ANA,)
    assert room.told == []
    assert room.wait() == [("Ana", "online", None)]
    assert room.wait(60) == []


def test_who_goes_is_told_of(room):
    room.people.came(ANA)
    room.wait()
    room.people.went(ANA)
    assert len(room.people) == 0
    assert room.wait() == [("Ana", "offline", None)]


def test_comings_and_goings_of_a_moment_are_told_together(room):
    room.people.came(ANA)
    room.wait()
    room.people.came(BOB)
    room.people.went(ANA)
    room.people.came(EVA)
    assert room.wait() == [("Bob", "online", None), ("Ana", "offline", None), ("Eva", "online", None)]


def test_who_comes_and_goes_in_a_moment_is_not_mentioned(room):
    room.people.came(ANA)
    room.people.went(ANA)
    assert room.wait(60) == []


def test_who_goes_and_comes_back_in_a_moment_is_not_mentioned(room):
    room.people.came(ANA)
    room.wait()
    room.people.went(ANA)
    room.people.came(ANA)
    assert room.wait(60) == []


def test_who_looks_between_somebodys_going_and_coming_back_is_told_that_they_came(room):
    room.people.came(ANA)
    room.wait()
    room.people.went(ANA)
    assert room.people.some(10) == ()
    room.people.came(ANA)
    assert room.wait(60) == [("Ana", "online", None)]


def test_who_looks_between_somebodys_coming_and_going_is_told_that_they_went(room):
    room.people.came(ANA)
    assert room.people.some(10) == (ANA,)
    room.people.went(ANA)
    assert room.wait(60) == [("Ana", "offline", None)]


def test_who_comes_looks_and_goes_in_a_moment_is_not_mentioned(room):
    room.people.came(ANA)
    assert room.people.some(10, ANA) == (ANA,)
    room.people.went(ANA)
    assert room.wait(60) == []


def test_who_was_said_to_be_gone_and_is_found_to_be_there_is_not_said_to_be_gone_later(room):
    room.people.came(ANA, news=False)
    room.people.went(ANA)
    room.people.came(ANA, news=False)
    assert room.wait(60) == []


def test_a_person_is_there_until_their_last_connection_goes(room):
    for _ in range(3):
        room.people.came(ANA)
    assert len(room.people) == 1
    assert room.wait() == [("Ana", "online", None)]
    room.people.went(ANA)
    room.people.went(ANA)
    assert room.wait() == []
    room.people.went(ANA)
    assert room.wait() == [("Ana", "offline", None)]


def test_who_is_not_there_cannot_go(room):
    room.people.went(ANA)
    assert len(room.people) == 0
    assert room.wait(60) == []


def test_some_are_those_who_came_first(room):
    for user in (BOB, ANA, EVA):
        room.people.came(user)
    assert room.people.some(2) == (BOB, ANA)


def test_a_room_that_is_forgotten_tells_nothing_more(room):
    room.people.came(ANA)
    room.people.stop()
    assert room.wait(60) == []
    assert room.clock.getDelayedCalls() == []


def test_of_a_large_room_only_the_number_is_told_once_in_a_while(room, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 5)
    for number in range(6):
        room.people.came(User(f"u{number}", f"u{number}"))
    room.wait(GATHER)
    room.people.came(ANA)
    room.people.came(BOB)
    room.people.went(ANA)
    assert room.wait(GATHER) == []
    assert room.wait(GATHER_LARGE) == [(None, None, 7)]
    assert room.wait(60) == []


def test_a_storm_in_a_large_room_is_told_in_one_event(room, monkeypatch):
    monkeypatch.setattr(module, "LARGE", 5)
    for number in range(1000):
        room.people.came(User(f"u{number}", f"u{number}"))
    assert room.wait(GATHER_LARGE) == [(None, None, 1000)]


@given(st.lists(st.tuples(st.sampled_from([ANA, BOB, EVA]), st.sampled_from(["came", "went", "wait"]))))
def test_what_is_told_adds_up_to_who_is_there(steps):
    room, connections, known = Room(), Counter(), set()
    for user, step in [*steps, (ANA, "wait")]:
        if step == "came":
            connections[user] += 1
            room.people.came(user)
        elif step == "went":
            connections[user] = max(0, connections[user] - 1)
            room.people.went(user)
        for name, state, _count in room.wait(GATHER if step == "wait" else 0):
            assert (name in known) == (state == "offline")
            known ^= {name}
        here = {user for user in connections if connections[user]}
        assert {user for user in (ANA, BOB, EVA) if user.id in room.people} == here
        assert step != "wait" or known == {user.name for user in here}


LIMITS = st.sampled_from([1, 2, 3, 10])


@given(st.lists(st.tuples(st.sampled_from([ANA, BOB, EVA, User("g0", "Anna")]), st.booleans(), LIMITS)))
def test_some_are_always_as_they_are_now_whatever_was_asked_before(steps):
    room, here = Room(), {}
    for user, comes, limit in steps:
        _known, connections = here.get(user.id, (user, 0))
        if comes:
            here[user.id] = (user, connections + 1)
            room.people.came(user)
        else:
            here[user.id] = (user, connections - 1)
            room.people.went(user)
        if here[user.id][1] <= 0:
            del here[user.id]
        assert room.people.some(limit) == tuple(one for one, _connections in here.values())[:limit]


def test_who_comes_late_to_a_large_room_is_told_of_the_same_first_ones(room):
    for number in range(20):
        room.people.came(User(f"u{number}", f"u{number}"))
    first = room.people.some(10)
    room.people.came(ANA)
    assert room.people.some(10) is first
    room.people.went(ANA)
    assert room.people.some(10) == first


STEPS = st.sampled_from(["came", "went", "wait", "look"])


@given(st.lists(st.tuples(st.sampled_from([ANA, BOB]), STEPS)))
def test_whenever_somebody_looked_what_is_told_after_that_adds_up_to_who_is_there(steps):
    room, views = Room(), []
    for user, step in [*steps, (ANA, "wait")]:
        if step == "look":
            views.append({one.name for one in room.people.some(10)})
        elif step != "wait":
            getattr(room.people, step)(user)
        for name, state, _count in room.wait(GATHER if step == "wait" else 0):
            for view in views:
                (view.add if state == "online" else view.discard)(name)
    assert all(view == {one.name for one in room.people.some(10)} for view in views)
