"""Putting emoji under messages."""

from __future__ import annotations

import pytest

from chatroom.domain.errors import Unavailable

from .house import PASSWORD, House, Talker, made


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def ana(house) -> Talker:
    talker = house.json("Ana")
    talker.does("join", room="lobby")
    talker.does("post", room="lobby", text="hello")
    return talker


@pytest.fixture
def bob(house, ana) -> Talker:
    talker = house.json("Bob")
    talker.does("join", room="lobby")
    return talker


def thumb(**more) -> dict:
    return {"room": "lobby", "seq": 1, "emoji": "👍", **more}


def under(talker: Talker, room: str = "lobby", seq: int = 1) -> list:
    """What is under a message: as who joins is told, and who reads the log."""
    joined = {event["seq"]: event for event in talker.does("join", room=room)["events"]}
    read = {event["seq"]: event for event in talker.does("history", room=room)["events"]}
    assert joined[seq] == read[seq]
    return joined[seq].get("reactions", [])


def test_all_who_are_there_are_told_of_it_and_who_comes_later_with_the_message(house, ana, bob):
    assert bob.does("react", **thumb())["seq"] == 2
    house.elapse(1)
    for talker in (ana, bob):
        (event,) = talker.events("reaction")
        by = {"id": bob.id, "name": "Bob"}
        assert event == {
            "type": "reaction", "room": "lobby", "seq": 2, "at": event["at"], "by": by,
            "target": 1, "emoji": "👍", "on": True,
        }  # fmt: skip
    assert under(house.json("Carl")) == [{"emoji": "👍", "by": [bob.id], "count": 1}]


def test_done_twice_it_is_told_once(house, ana, bob):
    bob.does("react", **thumb())
    assert "seq" not in bob.does("react", **thumb())
    assert bob.does("react", **thumb(on=False))["seq"] == 3
    assert "seq" not in bob.does("react", **thumb(on=False))
    house.elapse(1)
    assert [event["on"] for event in ana.events("reaction")] == [True, False]
    assert under(ana) == []


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"seq": 9}, "not_found"),
        ({"seq": 0}, "not_found"),
        ({"room": "nowhere"}, "not_found"),
        ({"emoji": ""}, "bad_request"),
        ({"emoji": "x" * 33}, "bad_request"),
        ({"emoji": "a b"}, "bad_request"),
        ({"emoji": "\u202e"}, "bad_request"),
        ({"on": "yes"}, "bad_request"),
    ],
)
def test_what_cannot_be_put_there_is_refused(house, ana, fields, code):
    assert ana.fails("react", **thumb(**fields)) == code
    assert len(house.log()) == 1


def test_it_counts_as_a_post_for_who_goes_too_fast(house, ana):
    metered = House(limits=House().chat.limits.__class__(posts_per_second=1))
    fast = metered.json("Ana")
    fast.does("post", room="lobby", text="x")
    fast.does("react", **thumb())
    assert fast.fails("react", **thumb(on=False)) == "rate_limited"


def test_it_goes_with_its_message(house, ana, bob):
    bob.does("react", **thumb())
    ana.does("delete", room="lobby", seq=1)
    assert under(house.json("Carl")) == []
    events = house.json("Dan").does("history", room="lobby")["events"]
    assert [event["emoji"] for event in events if event["type"] == "reaction"] == [""]
    assert bob.fails("react", **thumb()) == "not_found"
    assert bob.fails("react", **thumb(on=False)) == "not_found"


def test_an_edit_leaves_it(house, ana, bob):
    bob.does("react", **thumb())
    ana.does("edit", room="lobby", seq=1, text="hi")
    assert under(house.json("Carl"))[0]["count"] == 1


def test_who_is_purged_has_put_nothing_anywhere(house, ana, bob):
    mo = house.member("Mo", "moderator")
    bob.does("post", room="lobby", text="mine")
    for seq in (1, 2):
        bob.does("react", **thumb(seq=seq))
        mo.does("react", **thumb(seq=seq))
    assert mo.does("purge", user="Bob")["count"] == 1
    house.elapse(1)
    assert under(ana) == [{"emoji": "👍", "by": [mo.id], "count": 1}]
    told = [(event["by"]["name"], event["on"]) for event in ana.events("reaction")]
    assert told == [("Bob", True), ("Mo", True), ("Bob", True), ("Mo", True), ("Bob", False)]


def test_a_purge_of_a_room_leaves_what_is_in_others(house, ana, bob):
    mo = house.member("Mo", "moderator")
    den = made(mo, "den")
    mo.does("post", room=den, text="x")
    seq = house.log(den)[-1].seq
    bob.does("react", **thumb())
    bob.does("react", **thumb(room=den, seq=seq))
    mo.does("purge", user="Bob", room=den)
    assert under(mo, den, seq) == []
    assert len(under(ana)) == 1


def test_a_purge_that_cannot_take_it_away_is_said_and_may_be_tried_again(house, ana, bob):
    mo = house.member("Mo", "moderator")
    bob.does("react", **thumb())
    house.store.broken = Unavailable("no disk", 2.0)
    assert mo.fails("purge", user="Bob") == "unavailable"
    house.store.broken = None
    mo.does("purge", user="Bob")
    assert under(ana) == []


def test_who_deletes_their_account_takes_it_along(house, ana):
    zoe = house.member("Zoe")
    zoe.does("react", **thumb())
    zoe.does("account.delete", password=PASSWORD)
    house.elapse(1)
    assert under(ana) == []
    assert [event["on"] for event in ana.events("reaction")] == [True, False]


def test_in_a_direct_room_every_device_is_told(house, ana, bob):
    room = ana.does("post", to="Bob", text="just you")["room"]
    other = house.json(token=bob.token)
    bob.does("react", **thumb(room=room))
    house.elapse(1)
    for talker in (ana, bob, other):
        assert [event["room"] for event in talker.events("reaction")] == [room]


def test_a_key_needs_to_be_allowed_to_publish(house, ana):
    reader, writer = (house.json(token=house.key(f"{what}:lobby")) for what in ("read", "publish"))
    assert reader.fails("react", **thumb()) == "forbidden"
    assert writer.does("react", **thumb())["seq"] == 2
    assert writer.fails("react", **thumb(room="den")) == "forbidden"
