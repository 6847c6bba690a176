"""An application's rooms: what the three hooks can do."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

import chatroom
from chatroom.domain.model import By

from .applications import Noted, app, joined, texts
from .house import House

SALA = Path(__file__).parents[2] / "examples" / "sala.py"


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    Noted.calls.clear()
    Noted.made.clear()


# The default.


def test_by_default_a_post_goes_to_all_as_it_is():
    house = app()
    ana, bob, plain, eva = joined(house, "Ana"), joined(house, "Bob"), house.plain("Pat"), house.plain("Eva")
    house.settle()
    answer = ana.ask("post", room="lobby", text="hi", data={"x": 1}, reply_to=5, key="k")
    plain.say("ho")
    house.settle()
    assert answer["seq"] == 1
    assert ana.events("message") == bob.events("message")
    first, second = bob.events("message")
    assert (first["text"], first["data"], first["reply_to"], first["key"]) == ("hi", {"x": 1}, 5, "k")
    assert (first["by"]["name"], second["by"]["name"]) == ("Ana", "Pat")
    assert plain.hear() == ["hi"]
    assert eva.hear() == ["hi", "ho"]


def test_hooks_are_told_who_comes_and_goes_and_what_is_said():
    house = app()
    ana, bob = joined(house, "Ana"), joined(house, "Bob", "other")
    ana.ask("post", room="lobby", text="hi")
    bob.drop()
    ana.ask("leave", room="lobby")
    assert Noted.calls == [
        ("connected", "lobby", "Ana"),
        ("connected", "other", "Bob"),
        ("process", "lobby", "Ana", "hi"),
        ("closed", "other", "Bob"),
        ("closed", "lobby", "Ana"),
    ]


def test_joining_again_is_not_coming_in_again():
    house = app()
    ana = joined(house, "Ana")
    ana.ask("join", room="lobby")
    assert [call[0] for call in Noted.calls] == ["connected"]


def test_a_room_is_made_once_while_somebody_is_in_it():
    house = app()
    ana, bob = joined(house, "Ana"), joined(house, "Bob")
    ana.ask("post", room="lobby", text="hi")
    ana.drop()
    house.settle()
    assert [room.name for room in Noted.made] == ["lobby"]
    bob.drop()
    house.settle()
    joined(house, "Eva")
    assert [room.name for room in Noted.made] == ["lobby", "lobby"]


def test_rooms_that_are_only_posted_to_are_not_kept():
    house = app()
    ana = house.json("Ana")
    for n in range(20):
        assert ana.ask("post", room=f"r{n}", text="x")["seq"] == 1
    assert house.chat._apps._rooms == {}


def test_edits_are_not_processed():
    house = app(process=lambda self, user, message: self.broadcast(message.upper()))
    ana = joined(house, "Ana")
    ana.ask("post", room="lobby", text="hi")
    assert ana.ask("edit", room="lobby", seq=1, text="changed")["seq"] == 2
    assert house.log()[0].text == "changed"


# What a hook can do.


def test_a_hook_can_change_what_is_said():
    house = app(process=lambda self, user, message: self.broadcast(f"{user.name}: {message}", but=user))
    ana, bob = joined(house, "Ana"), joined(house, "Bob")
    ana.ask("post", room="lobby", text="hi", data={"x": 1})
    assert texts(bob) == texts(ana) == ["Ana: hi"]
    assert "data" not in bob.events("message")[0]


def test_a_hook_sees_data_and_what_is_replied_to():
    seen: list[tuple] = []
    house = app(process=lambda self, user, message: seen.append((message, message.data, message.reply_to)))
    joined(house, "Ana").ask("post", room="lobby", text="hi", data={"x": 1}, reply_to=3)
    assert seen == [("hi", {"x": 1}, 3)]


def test_a_hook_can_keep_a_post_to_itself():
    house = app(process=lambda self, user, message: None)
    ana, bob = joined(house, "Ana"), joined(house, "Bob")
    answer = ana.ask("post", room="lobby", text="hi", key="k")
    assert {name: answer.get(name) for name in ("type", "room", "seq")} == {
        "type": "ok",
        "room": "lobby",
        "seq": None,
    }
    assert texts(bob) == []
    assert house.log() == []


def test_a_hook_can_say_more_than_one_thing_and_the_first_is_the_post():
    def process(self, user, message):
        self.broadcast("first")
        self.broadcast("second")

    house = app(process=process)
    ana = joined(house, "Ana")
    assert ana.ask("post", room="lobby", text="hi", key="k")["seq"] == 1
    assert [(one.text, one.by.name, one.key) for one in house.log()] == [
        ("first", "Ana", "k"),
        ("second", "Ana", None),
    ]


def test_what_is_said_outside_of_a_post_is_the_applications_own():
    house = app(connected=lambda self, user: self.broadcast(f"{user.name} is here"))
    ana = joined(house, "Ana")
    joined(house, "Bob")
    assert texts(ana) == ["Ana is here", "Bob is here"]
    assert {one.by for one in house.log()} == {By("app", "App")}


def test_who_is_left_out_is_not_told_on_a_plain_connection():
    house = app(connected=lambda self, user: self.broadcast(f"{user.name} is here", but=user))
    ana, bob = house.plain("Ana"), house.plain("Bob")
    house.settle()
    assert (ana.hear(), bob.hear()) == (["Bob is here"], ["Ana is here"])


def test_who_is_left_out_need_not_be_there():
    house = app(closed=lambda self, user: self.broadcast(f"{user.name} is gone", but=user))
    ana, bob = house.plain("Ana"), house.plain("Bob")
    house.settle()
    ana.drop()
    house.settle()
    assert bob.hear() == ["Ana is gone"]


def test_a_word_to_one_user_reaches_all_their_connections_in_the_room_and_is_not_kept():
    house = app(process=lambda self, user, message: self.send(user, f"psst {message}"))
    ana, bob, plain = joined(house, "Ana"), joined(house, "Bob"), house.plain("Pat")
    again = house.json("Ana", token=ana.token)
    again.ask("join", room="lobby")
    elsewhere = house.json("Ana", token=ana.token)
    elsewhere.ask("join", room="other")
    ana.ask("post", room="lobby", text="hi")
    plain.say("ho")
    house.settle()
    notice = {"type": "notice", "room": "lobby", "text": "psst hi"}
    assert ana.events("notice") == again.events("notice") == [notice]
    assert bob.events("notice") == elsewhere.events("notice") == []
    assert plain.hear() == ["psst ho"]
    assert house.log() == []


def test_a_word_to_who_has_just_come_in_comes_after_the_answer():
    house = app(connected=lambda self, user: self.send(user, f"welcome, {user.name}"))
    ana, plain = joined(house, "Ana"), house.plain("Pat")
    house.settle()
    assert [one["type"] for one in ana.hear()] == ["welcome", "ok", "notice"]
    assert plain.hear() == ["welcome, Pat"]


def test_a_word_to_who_is_not_there_is_nothing():
    house = app(closed=lambda self, user: self.send(user, "goodbye"))
    ana = joined(house, "Ana")
    ana.ask("leave", room="lobby")
    assert ana.events("notice") == []


def test_a_hook_knows_who_is_there():
    seen: list[list[str]] = []
    note = lambda self, user: seen.append([member.name for member in self.members])  # noqa: E731
    house = app(connected=note, closed=note)
    ana, bob = joined(house, "Ana"), joined(house, "Bob")
    ana.drop()
    house.settle()
    bob.drop()
    house.settle()
    assert seen == [["Ana"], ["Ana", "Bob"], ["Bob"], []]


# Async hooks.


def waiting_hook(gates: list[Deferred]):
    async def process(self, user, message):
        gate: Deferred = Deferred()
        gates.append(gate)
        await gate
        await self.broadcast(message.upper(), but=user)

    return process


def test_a_hook_may_be_async_and_what_it_says_is_its_authors_still():
    gates: list[Deferred] = []
    house = app(process=waiting_hook(gates))
    ana = joined(house, "Ana")
    number = ana.say("post", room="lobby", text="hi", key="k")
    house.settle()
    assert not ana.answered(number)
    gates[0].callback(None)
    house.settle()
    assert ana.answer(number)["seq"] == 1
    assert [(one.text, one.by.name, one.key) for one in house.log()] == [("HI", "Ana", "k")]


@pytest.mark.parametrize("kind", ["json", "plain"])
def test_one_connections_posts_are_processed_one_after_the_other(kind):
    gates: list[Deferred] = []
    house = app(process=waiting_hook(gates))
    ana = joined(house, "Ana") if kind == "json" else house.plain("Ana")
    house.settle()
    for n in range(3):
        if kind == "json":
            ana.say("post", room="lobby", text=str(n))
        else:
            ana.say(str(n))
    for n in range(3):
        house.settle()
        assert len(gates) == n + 1
        gates[n].callback(None)
    house.settle()
    assert [one.text for one in house.log()] == ["0", "1", "2"]


def test_two_authors_posts_are_not_mixed_up():
    gates: list[Deferred] = []
    house = app(process=waiting_hook(gates))
    talkers = [joined(house, "Ana"), joined(house, "Bob")]
    for talker in talkers:
        talker.say("post", room="lobby", text=talker.welcome["user"]["name"])
    for gate in reversed(gates):
        gate.callback(None)
    house.settle()
    assert [(one.text, one.by.name) for one in house.log()] == [("BOB", "Bob"), ("ANA", "Ana")]


def test_what_a_hook_broadcasts_it_can_wait_for_more_than_once():
    seen: list[int] = []

    async def process(self, user, message):
        kept = self.broadcast(message)
        seen.append((await kept).seq)
        seen.append((await kept).seq)

    house = app(process=process)
    joined(house, "Ana").ask("post", room="lobby", text="hi")
    assert seen == [1, 1]


def test_coming_and_going_may_be_waited_with():
    async def connected(self, user):
        await self.broadcast(f"{user.name} comes")
        await self.broadcast(f"{user.name} is here")

    house = app(connected=connected)
    assert texts(joined(house, "Ana")) == ["Ana comes", "Ana is here"]


# The example.


@pytest.fixture
def sala() -> type[chatroom.Room]:
    spec = importlib.util.spec_from_file_location("sala", SALA)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Sala


def test_the_example_does_what_the_tutorial_did(sala, logs):
    house = House(app=sala)
    ana, bob = house.plain("Ana"), house.plain("Bob")
    house.settle()
    ana.say("hello")
    house.settle()
    bob.say("hi")
    house.settle()
    bob.drop()
    house.settle()
    assert ana.hear() == ["Bob has come in", "hi", "Bob has gone"]
    assert bob.hear() == ["Ana has come in", "hello"]
    assert logs.events == []


def test_the_example_serves_json_members_too(sala):
    house = House(app=sala)
    ana, bob = joined(house, "Ana"), joined(house, "Bob")
    bob.ask("post", room="lobby", text="hi")
    bob.drop()
    house.settle()
    assert [(one["by"]["name"], one["text"]) for one in ana.events("message")] == [
        ("Sala", "Ana has come in"),
        ("Sala", "Bob has come in"),
        ("Bob", "hi"),
        ("Sala", "Bob has gone"),
    ]
