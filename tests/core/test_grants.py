"""Leave to post, once given, is asked for again as soon as the answer may be another."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from chatroom.domain.accounts import EVERYWHERE, Sanction
from chatroom.domain.errors import Unavailable
from chatroom.domain.limits import limited

from ..logs import Logs
from .house import UNMETERED, House, made
from .site import FakeSite, Told


@pytest.fixture
def house() -> House:
    return House()


def asked_for(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The rooms in which somebody is looked up before they post."""
    rooms: list[str] = []
    admit = house.core.rights.admit

    async def noted(request: str, principal: Any, name: str) -> Any:
        if request == "post":
            rooms.append(name)
        return await admit(request, principal, name)

    monkeypatch.setattr(house.core.rights, "admit", noted)
    return rooms


def test_who_posts_again_in_the_same_room_is_not_looked_up_again(house, monkeypatch):
    ana = house.json("Ana")
    asked = asked_for(house, monkeypatch)
    looked_up = []
    for room in ("den", "den", "attic", "attic", "den"):
        asked.clear()
        ana.does("post", room=room, text="x")
        looked_up.append(bool(asked))
    assert looked_up == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        (lambda ana, room: ana.does("room.mute", room=room, user="Bob"), "muted"),
        (lambda ana, room: ana.does("room.ban", room=room, user="Bob"), "not_found"),
        (lambda ana, room: ana.does("room.role", room=room, user="Bob", role="guest"), "not_found"),
        (lambda ana, room: ana.does("room.kick", room=room, user="Bob"), "not_found"),
        (lambda ana, room: ana.does("room.set", room=room, slow=60), None),
    ],
)
def test_what_a_moderator_does_holds_for_the_next_post(house, deed, code):
    ana, bob = house.json("Ana"), house.json("Bob")
    room = made(ana, kind="private")
    ana.does("room.invite", room=room, user="Bob")
    bob.does("post", room=room, text="x")
    deed(ana, room)
    if code is None:
        bob.does("post", room=room, text="the first in a slow room")
        code = "rate_limited"
    assert bob.fails("post", room=room, text="y") == code


def test_a_mute_that_was_written_beside_the_server_holds_for_the_next_post(house):
    bob = house.json("Bob")
    bob.does("post", room="lobby", text="x")
    house.registry.impose(Sanction("mute", EVERYWHERE, bob.id, house.now, "the operator"))
    house.look()
    assert bob.fails("post", room="lobby", text="y") == "muted"


def test_a_mute_ends_for_who_was_given_no_leave_meanwhile(house):
    ana, bob = house.member("Ana", "owner"), house.json("Bob")
    bob.does("post", room="lobby", text="x")
    ana.does("mute", user="Bob", until=house.now + 5000)
    assert bob.fails("post", room="lobby", text="y") == "muted"
    house.elapse(6)
    bob.does("post", room="lobby", text="z")


def test_a_newer_token_for_fewer_rooms_leaves_none_in_the_others():
    site = FakeSite()
    house = House(site=site)
    site.known = {"wi.d.e": Told(rooms=("den", "attic")), "nar.r.ow": Told(rooms=("attic",))}
    ana = house.json(token="wi.d.e")
    ana.does("post", room="den", text="x")
    ana.say("hello", token="nar.r.ow")
    assert ana.fails("post", room="den", text="y") == "forbidden"
    ana.does("post", room="attic", text="z")


def test_direct_messages_are_looked_up_each_time(house, monkeypatch):
    ana, bob = house.json("Ana"), house.json("Bob")
    room = ana.does("post", to="Bob", text="x")["room"]
    asked = asked_for(house, monkeypatch)
    for text in ("y", "z"):
        asked.clear()
        bob.does("post", room=room, text=text)
        assert set(asked) == {room}


def test_what_is_wrong_with_a_post_is_said_with_leave_as_without():
    house = House(structs.replace(UNMETERED, text_length=100))
    ana, bob = house.json("Ana"), house.json("Bob")
    ana.does("post", room="den", text="x")
    for asked in ({"text": ""}, {"text": "a\0b"}, {"text": "x" * 101}, {"text": "x", "data": deep(40)}):
        mine, theirs = (one.ask("post", room="den", **asked) for one in (ana, bob))
        assert mine["type"] == "error"
        assert {**mine, "id": 0} == {**theirs, "id": 0}


def deep(times: int) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for _ in range(times):
        data = {"a": data}
    return data


def test_a_commit_that_fails_is_told_with_leave_too(house):
    ana = house.json("Ana")
    ana.does("post", room="den", text="x")
    house.store.broken = Unavailable("the disk is full", 1)
    assert ana.fails("post", room="den", text="y") == "unavailable"
    house.store.broken = None
    assert ana.does("post", room="den", text="z")["seq"] == 2


def test_a_mistake_of_the_servers_is_logged_and_the_connection_goes_on(house, monkeypatch):
    ana = house.json("Ana")
    ana.does("post", room="den", text="x")
    with monkeypatch.context() as patched, Logs() as logs:
        patched.setattr(house.store, "append", lambda *_: 1 / 0)
        assert ana.fails("post", room="den", text="y") == "internal"
    assert [event["command"] for event in logs.events] == ["Post"]
    assert ana.does("post", room="den", text="z")["seq"] == 2


def test_who_posts_too_fast_with_leave_is_told_when_to_go_on():
    house = House(limited(["posts_per_second=1"]))
    ana = house.json("Ana")
    answers = [ana.ask("post", room="den", text="x") for _ in range(4)]
    assert [one.get("code") for one in answers] == [None, None, "rate_limited", "rate_limited"]
    assert 0 < answers[-1]["retry_after"] <= 1
