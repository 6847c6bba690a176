"""What is put under messages."""

from __future__ import annotations

import pytest
from msgspec import structs

from chatroom.domain.errors import Conflict, NotFound
from chatroom.domain.events import NAMED, Tally
from chatroom.domain.model import By
from chatroom.domain.rules import MOST_EMOJI

from ..drafts import ANA, BOB, deleted, reacted, said
from .asking import Kept, append, log


def under(kept: Kept, room: str, seq: int = 1) -> tuple[Tally, ...]:
    """What is under a message, whichever way the log is read."""
    (event,) = [event for event in log(kept, room) if event.seq == seq]
    page = kept.wait(kept.store.before(room, seq + 1, 1))
    assert page.events[0] == event
    return event.reactions


@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_put_under_a_message_is_an_event_and_told_with_it(kept, room, at_once):
    drafts = [
        said("one", room),
        reacted(1, "🎉", room, by=BOB),
        reacted(1, "👍", room),
        reacted(1, "👍", room, by=BOB),
    ]
    events = [append(kept, draft)[0] for draft in drafts] if not at_once else append(kept, *drafts)
    assert events[1:] == [structs.replace(draft, seq=seq) for seq, draft in enumerate(drafts[1:], 2)]
    assert log(kept, room)[1:] == events[1:]
    assert under(kept, room) == (Tally("🎉", (BOB.id,), 1), Tally("👍", (ANA.id, BOB.id), 2))
    append(kept, reacted(1, "🎉", room, by=BOB, on=False), reacted(1, "👍", room, on=False))
    assert under(kept, room) == (Tally("👍", (BOB.id,), 1),)
    append(kept, reacted(1, "👍", room, by=BOB, on=False))
    assert under(kept, room) == ()


@pytest.mark.parametrize("at_once", [True, False])
def test_the_same_reaction_twice_is_one_event(kept, room, told, at_once):
    drafts = [
        said("one", room),
        reacted(1, room=room),
        reacted(1, room=room),
        reacted(1, room=room, on=False),
        reacted(1, room=room, on=False),
    ]
    events = [append(kept, draft)[0] for draft in drafts] if not at_once else append(kept, *drafts)
    assert [event.seq for event in events] == [1, 2, 0, 3, 0]
    assert (events[2], events[4]) == (drafts[2], drafts[4])
    assert [event.seq for event, _ in told] == [1, 2, 3]
    assert [event.seq for event in log(kept, room)] == [1, 2, 3]


def test_only_under_a_message_that_is_there_something_is_put(kept, room):
    append(kept, said("one", room), said("two", room), deleted(2, room))
    for target, name in ((2, room), (3, room), (99, room), (0, room), (1, room + "none")):
        (refused,) = append(kept, reacted(target, room=name))
        assert isinstance(refused, NotFound)
    assert len(log(kept, room)) == 3


@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_under_a_deleted_message_is_in_no_answer(kept, room, at_once):
    drafts = [said("one", room), reacted(1, "shame", room), deleted(1, room)]
    for draft in [drafts] if at_once else [[draft] for draft in drafts]:
        append(kept, *draft)
    message, reaction, _deletion = log(kept, room)
    assert (message.reactions, reaction.emoji, reaction.on) == ((), "", True)


def test_of_many_who_react_all_are_counted_and_the_first_are_named(kept, room):
    who = [By(f"g{number}", "x") for number in range(NAMED + 3)]
    append(kept, said("one", room), *[reacted(1, room=room, by=by) for by in who])
    assert under(kept, room) == (Tally("👍", tuple(by.id for by in who[:NAMED]), NAMED + 3),)
    append(kept, reacted(1, room=room, by=who[0], on=False))
    assert under(kept, room) == (Tally("👍", tuple(by.id for by in who[1 : NAMED + 1]), NAMED + 2),)


def test_under_one_message_are_so_many_different_reactions_at_most(kept, room):
    append(kept, said("one", room), *[reacted(1, f"e{number}", room) for number in range(MOST_EMOJI)])
    with pytest.raises(Conflict, match="at most 20"):
        kept.wait(kept.store.append(reacted(1, "more", room)))
    assert append(kept, reacted(1, "e7", room, by=BOB))[0].seq == MOST_EMOJI + 2
    append(kept, reacted(1, "e3", room, on=False))
    assert append(kept, reacted(1, "more", room))[0].seq == MOST_EMOJI + 4


def test_what_is_under_messages_counts_for_the_size_of_a_page(kept, room):
    append(kept, *[said("x", room) for _ in range(6)])
    names = [By("g" * 24 + f"{number:02}", "x") for number in range(NAMED)]
    append(kept, *[reacted(seq, room=room, by=by) for seq in range(1, 7) for by in names])
    page = kept.wait(kept.store.after(room, 0, 6, 2000))
    assert (1 <= len(page.events) <= 5, page.more) == (True, True)
    assert kept.wait(kept.store.after(room, 0, 6, 50_000)).events == log(kept, room)[:6]
