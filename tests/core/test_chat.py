"""The use cases: what each request does."""

from __future__ import annotations

import json

import pytest

from chatroom import chat as module
from chatroom.domain.errors import Unavailable
from chatroom.presence import GATHER, GATHER_LARGE

from .house import UNMETERED, House, Talker


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def ana(house) -> Talker:
    return house.json("Ana")


@pytest.fixture
def bob(house) -> Talker:
    return house.json("Bob")


def posted(talker: Talker, *texts: str, room: str = "lobby", **more) -> list[int]:
    return [talker.ask("post", room=room, text=text, **more)["seq"] for text in texts]


def seqs(events: list[dict]) -> list[int]:
    return [event["seq"] for event in events]


def numbers(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


# Leaving.


def test_who_leaves_is_told_nothing_more(house, ana, bob):
    bob.ask("join", room="lobby")
    assert bob.ask("leave", room="LOBBY")["type"] == "ok"
    posted(ana, "x")
    assert bob.events() == []


def test_who_is_not_there_cannot_leave(house, ana):
    assert ana.ask("leave", room="lobby")["code"] == "not_found"


def test_when_all_are_gone_nothing_is_left(house, ana, bob):
    for talker in (ana, bob):
        for room in ("a", "b"):
            talker.ask("join", room=room)
            posted(talker, "x", room=room)
    ana.drop()
    bob.drop()
    house.settle()
    assert house.empty()


# Posting.


def test_a_post_is_answered_with_its_seq_and_told_to_all(house, ana, bob):
    for talker in (ana, bob):
        talker.ask("join", room="lobby")
    answer = ana.ask("post", room="lobby", text="hi", key="k", reply_to=7, data={"a": [1]})
    assert (answer["room"], answer["seq"], answer["at"]) == ("lobby", 1, 1_000_000_000)
    event = {
        "type": "message",
        "room": "lobby",
        "seq": 1,
        "at": 1_000_000_000,
        "by": {"id": ana.id, "name": "Ana"},
        "key": "k",
        "text": "hi",
        "reply_to": 7,
        "data": {"a": [1]},
    }
    assert ana.events() == bob.events() == [event]


def test_a_post_is_told_and_answered_only_once_it_is_kept(house, ana, bob):
    bob.ask("join", room="lobby")
    number = ana.say("post", room="lobby", text="hi")
    house.store.write()
    assert not ana.answered(number)
    assert bob.events() == []
    house.store.announce()
    assert ana.answered(number)
    assert seqs(bob.events()) == [1]


def test_the_answer_and_the_event_leave_in_one_tick(house, ana):
    ana.ask("join", room="lobby")
    ticks: list[int] = []
    house.hub.at_tick.append(lambda: ticks.append(len(ana.outlet.writes)))
    posted(ana, "x")
    assert ticks == [2]


def test_a_post_needs_no_membership(house, ana):
    assert posted(ana, "x", room="elsewhere") == [1]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"text": ""}, "bad_request"),
        ({"text": "x" * 8001}, "too_long"),
        ({"text": "a\0b"}, "bad_request"),
        ({"room": "a/b"}, "bad_request"),
        ({"data": json.loads("[" * 40 + "]" * 40)}, "bad_request"),
        ({"data": {"x": json.loads("[" * 40 + "]" * 40)}}, "bad_request"),
    ],
)
def test_a_post_that_may_not_be_is_refused_and_not_kept(house, ana, fields, code):
    assert ana.ask("post", **({"room": "lobby", "text": "x"} | fields))["code"] == code
    assert house.log() == []


def test_a_post_with_its_key_is_kept_once(house, ana, bob):
    bob.ask("join", room="lobby")
    assert posted(ana, "x", "x", "changed", key="k") == [1, 1, 1]
    assert posted(bob, "x", key="k") == [2]
    assert posted(ana, "x", room="other", key="k") == [1]
    assert [(one["seq"], one["text"]) for one in bob.events()] == [(1, "x"), (2, "x")]


def test_a_post_repeated_before_it_is_answered_is_kept_once(house, ana):
    asked = [ana.say("post", room="lobby", text="x", key="k") for _ in range(3)]
    house.settle()
    assert [ana.answer(number)["seq"] for number in asked] == [1, 1, 1]
    assert len(house.log()) == 1


def test_a_post_repeated_on_another_connection_is_kept_once(house, ana):
    ana.say("post", room="lobby", text="x", key="k")
    house.store.write()
    ana.drop()
    again = house.json("Ana", token=ana.token)
    assert posted(again, "x", key="k") == [1]


def test_a_post_that_cannot_be_kept_is_refused_and_told_to_nobody(house, ana, bob):
    bob.ask("join", room="lobby")
    house.store.broken = Unavailable("the disk is full", 2)
    answer = ana.ask("post", room="lobby", text="x", key="k")
    assert (answer["code"], answer["retry_after"]) == ("unavailable", 2)
    house.store.broken = None
    assert bob.events() == []
    assert posted(ana, "x", key="k") == [1]


# Changing.


def test_authors_may_edit_and_delete(house, ana, bob):
    bob.ask("join", room="lobby")
    posted(ana, "one")
    assert ana.ask("edit", room="lobby", seq=1, text="uno")["seq"] == 2
    assert ana.ask("delete", room="lobby", seq=1)["seq"] == 3
    assert [(one["type"], one.get("target"), one.get("text")) for one in bob.events()] == [
        ("message", None, "one"),
        ("edited", 1, "uno"),
        ("deleted", 1, None),
    ]


@pytest.mark.parametrize("kind", ["edit", "delete"])
def test_nobody_else_may(house, ana, bob, kind):
    posted(ana, "one")
    assert bob.ask(kind, room="lobby", seq=1, text="mine")["code"] == "forbidden"
    assert [one.text for one in house.log()] == ["one"]


def test_an_author_may_on_another_connection(house, ana):
    posted(ana, "one")
    ana.drop()
    again = house.json("Anna", token=ana.token)
    assert again.ask("edit", room="lobby", seq=1, text="uno")["seq"] == 2


@pytest.mark.parametrize("kind", ["edit", "delete"])
@pytest.mark.parametrize("seq", [0, 2, 3, 99])
def test_what_is_not_there_cannot_be_changed(house, ana, kind, seq):
    posted(ana, "one", "two")
    ana.ask("delete", room="lobby", seq=2)
    assert ana.ask(kind, room="lobby", seq=seq, text="x")["code"] == "not_found"
    assert len(house.log()) == 3


@pytest.mark.parametrize("kind", ["edit", "delete"])
def test_a_change_with_its_key_is_made_once(house, ana, kind):
    posted(ana, "one")
    answers = [ana.ask(kind, room="lobby", seq=1, text="x", key="k")["seq"] for _ in range(3)]
    assert answers == [2, 2, 2]
    assert len(house.log()) == 2


def test_two_changes_at_once_are_made_one_after_the_other(house, ana):
    posted(ana, "one")
    again = house.json("Ana", token=ana.token)
    asked = [
        (ana, ana.say("delete", room="lobby", seq=1)),
        (again, again.say("edit", room="lobby", seq=1, text="x")),
    ]
    house.settle()
    assert [talker.answer(number).get("code", "ok") for talker, number in asked] == ["ok", "not_found"]


def test_an_edit_is_held_to_the_rules_for_texts(house, ana):
    posted(ana, "one")
    assert ana.ask("edit", room="lobby", seq=1, text="x" * 8001)["code"] == "too_long"
    assert ana.ask("edit", room="lobby", seq=1, text="")["code"] == "bad_request"


# Reading.


@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize(
    ("asked", "found", "more"),
    [
        ({}, (1, 20), False),
        ({"limit": 5}, (16, 20), True),
        ({"before": 4}, (1, 3), False),
        ({"before": 10, "limit": 3}, (7, 9), True),
        ({"after": 17}, (18, 20), False),
        ({"after": 20}, (1, 0), False),
        ({"after": 0, "limit": 3}, (1, 3), True),
        ({"before": 1}, (1, 0), False),
        ({"after": 99}, (1, 0), False),
    ],
)
def test_history_is_a_stretch_of_the_log(house, ana, bob, live, asked, found, more):
    if live:
        bob.ask("join", room="lobby")
    posted(ana, *map(str, range(20)))
    answer = ana.ask("history", room="lobby", **asked)
    assert (seqs(answer["events"]), answer["more"]) == (numbers(*found), more)


def test_history_goes_one_way(house, ana):
    assert ana.ask("history", room="lobby", before=5, after=1)["code"] == "bad_request"


def test_history_gives_at_most_500(house, ana):
    assert ana.ask("history", room="lobby", limit=501)["code"] == "bad_request"
    assert ana.ask("history", room="lobby", limit=500)["type"] == "ok"


def test_history_shows_no_deleted_text(house, ana, bob):
    bob.ask("join", room="lobby")
    posted(ana, "secret")
    ana.ask("edit", room="lobby", seq=1, text="secret too")
    ana.ask("delete", room="lobby", seq=1)
    for asked in ({"after": 0}, {"before": 99}):
        answer = ana.ask("history", room="lobby", **asked)
        assert "secret" not in json.dumps(answer)
        assert answer["events"][0]["deleted"]


def test_who_lists_the_people_of_a_room_once_each(house, ana, bob):
    for talker in (ana, bob, house.json("Ana", token=ana.token)):
        talker.ask("join", room="lobby")
    answer = ana.ask("who", room="lobby")
    assert (answer["members"], answer["count"]) == ([ana.welcome["user"], bob.welcome["user"]], 2)
    assert ana.ask("who", room="nobody")["members"] == []


def test_rooms_lists_those_with_events_and_those_with_people(house, ana, bob):
    posted(ana, "x", "y", room="b-old")
    bob.ask("join", room="a-new")
    posted(ana, "x", room="a-new")
    bob.ask("join", room="c-empty")
    answer = ana.ask("rooms")
    assert [(one["name"], one["head"], one["count"]) for one in answer["rooms"]] == [
        ("a-new", 1, 1),
        ("b-old", 2, 0),
        ("c-empty", 0, 1),
    ]


def test_a_ping_is_answered_with_the_time(house, ana):
    house.clock.advance(1.5)
    assert ana.ask("ping")["time"] == 1_000_001_500


# Presence and typing.


def test_typing_is_told_to_the_others_and_not_kept(house, ana, bob):
    for talker in (ana, bob):
        talker.ask("join", room="lobby")
    assert ana.ask("typing", room="lobby", on=True)["type"] == "ok"
    assert bob.events("typing") == [
        {"type": "typing", "room": "lobby", "user": ana.welcome["user"], "on": True}
    ]
    assert ana.events("typing") == []
    assert house.log() == []


def test_only_who_is_in_a_room_types_there(house, ana, bob):
    bob.ask("join", room="lobby")
    assert ana.ask("typing", room="lobby", on=True)["code"] == "not_found"
    assert bob.events("typing") == []


def test_comings_and_goings_are_told(house, ana, bob):
    ana.ask("join", room="lobby")
    house.clock.advance(GATHER)
    bob.ask("join", room="lobby")
    assert [one["user"]["name"] for one in ana.events("presence")] == ["Ana"]
    house.clock.advance(GATHER)
    bob.drop()
    house.clock.advance(GATHER)
    told = [(one["user"]["name"], one["state"]) for one in ana.events("presence")]
    assert told == [("Ana", "online"), ("Bob", "online"), ("Bob", "offline")]


def test_a_large_room_is_told_numbers_and_named_in_part(house, ana):
    house = House(UNMETERED)
    talkers = [house.json() for _ in range(150)]
    for talker in talkers:
        joined = talker.ask("join", room="lobby")
    assert joined["room"]["count"] == 150
    assert len(joined["members"]) == module.SHOWN == 100
    assert (
        talkers[0].ask("who", room="lobby")["count"]
        == len(talkers[0].ask("who", room="lobby")["members"])
        == 150
    )
    house.clock.advance(GATHER_LARGE)
    told = talkers[0].events("presence")
    assert [one.get("count") for one in told][-1] == 150
    assert len(told) < 110
