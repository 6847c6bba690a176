"""Events as values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.domain.events import NAMED, Deleted, Edited, Event, Message, Passing, Reaction, Tally, tallied
from chatroom.domain.model import By

BY = By("g1", "Ana")
EVENTS = [
    Message(room="lobby", at=1, by=BY, text="hello"),
    Edited(room="lobby", at=2, by=BY, target=1, text="hallo"),
    Deleted(room="lobby", at=3, by=BY, target=1),
    Reaction(room="lobby", at=4, by=BY, target=1, emoji="👍", on=True),
]


@pytest.mark.parametrize("event", EVENTS)
def test_a_draft_has_seq_0(event):
    assert event.seq == 0


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_cannot_be_changed(event):
    with pytest.raises(AttributeError):
        event.seq = 7


def test_every_type_has_a_tag_of_its_own():
    tags = [kind.__struct_config__.tag for kind in (*Event.__args__, *Passing.__args__)]
    assert len(tags) == len(set(tags)) == 11


WHO = st.sampled_from([f"g{number}" for number in range(4)])
CHANGES = st.lists(st.tuples(WHO, st.sampled_from("👍🎉"), st.booleans()), max_size=30)


def change(who: str, emoji: str, on: bool) -> Reaction:
    return Reaction(room="lobby", at=1, by=By(who, who), target=1, emoji=emoji, on=on)


@given(CHANGES)
def test_what_is_under_a_message_is_what_was_put_there_and_not_taken_away(changes):
    tallies: tuple[Tally, ...] = ()
    there: dict[tuple[str, str], None] = {}
    for who, emoji, on in changes:
        tallies = tallied(tallies, change(who, emoji, on))
        if on:
            there.setdefault((emoji, who))
        elif (emoji, who) in there:
            del there[emoji, who]
    assert {(one.emoji, who) for one in tallies for who in one.by} == set(there)
    assert all(one.count == len(one.by) > 0 for one in tallies)


@given(CHANGES)
def test_told_twice_the_changes_come_to_the_same(changes):
    tallies: tuple[Tally, ...] = ()
    for one in changes:
        tallies = tallied(tallies, change(*one))
    again = tallies
    for one in changes:
        again = tallied(again, change(*one))
    as_sets = [{(one.emoji, frozenset(one.by), one.count) for one in which} for which in (tallies, again)]
    assert as_sets[0] == as_sets[1]


def test_all_are_counted_and_some_are_named():
    tallies: tuple[Tally, ...] = ()
    for number in range(NAMED + 5):
        tallies = tallied(tallies, change(f"g{number}", "👍", True))
    (tally,) = tallies
    assert (len(tally.by), tally.count) == (NAMED, NAMED + 5)
    (tally,) = tallied(tallies, change("g24", "👍", False))
    assert (len(tally.by), tally.count) == (NAMED, NAMED + 4)
