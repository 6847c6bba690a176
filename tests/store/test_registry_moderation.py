"""What `chatroom.domain.registry` promises of moderation and changes, of the real one and the tests' own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.domain.accounts import Deed, Report
from chatroom.domain.errors import BadToken, Conflict, NameTaken, NotFound
from chatroom.domain.registry import APART, CHANGES_KEPT, MAX_CHANGES

from .drafts import ANA, BOB, deleted, edited, reacted, said
from .registries import (
    KINDS,
    NOW,
    Asked,
    account,
    append,
    ban,
    changed,
    invitation,
    kept_by,
    key,
    login,
    place,
    record,
    refused,
)

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


def test_a_sanction_is_forgotten_once_it_has_run_out_by_every_servers_clock(registry):
    registry.impose(ban("u1", until=NOW + 1000))
    registry.impose(ban("u2", until=NOW + 1001))
    registry.impose(ban("u3", at=NOW + 1000 + APART))
    assert registry.lift("ban", "", "u1") is False
    assert registry.lift("ban", "", "u2") is True


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


def test_what_somebody_has_put_under_messages_is_found(kept, registry):
    append(kept, said("a"), said("b", "den"), reacted(1, "🎉"), reacted(1, "👍"), reacted(1, "👍", "den"))
    append(kept, reacted(1, "👍", by=BOB))
    found = [("den", 1, "👍"), ("lobby", 1, "🎉"), ("lobby", 1, "👍")]
    assert sorted(registry.reactions_of(ANA.id, None, 10)) == sorted(found)
    assert len(registry.reactions_of(ANA.id, None, 2)) == 2
    assert registry.reactions_of(ANA.id, "den", 10) == [("den", 1, "👍")]
    append(kept, reacted(1, "👍", on=False), deleted(1, "den"))
    assert registry.reactions_of(ANA.id, None, 10) == [("lobby", 1, "🎉")]


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
    assert registry.deeds(2**80, 1) == [deeds[4]]
    assert registry.deeds(-(2**80), 1) == []


@given(times=st.lists(st.integers(0, 6), max_size=20), limit=st.integers(1, 4))
@settings(max_examples=10)
@pytest.mark.parametrize("kind", KINDS)
def test_pages_of_the_audit_log_put_together_are_the_log(kind, times, limit, tmp_path_factory):
    kept = kept_by(kind, tmp_path_factory.mktemp("store"))
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
        (lambda registry, ana: registry.disconnect(Deed(NOW, "u1", "", subject=ana.id)), ["connections"]),
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
