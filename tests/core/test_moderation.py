"""Keeping the peace on the whole server."""

from __future__ import annotations

from typing import Any

import pytest

from chatroom.domain.accounts import EVERYWHERE, Sanction
from chatroom.domain.limits import limited
from chatroom.domain.model import Role

from .house import ADDRESS, PASSWORD, House, Talker, made


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def mo(house: House) -> Talker:
    """A moderator of the server, at home elsewhere than the others."""
    return somewhere(house, "198.51.100.7", token=house.account("Mo", "moderator"))


def somewhere(house: House, address: str | None, **hello: Any) -> Talker:
    talker = Talker(house, address)
    talker.welcome = talker.ask("hello", **hello)
    return talker


# Bans of users.


@pytest.mark.parametrize("by", ["name", "id"])
@pytest.mark.parametrize("who", ["guest", "account"])
def test_who_is_banned_is_closed_and_does_not_get_in(house, mo, who, by):
    bob = house.json("Bob") if who == "guest" else house.member("Bob")
    token = bob.token if who == "guest" else house.login("Bob")
    devices = [bob, house.json(token=token)]
    mo.does("ban", user="Bob" if by == "name" else bob.id, reason="spam")
    for device in devices:
        assert device.outlet.closed == (4403, "you are banned from this server: spam")
        device.drop()
    again = Talker(house)
    answer = again.ask("hello", token=token)
    assert (answer["code"], answer["message"]) == ("banned", "you are banned from this server: spam")
    assert "retry_after" not in answer
    assert again.closed == 4403


def test_a_banned_account_does_not_get_in_by_password_or_plainly(house, mo):
    house.account("Bob")
    mo.does("ban", user="Bob")
    talker = Talker(house)
    assert talker.fails("login", name="Bob", password=PASSWORD) == "banned"
    assert talker.closed == 4403
    plain = house.plain(cookie=house.login("Bob"))
    house.settle()
    assert plain.outlet.closed[0] == 4403


def test_a_banned_guest_is_somebody_else_with_another_token_but_not_from_a_banned_address(house, mo):
    bob = house.json("Bob")
    mo.does("ban", user="Bob")
    bob.drop()
    again = house.json("Bob")
    assert again.id != bob.id
    mo.does("ban", address=ADDRESS)
    assert again.closed == 4403
    assert Talker(house).fails("hello", name="Rob") == "banned"


def test_a_ban_ends_by_itself_and_can_be_taken_back(house, mo):
    bob = house.json("Bob")
    token = bob.token
    mo.does("ban", user="Bob", until=house.now + 60_000)
    bob.drop()
    assert Talker(house).ask("hello", token=token)["retry_after"] == 60
    house.elapse(60)
    bob = house.json("Bob", token=token)
    mo.does("ban", user="Bob")
    bob.drop()
    assert Talker(house).fails("hello", token=token) == "banned"
    mo.does("ban", user=bob.id, until=0)
    house.json("Bob", token=token).does("join", room="lobby")
    assert mo.fails("ban", user=bob.id, until=0) == "not_found"


def test_a_ban_takes_the_place_of_the_one_before(house, mo):
    bob = house.json("Bob")
    mo.does("ban", user="Bob", until=house.now + 60_000)
    mo.does("ban", user=bob.id, until=house.now + 5_000)
    house.elapse(5)
    bob.drop()
    house.json("Bob", token=bob.token)


# Bans of addresses.


def test_a_banned_address_lets_nobody_in_but_who_runs_the_server(house, mo):
    inside = house.json("Ann")
    olga = house.member("Olga", "owner")
    elsewhere = somewhere(house, "203.0.113.1", name="Eve")
    unknown = somewhere(house, None, name="Uma")
    mo.does("ban", address=ADDRESS)
    assert inside.closed == 4403
    assert Talker(house).fails("hello", name="Bob") == "banned"
    assert Talker(house).fails("hello", token=house.account("Carl")) == "banned"
    plain = house.plain("Wes")
    house.settle()
    assert plain.outlet.closed[0] == 4403
    assert (olga.closed, elsewhere.closed, unknown.closed) == (None, None, None)
    mod = house.json(token=house.account("Max", "moderator"))
    assert mod.welcome["type"] == "welcome"
    mo.does("ban", address=ADDRESS, until=0)
    assert house.json("Bob").welcome["type"] == "welcome"


@pytest.mark.parametrize(
    ("address", "of"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("203.0.113.9/32", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3::4", "2001:0db8:0001:0002::/64"),
        ("2001:db8:1:2::/64", "2001:0db8:0001:0002::/64"),
    ],
)
def test_an_address_is_banned_however_it_is_written(house, mo, address, of):
    bob = somewhere(house, of, name="Bob")
    mo.does("ban", address=address)
    assert bob.closed == 4403


@pytest.mark.parametrize(
    "address", ["", "x", "203.0.113.0/24", "0.0.0.0/0", "2001:db8::/32", "::/0", "203.0.113"]
)
def test_what_is_no_address_is_not_banned(house, mo, address):
    bob = house.json("Bob")
    assert mo.fails("ban", address=address) == "bad_request"
    assert bob.closed is None


@pytest.mark.parametrize("fields", [{}, {"user": "Bob", "address": "203.0.113.9"}])
def test_a_ban_is_of_a_user_or_of_an_address(house, mo, fields):
    house.json("Bob")
    assert mo.fails("ban", **fields) == "bad_request"


# Against whom.


@pytest.mark.parametrize("asked", ["ban", "mute", "purge"])
@pytest.mark.parametrize(
    ("actor", "subject", "may"),
    [
        ("moderator", "owner", False),
        ("moderator", "moderator", False),
        ("moderator", "member", True),
        ("owner", "owner", False),
        ("owner", "moderator", True),
        ("owner", "member", True),
    ],
)
@pytest.mark.parametrize("online", [True, False])
def test_one_acts_downwards_only(house, asked, actor, subject, may, online):
    who = somewhere(house, "198.51.100.7", token=house.account("Who", actor))
    token = house.account("Vic", subject)
    vic = house.json(token=token) if online else None
    assert who.ask(asked, user="Vic").get("code") == (None if may else "forbidden")
    assert vic is None or vic.closed == (4403 if may and asked == "ban" else None)


@pytest.mark.parametrize("asked", ["ban", "mute", "purge"])
def test_nobody_acts_against_themselves(house, mo, asked):
    assert mo.fails(asked, user="Mo") == "forbidden"


@pytest.mark.parametrize("asked", ["ban", "mute", "purge"])
def test_somebody_who_is_nobody_is_not_found(house, mo, asked):
    assert mo.fails(asked, user="Nobody") == "not_found"


# Mutes.


def test_who_is_muted_says_nothing_in_any_room(house, mo):
    bob = house.json("Bob")
    private = made(bob, kind="private")
    direct = bob.does("post", to="Mo", text="x")["room"]
    mo.does("mute", user="Bob", until=house.now + 30_000, reason="calm down")
    for room in ("lobby", private, direct):
        answer = bob.ask("post", room=room, text="x")
        assert (answer["code"], answer["retry_after"]) == ("muted", 30)
    assert bob.fails("post", to="Mo", text="x") == "muted"
    bob.does("join", room="lobby")
    house.elapse(30)
    bob.does("post", room="lobby", text="x")


def test_a_mute_that_another_process_imposes_holds_half_a_second_later(house):
    bob = house.json("Bob")
    house.registry.impose(Sanction("mute", EVERYWHERE, bob.id, house.now, "u0"))
    house.elapse(0.5)
    assert bob.fails("post", room="lobby", text="x") == "muted"
    house.registry.lift("mute", EVERYWHERE, bob.id)
    house.elapse(0.5)
    bob.does("post", room="lobby", text="x")


# The audit log.


def test_what_moderators_do_is_noted(house, mo):
    bob = house.json("Bob")
    seq = bob.does("post", room="lobby", text="x")["seq"]
    bob.does("report", room="lobby", seq=seq)
    mo.does("mute", user="Bob", until=house.now + 5, reason="calm")
    mo.does("delete", room="lobby", seq=seq)
    mo.does("purge", user="Bob")
    mo.does("report.close", report=1)
    mo.does("ban", address="203.0.113.9")
    mo.does("ban", user="Bob", reason="spam")
    deeds = mo.does("audit")["deeds"]
    assert [(deed["what"], deed["subject"]) for deed in deeds] == [
        ("ban", bob.id),
        ("ban", "address:203.0.113.9"),
        ("report.close", "1"),
        ("purge", bob.id),
        ("mute", bob.id),
    ]
    assert deeds[0]["detail"] == "spam"
    assert deeds[-1]["detail"] == f"until {house.now + 5} calm"
    assert {deed["by"] for deed in deeds} == {mo.id}


def test_the_audit_log_is_read_in_pages(house, mo):
    for n in range(5):
        house.elapse(1)
        mo.does("ban", address=f"203.0.113.{n}")
    page = mo.does("audit", limit=2)["deeds"]
    assert [one["subject"][-1] for one in page] == ["4", "3"]
    page = mo.does("audit", limit=2, before=page[-1]["at"])["deeds"]
    assert [one["subject"][-1] for one in page] == ["2", "1"]


# What other processes do.


@pytest.mark.parametrize("what", ["user", "address"])
def test_a_ban_by_another_process_closes_half_a_second_later(house, what):
    bob, plain = house.json("Bob"), house.plain("Wes")
    house.settle()
    subject = bob.id if what == "user" else f"address:{ADDRESS}"
    house.registry.impose(Sanction("ban", EVERYWHERE, subject, house.now, "command line", None, "spam"))
    assert bob.closed is None
    house.elapse(0.5)
    assert bob.outlet.closed == (4403, "you are banned from this server: spam")
    assert (plain.outlet.closed is not None) == (what == "address")


def test_who_is_demoted_elsewhere_moderates_no_more(house, mo):
    bob = house.json("Bob")
    roles: tuple[Role, ...] = ("member", "owner")
    for role in roles:
        house.registry.set_role(mo.id, role)
        house.elapse(0.5)
        assert mo.ask("mute", user="Bob").get("code") == ("forbidden" if role == "member" else None)
    assert bob.closed is None


def test_a_demoted_moderator_no_longer_comes_in_from_a_banned_address(house):
    max_ = house.member("Max", "moderator")
    house.registry.impose(Sanction("ban", EVERYWHERE, f"address:{ADDRESS}", house.now, "u0"))
    house.elapse(0.5)
    assert max_.closed is None
    house.registry.set_role(max_.id, "member")
    house.elapse(0.5)
    assert max_.closed == 4403


def test_requests_of_who_was_closed_are_not_carried_out(house, mo):
    bob = house.json("Bob")
    mo.does("ban", user="Bob")
    bob.say("post", room="lobby", text="x")
    bob.say("hello", token=bob.token)
    house.settle()
    assert house.log() == []


def test_moderation_is_metered_like_all_else():
    house = House(limited(["requests_per_second=1"], unmetered=True))
    mo = house.member("Mo", "moderator")
    codes = [mo.ask("reports").get("code") for _ in range(4)]
    assert codes == [None, None, "rate_limited", "rate_limited"]
