"""One user on several devices, and what ends being logged in on them."""

from __future__ import annotations

import pytest

from chatroom.domain.accounts import GONE
from chatroom.domain.limits import limited

from .house import PASSWORD, House, Talker

NEW = "battery staple"


@pytest.fixture
def house() -> House:
    return House()


def two_devices(house: House, name: str = "Ana") -> tuple[Talker, Talker]:
    first = house.member(name)
    return first, house.json(token=house.login(name))


# Being in rooms twice.


def test_every_device_is_told_the_same(house):
    devices = two_devices(house)
    for device in devices:
        device.does("join", room="lobby")
    devices[0].does("post", room="lobby", text="from here")
    house.json("Bob").does("post", room="lobby", text="from Bob")
    told = [[event["text"] for event in device.events()] for device in devices]
    assert told == [["from here", "from Bob"]] * 2


def test_the_others_see_one_of_them(house):
    bob = house.json("Bob")
    bob.does("join", room="lobby")
    house.elapse(1)
    first, second = two_devices(house)
    for device in (first, second):
        device.does("join", room="lobby")
        house.elapse(1)
    seen = bob.does("who", room="lobby")
    assert (seen["count"], [one["name"] for one in seen["members"]]) == (2, ["Bob", "Ana"])
    first.drop()
    house.elapse(1)
    assert bob.does("who", room="lobby")["count"] == 2
    second.drop()
    house.elapse(1)
    news = [(one["user"]["name"], one["state"]) for one in bob.events("presence")]
    assert news == [("Bob", "online"), ("Ana", "online"), ("Ana", "offline")]


def test_the_devices_of_one_user_are_limited():
    house = House(limited(["connections_per_user=2"], unmetered=True))
    two_devices(house)
    third = Talker(house)
    assert third.fails("hello", token=house.login("Ana")) == "rate_limited"
    assert third.closed == 4429


# How far they have read.


def test_what_is_read_on_one_device_is_read_on_all(house):
    here, there = two_devices(house)
    bob = house.json("Bob")
    for n in range(5):
        bob.does("post", room="lobby", text=str(n))
    assert here.does("read", room="lobby", seq=3)["seq"] == 3
    assert there.events("read") == [{"type": "read", "room": "lobby", "seq": 3}]
    assert here.events("read") == []
    assert bob.events("read") == []
    for device in (here, there):
        (room,) = device.does("rooms")["rooms"]
        assert (room["head"], room["read"], room["unread"]) == (5, 3, 2)


def test_a_mark_goes_forward_only_and_no_further_than_the_room(house):
    here, there = two_devices(house)
    bob = house.json("Bob")
    for n in range(3):
        bob.does("post", room="lobby", text=str(n))
    assert here.does("read", room="lobby", seq=2)["seq"] == 2
    assert there.does("read", room="lobby", seq=1)["seq"] == 2
    assert there.does("read", room="lobby", seq=2**53 - 1)["seq"] == 3
    bob.does("join", room="lobby")
    bob.does("post", room="lobby", text="more")
    assert here.does("rooms")["rooms"][0]["unread"] == 1


def test_the_mark_is_there_when_they_come_back(house):
    ana = house.member("Ana")
    house.json("Bob").does("post", room="lobby", text="x")
    ana.does("read", room="lobby", seq=1)
    ana.drop()
    assert house.json(token=house.login("Ana")).does("rooms")["rooms"][0]["unread"] == 0


def test_a_guests_mark_is_told_and_not_kept(house):
    here = house.json("Gil")
    there = house.json("Gil", token=here.token)
    here.does("post", room="lobby", text="x")
    assert here.does("read", room="lobby", seq=1)["seq"] == 1
    assert [one["seq"] for one in there.events("read")] == [1]
    assert here.does("rooms")["rooms"][0]["read"] == 0


def test_a_key_that_may_not_read_is_told_of_no_marks(house):
    ana = house.member("Ana")
    key = house.json(token=house.key("publish:lobby", account=ana.id))
    ana.does("post", room="lobby", text="x")
    ana.does("read", room="lobby", seq=1)
    assert key.events("read") == []


def test_a_plain_device_is_told_of_no_marks(house):
    ana = house.member("Ana")
    plain = house.plain(cookie=house.login("Ana"))
    house.settle()
    ana.does("post", room="lobby", text="x")
    ana.does("read", room="lobby", seq=1)
    assert plain.hear() == ["x"]


# Logins.


def test_a_user_sees_on_which_devices_they_are(house):
    house.account("Ana")
    talker = Talker(house)
    talker.ask("login", name="Ana", password=PASSWORD, client="a browser")
    found = talker.does("sessions")["sessions"]
    assert len(found) == 2
    (current,) = [one for one in found if one["current"]]
    assert (current["client"], current["address"]) == ("a browser", "192.0.2.1")
    assert current["until"] > current["created"] == house.now
    assert all("token" not in one and "digest" not in one for one in found)


def session_of(talker: Talker) -> str:
    (found,) = [one["id"] for one in talker.does("sessions")["sessions"] if one["current"]]
    return str(found)


def test_another_device_is_logged_out(house):
    here, there = two_devices(house)
    there_too = house.json(token=house.login("Ana"))
    assert here.does("session.end", session=session_of(there))
    assert there.outlet.closed == (4401, "you were logged out on this device")
    assert there_too.closed is None
    assert here.closed is None
    assert [one["current"] for one in here.does("sessions")["sessions"]].count(True) == 1


def test_all_tabs_of_a_login_are_closed_with_it(house):
    token = house.account("Ana")
    tabs = [house.json(token=token) for _ in range(3)]
    plain = house.plain(cookie=token)
    house.settle()
    tabs[0].does("logout")
    assert [tab.closed for tab in tabs] == [4401] * 3
    assert plain.outlet.closed[0] == 4401
    assert Talker(house).fails("hello", token=token) == "bad_token"


def test_all_others_are_logged_out(house):
    here, there = two_devices(house)
    third = house.json(token=house.login("Ana"))
    here.does("session.end")
    assert (here.closed, there.closed, third.closed) == (None, 4401, 4401)
    assert len(here.does("sessions")["sessions"]) == 1


def test_who_logs_out_is_told_ok_before_the_end(house):
    here, there = two_devices(house)
    assert here.ask("logout")["type"] == "ok"
    assert here.closed == 4401
    assert there.closed is None


def test_nobody_ends_a_login_of_somebody_elses(house):
    ana, bob = house.member("Ana"), house.member("Bob")
    assert bob.fails("session.end", session=session_of(ana)) == "not_found"
    assert bob.fails("session.end", session="no such") == "not_found"
    assert (ana.closed, bob.closed) == (None, None)


def test_a_new_password_ends_all_other_logins_and_only_it_is_good(house):
    here, there = two_devices(house)
    key = house.json(token=house.key("read:*", account=here.id))
    assert here.fails("password", old="wrong", new=NEW) == "bad_token"
    assert there.closed is None
    here.does("password", old=PASSWORD, new=NEW)
    assert (here.closed, there.closed, key.closed) == (None, 4401, None)
    assert Talker(house).fails("login", name="Ana", password=PASSWORD) == "bad_token"
    assert Talker(house).ask("login", name="Ana", password=NEW)["type"] == "welcome"


@pytest.mark.parametrize("new", ["", "short", "Ana", "x" * 1025])
def test_a_password_that_is_none_is_not_taken(house, new):
    ana = house.member("Ana")
    assert ana.fails("password", old=PASSWORD, new=new) == "bad_request"
    assert Talker(house).ask("login", name="Ana", password=PASSWORD)["type"] == "welcome"


def test_passwords_cannot_be_guessed_from_inside_either(house):
    ana = house.member("Ana")
    codes = [ana.fails("password", old=str(n), new=NEW) for n in range(8)]
    assert codes[0] == "bad_token"
    assert codes[-1] == "rate_limited"


def test_a_password_that_is_right_uses_nothing_up(house):
    ana = house.member("Ana")
    for n in range(12):
        old, new = (PASSWORD, NEW) if n % 2 == 0 else (NEW, PASSWORD)
        ana.does("password", old=old, new=new)


@pytest.mark.parametrize("who", ["guest", "key"])
@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("sessions", {}),
        ("session.end", {}),
        ("logout", {}),
        ("password", {"old": PASSWORD, "new": NEW}),
        ("account.delete", {"password": PASSWORD}),
    ],
)
def test_only_who_is_logged_in_has_anything_to_do_with_logins(house, who, kind, fields):
    ana = house.member("Ana")
    other = house.json("Gil") if who == "guest" else house.json(token=house.key("read:*", account=ana.id))
    assert other.fails(kind, **fields) == "forbidden"
    assert ana.closed is None


# The end of an account.


def test_a_deleted_accounts_connections_are_closed_and_its_tokens_are_good_for_nothing(house):
    here, there = two_devices(house)
    key, login = house.key("read:*", account=here.id), house.login("Ana")
    with_key = house.json(token=key)
    assert here.fails("account.delete", password="wrong") == "bad_token"
    assert here.ask("account.delete", password=PASSWORD)["type"] == "ok"
    assert [one.closed for one in (here, there, with_key)] == [4401] * 3
    for token in (key, login):
        assert Talker(house).fails("hello", token=token) == "bad_token"
    assert Talker(house).fails("login", name="Ana", password=PASSWORD) == "bad_token"


def deletion(house: House, ana: Talker) -> None:
    ana.does("account.delete", password=PASSWORD)
    ana.drop()


def names(events: list) -> set[str]:
    return {event["by"]["name"] for event in events}


@pytest.mark.parametrize("live", [True, False])
def test_a_deleted_accounts_messages_stay_under_another_name(house, live):
    ana, bob = house.member("Ana"), house.json("Bob")
    if live:
        bob.does("join", room="lobby")
    for n in range(3):
        ana.does("post", room="lobby", text=str(n))
    ana.does("edit", room="lobby", seq=1, text="zero")
    deletion(house, ana)
    carl = house.json("Carl")
    joined = carl.does("join", room="lobby")
    assert [event["text"] for event in joined["events"]] == ["zero", "1", "2", "zero"]
    assert names(joined["events"]) == {GONE}
    for way in ({"after": 0}, {"before": 10}):
        assert names(carl.does("history", room="lobby", **way)["events"]) == {GONE}
    assert names(bob.does("join", room="lobby", since=0, epoch="epoch-1")["events"]) == {GONE}


def test_what_was_done_to_a_deleted_account_is_told_under_another_name(house):
    ana, olga = house.member("Ana"), house.member("Olga", "owner")
    olga.does("join", room="lobby")
    olga.does("room.mute", room="lobby", user="Ana")
    deletion(house, ana)
    (event,) = house.json("Carl").does("join", room="lobby")["events"]
    assert (event["user"]["name"], event["by"]["name"]) == (GONE, "Olga")


def test_a_room_that_is_being_read_while_an_account_is_deleted_has_the_other_name_too(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    ana.does("post", room="lobby", text="x")
    number = bob.say("join", room="lobby")
    house.store.read()  # with the name that is about to go
    ana.say("account.delete", password=PASSWORD)
    house.clock.advance(0)
    assert ana.closed == 4401
    house.settle()
    assert names(bob.answer(number)["events"]) == {GONE}


def test_a_deleted_account_is_found_by_nobody(house):
    ana, bob = house.member("Ana"), house.json("Bob")
    user = ana.id
    deletion(house, ana)
    for to in ("Ana", user):
        assert bob.fails("post", to=to, text="x") == "not_found"


def test_a_deleted_account_that_others_have_written_to_is_told_from_oneself(house):
    ana, bob = house.member("Ana"), house.member("Bob")
    bob.does("post", to="Ana", text="x")
    deletion(house, ana)
    (room,) = bob.does("rooms")["rooms"]
    assert room["title"] == GONE
    assert "other" not in room


def test_an_account_that_another_process_deletes_is_gone_half_a_second_later(house):
    ana = house.member("Ana")
    house.registry.delete_account(ana.id, GONE)
    house.elapse(0.5)
    assert ana.outlet.closed == (4401, "this account is no more")
