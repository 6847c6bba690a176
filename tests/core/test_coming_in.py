"""Coming in takes its time: by password, before the server is ready, while things change."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from chatroom import attempts
from chatroom.domain.accounts import Sanction
from chatroom.domain.errors import Unavailable
from chatroom.domain.limits import limited

from ..logs import Logs
from ..store.keeping import outcome
from ..store.memory import MemoryStore
from ..store.memory_registry import MemoryRegistry
from .house import PASSWORD, House, Talker


@pytest.fixture
def house() -> House:
    return House()


# Passwords.


def test_an_account_comes_in_by_its_password(house):
    house.account("Ana")
    talker = Talker(house)
    welcome = talker.ask("login", name=" ana ", password=PASSWORD, client="a test")
    assert welcome["user"]["name"] == "Ana"
    assert house.json(token=welcome["token"]).id == welcome["user"]["id"]


@pytest.mark.parametrize(("name", "password"), [("Ana", "wrong"), ("Nobody", PASSWORD), ("Robot", "")])
def test_a_wrong_password_and_an_unknown_name_are_answered_alike(house, name, password):
    house.account("Ana")
    house.key(account=house.known("Ana").id)
    answers = [Talker(house).ask("login", name=name, password=password)]
    answers.append(Talker(house).ask("login", name="Ana", password="very wrong"))
    assert answers[0] == answers[1]
    assert answers[0]["code"] == "bad_token"


def test_a_wrong_password_may_be_tried_again_on_the_same_connection(house):
    house.account("Ana")
    talker = Talker(house)
    assert talker.fails("login", name="Ana", password="x") == "bad_token"
    assert talker.ask("login", name="Ana", password=PASSWORD)["type"] == "welcome"


def test_who_guesses_is_slowed_down_and_not_closed(house):
    house.account("Ana")
    talker = Talker(house)
    for _ in range(attempts.FREE + 1):
        assert talker.fails("login", name="Ana", password="x") == "bad_token"
    answer = talker.ask("login", name="Ana", password=PASSWORD)
    assert (answer["code"], answer["retry_after"]) == ("rate_limited", attempts.FIRST_WAIT)
    assert talker.closed is None
    house.elapse(attempts.FIRST_WAIT)
    assert talker.ask("login", name="Ana", password=PASSWORD)["type"] == "welcome"


def test_logins_from_one_address_are_metered():
    house = House(limited(["logins_per_minute=3"], unmetered=True))
    codes = [Talker(house).fails("login", name=f"Nobody {n}", password="x") for n in range(4)]
    assert codes == ["bad_token"] * 3 + ["rate_limited"]


def test_who_waits_for_their_password_to_be_checked_is_not_too_late():
    registry = MemoryRegistry(MemoryStore())
    house = House(registry=registry)
    house.account("Ana")
    registry.stepped = True
    talker = Talker(house)
    number = talker.say("login", name="Ana", password=PASSWORD)
    house.clock.advance(house.chat.limits.hello_timeout * 3)
    assert talker.closed is None
    house.settle()
    assert talker.answer(number)["type"] == "welcome"


def test_after_a_wrong_password_the_time_for_hello_begins_anew(house):
    talker = Talker(house)
    house.elapse(9)
    talker.fails("login", name="Ana", password="x")
    house.elapse(9.9)
    assert talker.closed is None
    house.elapse(0.1)
    assert talker.outlet.closed == (4401, "no hello in time")


def test_a_name_that_is_none_is_no_account(house):
    assert Talker(house).fails("login", name="\u202e", password="x") == "bad_request"


# Before the server is ready.


class Waking:
    """A house whose registry is not there yet."""

    def __init__(self, **options) -> None:
        self.registry = MemoryRegistry(MemoryStore())
        names = House()
        self.registry.add_account(names.known("Ana"), f"plain {PASSWORD}")
        self.registry.broken = Unavailable("not yet", 1)
        with Logs() as logs:
            self.house = House(registry=self.registry, **options)
        assert len(logs.events) == 1

    def wake(self) -> None:
        self.registry.broken = None
        self.house.elapse(1)


def test_nobody_is_in_before_it_is_known_whose_the_names_are():
    waking = Waking()
    house = waking.house
    talkers = [Talker(house) for _ in range(3)]
    asked = [
        talkers[0].say("hello", name="Ana"),
        talkers[1].say("hello", name="Bob"),
        talkers[2].say("login", name="Ana", password=PASSWORD),
    ]
    plain = house.plain("Ana")
    house.elapse(30)
    assert [talker.hear() for talker in talkers] == [[], [], []]
    assert not list(house.people.everybody())
    waking.wake()
    answers = [talker.answer(number) for talker, number in zip(talkers, asked, strict=True)]
    assert answers[0]["code"] == "name_taken"
    assert [one["type"] for one in answers[1:]] == ["welcome", "welcome"]
    plain.say("x")
    house.settle()
    assert house.log()[0].by.name == "Ana-2"


@pytest.mark.parametrize("how", ["hello", "login"])
def test_a_ban_holds_for_who_came_before_the_server_was_ready(how):
    waking = Waking()
    house, user = waking.house, waking.house.known("Ana").id
    waking.registry.broken = None
    waking.registry.impose(Sanction("ban", "", user, 0, "u0"))
    waking.registry.broken = Unavailable("not yet", 1)
    talker = Talker(house)
    fields = {"name": "Ana", "password": PASSWORD} if how == "login" else {"name": "Guest"}
    number = talker.say(how, **fields)
    waking.wake()
    assert talker.answer(number)["type"] == ("error" if how == "login" else "welcome")
    assert talker.closed == (4403 if how == "login" else None)


def test_who_goes_away_before_the_server_is_ready_is_not_waited_for():
    waking = Waking()
    talker, plain = Talker(waking.house), waking.house.plain("Bob")
    talker.say("hello", name="Ana")
    talker.drop()
    plain.drop()
    waking.wake()
    assert waking.house.empty()


# What is changed while somebody comes in.


class Late(MemoryRegistry):
    """Says whose login a token is only when it is let, and then what was true when it was asked."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.held: list[tuple[Deferred[Any], Any]] | None = None

    def login(self, digest: str, now: int) -> Deferred[Any]:
        found = super().login(digest, now)
        if self.held is None:
            return found
        later: Deferred[Any] = Deferred()
        self.held.append((later, outcome(found)))
        return later

    def let(self) -> None:
        held, self.held = self.held, None
        assert held
        for later, answer in held:
            later.callback(answer)


@pytest.fixture
def late() -> tuple[House, Late, str]:
    registry = Late()
    house = House(registry=registry)
    token = house.account("Ana")
    registry.held = []
    return house, registry, token


def log_out(house: House) -> None:
    """Every device of Ana's, from elsewhere."""
    house.registry.close_logins(house.known("Ana").id)
    house.elapse(0.5)


def test_who_is_logged_out_while_they_come_in_does_not_come_in(late):
    house, registry, token = late
    talker = Talker(house)
    number = talker.say("hello", token=token)
    log_out(house)
    registry.let()
    assert talker.answer(number)["code"] == "bad_token"
    assert not list(house.people.everybody())


def test_who_is_logged_out_while_they_come_in_by_cookie_is_a_guest(late):
    house, registry, token = late
    talker = Talker(house, cookie=token)
    number = talker.say("hello")
    log_out(house)
    registry.let()
    assert talker.answer(number)["user"]["kind"] == "guest"


def test_who_is_logged_out_while_their_password_is_checked_does_not_come_in(late):
    house, registry, _token = late
    talker = Talker(house)
    number = talker.say("login", name="Ana", password=PASSWORD)
    log_out(house)
    registry.let()
    assert talker.answer(number)["code"] == "bad_token"


def test_who_is_banned_while_they_come_in_does_not_come_in(late):
    house, registry, token = late
    talker = Talker(house)
    number = talker.say("hello", token=token)
    registry.impose(Sanction("ban", "", house.known("Ana").id, 0, "u0"))
    house.elapse(0.5)
    registry.let()
    assert (talker.answer(number)["code"], talker.closed) == ("banned", 4403)


def test_whose_role_is_changed_while_they_come_in_has_the_new_one(late):
    house, registry, token = late
    talker = Talker(house)
    number = talker.say("hello", token=token)
    registry.set_role(house.known("Ana").id, "moderator")
    house.elapse(0.5)
    registry.let()
    assert talker.answer(number)["role"] == "moderator"
