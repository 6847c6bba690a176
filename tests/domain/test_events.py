"""Events as values."""

import pytest

from chatroom.domain.events import Deleted, Edited, Event, Message, Passing
from chatroom.domain.model import By

BY = By("g1", "Ana")
EVENTS = [
    Message(room="lobby", at=1, by=BY, text="hello"),
    Edited(room="lobby", at=2, by=BY, target=1, text="hallo"),
    Deleted(room="lobby", at=3, by=BY, target=1),
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
    assert len(tags) == len(set(tags)) == 10
