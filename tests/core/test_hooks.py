"""An application's rooms, and the stage they play on."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel

import chatroom
from chatroom.domain.errors import Forbidden, Unavailable
from chatroom.domain.model import By

from ..logs import Logs
from .house import House

SALA = Path(__file__).parents[2] / "examples" / "sala.py"


class Noted(chatroom.Room):
    """Does what it does by default, and notes what it was asked."""

    calls: ClassVar[list[tuple[str, ...]]] = []
    made: ClassVar[list[Noted]] = []

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.made.append(self)

    def connected(self, user):
        self.calls.append(("connected", self.name, user.name))

    def process(self, user, message):
        self.calls.append(("process", self.name, user.name, message))
        return super().process(user, message)

    def closed(self, user):
        self.calls.append(("closed", self.name, user.name))


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    Noted.calls.clear()
    Noted.made.clear()


@pytest.fixture
def logs() -> Iterator[Logs]:
    with Logs() as caught:
        yield caught


def app(**hooks: Any) -> House:
    """A server with an application that has these hooks."""
    return House(app=type("App", (Noted,), hooks))


def joined(house: House, name: str, room: str = "lobby"):
    talker = house.json(name)
    talker.ask("join", room=room)
    return talker


def texts(talker) -> list[str]:
    return [one["text"] for one in talker.events("message")]


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


# Faults.


def fail(self, user, message=None):
    raise ZeroDivisionError("the application's own fault")


async def fail_later(self, user, message=None):
    await self.broadcast("before")
    raise ZeroDivisionError("the application's own fault")


@pytest.mark.parametrize("process", [fail, fail_later])
def test_a_hook_that_fails_is_logged_and_its_poster_told_and_all_else_goes_on(logs, process):
    def only_ana(self, user, message):
        return process(self, user, message) if user.name == "Ana" else self.broadcast(message)

    house = app(process=only_ana)
    ana, bob = joined(house, "Ana"), joined(house, "Bob")
    assert ana.ask("post", room="lobby", text="hi")["code"] == "internal"
    (traceback,) = logs.tracebacks()
    assert "ZeroDivisionError" in traceback
    assert __file__ in traceback
    assert "process failed in lobby" in logs.of(LogLevel.critical)[0]
    assert bob.ask("post", room="lobby", text="ho")["type"] == "ok"
    assert texts(ana)[-1] == "ho"
    assert ana.ask("ping")["type"] == "pong"


def test_a_plain_poster_is_told_of_a_hook_that_fails_in_words(logs):
    house = app(process=fail)
    ana = house.plain("Ana")
    house.settle()
    ana.say("hi")
    house.settle()
    assert ana.hear() == ["* the application failed on this message"]
    assert len(logs.tracebacks()) == 1


@pytest.mark.parametrize("hook", ["connected", "closed"])
@pytest.mark.parametrize("failing", [fail, fail_later])
def test_who_comes_and_goes_does_not_notice_that_a_hook_fails(logs, hook, failing):
    house = app(**{hook: failing})
    ana = joined(house, "Ana")
    assert ana.ask("post", room="lobby", text="hi")["type"] == "ok"
    assert ana.ask("leave", room="lobby")["type"] == "ok"
    ana.drop()
    house.settle()
    assert len(logs.tracebacks()) == 1
    assert f"{hook} failed in lobby" in logs.of(LogLevel.critical)[0]
    assert house.empty()


def test_an_application_that_cannot_be_made_is_logged(logs):
    house = app(__init__=lambda self, *arguments: 1 / 0)
    ana = joined(house, "Ana")
    assert ana.ask("post", room="lobby", text="hi")["code"] == "internal"
    assert "ZeroDivisionError" in logs.tracebacks()[0]
    assert ana.ask("ping")["type"] == "pong"


def test_a_hook_can_refuse_with_an_error_of_ours(logs):
    def process(self, user, message):
        raise Forbidden("not here")

    answer = joined(app(process=process), "Ana").ask("post", room="lobby", text="hi")
    assert (answer["code"], answer["message"]) == ("forbidden", "not here")
    assert logs.tracebacks() == []


def test_what_a_hook_says_is_held_to_the_rules_for_texts():
    house = app(process=lambda self, user, message: self.broadcast(message * 9000))
    assert joined(house, "Ana").ask("post", room="lobby", text="x")["code"] == "too_long"
    assert house.log() == []


def test_what_a_hook_says_that_cannot_be_kept_is_its_posters_to_know(logs):
    house = app()
    ana = joined(house, "Ana")
    house.store.broken = Unavailable("the disk is full", 2)
    assert ana.ask("post", room="lobby", text="hi")["code"] == "unavailable"
    assert logs.tracebacks() == []


def test_what_nobody_waits_for_and_cannot_be_kept_is_logged(logs):
    house = app(connected=lambda self, user: self.broadcast("hello") and None)
    ana = house.json("Ana")
    ana.say("join", room="lobby")
    house.store.settle()
    house.store.broken = Unavailable("the disk is full")
    house.settle()
    assert logs.of(LogLevel.error) == ["what the application broadcast is not kept: the disk is full"]


def test_a_hook_can_catch_that_something_cannot_be_kept():
    seen: list[str] = []

    async def process(self, user, message):
        try:
            await self.broadcast(message)
        except Unavailable as error:
            seen.append(error.message)

    house = app(process=process)
    ana = joined(house, "Ana")
    house.store.broken = Unavailable("the disk is full")
    ana.ask("post", room="lobby", text="hi")
    assert seen == ["the disk is full"]


# Retries.


def test_a_retried_post_is_answered_with_the_first_and_not_processed_again():
    house = app()
    ana = joined(house, "Ana")
    first = ana.ask("post", room="lobby", text="hi", key="k")
    second = ana.ask("post", room="lobby", text="hi", key="k")
    assert (first["seq"], second["seq"]) == (1, 1)
    assert [call for call in Noted.calls if call[0] == "process"] == [("process", "lobby", "Ana", "hi")]
    assert texts(ana) == ["hi"]


def test_a_retried_post_whose_first_try_failed_is_processed():
    house = app()
    ana = joined(house, "Ana")
    house.store.broken = Unavailable("the disk is full")
    ana.ask("post", room="lobby", text="hi", key="k")
    house.store.broken = None
    assert ana.ask("post", room="lobby", text="hi", key="k")["seq"] == 1


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
