"""Joining and resuming: everything since a position, once each and in order."""

from __future__ import annotations

import json
from itertools import combinations

import pytest

from chatroom import chat as module
from chatroom import fanout, tail
from chatroom.domain.errors import Unavailable
from chatroom.domain.limits import Limits

from .house import House, Talker


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def ana(house) -> Talker:
    return house.json("Ana")


@pytest.fixture
def bob(house) -> Talker:
    return house.json("Bob")


def posted(talker: Talker, *texts: str, room: str = "lobby") -> None:
    for text in texts:
        talker.ask("post", room=room, text=text)


def seqs(events: list[dict]) -> list[int]:
    return [event["seq"] for event in events]


def numbers(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


def told_since(talker: Talker, number: int) -> list[int]:
    """What the answer to a join gave and what came live, which must be after it."""
    heard = talker.hear()
    (place,) = [at for at, one in enumerate(heard) if one.get("id") == number]
    joined, live = heard[place], [one for one in heard[place:] if "seq" in one]
    assert not [one for one in heard[:place] if one["type"] == "message"], "a live event before the answer"
    assert [one["seq"] for one in live[:1]] in ([], [joined["room"]["head"] + 1])
    return seqs(joined["events"]) + seqs(live)


# Joining.


def test_a_room_that_is_new_is_empty(house, ana):
    joined = ana.ask("join", room="Lobby ")
    assert joined | {"id": 0} == {
        "type": "ok",
        "id": 0,
        "room": {
            "name": "lobby",
            "title": "lobby",
            "kind": "public",
            "head": 0,
            "count": 1,
            "topic": "",
            "slow": 0.0,
        },
        "members": [ana.welcome["user"]],
        "events": [],
        "recovered": False,
        "more": False,
    }


def test_who_joins_gets_the_newest_events_and_then_all_that_follow(house, ana, bob):
    posted(ana, *map(str, range(60)))
    joined = bob.ask("join", room="lobby")
    assert seqs(joined["events"]) == numbers(11, 60)
    assert (joined["room"]["head"], joined["more"], joined["recovered"]) == (60, False, False)
    posted(ana, "live")
    assert seqs(bob.events()) == [61]


def test_a_room_that_cannot_be_is_refused(house, ana):
    assert ana.ask("join", room="a/b")["code"] == "bad_request"
    assert list(house.hub.rooms()) == []


def test_members_of_every_room_are_told_apart(house, ana, bob):
    ana.ask("join", room="one")
    bob.ask("join", room="two")
    posted(ana, "a", room="one")
    posted(ana, "b", room="two")
    assert [one["text"] for one in ana.events()] == ["a"]
    assert [one["text"] for one in bob.events()] == ["b"]


# The order in which two commits and one reading can take their steps.
STEPS = ["write", "announce", "write", "announce", "read", "answer"]
ORDERS = [
    ["read" if n == pair[0] else "answer" if n == pair[1] else "w" for n in range(6)]
    for pair in combinations(range(6), 2)
]


def take(house: House, talker: Talker, order: list[str]) -> None:
    """Post and commit twice, with the steps of a reading between as `order` says."""
    commits = iter(("write", "announce") * 2)
    for step in order:
        name = next(commits) if step == "w" else step
        if name == "write":
            talker.say("post", room="lobby", text="meanwhile")
        getattr(house.store, name)()


@pytest.mark.parametrize("order", ORDERS, ids="".join)
def test_what_is_committed_while_a_room_is_read_is_told_once(house, ana, bob, order):
    posted(ana, "one", "two")
    number = bob.say("join", room="lobby")
    take(house, ana, order)
    house.settle()
    assert told_since(bob, number) == [1, 2, 3, 4]


@pytest.mark.parametrize("order", ORDERS, ids="".join)
@pytest.mark.parametrize("since", [0, 2])
def test_what_is_committed_while_the_log_is_read_is_told_once(house, ana, bob, order, since, monkeypatch):
    monkeypatch.setattr(tail, "MAX_EVENTS", 3)
    ana.ask("join", room="lobby")
    posted(ana, *"abcdef")
    number = bob.say("join", room="lobby", since=since)
    take(house, ana, order)
    house.settle()
    assert told_since(bob, number) == numbers(since + 1, 8)
    assert seqs(ana.events()) == numbers(1, 8)


@pytest.mark.parametrize("since", [None, 0, 1, 3])
def test_a_store_that_is_ahead_of_what_was_told_gives_nothing_twice(house, ana, bob, since, monkeypatch):
    monkeypatch.setattr(tail, "MAX_EVENTS", 2)
    ana.ask("join", room="lobby")
    posted(ana, *"abcd")
    ana.say("post", room="lobby", text="ahead")
    house.store.write()
    number = bob.say("join", room="lobby", since=since)
    while [step for step in house.store.steps if step != house.store.announce]:
        house.store.steps[-1]()
    assert bob.answered(number)
    house.settle()
    assert told_since(bob, number) == ([3, 4, 5] if since is None else numbers(since + 1, 5))


def test_many_who_join_at_once_cost_one_reading(house, ana):
    posted(ana, "x")
    reads = house.store.reads
    talkers = [house.json() for _ in range(20)]
    asked = [talker.say("join", room="lobby") for talker in talkers]
    house.settle()
    assert all(
        seqs(talker.answer(number)["events"]) == [1] for talker, number in zip(talkers, asked, strict=True)
    )
    assert house.store.reads == reads + 1


@pytest.mark.parametrize("order", ORDERS, ids="".join)
@pytest.mark.parametrize("gone", range(7))
def test_who_goes_while_joining_leaves_nothing(house, ana, bob, order, gone):
    posted(ana, "one")
    bob.say("join", room="lobby")
    take(house, ana, order[:gone])
    bob.drop()
    house.settle()
    assert not list(house.hub.rooms())
    assert bob.outlet.writes == []
    ana.drop()
    assert house.empty()


def test_who_goes_while_others_join_does_not_take_them_along(house, ana, bob):
    first = ana.say("join", room="lobby")
    second = bob.say("join", room="lobby")
    ana.drop()
    house.settle()
    assert not ana.answered(first)
    assert bob.answer(second)["members"] == [bob.welcome["user"]]


def test_joining_again_is_being_told_again(house, ana):
    ana.ask("join", room="lobby")
    posted(ana, "a", "b")
    joined = ana.ask("join", room="lobby", since=1)
    assert (seqs(joined["events"]), joined["recovered"], joined["room"]["count"]) == ([2], True, 1)
    ana.ask("leave", room="lobby")
    assert not list(house.hub.rooms())


def test_a_room_that_cannot_be_read_is_not_joined_and_can_be_later(house, ana, bob):
    posted(ana, "x")
    house.store.broken = Unavailable("the disk is gone", 2)
    asked = [ana.say("join", room="lobby"), bob.say("join", room="lobby")]
    house.settle()
    answers = [ana.answer(asked[0]), bob.answer(asked[1])]
    assert [(one["code"], one["retry_after"]) for one in answers] == [("unavailable", 2)] * 2
    assert not list(house.hub.rooms())
    house.store.broken = None
    assert seqs(ana.ask("join", room="lobby")["events"]) == [1]
    assert seqs(bob.ask("join", room="lobby")["events"]) == [1]


def test_who_tries_again_at_once_is_told_what_was_committed_meanwhile(house, ana, bob):
    house.store.broken = Unavailable("the disk is gone")
    bob.say("join", room="lobby")
    again = bob.say("join", room="lobby")
    house.store.read()
    house.store.broken = None
    ana.say("post", room="lobby", text="meanwhile")
    house.settle()
    assert told_since(bob, again) == [1]


def test_a_fault_while_a_room_is_read_leaves_nobody_waiting(house, ana, bob, monkeypatch):
    monkeypatch.setattr(house.hub, "loaded", lambda *_arguments: 1 / 0)
    asked = [ana.say("join", room="lobby"), bob.say("join", room="lobby")]
    house.settle()
    assert [ana.answer(asked[0])["code"], bob.answer(asked[1])["code"]] == ["internal"] * 2
    assert not list(house.hub.rooms())


def test_one_connection_is_in_so_many_rooms():
    house = House(Limits(rooms_per_user=2))
    ana = house.json("Ana")
    for name in ("a", "b"):
        assert ana.ask("join", room=name)["type"] == "ok"
    assert ana.ask("join", room="c")["code"] == "rate_limited"
    assert ana.ask("join", room="a")["type"] == "ok"
    ana.ask("leave", room="a")
    assert ana.ask("join", room="c")["type"] == "ok"


def test_joins_that_wait_count_too():
    house = House(Limits(rooms_per_user=2))
    ana = house.json("Ana")
    asked = [ana.say("join", room=name) for name in "abc"]
    house.settle()
    assert [ana.answer(number)["type"] for number in asked] == ["ok", "ok", "error"]


# Resuming.


@pytest.mark.parametrize("since", [0, 1, 19, 20])
@pytest.mark.parametrize("held", [3, 1000])
def test_who_resumes_gets_all_that_came_after(house, ana, bob, since, held, monkeypatch):
    monkeypatch.setattr(tail, "MAX_EVENTS", held)
    ana.ask("join", room="lobby")
    posted(ana, *map(str, range(20)))
    joined = bob.ask("join", room="lobby", since=since, epoch=house.store.epoch)
    assert seqs(joined["events"]) == numbers(since + 1, 20)
    assert (joined["recovered"], joined["more"]) == (True, False)


def test_what_is_in_the_tail_needs_no_reading(house, ana, bob):
    ana.ask("join", room="lobby")
    posted(ana, *"abc")
    reads = house.store.reads
    assert seqs(bob.ask("join", room="lobby", since=1)["events"]) == [2, 3]
    assert seqs(bob.ask("history", room="lobby", after=0)["events"]) == [1, 2, 3]
    assert house.store.reads == reads


@pytest.mark.parametrize("since", [4, 2**53 - 1])
def test_who_was_further_than_the_log_is_gets_the_newest(house, ana, bob, since):
    posted(ana, "a", "b", "c")
    joined = bob.ask("join", room="lobby", since=since)
    assert (seqs(joined["events"]), joined["recovered"]) == ([1, 2, 3], False)


def test_who_knows_another_log_gets_the_newest(house, ana, bob):
    posted(ana, "a", "b", "c")
    joined = bob.ask("join", room="lobby", since=2, epoch="another")
    assert (seqs(joined["events"]), joined["recovered"], joined["more"]) == ([1, 2, 3], False, False)


def catch_up(talker: Talker, since: int, limit: int) -> tuple[list[int], int]:
    """Resume as a client does: the seqs in the order they came, and how many answers it took."""
    joined, answers = talker.ask("join", room="lobby", since=since), 1
    found, more = seqs(joined["events"]), joined["more"]
    assert joined["recovered"]
    while more:
        page = talker.ask("history", room="lobby", after=found[-1] if found else since, limit=limit)
        assert page["events"], "more was said to be there"
        found, more, answers = found + seqs(page["events"]), page["more"], answers + 1
    return found, answers


@pytest.mark.parametrize("held", [10, 700, 10_000])
def test_who_missed_very_much_gets_500_and_finds_the_rest_in_history(house, ana, bob, held, monkeypatch):
    monkeypatch.setattr(tail, "MAX_EVENTS", held)
    ana.ask("join", room="lobby")
    for n in range(1300):
        ana.say("post", room="lobby", text=str(n))
    house.settle()
    joined = bob.ask("join", room="lobby", since=3)
    assert (seqs(joined["events"]), joined["more"], joined["recovered"]) == (numbers(4, 503), True, True)
    bob.ask("leave", room="lobby")
    assert catch_up(bob, 0, 500) == (numbers(1, 1300), 3)
    bob.ask("leave", room="lobby")
    assert catch_up(bob, 100, 77)[0] == numbers(101, 1300)


def test_answers_are_bounded_in_bytes(house, ana, bob):
    ana.ask("join", room="lobby")
    for _ in range(200):
        ana.say("post", room="lobby", text="x" * 8000)
    house.settle()
    joined = bob.ask("join", room="lobby", since=0)
    assert joined["more"]
    assert len(json.dumps(joined)) < 600_000
    bob.ask("leave", room="lobby")
    assert catch_up(bob, 0, 500)[0] == numbers(1, 200)


@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_more_is_said_only_where_there_is_more(house, ana, bob, ahead, monkeypatch):
    monkeypatch.setattr(tail, "MAX_EVENTS", 2)
    monkeypatch.setattr(module.commands, "MAX_PAGE", 5)
    ana.ask("join", room="lobby")
    posted(ana, *"abcde")
    for _ in range(ahead):
        ana.say("post", room="lobby", text="ahead")
    house.store.write()
    number = bob.say("join", room="lobby", since=0)
    house.store.read()
    house.store.answer()
    joined = bob.answer(number)
    assert (seqs(joined["events"]), joined["room"]["head"], joined["more"]) == (numbers(1, 5), 5, False)
    house.settle()
    assert told_since(bob, number) == numbers(1, 5 + ahead)


def test_who_joins_again_while_a_large_room_is_told_is_told_nothing_twice(house, ana, bob, monkeypatch):
    monkeypatch.setattr(fanout, "SLICE", 1)
    for talker in (ana, bob):
        talker.ask("join", room="lobby")
    ana.say("post", room="lobby", text="x")
    house.store.settle()
    assert (seqs(ana.events()), seqs(bob.events())) == ([1], [])
    number = bob.say("join", room="lobby", since=0)
    house.settle()
    assert told_since(bob, number) == [1]
    ana.ask("post", room="lobby", text="y")
    assert told_since(bob, number) == [1, 2]
