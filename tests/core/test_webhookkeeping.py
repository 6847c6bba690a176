"""Webhooks as moderators and programs keep them."""

from __future__ import annotations

from typing import Any

import pytest

from chatroom.domain.accounts import Principal
from chatroom.domain.errors import BadRequest, Conflict, Forbidden, NameTaken, NotFound
from chatroom.domain.model import Role, User
from chatroom.domain.webhooks import Letter, Progress

from .house import made
from .receiving import Telling

URL = "https://example.org/chat"


@pytest.fixture
def house() -> Telling:
    return Telling()


def somebody(house: Telling, role: Role = "moderator", *scopes: str) -> Principal:
    return Principal(User("u" + "1" * 24, "Mo", "user"), role, scopes=scopes or None)


def does(house: Telling, what: str, *arguments: Any) -> Any:
    keeping = house.core.webhook_keeping
    assert keeping is not None
    return house.done(getattr(keeping, what)(*arguments))


def test_a_webhook_that_is_made_is_told_at_once_until_it_is_removed(house):
    mo = somebody(house)
    hook = does(house, "add", mo, URL, ["*"], ["message"])
    assert (hook.name, hook.rooms, hook.events) == ("example.org", ("*",), ("message",))
    house.json("Ana").does("post", room="lobby", text="a")
    assert does(house, "webhooks", mo) == [hook]
    does(house, "remove", mo, hook.id)
    house.json("Bob").does("post", room="lobby", text="b")
    assert house.courier.texts() == ["a"]
    assert [deed.what for deed in house.registry._deeds] == ["webhook.add", "webhook.remove"]
    assert hook.secret not in str(house.registry._deeds)


def test_it_is_for_moderators_and_keys_that_may(house):
    for principal in (somebody(house, "member"), somebody(house, "moderator", "publish:*", "manage:users")):
        for what, arguments in {
            "webhooks": (),
            "add": (URL, ["*"], ["message"]),
            "remove": ("w1",),
            "enable": ("w1",),
            "dead": ("w1",),
            "resend": ("w1",),
        }.items():
            with pytest.raises(Forbidden):
                does(house, what, principal, *arguments)
    does(house, "add", somebody(house, "member", "manage:webhooks"), URL, ["*"], ["message"])


def test_a_private_room_is_for_who_may_read_there(house):
    ana = house.member("Ana", "owner")
    den = made(ana, "den", kind="private")
    other = somebody(house, "owner")
    with pytest.raises(NotFound):
        does(house, "add", other, URL, [den], ["message"])
    with pytest.raises(Forbidden):
        does(house, "add", somebody(house, "owner", "manage:webhooks"), URL, [den], ["message"])
    hers = Principal(User(ana.id, "Ana", "user"), "owner")
    assert does(house, "add", hers, URL, [den], ["message"]).rooms == (den,)


def test_it_takes_nobodys_name(house):
    house.account("Bob")
    house.hook(name="Otto")
    for name in ("Bob", "otto"):
        with pytest.raises(NameTaken):
            does(house, "add", somebody(house), URL, ["*"], ["direct"], name)


def test_what_is_no_webhook_is_refused(house):
    for url, rooms, events in (
        (URL, [], ["message"]),
        (URL, ["*"], ["shout"]),
        ("ftp://x/", ["*"], ["message"]),
    ):
        with pytest.raises(BadRequest):
            does(house, "add", somebody(house), url, rooms, events)


def test_one_that_is_disabled_is_enabled(house):
    mo = somebody(house)
    hook = does(house, "add", mo, URL, ["*"], ["message"])
    with pytest.raises(Conflict):
        does(house, "enable", mo, hook.id)
    house.kept.set_webhook(hook.id, house.now, "it answered 410")
    does(house, "enable", mo, hook.id)
    house.json("Ana").does("post", room="lobby", text="a")
    assert house.courier.texts() == ["a"]


def test_dead_letters_are_listed_and_told_again(house):
    mo = somebody(house)
    hook = does(house, "add", mo, URL, ["*"], ["message", "connected"])
    letters = [Letter(0, hook.id, "lobby", 0, 1, None, "{}", 2, "it answered 500") for _ in range(2)]
    house.kept.keep(Progress({}, dead=letters))
    first, second = does(house, "dead", mo, hook.id)
    assert does(house, "dead", mo, hook.id, 1) == [first]
    assert does(house, "resend", mo, hook.id, second.id) == 1
    assert does(house, "resend", mo, hook.id) == 1
    assert len(house.courier.sent) == 2
    for what in ("remove", "enable", "dead", "resend"):
        with pytest.raises(NotFound):
            does(house, what, mo, "w0")
