"""The stage that applications play on: faults kept to themselves, retries, rooms that come and go."""

from __future__ import annotations

import pytest
from twisted.logger import LogLevel

import chatroom
from chatroom.domain.errors import Forbidden, Unavailable
from chatroom.neighbours import LOOK_ANYWAY

from .applications import Noted, app, joined, texts
from .nodes import Nodes


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    Noted.calls.clear()
    Noted.made.clear()


# On several nodes.


def test_what_an_application_sends_reaches_a_user_in_that_room_on_every_node():
    class Whisper(chatroom.Room):
        def process(self, user, message):
            for member in self.members:
                if member.name == "Bob":
                    self.send(member, message)

    nodes = Nodes(app=Whisper)
    one, two = nodes.houses
    ana, bob, at_one = one.json("Ana"), two.json("Bob"), one.plain("Bob the plain")
    again = two.json(token=bob.token)
    again.say("join", room="den")
    for talker in (ana, bob):
        talker.say("join", room="lobby")
        nodes.settle()
    ana.say("post", room="lobby", text="psst")
    nodes.settle()
    assert [one["text"] for one in bob.events("notice")] == ["psst"]
    assert again.events("notice") == ana.events("notice") == at_one.hear() == []


def test_what_an_application_posts_for_a_plain_client_is_not_told_them_however_it_is_read():
    nodes = Nodes(app=Noted)
    one, _two = nodes.houses
    ana, bob = one.plain("Ana"), one.plain("Bob")
    nodes.settle()
    ana.say("hello")
    one.store.write()
    # It is in the log, and the look at the heads finds it before the store tells of it.
    nodes.clock.advance(LOOK_ANYWAY)
    while one.store._questions or one.store._answers:
        one.store.steps[-1]()
    assert bob.hear() == ["hello"]
    nodes.settle()
    assert (ana.hear(), bob.hear()) == ([], ["hello"])


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
