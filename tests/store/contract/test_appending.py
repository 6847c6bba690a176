"""An appended event has its `seq`, once; who is told of it, and when."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from ..drafts import ANA, BOB, deleted, edited, said
from .asking import append, fresh, log, texts


def test_a_room_that_nobody_has_posted_to_is_empty(kept, room):
    store = kept.store
    assert kept.wait(store.head(room)) == 0
    assert kept.wait(store.after(room, 0, 10)) == ([], False)
    assert kept.wait(store.before(room, None, 10)) == ([], False)
    assert kept.wait(store.message(room, 1)) is None
    assert kept.wait(store.repeated(room, "g1", "k")) is None


def test_the_heads_of_many_rooms_are_told_at_once(kept, room):
    append(kept, said("one", room), said("two", room), edited(1, room=room), said("hi", room + "x"))
    many = [f"{room}none{number}" for number in range(12_000)]
    heads = kept.wait(kept.store.heads({room, room + "x", *many}))
    assert (heads[room], heads[room + "x"], len(heads)) == (3, 1, 12_002)
    assert not any(heads[name] for name in many)
    assert kept.wait(kept.store.heads([])) == {}


def test_an_appended_event_is_the_draft_with_its_seq(kept, room):
    draft = said("héllo 👋", room, key="k", reply_to=7, data={"x": [1, None]})
    (event,) = append(kept, draft)
    assert event == structs.replace(draft, seq=1)
    assert log(kept, room) == [event]
    assert kept.wait(kept.store.head(room)) == 1
    assert kept.wait(kept.store.message(room, 1)) == event


@pytest.mark.parametrize(
    "text", [" ", "\n", "'; DROP TABLE event; --", "\ufeffa\u202eb", "x" * 8000, "\U0010ffff"]
)
def test_a_text_is_kept_as_it_is(kept, room, text):
    append(kept, said(text, room))
    assert texts(kept.wait(kept.store.after(room, 0, 1))) == [text]


@given(st.lists(st.integers(0, 4), max_size=40))
@settings(max_examples=25, deadline=None)
def test_seqs_are_gapless_in_each_room_whatever_is_posted_between(kept, order):
    rooms = [fresh() for _ in range(5)]
    drafts = [said(str(number), rooms[which]) for number, which in enumerate(order)]
    events = append(kept, *drafts)
    so_far: Counter[str] = Counter()
    for draft, event in zip(drafts, events, strict=True):
        so_far[draft.room] += 1
        assert event == structs.replace(draft, seq=so_far[draft.room])
    for name in rooms:
        assert [event.seq for event in log(kept, name)] == list(range(1, so_far[name] + 1))
        assert kept.wait(kept.store.head(name)) == so_far[name]


def test_a_repeated_key_gives_the_first_event_and_appends_nothing(kept, room):
    (first,) = append(kept, said("one", room, key="k"))
    (again,) = append(kept, said("two", room, key="k", at=9))
    assert again == first
    assert log(kept, room) == [first]
    assert kept.wait(kept.store.repeated(room, ANA.id, "k")) == first


def test_a_key_repeated_at_once_gives_the_first_event(kept, room):
    one, two, three = append(
        kept, said("one", room, key="k"), said("two", room, key="k"), said("three", room)
    )
    assert two == one
    assert (one.seq, three.seq) == (1, 2)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_key_is_its_authors_in_its_room(kept, room, at_once):
    drafts = [said(room=room, key="k"), said(room=room, key="k", by=BOB), said(room=room + "x", key="k")]
    drafts.append(said(room=room, key="K"))
    events = append(kept, *drafts) if at_once else [append(kept, draft)[0] for draft in drafts]
    assert [(event.room, event.seq) for event in events] == [(room, 1), (room, 2), (room + "x", 1), (room, 3)]
    assert kept.wait(kept.store.repeated(room, BOB.id, "k")) == events[1]
    assert kept.wait(kept.store.repeated(room + "x", BOB.id, "k")) is None


def test_without_a_key_nothing_is_repeated(kept, room):
    assert [event.seq for event in append(kept, said("x", room), said("x", room))] == [1, 2]


@pytest.mark.parametrize("change", [edited, deleted])
def test_a_change_can_be_repeated_too(kept, room, change):
    append(kept, said(room=room))
    (first,) = append(kept, change(1, room=room, key="k"))
    (again,) = append(kept, change(1, room=room, key="k"))
    assert (first.seq, again.seq) == (2, 2)
    assert len(log(kept, room)) == 2


def test_a_repeated_message_says_what_it_says_now(kept, room):
    append(kept, said("one", room, key="k"), said("two", room))
    append(kept, edited(1, "uno", room))
    (again,) = append(kept, said("one", room, key="k"))
    assert (again.seq, again.text, again.edited) == (1, "uno", 2000)


def test_a_commit_is_told_with_where_each_event_comes_from(kept, room, told):
    here: Any = object()
    first = kept.wait(kept.store.append(said(room=room), here))
    second = kept.wait(kept.store.append(said(room=room)))
    assert told == [(first, here), (second, None)]


def test_only_what_is_new_is_told_in_the_order_of_the_log(kept, room, told):
    drafts = [said("a", room, key="k"), edited(7, room=room), said("b", room), said("c", room, key="k")]
    drafts += [edited(2, "bb", room), deleted(2, room)]
    append(kept, *drafts)
    assert [(event.seq, type(event).__name__) for event, _ in told] == [
        (1, "Message"),
        (2, "Message"),
        (3, "Edited"),
        (4, "Deleted"),
    ]


def test_a_commit_is_told_after_its_authors_know(kept, room):
    happened: list[str] = []
    kept.store.on_commit = lambda _committed: happened.append("told")
    done = kept.store.append(said(room=room))
    done.addCallback(lambda event: happened.append(f"seq {event.seq}") or event)
    kept.wait(done)
    assert happened == ["seq 1", "told"]


def test_nothing_new_is_not_told(kept, room, told):
    append(kept, said(room=room, key="k"))
    told.clear()
    append(kept, said(room=room, key="k"), edited(9, room=room))
    assert told == []
