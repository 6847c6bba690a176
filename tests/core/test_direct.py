"""Messages to one user: every device of both has each once and in order, and who is away finds them."""

from __future__ import annotations

from typing import Any

import pytest

from chatroom.domain import names
from chatroom.domain.limits import limited

from .applications import app, texts
from .house import House, Talker
from .site import JWT, FakeSite


@pytest.fixture
def house() -> House:
    return House()


def test_every_device_of_both_is_told_once_and_in_order(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    devices = [ana, house.json(token=house.login("Ana")), bob, house.json("Bob", token=bob.token)]
    other = house.json("Carl")
    for n in range(3):
        ana.does("post", to="Bob", text=f"ana {n}")
        bob.does("post", to="Ana", text=f"bob {n}")
    expected = [f"{who} {n}" for n in range(3) for who in ("ana", "bob")]
    for device in devices:
        assert texts(device) == expected
        assert [one["seq"] for one in device.events("message")] == [1, 2, 3, 4, 5, 6]
    assert texts(other) == []
    (room,) = {one["room"] for one in bob.events("message")}
    assert room == names.direct_name(ana.id, bob.id)


def test_a_device_that_comes_later_is_told_of_what_comes_after(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    bob.does("post", to="Ana", text="1")
    later = house.json(token=house.login("Ana"))
    bob.does("post", to="Ana", text="2")
    assert texts(ana) == ["1", "2"]
    assert texts(later) == ["2"]


def test_a_device_that_comes_while_a_message_is_being_written_is_told_of_it(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    bob.does("post", to="Ana", text="1")
    token = house.login("Ana")
    number = bob.say("post", to="Ana", text="2")
    house.store.write()
    late = Talker(house)
    late.say("hello", token=token)
    house.settle()
    assert bob.answer(number)["seq"] == 2
    assert texts(late) == ["2"]
    assert texts(ana) == ["1", "2"]


def test_it_is_told_to_the_other_although_its_author_has_gone_meanwhile(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    bob.say("post", to="Ana", text="1")
    while not house.store._drafts:
        house.steps[0]()
    bob.drop()
    token = house.login("Ana")
    house.settle()
    assert texts(ana) == ["1"]
    assert house.json(token=token).does("rooms")["rooms"][0]["head"] == 1


def test_who_is_away_finds_it_when_they_come_back(house):
    ana, bob = house.member("Ana"), house.member("Bob")
    ana.drop()
    for n in range(3):
        bob.does("post", to="Ana", text=str(n))
    ana = house.json(token=house.login("Ana"))
    (room,) = ana.does("rooms")["rooms"]
    assert (room["kind"], room["title"], room["unread"], room["role"]) == ("direct", "Bob", 3, "member")
    assert room["other"] == bob.welcome["user"]
    joined = ana.does("join", room=room["name"], since=room["read"], epoch="epoch-1")
    assert [one["text"] for one in joined["events"]] == ["0", "1", "2"]
    assert [one["text"] for one in ana.does("history", room=room["name"])["events"]] == ["0", "1", "2"]
    ana.does("read", room=room["name"], seq=3)
    assert ana.does("rooms")["rooms"][0]["unread"] == 0
    # For the other one it is the same room.
    (room,) = bob.does("rooms")["rooms"]
    assert (room["title"], room["other"]) == ("Ana", ana.welcome["user"])


def test_joining_it_goes_on_after_what_the_answer_has(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    room = bob.does("post", to="Ana", text="1")["room"]
    assert ana.does("join", room=room)["room"]["head"] == 1
    bob.does("post", room=room, text="2")
    assert [one["seq"] for one in ana.events("message")] == [1, 2]


def test_who_has_left_it_is_told_of_the_next_all_the_same(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    room = bob.does("post", to="Ana", text="1")["room"]
    ana.does("leave", room=room)
    bob.does("post", to="Ana", text="2")
    assert texts(ana) == ["1", "2"]


def test_a_message_by_the_rooms_name_goes_the_same_way(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    room = ana.does("post", to="Bob", text="1")["room"]
    bob.does("post", room=room, text="2")
    bob.does("edit", room=room, seq=2, text="two")
    bob.does("delete", room=room, seq=2)
    assert [one["type"] for one in ana.events()] == ["message", "message", "edited", "deleted"]


def test_an_edit_reaches_devices_that_were_not_there_for_the_message(house):
    _ana, bob = house.member("Ana"), house.json("Bob")
    room = bob.does("post", to="Ana", text="1")["room"]
    later = house.json(token=house.login("Ana"))
    bob.does("edit", room=room, seq=1, text="one")
    assert [one["type"] for one in later.events()] == ["edited"]


def test_notes_to_oneself(house):
    ana = house.member("Ana")
    there = house.json(token=house.login("Ana"))
    for text in ("milk", "bread"):
        ana.does("post", to="Ana", text=text)
    assert texts(ana) == texts(there) == ["milk", "bread"]
    (room,) = ana.does("rooms")["rooms"]
    assert (room["title"], room["other"]) == ("Ana", ana.welcome["user"])
    assert room["name"] == names.direct_name(ana.id, ana.id)


@pytest.mark.parametrize("to", ["name", "id"])
def test_a_guest_writes_to_a_guest(house, to):
    ana, bob = house.json("Ana"), house.json("Bob")
    ana.does("post", to="Bob" if to == "name" else bob.id, text="hello")
    assert texts(bob) == ["hello"]
    token = bob.token
    bob.drop()
    ana.does("post", to=bob.id, text="are you there?")
    bob = house.json("Bob", token=token)
    (room,) = bob.does("rooms")["rooms"]
    assert (room["head"], room["other"]["name"]) == (2, "Ana")


def test_an_accounts_name_means_the_account_also_while_it_is_away(house):
    house.account("Ana")
    bob = house.json("Bob")
    bob.does("post", to="ana", text="hello")
    assert house.json(token=house.login("Ana")).does("rooms")["rooms"][0]["other"]["name"] == "Bob"


@pytest.mark.parametrize("to", ["Nobody", "u" + "0" * 24, "", "\u202e", "~plans-x", "lobby", "x" * 64])
def test_nobody_is_written_to_who_is_nobody(house, to):
    assert house.json("Bob").fails("post", to=to, text="x") == "not_found"


def test_a_message_goes_to_a_room_or_to_a_user(house):
    bob = house.json("Bob")
    assert bob.fails("post", to="Bob", room="lobby", text="x") == "bad_request"
    assert bob.fails("post", text="x") == "bad_request"


def test_an_id_means_its_owner_whatever_others_are_called(house):
    ana, bob = house.json("Ana"), house.json("Bob")
    away = house.json("Away")
    away.drop()
    thief = house.json(away.id[:32])
    other = house.json(ana.id)
    bob.does("post", to=away.id, text="for the one who is away")
    bob.does("post", to=ana.id, text="for Ana")
    assert (texts(thief), texts(other), texts(ana)) == ([], [], ["for Ana"])


def test_somebody_whom_a_site_lets_in_is_written_to_while_they_are_away():
    site = FakeSite()
    house = House(site=site)
    sue = house.json(token=JWT)
    sue.drop()
    house.json("Bob").does("post", to=site.known[JWT].id, text="x")
    assert house.json(token=JWT).does("rooms")["rooms"][0]["head"] == 1


@pytest.mark.parametrize(
    ("scopes", "may"),
    [
        (("direct:*",), True),
        (("direct:u1", "direct:{bob}"), True),
        (("direct:u1",), False),
        (("publish:*", "read:*"), False),
        ((), False),
    ],
)
def test_a_key_writes_to_those_whom_it_may_write_to(house, scopes, may):
    bob = house.json("Bob")
    scopes = [one.format(bob=bob.id) for one in scopes]
    key = house.json(token=house.key(*scopes))
    answer = key.ask("post", to="Bob", text="alarm")
    assert answer.get("code") == (None if may else "forbidden")
    assert texts(bob) == (["alarm"] if may else [])
    assert house.core.rights._places.get(bob.id) is None or may
    if may:
        assert key.ask("post", room=answer["room"], text="again")["seq"] == 2


def test_a_key_that_may_not_read_is_not_told_what_its_account_is_written(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    writer = house.json(token=house.key("direct:*", account=ana.id))
    reader = house.json(token=house.key("read:*", account=ana.id))
    writer.does("post", to="Bob", text="1")
    bob.does("post", to="Ana", text="2")
    assert (texts(ana), texts(reader), texts(writer)) == (["1", "2"], ["1", "2"], [])


@pytest.mark.parametrize("to", ["to", "room"])
def test_a_message_that_is_sent_again_with_its_key_is_the_same_one(house, to):
    ana, bob = house.member("Ana"), house.json("Bob")
    first = bob.does("post", to="Ana", text="1", key="k")
    where = {"to": "Ana"} if to == "to" else {"room": first["room"]}
    again = bob.does("post", text="1", key="k", **where)
    assert (again["seq"], again["room"]) == (first["seq"], first["room"])
    assert texts(ana) == ["1"]


def test_two_who_write_first_at_the_same_moment_have_one_room(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    house.registry.stepped = True
    numbers = [ana.say("post", to="Bob", text="from Ana"), bob.say("post", to="Ana", text="from Bob")]
    house.settle()
    answers = [ana.answer(numbers[0]), bob.answer(numbers[1])]
    assert sorted(answer["seq"] for answer in answers) == [1, 2]
    assert texts(ana) == texts(bob)


def test_many_who_write_to_somebody_keep_them_out_of_no_room():
    house = House(limited(["rooms_per_user=2"], unmetered=True))
    ana = house.json("Ana")
    for n in range(4):
        house.json(f"Guest {n}").does("post", to="Ana", text="x")
    for room in ("one", "two"):
        ana.does("join", room=room)
    assert ana.fails("join", room="three") == "rate_limited"
    ana.does("join", room=ana.does("rooms")["rooms"][0]["name"])


def test_a_plain_connection_is_told_what_its_guest_is_written_and_gives_its_own_to_its_room_only(house):
    ana = house.json("Ana")
    plain, neighbour = house.plain("Wes"), house.plain("Wim")
    house.settle()
    ana.does("post", to="Wes", text="psst")
    plain.say("hello")
    plain.say(b"\0\1")
    other = house.plain(room="den")
    house.settle()
    assert plain.hear() == ["psst"]
    assert set(neighbour.hear()) == {"hello", b"\0\1"}
    assert other.hear() == []
    assert texts(ana) == ["psst"]


def test_nobody_runs_a_direct_room(house):
    ana, bob = house.member("Ana", "owner"), house.member("Bob")
    room = bob.does("post", to="Ana", text="1")["room"]
    for asked, fields in (
        ("room.set", {"title": "x"}),
        ("room.kick", {"user": "Bob"}),
        ("room.ban", {"user": "Bob"}),
        ("room.mute", {"user": "Bob"}),
        ("room.role", {"user": "Bob", "role": "owner"}),
        ("room.invite", {"user": "Bob"}),
        ("delete", {"seq": 1}),
        ("purge", {"user": "Bob"}),
    ):
        assert ana.fails(asked, room=room, **fields) == "forbidden"


def test_applications_have_nothing_to_do_with_it():
    seen: list[Any] = []
    house = app(process=lambda _self, _user, message: seen.append(str(message)))
    ana, bob = house.json("Ana"), house.json("Bob")
    ana.does("post", to="Bob", text="psst")
    assert texts(bob) == ["psst"]
    assert seen == []


def test_nothing_is_left_when_all_have_gone(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    for n in range(3):
        ana.does("post", to="Bob", text=str(n))
    ana.drop()
    bob.does("post", to=ana.id, text="x")
    bob.drop()
    house.elapse(1)
    assert house.empty()
