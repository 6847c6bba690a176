"""Making accounts, by invitation or without one."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from chatroom import tokens
from chatroom.accountkeeping import DAY
from chatroom.domain.accounts import Invitation, Principal
from chatroom.domain.errors import (
    BadRequest,
    BadToken,
    ChatError,
    Forbidden,
    NameTaken,
    NotFound,
    RateLimited,
)

from .house import PASSWORD, House, Talker
from .site import JWT, FakeSite, Told


@pytest.fixture
def house() -> House:
    return House(sign_up="open")


def sign_up(house: House, name: str, invitation: str | None = None, password: str = PASSWORD) -> Any:
    return house.done(house.core.accounts.sign_up(name, password, invitation, "a test", "192.0.2.1"))


def principal(house: House, talker: Talker) -> Principal:
    return house.people.connections(talker.id)[0].principal


def invite(house: House, talker: Talker, *asked: Any) -> str:
    return str(house.done(house.core.accounts.invite(principal(house, talker), *asked)))


def test_who_signs_up_is_logged_in(house):
    entry = sign_up(house, "  Ana  ")
    welcome = house.json(token=entry.token).welcome
    assert welcome["user"] == {"id": entry.principal.user.id, "name": "Ana", "kind": "user"}
    assert welcome["role"] == "member"


@pytest.mark.parametrize("name", ["ana", "\u0410na", "An\u200da"])
def test_an_accounts_name_is_one_persons(house, name):
    sign_up(house, "Ana")
    with pytest.raises(NameTaken):
        sign_up(house, name)


def test_a_guest_signs_up_by_the_name_they_have(house):
    guest = house.json("Ana")
    entry = sign_up(house, "Ana")
    assert guest.closed is None
    guest.drop()
    assert house.json(token=entry.token).welcome["user"]["name"] == "Ana"


@pytest.mark.parametrize(
    ("name", "password"), [("", PASSWORD), ("\u202e", PASSWORD), ("Ana", "short"), ("Ana", "")]
)
def test_what_cannot_be_is_said_and_uses_no_invitation_up(house, name, password):
    invitation = invite(house, house.member("Olga", "owner"))
    with pytest.raises(BadRequest):
        sign_up(house, name, invitation, password)
    sign_up(house, "Ana", invitation)


@pytest.mark.parametrize("mode", ["invited", "closed"])
def test_without_an_invitation_nobody_signs_up_where_it_needs_one(mode):
    with pytest.raises(Forbidden):
        sign_up(House(sign_up=mode), "Ana")


@pytest.mark.parametrize("mode", ["open", "invited"])
def test_an_invitation_is_good_as_often_as_it_says(mode):
    house = House(sign_up=mode)
    invitation = invite(house, house.member("Mo", "moderator"), "member", None, 2)
    for name in ("Ana", "Bob"):
        assert sign_up(house, name, invitation).principal.role == "member"
    with pytest.raises(BadToken):
        sign_up(house, "Carl", invitation)


def test_an_invitation_runs_out(house):
    invitation = invite(house, house.member("Olga", "owner"), "member", None, 1, 3)
    house.elapse(3 * DAY / 1000)
    with pytest.raises(BadToken):
        sign_up(house, "Ana", invitation)


@pytest.mark.parametrize("invitation", ["", "x", "ci_" + "x" * 43, "cs_" + "x" * 43])
def test_what_is_no_invitation_is_refused_even_where_none_is_needed(house, invitation):
    with pytest.raises(BadToken):
        sign_up(house, "Ana", invitation)


@pytest.mark.parametrize(
    ("inviter", "role", "may"),
    [
        ("owner", "owner", True),
        ("owner", "moderator", True),
        ("owner", "member", True),
        ("moderator", "owner", False),
        ("moderator", "moderator", False),
        ("moderator", "member", True),
        ("member", "member", False),
    ],
)
def test_nobody_invites_to_more_than_they_may_give(house, inviter, role, may):
    talker = house.member("Inviter", inviter)
    if may:
        assert sign_up(house, "Ana", invite(house, talker, role)).principal.role == role
    else:
        with pytest.raises(Forbidden):
            invite(house, talker, role)


def test_nobody_is_invited_to_an_account_that_is_a_guests(house):
    with pytest.raises(BadRequest):
        invite(house, house.member("Olga", "owner"), "guest")


def test_an_invitation_into_a_room_gives_a_place_there(house):
    olga = house.member("Olga", "owner")
    room = olga.does("room.create", room="plans", kind="private")["room"]["name"]
    entry = sign_up(house, "Ana", invite(house, olga, "member", room))
    assert house.json(token=entry.token).does("join", room=room)["room"]["kind"] == "private"


def test_nobody_invites_into_a_room_that_they_could_not_invite_into(house):
    room = house.member("Ana").does("room.create", room="plans", kind="private")["room"]["name"]
    olga = house.member("Olga", "owner")
    for asked in (room, "~no-such-room"):
        with pytest.raises(NotFound):
            invite(house, olga, "member", asked)
    house.place(room, olga.id, "member")
    with pytest.raises(Forbidden):
        invite(house, olga, "member", room)


def test_a_key_and_a_bounded_site_user_invite_nobody_whatever_their_role():
    site = FakeSite()
    site.known[JWT] = Told(role="owner", rooms=("lobby",))
    house = House(site=site)
    owner = house.member("Olga", "owner")
    for talker in (house.json(token=JWT), house.json(token=house.key("publish:*", account=owner.id))):
        with pytest.raises(Forbidden):
            house.done(house.core.accounts.invite(house.people.connections(talker.id)[-1].principal))


def test_a_server_without_an_owner_gives_one_invitation_to_own_it(house):
    house.account("Ana", "moderator")
    token = house.done(house.core.first_owner())
    assert sign_up(house, "Olga", token).principal.role == "owner"
    assert house.done(house.core.first_owner()) is None
    with pytest.raises(BadToken):
        sign_up(house, "Eve", token)


def test_an_invitation_that_is_used_up_while_somebody_types_is_said(house):
    """Two people with one link, at the same moment."""
    invitation = invite(house, house.member("Olga", "owner"))
    digest = tokens.digest(invitation)
    house.registry._invitations[digest] = Invitation("member", house.now + DAY, 1)
    house.registry.stepped = True
    asked = [house.core.accounts.sign_up(name, PASSWORD, invitation, None, None) for name in ("Ana", "Bob")]
    found: list[Any] = []
    for one in asked:
        Deferred.fromCoroutine(one).addBoth(found.append)
    house.settle()
    assert sorted(isinstance(getattr(one, "value", None), ChatError) for one in found) == [False, True]


def test_wrong_passwords_for_a_name_slow_down_their_address_only(house):
    house.account("Ana")

    def try_from(address: str, password: str) -> Any:
        return house.done(house.core.accounts.log_in("Ana", password, None, address))

    for _ in range(5):
        with pytest.raises(BadToken):
            try_from("203.0.113.1", "x")
    with pytest.raises(RateLimited):
        try_from("203.0.113.1", PASSWORD)
    assert try_from("203.0.113.2", PASSWORD).principal.user.name == "Ana"


def test_logging_out_by_a_token_ends_that_login_and_a_token_that_is_none_is_no_matter(house):
    here = house.json(token=house.account("Ana"))
    token = house.login("Ana")
    there = house.json(token=token)
    house.done(house.core.accounts.log_out(token))
    house.done(house.core.accounts.log_out(token))
    assert (here.closed, there.closed) == (None, 4401)
