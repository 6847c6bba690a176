"""A node without others, on a database that may do what it was not seen to do."""

from __future__ import annotations

from typing import Any

import pytest

from chatroom.alone import LOOK
from chatroom.domain.errors import Unavailable
from chatroom.ordering import PATIENCE

from .house import House, Talker

CUT = Unavailable("the database server does not answer", 1)


@pytest.fixture
def house() -> House:
    return House(certain=False)


def there(house: House, name: str) -> Talker:
    talker = house.json(name)
    talker.ask("join", room="lobby")
    return talker


def texts(talker: Talker) -> list[str]:
    return [one["text"] for one in talker.events("message")]


def elapse(house: House, seconds: float) -> None:
    house.clock.advance(seconds)
    house.settle()


def cut_off(house: House, talker: Talker, **post: Any) -> None:
    """A post that is refused, and committed."""
    house.store.cut = CUT
    assert talker.ask("post", room="lobby", **post)["code"] == "unavailable"
    house.store.cut = None


def test_what_was_refused_and_committed_is_told_once(house):
    ana, bob = there(house, "Ana"), there(house, "Bob")
    cut_off(house, ana, text="cut", key="k")
    assert texts(bob) == []
    assert ana.ask("post", room="lobby", text="cut", key="k")["seq"] == 1
    elapse(house, LOOK)
    assert texts(ana) == texts(bob) == ["cut"]


def test_what_comes_after_it_shows_it(house):
    ana, bob = there(house, "Ana"), there(house, "Bob")
    cut_off(house, ana, text="cut")
    assert ana.ask("post", room="lobby", text="next")["seq"] == 2
    elapse(house, PATIENCE)
    assert texts(ana) == texts(bob) == ["cut", "next"]


def test_it_is_looked_for_until_the_store_can_be_asked(house):
    ana = there(house, "Ana")
    cut_off(house, ana, text="cut")
    house.store.broken = CUT
    for _ in range(20):
        elapse(house, LOOK)
    house.store.broken = None
    elapse(house, LOOK)
    assert texts(ana) == ["cut"]
    for _ in range(20):
        elapse(house, LOOK)
    reads = house.store.reads
    elapse(house, LOOK)
    assert house.store.reads == reads, "and not for ever"


def test_a_plain_client_is_told_what_it_was_refused_and_not_what_it_said(house):
    eve = house.plain("Eve", room="lobby")
    house.settle()
    before = len(eve.hear())
    eve.say("kept")
    house.settle()
    assert len(eve.hear()) == before
    house.store.cut = CUT
    eve.say("cut")
    house.settle()
    house.store.cut = None
    elapse(house, LOOK)
    assert eve.hear()[-1].endswith("cut")


def test_nothing_is_left_when_all_have_gone(house):
    ana = there(house, "Ana")
    cut_off(house, ana, text="cut")
    ana.drop()
    for _ in range(20):
        elapse(house, LOOK)
    assert not house.core._alone._unsure
    assert not house.core._alone._ordering._waiting


def test_where_a_store_is_certain_nothing_is_looked_at():
    house = House()
    ana = there(house, "Ana")
    house.store.broken = CUT
    assert ana.ask("post", room="lobby", text="no")["code"] == "unavailable"
    house.store.broken = None
    reads = house.store.reads
    elapse(house, 5 * LOOK)
    assert house.store.reads == reads
