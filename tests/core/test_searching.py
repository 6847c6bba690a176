"""Finding what was said, and nothing that one may not read."""

from __future__ import annotations

from typing import Any

import pytest

from .house import House, Talker


@pytest.fixture
def house() -> House:
    return House()


def texts(talker: Talker, query: str = "fox", **fields: Any) -> list[str]:
    answer = talker.ask("search", query=query, **fields)
    assert answer["type"] == "ok", answer
    return [one["text"] for one in answer["messages"]]


def test_a_search_finds_messages_as_history_shows_them(house):
    ana = house.json("Ana")
    ana.ask("post", room="lobby", text="The Fox!")
    ana.ask("post", room="lobby", text="a hen")
    (found,) = ana.ask("search", query="fox")["messages"]
    assert found == ana.ask("history", room="lobby")["events"][0]
    assert texts(ana, "the: fox?", room="lobby") == ["The Fox!"]


def test_without_a_room_it_looks_through_all_that_one_may_read(house):
    ana, bob, eve = house.member("Ana"), house.member("Bob"), house.member("Eve")
    den = ana.ask("room.create", room="den", kind="private")["room"]["name"]
    ana.ask("post", room=den, text="fox in the den")
    ana.ask("post", room="lobby", text="fox in the lobby")
    ana.ask("post", to=bob.id, text="fox for Bob")
    assert set(texts(ana)) == {"fox in the den", "fox in the lobby", "fox for Bob"}
    assert set(texts(bob)) == {"fox in the lobby", "fox for Bob"}
    assert texts(eve) == ["fox in the lobby"]
    assert eve.ask("search", query="fox", room=den)["code"] == "not_found"


def test_who_is_banned_from_a_room_finds_nothing_there(house):
    boss, eve = house.member("Boss", "owner"), house.member("Eve")
    eve.ask("post", room="attic", text="an attic fox")
    assert texts(eve) == ["an attic fox"]
    boss.ask("room.ban", room="attic", user=eve.id)
    assert texts(eve) == []
    assert eve.ask("search", query="fox", room="attic")["code"] == "banned"


def test_a_key_finds_what_it_may_read(house):
    ana = house.member("Ana")
    ana.ask("post", room="lobby", text="lobby fox")
    ana.ask("post", room="attic", text="attic fox")
    assert texts(house.json(token=house.key("read:attic"))) == ["attic fox"]
    assert texts(house.json(token=house.key("publish:attic"))) == []


@pytest.mark.parametrize("query", ["", " ", "!?", "x" * 201, "a\x00b"])
def test_a_search_for_no_word_is_refused(house, query):
    assert house.json("Ana").ask("search", query=query)["code"] == "bad_request"
