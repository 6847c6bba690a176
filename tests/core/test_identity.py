"""Who somebody is: by every kind of token, by cookie, by a name that is theirs."""

from __future__ import annotations

import pytest

from chatroom import tokens
from chatroom.accountkeeping import DAY, LOGIN_DAYS
from chatroom.domain.accounts import RoomRecord

from .house import PASSWORD, House, Talker
from .site import JWT, FakeSite, Told


@pytest.fixture
def house() -> House:
    return House()


# Tokens.


def test_a_guest_is_the_same_one_by_their_token(house):
    first = house.json("Ana")
    again = house.json("Ana", token=first.token)
    assert again.welcome["user"] == first.welcome["user"]
    assert first.welcome["user"]["kind"] == "guest"


def test_a_login_lets_its_account_in_without_saying_its_token_again(house):
    token = house.account("Ana", "moderator")
    welcome = house.json(token=token).welcome
    assert welcome["user"] == {"id": house.known("Ana").id, "name": "Ana", "kind": "user"}
    assert welcome["role"] == "moderator"
    assert "token" not in welcome


def test_a_key_lets_its_account_in(house):
    welcome = house.json(token=house.key("publish:lobby")).welcome
    assert welcome["user"]["kind"] == "bot"


def test_a_sites_token_lets_in_whom_it_names():
    house = House(site=FakeSite())
    welcome = house.json(token=JWT).welcome
    assert welcome["user"] == {"id": "s" + "1" * 24, "name": "Sue", "kind": "user"}
    assert welcome["role"] == "member"


def test_a_sites_user_gets_a_number_where_an_account_has_the_name():
    house = House(site=FakeSite())
    house.account("Sue")
    assert house.json(token=JWT).welcome["user"]["name"] == "Sue-2"


@pytest.mark.parametrize("prefix", ["cs_", "ck_", "ci_"])
def test_a_token_that_was_never_given_lets_nobody_in(house, prefix):
    talker = Talker(house)
    assert talker.fails("hello", token=tokens.make(prefix)) == "bad_token"
    assert talker.closed is None
    assert talker.ask("hello", name="Ana")["type"] == "welcome"


@pytest.mark.parametrize("token", ["", "x", "cs_short", "a.b.c.d", "é" * 22, JWT, "x" * 60_000])
def test_what_is_no_token_lets_nobody_in(house, token):
    assert Talker(house).fails("hello", token=token) == "bad_token"


def test_a_token_of_another_site_lets_nobody_in():
    assert Talker(House(site=FakeSite())).fails("hello", token="x.y.z") == "bad_token"


def test_an_invitation_is_no_login(house):
    owner = house.member("Olga", "owner")
    principal = house.people.connections(owner.id)[0].principal
    token = house.done(house.core.accounts.invite(principal))
    assert Talker(house).fails("hello", token=token) == "bad_token"


def test_a_login_that_has_run_out_lets_nobody_in(house):
    token = house.account("Ana")
    house.elapse(LOGIN_DAYS * DAY / 1000)
    assert Talker(house).fails("hello", token=token) == "bad_token"


def test_a_key_that_was_revoked_lets_nobody_in_and_closes_who_is_in(house):
    token = house.key("read:*")
    inside = house.json(token=token)
    house.registry.revoke_key("key 1", house.now)
    assert Talker(house).fails("hello", token=token) == "bad_token"
    assert inside.closed is None
    house.elapse(0.5)
    assert inside.outlet.closed == (4401, "this API key was revoked")


def test_a_token_counts_for_more_than_a_cookie(house):
    cookie, token = house.account("Ana"), house.account("Bob")
    talker = Talker(house, cookie=cookie)
    assert talker.ask("hello", token=token)["user"]["name"] == "Bob"


def test_a_cookie_is_enough(house):
    talker = Talker(house, cookie=house.account("Ana"))
    welcome = talker.ask("hello", name="Somebody")
    assert welcome["user"]["name"] == "Ana"
    assert "token" not in welcome


@pytest.mark.parametrize("cookie", ["", "x", "cs_" + "x" * 43])
def test_who_has_a_cookie_that_is_none_any_more_is_a_guest(house, cookie):
    talker = Talker(house, cookie=cookie)
    assert talker.ask("hello", name="Ana")["user"]["kind"] == "guest"


def test_where_guests_are_not_let_in_they_are_told_and_closed():
    house = House(guests=False)
    talker = Talker(house)
    assert talker.fails("hello", name="Ana") == "forbidden"
    assert talker.closed == 4403
    assert house.member("Ana").welcome["type"] == "welcome"


def test_a_plain_connection_has_the_cookies_account(house):
    cookie = house.account("Ana")
    plain = house.plain("Somebody", cookie=cookie)
    house.settle()
    plain.say("hello")
    house.settle()
    assert house.log()[0].by.name == "Ana"


# Renewing.


def test_who_shows_a_newer_token_stays_as_long_as_that_one_is_good():
    site = FakeSite()
    house = House(site=site)
    site.known = {JWT: Told(until=house.now + 60_000), "x.y.z": Told(until=house.now + 120_000)}
    talker = house.json(token=JWT)
    talker.ask("join", room="lobby")
    house.elapse(50)
    assert talker.ask("hello", token="x.y.z")["user"]["id"] == talker.id
    house.elapse(69.999)
    assert talker.closed is None
    house.elapse(0.001)
    assert talker.outlet.closed == (4401, "your token has run out: come with a new one")


def test_a_renewed_user_is_called_as_before():
    site = FakeSite()
    house = House(site=site)
    talker = house.json(token=JWT)
    site.known[JWT] = Told(name="Suzy", role="moderator")
    welcome = talker.ask("hello", token=JWT)
    assert (welcome["user"]["name"], welcome["role"]) == ("Sue", "moderator")
    talker.ask("post", room="lobby", text="x")
    assert house.log()[0].by.name == "Sue"


def test_nobody_becomes_somebody_else_by_a_second_hello(house):
    talker, other = house.member("Ana"), house.account("Bob")
    assert talker.fails("hello", token=other) == "conflict"
    assert talker.fails("hello", token="A" * 22) == "conflict"
    assert talker.fails("hello", name="Carl") == "conflict"
    assert talker.fails("login", name="Bob", password=PASSWORD) == "conflict"
    assert talker.closed is None
    assert talker.ask("post", room="lobby", text="x")["seq"] == 1
    assert house.log()[0].by.name == "Ana"


def test_a_second_hello_with_a_bad_token_changes_nothing():
    house = House(guests=False)
    talker = house.member("Ana")
    assert talker.fails("hello", token="cs_" + "x" * 43) == "bad_token"
    assert talker.fails("hello", token="A" * 22) == "forbidden"
    assert talker.closed is None
    assert talker.ask("ping")["type"] == "pong"


def test_who_is_let_into_fewer_rooms_by_a_newer_token_is_put_out_of_the_others():
    site = FakeSite()
    house = House(site=site)
    site.known = {JWT: Told(rooms=("one", "two", "~three-x")), "x.y.z": Told(rooms=("one",))}
    house.registry.create_room(RoomRecord("~three-x", "three", "private"), [])
    talker = house.json(token=JWT)
    for room in ("one", "two", "~three-x"):
        talker.does("join", room=room)
    talker.does("hello", token="x.y.z")
    (member,) = house.people.connections(talker.id)
    assert list(member.rooms) == ["one"]


def test_a_connection_lasts_as_long_as_its_login(house):
    talker = house.member("Ana")
    house.elapse(LOGIN_DAYS * DAY / 1000 - 1)
    assert talker.closed is None
    house.elapse(1)
    assert talker.closed == 4401


def test_a_plain_connection_lasts_as_long_as_its_login(house):
    plain = house.plain(cookie=house.account("Ana"))
    house.settle()
    house.elapse(LOGIN_DAYS * DAY / 1000)
    assert plain.outlet.closed[0] == 4401


def test_a_token_that_runs_out_once_its_connection_is_gone_is_nobodys_business():
    site = FakeSite()
    house = House(site=site)
    site.known = {JWT: Told(until=house.now + 60_000)}
    house.json(token=JWT).drop()
    house.elapse(60)
    assert house.empty()


# Names.


@pytest.mark.parametrize("name", ["Ana", "ANA", " ana ", "An\u200da", "\u0410n\u0430", "\uff21na"])
def test_nobody_takes_an_accounts_name_or_one_that_looks_like_it(house, name):
    house.account("Ana")
    assert Talker(house).fails("hello", name=name) == "name_taken"


def test_nobody_takes_the_name_of_another_guest_who_is_here(house):
    ana = house.json("Ana")
    assert Talker(house).fails("hello", name="\u0430na") == "name_taken"
    ana.drop()
    assert house.json("\u0430na").welcome["user"]["name"] == "\u0430na"


def test_a_guest_keeps_a_name_that_becomes_an_accounts_until_they_go(house):
    guest = house.json("Ana")
    guest.ask("join", room="lobby")
    owner = house.member("Ana")
    assert owner.welcome["user"]["name"] == "Ana"
    assert guest.closed is None
    assert guest.ask("post", room="lobby", text="still Ana")["seq"] == 1
    # Whoever asks for Ana now means the account.
    assert owner.ask("ping")["type"] == "pong"
    other = house.json("Bob")
    other.does("post", to="Ana", text="hello")
    assert [one["text"] for one in owner.events()] == ["hello"]
    assert [one["text"] for one in guest.events() if one["room"] != "lobby"] == []
    token = guest.token
    guest.drop()
    assert Talker(house).fails("hello", name="Ana", token=token) == "name_taken"
    assert house.json("Ann", token=token).id == guest.id


def test_a_plain_guest_gets_a_number_where_the_name_is_an_accounts(house):
    house.account("Ana")
    plain = house.plain("Ana")
    house.settle()
    plain.say("x")
    house.settle()
    assert house.log()[0].by.name == "Ana-2"


def test_the_name_of_a_deleted_account_is_anybodys(house):
    ana = house.member("Ana")
    ana.does("account.delete", password=PASSWORD)
    ana.drop()
    assert house.json("Ana").welcome["user"]["kind"] == "guest"


def test_an_account_that_another_process_makes_has_its_name_half_a_second_later(house):
    house.registry.add_account(house.known("Ana"), None)
    house.elapse(0.5)
    assert Talker(house).fails("hello", name="Ana") == "name_taken"
