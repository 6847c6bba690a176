"""Whatever happens, all stores do the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from chatroom.domain.events import Event

from ..drafts import ANA, BOB, deleted, edited, placed, reacted, ruled, said
from ..keeping import InMemory, outcome
from .asking import append, fresh, log

ROOMS = st.sampled_from(["a", "b"])
AUTHORS = st.sampled_from([ANA, BOB])
KEYS = st.sampled_from([None, None, "k1", "k2"])
CHANGES = st.builds(dict, target=st.integers(1, 6), room=ROOMS, by=AUTHORS, key=KEYS)
DRAFTS = st.one_of(
    st.builds(said, st.text(max_size=3), room=ROOMS, by=AUTHORS, key=KEYS),
    CHANGES.map(lambda fields: edited(text="new", **fields)),
    CHANGES.map(lambda fields: deleted(**fields)),
    st.builds(reacted, st.integers(1, 6), st.sampled_from("👍🎉"), room=ROOMS, by=AUTHORS, on=st.booleans()),
    st.builds(placed, st.sampled_from(["invited", "banned", "role"]), room=ROOMS, by=AUTHORS, key=KEYS),
    st.builds(ruled, room=ROOMS, by=AUTHORS, key=KEYS, title=st.none() | st.text(max_size=3)),
)


def elsewhere(draft: Event, name: str) -> Event:
    return structs.replace(draft, room=name + draft.room)


def shape(results: list[Any]) -> list[object]:
    return [(type(one), getattr(one, "room", None), getattr(one, "seq", None)) for one in results]


@pytest.mark.parametrize("kept", ["sqlite", "postgresql"], indirect=True)
@given(batches=st.lists(st.lists(DRAFTS, min_size=1, max_size=6), max_size=5))
@settings(max_examples=60, deadline=None)
def test_every_store_does_the_same(kept, batches):
    other, name = InMemory(), fresh()
    heard: list[list[Event]] = [[], []]
    for which, one in enumerate((kept, other)):
        one.store.on_commit = lambda committed, which=which: heard[which].extend(e for e, _ in committed)
    for batch in batches:
        drafts = [elsewhere(draft, name) for draft in batch]
        assert shape(append(kept, *drafts)) == shape(append(other, *drafts))
    assert heard[0] == heard[1]
    for each in ("a", "b"):
        assert log(kept, name + each) == log(other, name + each)


def test_what_has_not_happened_yet_is_not_taken_for_done():
    with pytest.raises(AssertionError):
        outcome(InMemory().store.append(said()))
