"""Direct messages between nodes while nothing is told between them."""

from __future__ import annotations

from typing import Any

import pytest

from chatroom.domain.errors import Unavailable
from chatroom.missed import EVERY, SLACK

from .house import Talker
from .nodes import Nodes


@pytest.fixture
def nodes() -> Nodes:
    return Nodes()


def asked(nodes: Nodes, talker: Talker, request: str, **fields: Any) -> dict[str, Any]:
    number = talker.say(request, **fields)
    nodes.settle()
    return talker.answer(number)


def texts(talker: Talker) -> list[str]:
    return [one["text"] for one in talker.events("message")]


def two_people(nodes: Nodes) -> tuple[Talker, Talker]:
    one, two = nodes.houses
    ana = one.json(token=one.account("Ana"))
    return ana, two.json(token=two.account("Bob"))


def test_a_first_direct_message_reaches_another_node_while_the_bus_is_down(nodes):
    ana, bob = two_people(nodes)
    nodes.elapse(2 * SLACK)
    nodes.network.break_down()
    asked(nodes, ana, "post", to=bob.id, text="hello")
    nodes.elapse(2 * EVERY)
    assert texts(bob) == ["hello"]
    asked(nodes, ana, "post", to=bob.id, text="are you there?")
    nodes.elapse(2 * EVERY)
    nodes.network.mend()
    nodes.elapse(2 * EVERY)
    asked(nodes, ana, "post", to=bob.id, text="at last")
    assert texts(bob) == ["hello", "are you there?", "at last"]


def test_what_is_said_in_a_direct_room_that_was_there_before_comes_without_what_is_older(nodes):
    ana, bob = two_people(nodes)
    bob.drop()
    asked(nodes, ana, "post", to=bob.id, text="long ago")
    again = nodes.houses[1].json(token=nodes.houses[1].login("Bob"))
    nodes.elapse(2 * SLACK)
    nodes.network.break_down()
    asked(nodes, ana, "post", to=bob.id, text="now")
    nodes.elapse(2 * EVERY)
    assert texts(again) == ["now"]


def test_a_device_that_left_is_not_told_the_same_again(nodes):
    ana, bob = two_people(nodes)
    nodes.network.break_down()
    room = asked(nodes, ana, "post", to=bob.id, text="hello")["room"]
    nodes.elapse(2 * EVERY)
    asked(nodes, bob, "leave", room=room)
    nodes.elapse(3 * EVERY)
    assert texts(bob) == ["hello"]
    asked(nodes, ana, "post", to=bob.id, text="still there?")
    nodes.elapse(2 * EVERY)
    assert texts(bob) == ["hello", "still there?"]


def test_a_word_that_is_lost_just_before_the_bus_is_seen_to_be_down_is_found(nodes):
    ana, bob = two_people(nodes)
    nodes.elapse(2 * SLACK)
    ana.say("post", to=bob.id, text="hello")
    while not nodes.houses[0].store.logs():
        nodes.houses[0].settle()
        if not nodes.houses[0].store.logs():
            nodes.network.settle()
    nodes.network.break_down()
    nodes.network.mend()
    nodes.settle()
    assert texts(bob) == ["hello"]


def test_what_is_missed_while_the_database_is_away_too_is_found_when_both_are_back(nodes):
    ana, bob = two_people(nodes)
    nodes.elapse(2 * SLACK)
    nodes.network.break_down()
    asked(nodes, ana, "post", to=bob.id, text="hello")
    nodes.registry.broken = Unavailable("the database is away", 1)
    nodes.network.mend()
    nodes.elapse(2 * EVERY)
    assert texts(bob) == []
    nodes.registry.broken = None
    nodes.elapse(2 * EVERY)
    assert texts(bob) == ["hello"]


def test_nothing_is_asked_while_the_bus_is_up(nodes):
    two_people(nodes)
    nodes.elapse(EVERY)
    asks: list[object] = []
    for house in nodes.houses:
        house.registry.spoken_with = lambda *arguments: asks.append(arguments)
    nodes.elapse(4 * EVERY)
    assert asks == []
