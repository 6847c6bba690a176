"""Leave to post, once given, is asked for again as soon as the answer may be another."""

from __future__ import annotations

from typing import Any

import pytest

from chatroom.domain.accounts import EVERYWHERE, Sanction

from .house import House, made
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
