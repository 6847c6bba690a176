"""Rooms as their owners and moderators run them."""

from __future__ import annotations

from typing import Any

import pytest

from chatroom.domain import names
from chatroom.domain.accounts import RoomRecord
from chatroom.domain.errors import Conflict, Unavailable
from chatroom.domain.limits import limited

from ..logs import Logs
from ..store.memory import MemoryStore
from ..store.memory_registry import MemoryRegistry
from .house import House, made, members


@pytest.fixture
def house() -> House:
    return House()


# Making one.


def test_whoever_makes_a_room_is_its_owner(house):
    ana = house.json("Ana")
    room = ana.does("room.create", room=" Plans ", title=" The plans ", topic="what to do")["room"]
    assert (room["name"], room["title"], room["topic"]) == ("plans", "The plans", "what to do")
    assert (room["kind"], room["role"]) == ("public", "owner")
    assert ana.does("room.role", room="plans", user=house.json("Bob").id, role="moderator")


def test_a_private_rooms_name_cannot_be_guessed_and_is_long_enough_for_any_wish(house):
    ana = house.json("Ana")
    first, second, third = (made(ana, room, kind="private") for room in ("plans", "plans", "x" * 64))
    assert len({first, second, third}) == 3
    for name, wish in ((first, "~plans-"), (second, "~plans-"), (third, "~xxx")):
        assert name.startswith(wish)
        assert len(name) <= 64
        assert len(name.rpartition("-")[2]) == 16
        assert names.room_name(name) == name
    assert ana.does("rooms")["rooms"][0]["title"] == "plans"


@pytest.mark.parametrize(
    ("room", "kind", "code"),
    [
        ("", "public", "bad_request"),
        ("a b", "public", "bad_request"),
        ("~x", "public", "bad_request"),
        ("~x", "announcement", "bad_request"),
        ("@" + "0" * 24, "private", "bad_request"),
        ("@" + "0" * 24, "public", "bad_request"),
        ("x", "direct", "bad_request"),
        ("x", "nonsense", "bad_request"),
    ],
)
def test_a_room_that_cannot_be_is_not_made(house, room, kind, code):
    assert house.json("Ana").fails("room.create", room=room, kind=kind) == code


@pytest.mark.parametrize("title", ["", "   ", "\u202ecba", "a\nb", "a\0b", "\u3164", "x" * 101])
def test_a_title_can_be_seen(house, title):
    ana = house.json("Ana")
    made(ana)
    answer = ana.ask("room.set", room="plans", title=title)
    assert answer["code"] == "bad_request"
    answer = ana.ask("room.create", room="other", title=title)
    assert answer.get("code") in ("bad_request", None if title == "" else "bad_request")


def test_a_room_is_made_once(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    made(ana)
    assert bob.fails("room.create", room="plans") == "conflict"
    ana.does("post", room="cave", text="x")
    assert bob.fails("room.create", room="cave", kind="announcement") == "conflict"
    assert bob.does("post", room="cave", text="y")["seq"] == 2


def test_a_room_that_people_are_in_may_be_made_before_anything_is_said(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    for talker in (ana, bob):
        talker.does("join", room="plans")
    made(bob, kind="announcement")
    assert ana.fails("post", room="plans", text="x") == "forbidden"
    bob.does("post", room="plans", text="hear")
    assert [event["text"] for event in ana.events()] == ["hear"]
    (listed,) = ana.does("rooms")["rooms"]
    assert (listed["kind"], listed["count"], listed["head"]) == ("announcement", 2, 1)


def test_nobody_makes_the_lobby_their_own(house):
    assert house.json("Ana").fails("room.create", room="lobby", kind="announcement") == "forbidden"
    assert house.member("Bob").fails("room.create", room="Lobby") == "forbidden"
    assert house.member("Olga", "owner").does("room.create", room="lobby", title="Hall")["type"] == "ok"


def test_how_many_rooms_one_makes_is_limited():
    house = House(limited(["rooms_created_per_hour=2"], unmetered=True))
    ana = house.json("Ana")
    made(ana, "one")
    made(ana, "two")
    assert ana.fails("room.create", room="three") == "rate_limited"


# Changing one.


def test_a_rooms_title_topic_and_pace_are_told_and_kept(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    made(ana)
    bob.does("join", room="plans")
    seq = ana.does("room.set", room="plans", title="Plans!", topic="all of them", slow=5)["seq"]
    (told,) = bob.events("room")
    assert (told["seq"], told["title"], told["topic"], told["slow"]) == (seq, "Plans!", "all of them", 5)
    room = bob.does("join", room="plans")["room"]
    assert (room["title"], room["topic"], room["slow"]) == ("Plans!", "all of them", 5)
    ana.does("room.set", room="plans", topic="")
    room = bob.does("join", room="plans")["room"]
    assert (room["title"], room["topic"], room["slow"]) == ("Plans!", "", 5)


@pytest.mark.parametrize("fields", [{}, {"slow": -1}, {"slow": 86401}, {"topic": "x" * 1001}])
def test_a_change_that_is_none_is_refused(house, fields):
    ana = house.json("Ana")
    made(ana)
    assert ana.fails("room.set", room="plans", **fields) == "bad_request"
    assert house.log("plans") == []


def test_a_slow_room_takes_one_post_of_a_member_in_its_time(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    made(ana)
    ana.does("room.set", room="plans", slow=10)
    bob.does("post", room="plans", text="1")
    house.elapse(4)
    answer = bob.ask("post", room="plans", text="2")
    assert (answer["code"], answer["retry_after"]) == ("rate_limited", 6)
    # Others, other rooms, and whoever runs it are not held up.
    house.json("Carl").does("post", room="plans", text="c")
    bob.does("post", room="lobby", text="x")
    for text in ("a", "b"):
        ana.does("post", room="plans", text=text)
    house.elapse(6)
    bob.does("post", room="plans", text="2")
    ana.does("room.set", room="plans", slow=0)
    for text in ("3", "4"):
        bob.does("post", room="plans", text=text)


def test_a_room_in_which_nothing_was_said_is_kept_once_it_is_changed(house):
    olga = house.member("Olga", "moderator")
    olga.does("room.set", room="cave", title="The cave")
    assert house.json("Ana").does("join", room="cave")["room"]["title"] == "The cave"


class Raced(MemoryRegistry):
    """Somebody else is always faster at making a room."""

    raced = False

    def create_room(self, room: RoomRecord, members: Any) -> Any:
        if self.raced:
            super().create_room(RoomRecord(room.name, room.title), [])
        return super().create_room(room, members)


def test_a_room_that_comes_into_being_just_then_is_changed_all_the_same():
    registry = Raced(MemoryStore())
    house = House(registry=registry)
    olga = house.member("Olga", "moderator")
    registry.raced = True
    olga.does("room.set", room="cave", title="The cave")
    assert olga.fails("room.create", room="den") == Conflict.code


# Who is in it, and as what.


def test_who_is_invited_gets_in_and_finds_the_room(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    room = made(ana, kind="private", title="The plans")
    ana.does("join", room=room)
    assert bob.fails("join", room=room) == "not_found"
    seq = ana.does("room.invite", room=room, user="Bob")["seq"]
    assert members(house, room) == [("Bob", "invited", "member")]
    assert [one["seq"] for one in ana.events("member")] == [seq]
    (listed,) = bob.does("rooms")["rooms"]
    assert (listed["name"], listed["title"], listed["role"]) == (room, "The plans", "member")
    bob.does("join", room=room)
    bob.does("post", room=room, text="here")


def test_who_is_invited_hears_of_it_once_on_every_device_in_the_room_or_not(house):
    ana, bob, eve = house.json("Ana"), house.json("Bob"), house.json("Eve")
    phone = house.json(token=bob.token)
    room = made(ana, kind="announcement")
    phone.does("join", room=room)
    seq = ana.does("room.invite", room=room, user="Bob")["seq"]
    for device in (bob, phone):
        assert [(one["room"], one["seq"]) for one in device.events("member")] == [(room, seq)]
    assert eve.events("member") == []


def test_a_guest_who_is_away_is_invited_by_their_id(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    room, user, token = made(ana, kind="private"), bob.id, bob.token
    bob.drop()
    assert ana.fails("room.invite", room=room, user="Bob") == "not_found"
    ana.does("room.invite", room=room, user=user)
    house.json("Bob", token=token).does("join", room=room)


def test_members_and_guests_invite_nobody(house):
    ana, bob, carl = house.json("Ana"), house.json("Bob"), house.json("Carl")
    room = made(ana, kind="private")
    ana.does("room.invite", room=room, user="Bob")
    assert bob.fails("room.invite", room=room, user="Carl") == "forbidden"
    ana.does("room.role", room=room, user="Bob", role="moderator")
    bob.does("room.invite", room=room, user="Carl")
    carl.does("join", room=room)


@pytest.mark.parametrize(
    ("actor", "role", "may"),
    [
        ("owner", "owner", True),
        ("owner", "moderator", True),
        ("owner", "member", True),
        ("moderator", "owner", False),
        ("moderator", "moderator", False),
        ("moderator", "member", True),
        ("owner", "guest", None),
    ],
)
@pytest.mark.parametrize("kind", ["public", "private"])
def test_an_invitation_gives_what_its_giver_may_give(house, kind, actor, role, may):
    boss, ana, bob = house.json("Boss"), house.member("Ana"), house.json("Bob")
    room = made(boss, kind=kind)
    house.place(room, ana.id, actor)
    answer = ana.ask("room.invite", room=room, user="Bob", role=role)
    assert answer.get("code") == {True: None, False: "forbidden", None: "bad_request"}[may]
    if may:
        assert members(house, room) == [("Bob", "invited", role)]
        listed = {one["name"]: one.get("role") for one in bob.does("rooms")["rooms"]}
        assert listed[room] == role


def test_nobody_is_brought_down_by_an_invitation(house):
    ana, mo, meg = house.json("Ana"), house.member("Mo"), house.member("Meg")
    room = made(ana, kind="private")
    for one in (mo, meg):
        ana.does("room.invite", room=room, user=one.id, role="moderator")
    for user in ("Ana", "Meg"):
        assert mo.fails("room.invite", room=room, user=user, role="member") == "forbidden"


def test_roles_are_an_owners_to_give_and_to_take(house):
    ana, _bob, mo = house.json("Ana"), house.json("Bob"), house.json("Mo")
    made(ana)
    ana.does("room.role", room="plans", user="Mo", role="moderator")
    assert mo.fails("room.role", room="plans", user="Bob", role="member") == "forbidden"
    mo.does("room.set", room="plans", title="Mo was here")
    ana.does("room.role", room="plans", user="Mo", role="guest")
    assert mo.fails("room.set", room="plans", title="again") == "forbidden"
    ana.does("room.role", room="plans", user="Bob", role="owner")
    assert ana.fails("room.role", room="plans", user="Bob", role="member") == "forbidden"
    assert members(house, "plans") == [
        ("Mo", "role", "moderator"),
        ("Mo", "role", "guest"),
        ("Bob", "role", "owner"),
    ]


def test_the_last_owner_cannot_step_down(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    made(ana)
    for role in ("moderator", "member", "guest"):
        assert ana.fails("room.role", room="plans", user="Ana", role=role) == "conflict"
    ana.does("room.role", room="plans", user="Bob", role="owner")
    ana.does("room.role", room="plans", user="Ana", role="member")
    assert bob.fails("room.role", room="plans", user="Bob", role="member") == "conflict"


def test_an_owner_of_the_server_may_take_a_place_in_a_room_that_has_no_owner(house):
    olga = house.member("Olga", "owner")
    olga.does("room.role", room="cave", user="Olga", role="member")
    assert members(house, "cave") == [("Olga", "role", "member")]


@pytest.mark.parametrize("asked", ["room.kick", "room.ban", "room.mute"])
@pytest.mark.parametrize("kind", ["public", "private"])
def test_one_acts_downwards_only(house, kind, asked):
    ana = house.member("Ana")
    room = made(ana, kind=kind)
    people = {role: house.member(role.title()) for role in ("owner", "moderator", "member")}
    for role, talker in people.items():
        house.place(room, talker.id, role)
    for actor in ("owner", "moderator"):
        for subject in ("owner", "moderator"):
            if (actor, subject) != ("owner", "moderator"):
                assert people[actor].fails(asked, room=room, user=subject.title()) == "forbidden"
    assert people["owner"].fails(asked, room=room, user="Owner") == "forbidden"
    people["moderator"].does(asked, room=room, user="Member")
    people["owner"].does(asked, room=room, user="Moderator")


def test_a_rooms_owner_does_nothing_to_an_owner_of_the_server_in_a_public_room(house):
    ana, _olga = house.json("Ana"), house.member("Olga", "owner")
    made(ana)
    for asked in ("room.kick", "room.ban", "room.mute"):
        assert ana.fails(asked, room="plans", user="Olga") == "forbidden"


def test_a_member_of_an_announcement_listens(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    made(ana, kind="announcement")
    bob.does("join", room="plans")
    seq = ana.does("post", room="plans", text="hear")["seq"]
    assert bob.fails("post", room="plans", text="x") == "forbidden"
    assert bob.fails("typing", room="plans", on=True) == "forbidden"
    bob.does("read", room="plans", seq=seq)
    plain = house.plain("Wes", "plans")
    house.settle()
    plain.say("x")
    house.settle()
    assert plain.hear()[-1].startswith("* ")


# What is noted, and what goes wrong.


def test_who_runs_a_room_is_in_the_audit_log(house):
    ana, _bob = house.json("Ana"), house.json("Bob")
    made(ana)
    ana.does("room.set", room="plans", topic="x")
    ana.does("room.invite", room="plans", user="Bob")
    ana.does("room.role", room="plans", user="Bob", role="moderator")
    ana.does("room.mute", room="plans", user="Bob", reason="noise")
    ana.does("room.kick", room="plans", user="Bob")
    ana.does("room.ban", room="plans", user="Bob", until=house.now + 5)
    deeds = house.member("Olga", "moderator").does("audit")["deeds"]
    assert {deed["by"] for deed in deeds} == {ana.id}
    assert [deed["what"] for deed in deeds][::-1] == [
        "room.create",
        "room.set",
        "room.invite",
        "room.role",
        "room.mute",
        "room.kick",
        "room.ban",
    ]


@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ("room.create", {"room": "new"}),
        ("room.set", {"title": "x"}),
        ("room.invite", {"user": "Bob"}),
        ("room.kick", {"user": "Bob"}),
        ("room.ban", {"user": "Bob"}),
        ("room.mute", {"user": "Bob"}),
        ("room.role", {"user": "Bob", "role": "member"}),
    ],
)
@pytest.mark.parametrize("what", ["store", "registry"])
def test_what_cannot_be_kept_is_said_and_may_be_tried_again(house, what, asked, fields):
    ana, bob = house.json("Ana"), house.json("Bob")
    made(ana)
    bob.does("join", room="plans")
    fields = {"room": "plans"} | fields
    broken = house.store if what == "store" else house.registry
    broken.broken = Unavailable("the disk is full", 1)
    with Logs() as logs:
        answer = ana.ask(asked, **fields)
    if what == "registry" or asked != "room.create":
        assert answer["code"] == "unavailable"
    assert logs.tracebacks() == []
    broken.broken = None
    house.elapse(1)
    assert ana.ask(asked, **fields).get("code") in (None, "conflict")
    assert bob.ask("ping")["type"] == "pong"
