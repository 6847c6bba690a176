"""A plain connection's dialogue: the tutorial's client."""

from __future__ import annotations

import pytest

from chatroom import session, tail
from chatroom.domain.errors import Unavailable
from chatroom.domain.limits import Limits

from .house import House


@pytest.fixture
def house() -> House:
    return House()


def entered(house: House, name: str | None = None, **more):
    talker = house.plain(name, **more)
    house.settle()
    return talker


def said(house: House, talker, *messages: str | bytes) -> None:
    for message in messages:
        talker.say(message)
    house.settle()


def test_what_one_says_reaches_the_others_verbatim_and_not_oneself(house):
    ana, bob, eva = entered(house, "Ana"), entered(house, "Bob"), entered(house, "Eva")
    said(house, ana, "hello", ' {"a": 1}\n', "héllo 👋")
    said(house, bob, "hi")
    assert bob.hear() == ["hello", ' {"a": 1}\n', "héllo 👋"]
    assert ana.hear() == ["hi"]
    assert eva.hear() == ["hello", ' {"a": 1}\n', "héllo 👋", "hi"]


def test_what_plain_members_say_is_kept_under_their_name(house):
    said(house, entered(house, "Ana"), "hello")
    assert [(one.text, one.by.name) for one in house.log()] == [("hello", "Ana")]


def test_plain_and_json_members_hear_each_other(house):
    plain, full = entered(house, "Ana"), house.json("Bob")
    full.ask("join", room="lobby")
    said(house, plain, "from plain")
    full.ask("post", room="lobby", text="from json")
    assert plain.hear() == ["from json"]
    assert [(one["text"], one["by"]["name"]) for one in full.events("message")] == [
        ("from plain", "Ana"),
        ("from json", "Bob"),
    ]


def test_rooms_are_apart(house):
    here, there = entered(house, room="one"), entered(house, room="two")
    said(house, here, "hello")
    assert there.hear() == []
    assert len(house.log("one")) == 1


def test_edits_deletions_and_presence_are_not_told(house):
    plain, full = entered(house), house.json("Bob")
    full.ask("join", room="lobby")
    full.ask("post", room="lobby", text="one")
    full.ask("edit", room="lobby", seq=1, text="uno")
    full.ask("delete", room="lobby", seq=1)
    full.ask("typing", room="lobby", on=True)
    house.clock.advance(60)
    assert plain.hear() == ["one"]


def test_binary_data_reaches_other_plain_members_and_is_not_kept(house):
    ana, bob, full = entered(house), entered(house), house.json("Eva")
    full.ask("join", room="lobby")
    said(house, ana, b"\x00\xff", "text", b"")
    assert bob.hear() == [b"\x00\xff", b"", "text"]
    assert ana.hear() == []
    assert [one.text for one in house.log()] == ["text"]


# Names.


def test_a_name_that_is_taken_gets_a_number(house):
    entered(house, "Ana")
    said(house, entered(house, "Ana"), "hello")
    assert house.log()[0].by.name == "Ana-2"


def test_who_names_none_is_a_guest(house):
    said(house, entered(house), "hello")
    assert house.log()[0].by.name.startswith("guest-")


def test_where_guests_are_not_let_in_the_connection_ends():
    house = House(guests=False)
    talker = entered(house, "Ana")
    assert talker.outlet.closed[0] == 4403
    said(house, talker, "hello")
    talker.drop()
    assert house.log() == []
    assert house.empty()


def test_who_comes_too_often_is_sent_away():
    house = House(Limits(hellos_per_minute=6))
    entered(house)
    assert entered(house).outlet.closed[0] == 4429


# Coming in.


def test_no_history_is_told_unless_it_is_asked_for(house):
    ana = entered(house, "Ana")
    said(house, ana, "a", "b", "c")
    assert entered(house).hear() == []
    assert entered(house, since=0).hear() == ["a", "b", "c"]
    assert entered(house, since=2).hear() == ["c"]
    assert entered(house, since=3).hear() == []


def test_history_tells_what_messages_say_now_and_not_what_was_taken_back(house):
    full = house.json("Ana")
    for text in ("a", "b", "c"):
        full.ask("post", room="lobby", text=text)
    full.ask("edit", room="lobby", seq=1, text="aa")
    full.ask("delete", room="lobby", seq=2)
    assert entered(house, since=0).hear() == ["aa", "c"]
    full.ask("join", room="lobby")
    assert entered(house, since=0).hear() == ["aa", "c"]


@pytest.mark.parametrize("live", [True, False])
def test_a_long_history_is_told_whole(house, live):
    ana = house.json("Ana")
    if live:
        ana.ask("join", room="lobby")
    for n in range(1700):
        ana.say("post", room="lobby", text=str(n))
    house.settle()
    assert entered(house, since=100).hear() == [str(n) for n in range(100, 1700)]


def test_a_long_history_goes_no_faster_than_it_is_read(house):
    ana = house.json("Ana")
    for n in range(1700):
        ana.say("post", room="lobby", text=str(n))
    house.settle()
    talker = house.plain(since=0)
    talker.outlet.behind = True
    house.elapse(5)
    assert 0 < len(talker.hear()) < 1700
    ana.ask("post", room="lobby", text="and now")
    assert "and now" not in talker.hear()
    talker.outlet.behind = False
    house.elapse(2)
    assert talker.hear() == [*map(str, range(1700)), "and now"]


def test_who_was_further_than_the_log_is_gets_the_newest(house):
    said(house, entered(house), "a", "b")
    assert entered(house, since=99).hear() == ["a", "b"]


ORDERS = [
    ["read", "answer"] * before + ["write"] + ["read", "answer"] * between + ["announce"]
    for before in range(3)
    for between in range(4)
]


@pytest.mark.parametrize("order", ORDERS, ids="".join)
@pytest.mark.parametrize("loaded", ["live", "loading", "not loaded"])
@pytest.mark.parametrize("held", [2, 1000])
def test_what_is_said_meanwhile_is_told_once(house, order, loaded, held, monkeypatch):
    monkeypatch.setattr(tail, "MAX_EVENTS", held)
    ana, bob = house.json("Ana"), house.json("Bob")
    for text in "abcd":
        ana.ask("post", room="lobby", text=text)
    if loaded != "not loaded":
        bob.say("join", room="lobby")
    if loaded == "live":
        house.settle()
    talker = house.plain("Eva", since=1)
    ana.say("post", room="lobby", text="e")
    ana.say("post", room="lobby", text="f")
    for name in order:
        step = getattr(house.store, name)
        if step in house.store.steps:
            step()
    house.settle()
    assert talker.hear() == ["b", "c", "d", "e", "f"]


def test_more_that_is_said_meanwhile_than_one_answer_holds_is_told_too(house, monkeypatch):
    monkeypatch.setattr(tail, "MAX_EVENTS", 5000)
    ana = house.json("Ana")
    ana.ask("join", room="lobby")
    ana.ask("post", room="lobby", text="0")
    talker = house.plain("Eva", since=0)
    house.store.read()
    for n in range(1, 700):
        ana.say("post", room="lobby", text=str(n))
    house.store.write()
    house.store.announce()
    house.settle()
    ana.ask("post", room="lobby", text="700")
    assert talker.hear() == [str(n) for n in range(701)]


def test_what_is_said_before_one_is_in_is_not_lost(house):
    ana, bob = house.plain("Ana"), house.plain("Bob")
    for n in range(50):
        ana.say(str(n))
    ana.say(b"\x00")
    assert house.store.steps == [house.store.read]
    house.settle()
    assert [one.text for one in house.log()] == [str(n) for n in range(50)]
    assert [one for one in bob.hear() if one != b"\x00"] == [str(n) for n in range(50)]


@pytest.mark.parametrize(("bound", "most"), [("MAX_QUEUED", 3), ("MAX_QUEUED_BYTES", 300)])
def test_too_much_that_is_said_before_one_is_in_is_refused_in_words(house, monkeypatch, bound, most):
    monkeypatch.setattr(session, bound, most)
    ana = house.plain("Ana")
    for n in range(5):
        ana.say(str(n) * 100)
    house.settle()
    assert [one.text[0] for one in house.log()] == ["0", "1", "2"]
    assert len(ana.hear()) == 2
    assert all(line.startswith("* ") for line in ana.hear())


def test_what_is_said_early_counts_for_the_rate():
    house = House(Limits(posts_per_second=2))
    ana = house.plain("Ana")
    for n in range(10):
        ana.say(str(n))
    house.settle()
    assert len(house.log()) == 4
    assert len(ana.hear()) == 6


def test_a_room_that_cannot_be_read_says_come_back(house):
    house.store.broken = Unavailable("the disk is gone")
    talker = entered(house, since=0)
    assert talker.outlet.closed == (4000, "the disk is gone")
    talker.drop()
    assert house.empty()


def test_a_mistake_of_the_server_says_come_back_and_is_logged(house, logs, monkeypatch):
    monkeypatch.setattr(house.hub, "loaded", lambda *_arguments: 1 / 0)
    talker = entered(house)
    assert talker.outlet.closed[0] == 4000
    assert "ZeroDivisionError" in logs.tracebacks()[0]
    talker.drop()
    assert house.empty()


@pytest.mark.parametrize("steps", range(6))
@pytest.mark.parametrize("since", [None, 0])
def test_who_goes_while_coming_in_leaves_nothing(house, logs, steps, since):
    full = house.json("Ana")
    for n in range(1700):
        full.say("post", room="lobby", text=str(n))
    house.settle()
    full.drop()
    talker = house.plain("Eva", since=since)
    talker.say("early")
    for _ in range(steps):
        for step in house.store.steps[:1]:
            step()
    talker.drop()
    reads = house.store.reads
    house.settle()
    assert house.empty()
    assert talker.outlet.closes == [(1006, "")]
    assert house.store.reads <= reads + 2
    assert logs.tracebacks() == []


# What goes wrong.


@pytest.mark.parametrize("text", ["x" * 8001, "", "a\0b"])
def test_what_may_not_be_said_is_answered_in_words(house, text):
    ana, bob = entered(house), entered(house)
    said(house, ana, text)
    (line,) = ana.hear()
    assert line.startswith("* ")
    assert bob.hear() == []
    assert ana.outlet.closed is None


def test_who_says_too_much_is_told_so_in_words():
    house = House(Limits(posts_per_second=1))
    ana, bob = entered(house), entered(house)
    said(house, ana, *"abcd")
    assert bob.hear() == ["a", "b"]
    assert len(ana.hear()) == 2
    assert all(line.startswith("* ") for line in ana.hear())
    house.clock.advance(1)
    said(house, ana, "e")
    assert bob.hear() == ["a", "b", "e"]


def test_binary_data_counts_as_posts_do():
    house = House(Limits(posts_per_second=1))
    ana, bob = entered(house), entered(house)
    said(house, ana, b"a", b"b", b"c")
    assert bob.hear() == [b"a", b"b"]


def test_what_cannot_be_kept_is_said_so_and_told_to_nobody(house):
    ana, bob = entered(house), entered(house)
    house.store.broken = Unavailable("the disk is full", 2)
    said(house, ana, "x")
    house.store.broken = None
    assert ana.hear() == ["* the disk is full"]
    assert bob.hear() == []


def test_a_mistake_while_posting_is_logged_and_the_connection_lives(house, logs, monkeypatch):
    ana, bob = entered(house), entered(house)
    with monkeypatch.context() as broken:
        broken.setattr(house.store, "append", lambda *_arguments: 1 / 0)
        said(house, ana, "x")
    assert ana.hear()[0].startswith("* ")
    assert len(logs.tracebacks()) == 1
    said(house, ana, "y")
    assert bob.hear() == ["y"]


def test_when_all_are_gone_nothing_is_left(house):
    ana, bob = entered(house, "Ana"), entered(house, "Bob")
    said(house, ana, "x")
    ana.say("y")
    ana.drop()
    bob.drop()
    house.settle()
    assert house.empty()
    assert [one.text for one in house.log()] == ["x", "y"]
