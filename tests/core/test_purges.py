"""Deleting all that somebody has said, and asking moderators to look at a message."""

from __future__ import annotations

import pytest

from chatroom import moderation
from chatroom.domain.errors import Unavailable

from ..logs import Logs
from .house import PASSWORD, House, Talker, made


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def mo(house: House) -> Talker:
    """A moderator of the server."""
    return house.member("Mo", "moderator")


# Purges.


def spam(house: House, talker: Talker) -> dict[str, int]:
    """Says something everywhere; the rooms, with how often."""
    rooms = {"lobby": 5, "cave": 2, made(talker, "secret", kind="private"): 3}
    for room, times in rooms.items():
        for n in range(times):
            talker.does("post", room=room, text=f"spam {n}")
    rooms[talker.does("post", to="Ann", text="spam")["room"]] = 1
    return rooms


def texts(house: House, room: str) -> list[str]:
    return [event.text for event in house.log(room) if hasattr(event, "text")]


@pytest.mark.parametrize("batch", [1, 3, 200])
def test_a_purge_deletes_all_that_somebody_has_said_everywhere(house, mo, monkeypatch, batch):
    monkeypatch.setattr(moderation, "_BATCH", batch)
    ann, bob = house.json("Ann"), house.member("Bob")
    ann.does("join", room="lobby")
    ann.does("post", room="lobby", text="mine")
    rooms = spam(house, bob)
    bob.does("edit", room="lobby", seq=2, text="spam!")
    bob.does("delete", room="lobby", seq=3)
    assert mo.does("purge", user="Bob")["count"] == sum(rooms.values()) - 1
    for room in rooms:
        assert {text for text in texts(house, room) if text} <= {"mine"}
    told = [one for one in ann.events("deleted") if one["room"] == "lobby"]
    assert [one["target"] for one in told] == [3, 2, 4, 5, 6]
    assert {one["by"]["name"] for one in told[1:]} == {"Mo"}
    assert mo.does("purge", user="Bob")["count"] == 0


def test_a_purge_of_a_room_leaves_the_others_alone(house, mo):
    _ann, bob = house.json("Ann"), house.json("Bob")
    spam(house, bob)
    assert mo.does("purge", user="Bob", room="Lobby")["count"] == 5
    assert texts(house, "cave") == ["spam 0", "spam 1"]


def test_a_room_is_purged_by_who_runs_it(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    room = made(ana, kind="private")
    ana.does("room.invite", room=room, user="Bob")
    for talker in (ana, bob):
        talker.does("post", room=room, text="x")
    assert bob.fails("purge", room=room, user="Ana") == "forbidden"
    assert ana.does("purge", room=room, user="Bob")["count"] == 1
    assert ana.does("purge", room=room, user="Ana")["count"] == 1


@pytest.mark.parametrize("where", [{}, {"room": "lobby"}])
def test_who_deletes_their_account_does_not_escape_a_purge(house, mo, where):
    house.json("Ann")
    bob = house.member("Bob")
    rooms, user = spam(house, bob), bob.id
    bob.does("account.delete", password=PASSWORD)
    count = mo.does("purge", user=user, **where)["count"]
    assert count == (rooms["lobby"] if where else sum(rooms.values()))


def test_what_somebody_says_while_they_are_purged_goes_too(house, mo):
    bob = house.json("Bob")
    for n in range(3):
        bob.does("post", room="lobby", text=str(n))
    number = mo.say("purge", user="Bob")
    bob.say("post", room="lobby", text="more")
    house.settle()
    assert mo.answer(number)["count"] == 4
    assert not any(texts(house, "lobby"))


def test_a_purge_that_cannot_be_kept_is_said_and_may_be_tried_again(house, mo):
    bob = house.json("Bob")
    for n in range(3):
        bob.does("post", room="lobby", text=str(n))
    house.store.broken = Unavailable("the disk is full", 1)
    with Logs() as logs:
        assert mo.fails("purge", user="Bob") == "unavailable"
    assert logs.events == []
    house.store.broken = None
    assert mo.does("purge", user="Bob")["count"] == 3


# Reports.


def test_a_message_is_reported_once_by_each_and_looked_at(house, mo):
    ana, bob = house.json("Ana"), house.member("Bob")
    seq = ana.does("post", room="lobby", text="rude")["seq"]
    for _ in range(3):
        bob.does("report", room="Lobby", seq=seq, reason="rude")
    ana.does("report", room="lobby", seq=seq)
    first, second = mo.does("reports")["reports"]
    assert (first["room"], first["seq"], first["by"], first["reason"]) == ("lobby", seq, bob.id, "rude")
    assert (second["by"], second["reason"]) == (ana.id, "")
    mo.does("report.close", report=first["id"])
    assert [one["id"] for one in mo.does("reports")["reports"]] == [second["id"]]
    bob.does("report", room="lobby", seq=seq)
    assert len(mo.does("reports")["reports"]) == 1
    assert mo.fails("report.close", report=99) == "not_found"


def test_what_is_no_message_is_not_reported(house, mo):
    ana = house.json("Ana")
    ana.does("post", room="lobby", text="x")
    ana.does("delete", room="lobby", seq=1)
    for seq in (1, 2, 99):
        assert ana.fails("report", room="lobby", seq=seq) == "not_found"
    assert mo.does("reports")["reports"] == []
