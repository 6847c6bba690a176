"""What `chatroom.domain.registry.Registry` promises, of the real one and the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from chatroom.domain.accounts import Account, Deed, Report
from chatroom.domain.errors import BadToken, ChatError, Conflict, NameTaken, NotFound
from chatroom.domain.events import MemberChanged
from chatroom.domain.model import By
from chatroom.domain.registry import CHANGES_KEPT, MAX_CHANGES, SEEN_EVERY, USED_EVERY

from .drafts import ANA, BOB, deleted, edited, said
from .registries import (
    DAY,
    NOW,
    InMemory,
    OnDisk,
    account,
    ban,
    invitation,
    key,
    login,
    place,
    record,
)

Kept = InMemory | OnDisk


@pytest.fixture(params=["memory", "sqlite"])
def kept(request, tmp_path) -> Iterator[Kept]:
    made: Kept = InMemory() if request.param == "memory" else OnDisk(tmp_path)
    yield made
    made.close()


class Asked:
    """The registry, waited for."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: self._kept.wait(
            getattr(self._kept.registry, name)(*arguments, **named)
        )


@pytest.fixture
def registry(kept) -> Any:
    return Asked(kept)


@pytest.fixture
def ana(registry) -> Account:
    made = account("Ana")
    registry.add_account(made, "hash of Ana's")
    return made


@pytest.fixture
def bob(registry) -> Account:
    made = account("Bob")
    registry.add_account(made, "hash of Bob's")
    return made


def append(kept: Kept, *drafts: Any) -> None:
    for draft in drafts:
        kept.wait(kept.store.append(draft))


def changed(registry: Any, call: Any) -> list[tuple[str, str]]:
    """The changes that a call leaves."""
    before = registry.last_change()
    call()
    found = registry.changes(before)
    assert [one.id for one in found] == list(range(before + 1, registry.last_change() + 1))
    return [(one.what, one.subject) for one in found]


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


def refused(error: type[ChatError], call: Any, *arguments: Any) -> None:
    with pytest.raises(error):
        call(*arguments)


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
    new = login(ana, created=old.until, until=old.until + DAY)
    assert changed(registry, lambda: registry.open_login(new, "d2")) == [("login", old.id)]
    assert registry.logins(ana.id) == [new]


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
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_of_many_who_sign_up_at_once_as_many_come_in_as_were_invited(kind, uses, people, tmp_path_factory):
    kept: Kept = InMemory() if kind == "memory" else OnDisk(tmp_path_factory.mktemp("store"))
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


# Rooms.


def test_a_room_is_made_with_its_first_members(registry):
    made = record("den", kind="announcement", topic="Bears", slow=2.5)
    members = [place("den", "u1", "owner"), place("den", "u2", kind="guest")]
    assert changed(registry, lambda: registry.create_room(made, members)) == [
        ("room", "den"),
        ("membership", "den u1"),
        ("membership", "den u2"),
    ]
    assert registry.room("den") == made
    assert registry.memberships("den") == members


def test_a_room_that_is_there_is_not_made_again(kept, registry):
    append(kept, said(room="den"))
    registry.create_room(record("attic", topic="Old things"), [])
    for name in ("den", "attic"):
        refused(Conflict, registry.create_room, record(name), [place(name, "u1", "owner")])
        assert registry.memberships(name) == []
    assert registry.room("attic").topic == "Old things"


def test_a_room_that_came_into_being_by_a_post_is_a_public_one(kept, registry):
    assert registry.room("den") is None
    append(kept, said(room="den"), said(room="den"))
    assert registry.room("den") == record("den", title="den", head=2)


@pytest.mark.parametrize("kind", ["public", "private", "announcement", "direct"])
def test_what_is_said_in_a_room_that_was_made_is_in_its_log(kept, registry, kind):
    registry.create_room(record("den", kind=kind, topic="Bears", slow=1.0), [])
    append(kept, said("a", "den"), said("b", "den"), edited(1, "aa", "den"))
    assert [e.seq for e in kept.wait(kept.store.after("den", 0, 9)).events] == [1, 2, 3]
    assert registry.room("den") == record("den", kind=kind, topic="Bears", slow=1.0, head=3)


def test_a_room_gets_another_title_topic_and_pace_and_no_other_head(kept, registry):
    append(kept, said(room="den"))
    new = record("den", title="The Den", topic="Bears", slow=30.0)
    assert changed(registry, lambda: registry.set_room(structs.replace(new, head=99))) == [("room", "den")]
    assert registry.room("den") == structs.replace(new, head=1)
    append(kept, said(room="den"))
    assert registry.room("den") == structs.replace(new, head=2)


def test_a_rooms_kind_is_for_good(registry):
    registry.create_room(record("den", kind="private"), [])
    registry.set_room(record("den", kind="public"))
    assert registry.room("den").kind == "private"


def test_a_room_that_is_not_there_is_not_changed(registry):
    assert changed(registry, lambda: refused(NotFound, registry.set_room, record("den"))) == []
    assert registry.room("den") is None


def test_a_place_is_given_changed_and_taken_away(registry):
    for role in ("member", "moderator"):
        assert changed(registry, lambda role=role: registry.set_membership(place("den", "u1", role))) == [
            ("membership", "den u1")
        ]
        assert registry.memberships("den") == [place("den", "u1", role)]
    registry.set_membership(place("den", "u1", "moderator", name="New name", kind="bot"))
    assert registry.memberships_of("u1") == [place("den", "u1", "moderator", name="New name", kind="bot")]
    assert changed(registry, lambda: registry.end_membership("den", "u1")) == [("membership", "den u1")]
    assert changed(registry, lambda: registry.end_membership("den", "u1")) == []
    assert registry.memberships("den") == []


def test_taking_a_place_away_says_whether_there_was_one(registry):
    registry.set_membership(place("den", "u1"))
    assert registry.end_membership("attic", "u1") is False
    assert registry.end_membership("den", "u2") is False
    assert registry.end_membership("den", "u1") is True
    assert registry.end_membership("den", "u1") is False


def test_places_are_listed_by_room_and_by_user(registry):
    for room, user in [("den", "u2"), ("attic", "u1"), ("den", "u1")]:
        registry.set_membership(place(room, user))
    assert registry.memberships("den") == [place("den", "u1"), place("den", "u2")]
    assert registry.memberships_of("u1") == [place("attic", "u1"), place("den", "u1")]
    assert registry.memberships_of("u3") == []
    assert registry.others("den", "u1") == [place("den", "u2")]
    assert registry.others("attic", "u1") == []


def test_everybody_sees_the_open_rooms_and_only_members_the_others(kept, registry):
    append(kept, said(room="lobby"))
    registry.create_room(record("news", kind="announcement"), [])
    registry.create_room(record("~den-x", kind="private"), [place("~den-x", "u1", "owner")])
    registry.create_room(record("@12", kind="direct"), [place("@12", "u1"), place("@12", "u2")])
    registry.create_room(record("@23", kind="direct"), [place("@23", "u2"), place("@23", "u3")])
    registry.create_room(record("club"), [place("club", "u1")])
    seen = {user: [room.name for room, _ in registry.visible(user)] for user in ("u1", "u2", "u3", "u4")}
    assert seen == {
        "u1": ["@12", "club", "lobby", "news", "~den-x"],
        "u2": ["@12", "@23", "club", "lobby", "news"],
        "u3": ["@23", "club", "lobby", "news"],
        "u4": ["club", "lobby", "news"],
    }
    registry.end_membership("~den-x", "u1")
    assert "~den-x" not in [room.name for room, _ in registry.visible("u1")]


def test_rooms_are_seen_with_their_records_and_what_was_read_of_them(kept, registry):
    append(kept, said(room="den"), said(room="den"), said(room="lobby"))
    registry.set_room(record("den", title="The Den", topic="Bears", slow=2.0))
    registry.mark_read("u1", "den", 1)
    registry.mark_read("u2", "lobby", 1)
    den = record("den", title="The Den", topic="Bears", slow=2.0, head=2)
    lobby = record("lobby", title="lobby", head=1)
    assert registry.visible("u1") == [(den, 1), (lobby, 0)]
    assert registry.visible("u2") == [(den, 0), (lobby, 1)]
    assert registry.visible("u3") == [(den, 0), (lobby, 0)]


def test_a_place_in_a_room_that_nobody_posted_to_shows_no_room(registry):
    registry.set_membership(place("den", "u1", "moderator"))
    assert registry.visible("u1") == []
    assert registry.room("den") is None


# Read marks.


def test_a_read_mark_never_goes_back(registry):
    assert [registry.mark_read("u1", "den", seq) for seq in (3, 1, 3, 7, 0)] == [3, 3, 3, 7, 7]
    assert registry.mark_read("u1", "attic", 0) == 0
    assert registry.mark_read("u2", "den", 2) == 2


def test_a_read_mark_leaves_no_change(registry):
    assert changed(registry, lambda: registry.mark_read("u1", "den", 5)) == []


MARKS = st.tuples(st.sampled_from("abc"), st.sampled_from("xy"), st.integers(0, 2**53 - 1))


@given(marks=st.lists(MARKS, max_size=30))
@settings(max_examples=10)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_marks_that_come_at_once_stay_at_the_furthest(kind, marks, tmp_path_factory):
    kept: Kept = InMemory() if kind == "memory" else OnDisk(tmp_path_factory.mktemp("store"))
    try:
        waiting = [kept.registry.mark_read(*mark) for mark in marks]
        results = [kept.wait(done) for done in waiting]
        furthest: dict[tuple[str, str], int] = {}
        for (user, room, seq), result in zip(marks, results, strict=True):
            furthest[user, room] = max(seq, furthest.get((user, room), 0))
            assert result == furthest[user, room]
    finally:
        kept.close()


# Sanctions.


def test_a_sanction_holds_until_it_runs_out(registry):
    for_good, for_now = ban("u1"), ban("u2", until=NOW + 1000, reason="spam")
    registry.impose(for_good)
    registry.impose(for_now)
    assert registry.sanctions(NOW) == [for_good, for_now]
    assert registry.sanctions(NOW + 999) == [for_good, for_now]
    assert registry.sanctions(NOW + 1000) == [for_good]


def test_a_sanction_takes_the_place_of_one_of_its_kind(registry):
    registry.impose(ban("u1", until=NOW + 1000))
    new = ban("u1", until=NOW + 5000, by="u8", reason="again", at=NOW + 1)
    others = [
        ban("u1", "den"),
        ban("u1", standing="mute"),
        ban("address:192.0.2.7"),
    ]
    for one in [new, *others]:
        registry.impose(one)
    assert registry.sanctions(NOW + 1) == [others[2], new, others[0], others[1]]


def test_a_sanction_is_lifted_once(registry):
    registry.impose(ban("u1", "den"))
    assert registry.lift("mute", "den", "u1") is False
    assert registry.lift("ban", "", "u1") is False
    assert registry.lift("ban", "den", "u2") is False
    assert registry.lift("ban", "den", "u1") is True
    assert registry.lift("ban", "den", "u1") is False
    assert registry.sanctions(NOW) == []


def test_a_sanction_and_its_end_leave_a_change(registry):
    assert changed(registry, lambda: registry.impose(ban("u1", "den"))) == [("sanction", "den u1")]
    assert changed(registry, lambda: registry.impose(ban("address:192.0.2.7"))) == [
        ("sanction", " address:192.0.2.7")
    ]
    assert changed(registry, lambda: registry.lift("ban", "den", "u1")) == [("sanction", "den u1")]
    assert changed(registry, lambda: registry.lift("ban", "den", "u1")) == []


def test_a_sanction_that_has_run_out_is_forgotten_when_another_comes(registry):
    registry.impose(ban("u1", until=NOW + 1000))
    registry.impose(ban("u2", at=NOW + 1000))
    assert registry.lift("ban", "", "u1") is False


# Messages of one author.


def test_an_authors_messages_are_found_oldest_first(kept, registry):
    append(
        kept,
        said("a", at=3000),
        said("b", by=BOB, at=3001),
        said("c", "den", at=1000),
        said("d", at=4000),
        said("e", "attic", at=2000),
        edited(1, "aa", at=5000),
    )
    assert registry.messages_of(ANA.id, None, 10) == [("den", 1), ("attic", 1), ("lobby", 1), ("lobby", 3)]
    assert registry.messages_of(ANA.id, None, 2) == [("den", 1), ("attic", 1)]
    assert registry.messages_of(ANA.id, "lobby", 10) == [("lobby", 1), ("lobby", 3)]
    assert registry.messages_of(ANA.id, "nowhere", 10) == []
    assert registry.messages_of("u0", None, 10) == []


def test_a_deleted_message_is_nobodys(kept, registry):
    append(kept, said("a"), said("b"), deleted(1))
    assert registry.messages_of(ANA.id, None, 10) == [("lobby", 2)]


# Reports.


def test_reports_are_listed_oldest_first_until_they_are_closed(registry):
    first = registry.report("lobby", 3, "u1", NOW, "spam")
    second = registry.report("den", 1, "u2", NOW - 5, "")
    assert registry.reports(10) == [
        Report(first, "lobby", 3, "u1", NOW, "spam"),
        Report(second, "den", 1, "u2", NOW - 5, ""),
    ]
    assert [one.id for one in registry.reports(1)] == [first]
    registry.close_report(first)
    assert [one.id for one in registry.reports(10)] == [second]


def test_a_member_reports_a_message_once(registry):
    first = registry.report("lobby", 3, "u1", NOW, "spam")
    assert registry.report("lobby", 3, "u1", NOW + 1, "really") == first
    assert [one.reason for one in registry.reports(10)] == ["spam"]
    others = [
        registry.report("lobby", 3, "u2", NOW, ""),
        registry.report("lobby", 4, "u1", NOW, ""),
        registry.report("den", 3, "u1", NOW, ""),
    ]
    assert len({first, *others}) == 4
    registry.close_report(first)
    assert registry.report("lobby", 3, "u1", NOW + 2, "still") == first
    assert [one.id for one in registry.reports(10)] == others


@pytest.mark.parametrize("number", [0, 2, -1, 2**80])
def test_a_report_that_is_not_there_is_not_closed(registry, number):
    registry.report("lobby", 3, "u1", NOW, "spam")
    refused(NotFound, registry.close_report, number)
    assert len(registry.reports(10)) == 1


# The audit log.


def test_deeds_are_listed_newest_first(registry):
    deeds = [Deed(NOW + n, "u1", "ban", "den", f"u{n}", "spam") for n in range(5)]
    for one in deeds:
        registry.note(one)
    assert registry.deeds(None, 10) == deeds[::-1]
    assert registry.deeds(None, 2) == [deeds[4], deeds[3]]
    assert registry.deeds(NOW + 3, 2) == [deeds[2], deeds[1]]
    assert registry.deeds(NOW, 2) == []


@given(times=st.lists(st.integers(0, 6), max_size=20), limit=st.integers(1, 4))
@settings(max_examples=10)
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_pages_of_the_audit_log_put_together_are_the_log(kind, times, limit, tmp_path_factory):
    kept: Kept = InMemory() if kind == "memory" else OnDisk(tmp_path_factory.mktemp("store"))
    try:
        registry = Asked(kept)
        deeds = [Deed(NOW + time, "u1", "ban", detail=str(n)) for n, time in enumerate(times)]
        for one in deeds:
            registry.note(one)
        found: list[Deed] = []
        while page := registry.deeds(found[-1].at if found else None, limit):
            found += page
        assert found == sorted(deeds, key=lambda one: (-one.at, -int(one.detail)))
    finally:
        kept.close()


# Changes.


def test_a_registry_begins_without_changes(registry):
    assert registry.last_change() == 0
    assert registry.changes(0) == []


@pytest.mark.parametrize(
    ("call", "left"),
    [
        (lambda registry, ana: registry.set_role(ana.id, "owner"), ["account"]),
        (lambda registry, ana: registry.set_password(ana.id, "h"), ["account"]),
        (lambda registry, ana: registry.open_login(login(ana), "d"), []),
        (lambda registry, ana: registry.add_key(key(ana), "d"), []),
        (lambda registry, ana: registry.add_invitation(invitation(), "d"), []),
        (lambda registry, ana: registry.report("lobby", 1, ana.id, NOW, ""), []),
        (lambda registry, ana: registry.note(Deed(NOW, ana.id, "ban")), []),
    ],
)
def test_what_somebody_may_have_looked_at_leaves_a_change(registry, ana, call, left):
    assert changed(registry, lambda: call(registry, ana)) == [(what, ana.id) for what in left]


def test_a_login_and_a_key_leave_a_change_when_they_end(registry, ana):
    mine, its = login(ana), key(ana)
    registry.open_login(mine, "d1")
    registry.add_key(its, "d2")
    assert changed(registry, lambda: registry.close_login(ana.id, mine.id)) == [("login", mine.id)]
    assert changed(registry, lambda: registry.revoke_key("sensor", NOW)) == [("key", its.id)]


def test_changes_are_read_in_pages_and_the_oldest_are_forgotten(kept, registry):
    made = record("den")
    registry.create_room(made, [])
    waiting = [kept.registry.set_membership(place("den", "u1")) for _ in range(MAX_CHANGES + 5)]
    for done in waiting:
        kept.wait(done)
    page = registry.changes(3)
    assert [one.id for one in page] == list(range(4, 4 + MAX_CHANGES))
    assert [one.id for one in registry.changes(page[-1].id)] == [1004, 1005, 1006]
    members = [place("attic", f"u{n}") for n in range(CHANGES_KEPT)]
    registry.create_room(record("attic"), members)
    assert registry.last_change() == 1007 + CHANGES_KEPT
    assert registry.changes(0)[0].id == 1008
    assert registry.changes(1007)[0].id == 1008


def test_nothing_of_a_write_that_is_refused_leaves_a_change(registry, ana):
    registry.create_room(record("den"), [])
    before = registry.last_change()
    refused(Conflict, registry.create_room, record("den"), [place("den", "u1")])
    refused(NameTaken, registry.add_account, account("ana"), None)
    refused(BadToken, registry.sign_up, account("Carl"), "h", "none", NOW)
    assert registry.last_change() == before
