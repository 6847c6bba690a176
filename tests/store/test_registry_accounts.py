"""What `chatroom.domain.registry.Accounts` promises, of the real one and the tests' own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from chatroom.domain.accounts import Account
from chatroom.domain.errors import BadToken, NameTaken, NotFound
from chatroom.domain.events import MemberChanged, Tally
from chatroom.domain.model import By
from chatroom.domain.registry import APART, SEEN_EVERY, USED_EVERY

from .drafts import ANA, BOB, deleted, edited, reacted, said
from .registries import (
    DAY,
    KINDS,
    NOW,
    account,
    append,
    changed,
    invitation,
    kept_by,
    key,
    login,
    place,
    record,
    refused,
)

# Accounts.


def test_an_account_is_found_by_its_id_and_by_its_name(registry, ana):
    assert registry.account(ana.id) == ana
    assert registry.account_named("ana") == (ana, "hash of Ana's")


@pytest.mark.parametrize("kind", ["user", "bot"])
@pytest.mark.parametrize("role", ["owner", "moderator", "member"])
def test_an_account_is_kept_as_it_is(registry, kind, role):
    made = account("Zoë 👋", kind=kind, role=role)
    registry.add_account(made, None)
    assert registry.account_named(made.key) == (made, None)


def test_an_account_that_is_not_there_is_none(registry, ana):
    assert registry.account("u0") is None
    assert registry.account_named("Ana") is None, "a name is not its key"
    assert registry.account_named("") is None


def test_no_two_accounts_share_a_names_key(registry, ana):
    with pytest.raises(NameTaken):
        registry.add_account(account("ANA"), "other")
    assert registry.account_named("ana") == (ana, "hash of Ana's")
    assert registry.accounts() == [ana]


def test_accounts_are_listed_by_name_in_pages(registry):
    made = [account(name) for name in ("dora", "Ana", "carl", "Bob", "Eve")]
    for one in made:
        registry.add_account(one, None)
    names, after = [], ""
    while page := registry.accounts(after, 2):
        assert len(page) <= 2
        names += [one.name for one in page]
        after = page[-1].key
    assert names == ["Ana", "Bob", "carl", "dora", "Eve"]


def test_a_role_is_changed(registry, ana):
    registry.set_role(ana.id, "moderator")
    assert registry.account(ana.id) == structs.replace(ana, role="moderator")


def test_there_is_an_owner_once_somebody_is_one(registry, ana):
    assert registry.has_owner() is False
    registry.set_role(ana.id, "owner")
    assert registry.has_owner() is True
    registry.delete_account(ana.id, "gone")
    assert registry.has_owner() is False


@pytest.mark.parametrize(
    ("method", "arguments"),
    [("set_password", ["h"]), ("set_role", ["owner"]), ("delete_account", ["gone"]), ("close_login", ["x"])],
)
def test_what_is_done_to_an_account_that_is_not_there_is_refused(registry, ana, method, arguments):
    assert changed(registry, lambda: refused(NotFound, getattr(registry, method), "u0", *arguments)) == []
    registry.delete_account(ana.id, "gone")
    assert changed(registry, lambda: refused(NotFound, getattr(registry, method), ana.id, *arguments)) == []


def test_who_is_gone_has_put_nothing_under_messages(kept, registry, ana, bob):
    append(kept, said("x"), *[reacted(1, by=By(one.id, one.name)) for one in (ana, bob)])
    registry.delete_account(ana.id, "gone")
    page = kept.wait(kept.store.after("lobby", 0, 1))
    assert page.events[0].reactions == (Tally("👍", (bob.id,), 1),)
    assert registry.reactions_of(ana.id, None, 9) == []


# Logins.


def test_a_token_tells_whose_it_is(registry, ana, bob):
    mine, other = login(ana), login(bob)
    registry.open_login(mine, "d1")
    registry.open_login(other, "d2")
    assert registry.login("d1", NOW) == (ana, mine)
    assert registry.login("d2", NOW) == (bob, other)
    assert registry.login("d3", NOW) is None


def test_a_login_runs_out(registry, ana):
    mine = login(ana)
    registry.open_login(mine, "d1")
    assert registry.login("d1", mine.until - 1) is not None
    assert registry.login("d1", mine.until) is None


def test_when_a_login_was_seen_is_kept_to_five_minutes(registry, ana):
    registry.open_login(login(ana), "d1")
    for now, seen in [
        (NOW + 1000, NOW),
        (NOW + SEEN_EVERY - 1, NOW),
        (NOW + SEEN_EVERY, NOW + SEEN_EVERY),
        (NOW + SEEN_EVERY + 1, NOW + SEEN_EVERY),
        (NOW, NOW + SEEN_EVERY),
    ]:
        assert registry.login("d1", now)[1].seen == seen
        assert [one.seen for one in registry.logins(ana.id)] == [seen]


def test_many_logins_at_once_are_all_seen(kept, registry, ana):
    logins = [login(ana, created=NOW - number) for number in range(50)]
    for number, one in enumerate(logins):
        registry.open_login(one, f"d{number}")
    waiting = [kept.registry.login(f"d{number}", NOW + SEEN_EVERY) for number in range(50)]
    assert [kept.wait(done)[1].id for done in waiting] == [one.id for one in logins]
    assert {one.seen for one in registry.logins(ana.id)} == {NOW + SEEN_EVERY}


def test_the_devices_of_an_account_are_listed_newest_first(registry, ana, bob):
    logins = [login(ana, created=NOW + number, seen=NOW + number) for number in range(3)]
    for number, one in enumerate(logins):
        registry.open_login(one, f"d{number}")
    registry.open_login(login(bob), "d9")
    assert registry.logins(ana.id) == logins[::-1]


def test_a_login_is_ended(registry, ana, bob):
    mine, other = login(ana), login(ana)
    registry.open_login(mine, "d1")
    registry.open_login(other, "d2")
    refused(NotFound, registry.close_login, bob.id, mine.id)
    registry.close_login(ana.id, mine.id)
    assert registry.login("d1", NOW) is None
    assert registry.logins(ana.id) == [other]
    refused(NotFound, registry.close_login, ana.id, mine.id)


@pytest.mark.parametrize("keep", [True, False])
def test_all_logins_are_ended_but_one(registry, ana, bob, keep):
    mine = [login(ana), login(ana), login(ana)]
    other = login(bob)
    for number, one in enumerate([*mine, other]):
        registry.open_login(one, f"d{number}")
    left = changed(registry, lambda: registry.close_logins(ana.id, mine[1].id if keep else None))
    ended = [mine[0], mine[2]] if keep else mine
    assert left == [("login", one.id) for one in ended]
    assert registry.logins(ana.id) == ([mine[1]] if keep else [])
    assert registry.logins(bob.id) == [other]


def test_a_new_password_ends_all_logins_but_one(registry, ana):
    mine = [login(ana), login(ana)]
    for number, one in enumerate(mine):
        registry.open_login(one, f"d{number}")
    registry.set_password(ana.id, "new hash", mine[1].id)
    assert registry.account_named("ana") == (ana, "new hash")
    assert registry.logins(ana.id) == [mine[1]]
    registry.set_password(ana.id, "newer hash")
    assert registry.logins(ana.id) == []


def test_a_login_that_has_run_out_is_forgotten_when_another_comes(registry, ana):
    old = login(ana)
    registry.open_login(old, "d1")
    # The other node's clock may be ahead.
    registry.open_login(login(ana, created=old.until + APART - 1, until=old.until + APART), "early")
    assert old in registry.logins(ana.id)
    new = login(ana, created=old.until + APART, until=old.until + DAY)
    assert changed(registry, lambda: registry.open_login(new, "d2")) == [("login", old.id)]
    assert old not in registry.logins(ana.id)


# Keys.


def test_a_key_tells_whose_it_is_and_what_it_may(registry, ana):
    mine = key(ana)
    registry.add_key(mine, "d1")
    assert registry.key("d1", NOW) == (structs.replace(mine, used=NOW), ana)
    assert registry.key("d2", NOW) is None


def test_when_a_key_was_used_is_kept_to_a_minute(registry, ana):
    registry.add_key(key(ana), "d1")
    assert registry.keys()[0].used is None
    for now, used in [
        (NOW, NOW),
        (NOW + USED_EVERY - 1, NOW),
        (NOW + USED_EVERY, NOW + USED_EVERY),
        (NOW + USED_EVERY + 1, NOW + USED_EVERY),
    ]:
        assert registry.key("d1", now)[0].used == used
        (listed,) = registry.keys()
        assert listed.used == used


def test_a_revoked_key_lets_nobody_in_and_is_still_listed(registry, ana):
    mine, other = key(ana), key(ana, "other", scopes=())
    registry.add_key(mine, "d1")
    registry.add_key(other, "d2")
    revoked = structs.replace(mine, revoked=NOW + 5)
    assert registry.revoke_key("sensor", NOW + 5) == revoked
    assert registry.key("d1", NOW) is None
    assert registry.keys() == [other, revoked]
    refused(NotFound, registry.revoke_key, "sensor", NOW)
    refused(NotFound, registry.revoke_key, "none", NOW)


def test_a_keys_name_is_free_again_once_it_is_revoked(registry, ana):
    first, second = key(ana), key(ana)
    registry.add_key(first, "d1")
    refused(NameTaken, registry.add_key, second, "d2")
    registry.revoke_key("sensor", NOW)
    registry.add_key(second, "d2")
    assert registry.key("d2", NOW)[0].id == second.id
    registry.revoke_key("sensor", NOW)
    first, second = registry.keys()
    assert (first.revoked, second.revoked) == (NOW, NOW)


# Invitations.


def test_an_invitation_is_good_until_it_runs_out(registry):
    made = invitation(role="moderator", uses=3, room="~den-x")
    registry.add_invitation(made, "d1")
    assert registry.invitation("d1", NOW) == made
    assert registry.invitation("d1", made.until - 1) == made
    assert registry.invitation("d1", made.until) is None
    assert registry.invitation("d2", NOW) is None


def test_an_invitation_is_used_up(registry):
    registry.add_invitation(invitation(uses=2), "d1")
    registry.sign_up(account("Ana"), "h", "d1", NOW)
    assert registry.invitation("d1", NOW).uses == 1
    registry.sign_up(account("Bob"), "h", "d1", NOW)
    assert registry.invitation("d1", NOW) is None
    refused(BadToken, registry.sign_up, account("Carl"), "h", "d1", NOW)
    assert [one.name for one in registry.accounts()] == ["Ana", "Bob"]


def test_nobody_signs_up_by_an_invitation_that_is_none(registry):
    made = invitation()
    registry.add_invitation(made, "d1")
    refused(BadToken, registry.sign_up, account("Ana"), "h", "d1", made.until)
    refused(BadToken, registry.sign_up, account("Ana"), "h", "d2", NOW)
    assert registry.accounts() == []


def test_signing_up_without_an_invitation_makes_the_account(registry):
    made = account("Ana", role="member")
    assert changed(registry, lambda: registry.sign_up(made, "h", None, NOW)) == [("account", made.id)]
    assert registry.account_named("ana") == (made, "h")


def test_a_name_that_is_taken_uses_no_invitation_up(registry, ana):
    registry.add_invitation(invitation(), "d1")
    refused(NameTaken, registry.sign_up, account("ana"), "h", "d1", NOW)
    registry.sign_up(account("Bob"), "h", "d1", NOW)
    assert [one.name for one in registry.accounts()] == ["Ana", "Bob"]


def test_an_invitation_into_a_room_gives_a_place_there(registry):
    registry.create_room(record("~den-x", kind="private"), [place("~den-x", "u1", "owner")])
    registry.add_invitation(invitation(role="moderator", room="~den-x"), "d1")
    made = account("Bob", role="moderator")
    left = changed(registry, lambda: registry.sign_up(made, "h", "d1", NOW))
    assert left == [("account", made.id), ("membership", f"~den-x {made.id}")]
    assert registry.memberships_of(made.id) == [place("~den-x", made.id, name="Bob", kind="user")]


@given(uses=st.integers(1, 4), people=st.integers(0, 8))
@settings(max_examples=10)
@pytest.mark.parametrize("kind", KINDS)
def test_of_many_who_sign_up_at_once_as_many_come_in_as_were_invited(kind, uses, people, tmp_path_factory):
    kept = kept_by(kind, tmp_path_factory.mktemp("store"))
    try:
        kept.wait(kept.registry.add_invitation(invitation(uses=uses), "d1"))
        waiting = [kept.registry.sign_up(account(f"P{n}"), "h", "d1", NOW) for n in range(people)]
        outcomes = []
        for done in waiting:
            try:
                outcomes.append(kept.wait(done))
            except BadToken:
                outcomes.append("refused")
        assert outcomes.count(None) == min(uses, people)
        assert len(kept.wait(kept.registry.accounts())) == min(uses, people)
        assert (kept.wait(kept.registry.invitation("d1", NOW)) is None) == (people >= uses)
    finally:
        kept.close()


# Deleting an account.


def test_a_deleted_account_has_nothing_any_more(registry, ana, bob):
    registry.open_login(login(ana), "d1")
    registry.add_key(key(ana), "d2")
    registry.create_room(record("den"), [place("den", ana.id, "owner"), place("den", bob.id)])
    registry.mark_read(ana.id, "den", 7)
    registry.mark_read(bob.id, "den", 5)
    registry.delete_account(ana.id, "gone")
    assert registry.account(ana.id) == structs.replace(ana, name="", key="", role="guest", deleted=True)
    assert registry.account_named("ana") is None
    assert registry.account_named("") is None
    assert registry.accounts() == [bob]
    assert registry.login("d1", NOW) is None
    assert registry.logins(ana.id) == []
    assert registry.key("d2", NOW) is None
    assert registry.keys() == []
    assert registry.memberships("den") == [place("den", bob.id)]
    assert [seq for _, seq in registry.visible(ana.id)] == [0]
    assert [seq for _, seq in registry.visible(bob.id)] == [5]


def test_a_deleted_accounts_name_is_free(registry, ana):
    registry.delete_account(ana.id, "gone")
    other = account("Ana")
    registry.add_account(other, "h")
    assert registry.account_named("ana") == (other, "h")
    registry.delete_account(other.id, "gone")
    assert registry.accounts() == []


def test_a_deletion_leaves_a_change_for_all_that_went(registry, ana):
    mine, its = login(ana), key(ana)
    registry.open_login(mine, "d1")
    registry.add_key(its, "d2")
    registry.create_room(record("den"), [place("den", ana.id, "owner")])
    assert changed(registry, lambda: registry.delete_account(ana.id, "gone")) == [
        ("account", ana.id),
        ("login", mine.id),
        ("key", its.id),
        ("membership", f"den {ana.id}"),
    ]


def test_the_name_goes_from_every_event_of_the_author_and_no_other(kept, registry, ana):
    mine = structs.replace(ANA, id=ana.id)
    append(
        kept,
        said("one", by=mine, key="k1"),
        said("two", by=BOB),
        edited(1, "uno", by=mine),
        said("three", "den", by=mine),
        deleted(1, "den", by=mine),
    )
    registry.delete_account(ana.id, "gone")
    for room, names in [("lobby", ["gone", "Bob", "gone"]), ("den", ["gone", "gone"])]:
        events = kept.wait(kept.store.after(room, 0, 10)).events
        assert [event.by.name for event in events] == names
    assert [event.by.id for event in events] == [ana.id, ana.id]
    assert kept.wait(kept.store.message("lobby", 1)).text == "uno", "what was said stays"


def test_the_name_goes_from_what_was_done_to_its_owner_too(kept, registry, ana, bob):
    def banned(subject: Account, by: By) -> MemberChanged:
        return MemberChanged(
            room="den", at=NOW, by=by, user=subject.user, change="banned", until=NOW + 5, reason="spam"
        )

    mine = By(ana.id, "Ana")
    drafts = [banned(ana, BOB), banned(bob, mine), banned(ana, mine), banned(bob, BOB)]
    append(kept, *drafts, said("hi", "den", data={"user": {"id": ana.id, "name": "Ana"}}))
    registry.delete_account(ana.id, "gone")
    events = kept.wait(kept.store.after("den", 0, 10)).events
    assert [(one.by.name, one.user.name) for one in events[:4]] == [
        ("Bob", "gone"),
        ("gone", "Bob"),
        ("gone", "gone"),
        ("Bob", "Bob"),
    ]
    assert events[0] == structs.replace(drafts[0], seq=1, user=structs.replace(ana.user, name="gone"))
    assert events[4].data == {"user": {"id": ana.id, "name": "Ana"}}, "what somebody said is theirs"
