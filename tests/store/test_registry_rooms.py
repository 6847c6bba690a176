"""What `chatroom.domain.registry.Rooms` promises, of the real one and the tests' own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from chatroom.domain.errors import Conflict, NotFound

from .drafts import edited, said
from .registries import (
    KINDS,
    append,
    changed,
    kept_by,
    place,
    record,
    refused,
)

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


def test_direct_rooms_in_which_something_was_said_lately_are_found_by_who_has_them(kept, registry):
    for room, kind in [("ab", "direct"), ("bc", "direct"), ("cd", "direct"), ("den", "private")]:
        registry.create_room(record(room, kind=kind), [place(room, user) for user in room[:2]])
    said_at = [("ab", 10), ("ab", 20), ("bc", 30), ("den", 40)]
    append(kept, *[structs.replace(said(room=room), at=at) for room, at in said_at])
    assert sorted(registry.spoken_with(["a", "b", "d", "e"], 20)) == [
        ("ab", "a", 2),
        ("ab", "b", 2),
        ("bc", "b", 1),
    ]
    assert registry.spoken_with(["a"], 21) == []
    assert registry.spoken_with([], 0) == []


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
@pytest.mark.parametrize("kind", KINDS)
def test_marks_that_come_at_once_stay_at_the_furthest(kind, marks, tmp_path_factory):
    kept = kept_by(kind, tmp_path_factory.mktemp("store"))
    try:
        waiting = [kept.registry.mark_read(*mark) for mark in marks]
        results = [kept.wait(done) for done in waiting]
        furthest: dict[tuple[str, str], int] = {}
        for (user, room, seq), result in zip(marks, results, strict=True):
            furthest[user, room] = max(seq, furthest.get((user, room), 0))
            assert result == furthest[user, room]
    finally:
        kept.close()
