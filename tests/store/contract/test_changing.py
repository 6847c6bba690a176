"""Edits and deletions, what happens to rooms, and what is found after it."""

from __future__ import annotations

import pytest
from msgspec import structs

from chatroom.domain.errors import NotFound
from chatroom.domain.events import Message, Tally
from chatroom.domain.model import User

from ..drafts import ANA, deleted, edited, placed, reacted, ruled, said
from .asking import Kept, append, log


def test_an_edit_is_an_event_and_the_message_says_the_new_text(kept, room):
    append(kept, said("one", room))
    (event,) = append(kept, edited(1, "uno", room))
    assert event == edited(1, "uno", room, seq=2)
    assert kept.wait(kept.store.message(room, 1)) == said("uno", room, seq=1, edited=2000)


def test_a_log_tells_of_every_edit_with_the_text_of_the_last(kept, room):
    append(kept, said("one", room), edited(1, "two", room), edited(1, "three", room, at=2500))
    assert log(kept, room) == [
        said("three", room, seq=1, edited=2500),
        edited(1, "three", room, seq=2),
        edited(1, "three", room, seq=3, at=2500),
    ]


def test_a_deleted_text_is_in_no_answer(kept, room):
    append(kept, said("secret", room), edited(1, "secret too", room), deleted(1, room))
    assert log(kept, room) == [
        said("", room, seq=1, edited=2000, deleted=True),
        edited(1, "", room, seq=2),
        deleted(1, room, seq=3),
    ]
    assert kept.wait(kept.store.message(room, 1)).deleted


@pytest.mark.parametrize("reply_to", [None, 1])
@pytest.mark.parametrize("at_once", [True, False])
def test_what_a_program_put_beside_a_deleted_text_is_in_no_answer(kept, room, reply_to, at_once):
    drafts = [said("one", room), said("two", room, data={"a": "secret"}, reply_to=reply_to), deleted(2, room)]
    for draft in [drafts] if at_once else [[draft] for draft in drafts]:
        append(kept, *draft)
    gone = said("", room, seq=2, reply_to=reply_to, deleted=True)
    assert log(kept, room)[1] == kept.wait(kept.store.message(room, 2)) == gone


@pytest.mark.parametrize("change", [edited, deleted])
@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_not_there_cannot_be_changed_and_harms_nothing_else(kept, room, change, at_once):
    append(kept, said("one", room), said("two", room), deleted(2, room), said("there", room + "x"))
    drafts = [said("before", room), change(99, room=room), change(2, room=room), change(3, room=room)]
    drafts += [change(0, room=room), change(1, room=room + "none"), said("after", room)]
    results = append(kept, *drafts) if at_once else [append(kept, draft)[0] for draft in drafts]
    assert [type(result) for result in results] == [Message, *[NotFound] * 5, Message]
    assert [event.seq for event in log(kept, room)] == [1, 2, 3, 4, 5]
    assert kept.wait(kept.store.message(room, 1)).text == "one"


def test_a_change_may_follow_its_message_at_once(kept, room):
    results = append(kept, said("one", room), edited(1, "uno", room), deleted(1, room), edited(1, "x", room))
    assert [type(result).__name__ for result in results] == ["Message", "Edited", "Deleted", "NotFound"]
    assert kept.wait(kept.store.message(room, 1)).deleted


def test_a_change_is_no_message(kept, room):
    append(kept, said("one", room), edited(1, "uno", room))
    assert kept.wait(kept.store.message(room, 2)) is None


@pytest.mark.parametrize(
    "draft",
    [
        placed("joined"),
        placed("role", role="moderator", user=User("u1", "Zoë 👋", "user")),
        placed("muted", until=2**53 - 1, reason='a "reason"', key="k"),
        ruled(title="The Den"),
        ruled(topic="", slow=0.0),
        ruled(title="The Den", topic="Bears", slow=2.5, key="k"),
    ],
)
def test_what_happens_to_a_room_is_in_its_log(kept, room, draft):
    draft = structs.replace(draft, room=room)
    (event,) = append(kept, draft)
    assert event == structs.replace(draft, seq=1)
    assert log(kept, room) == [event]
    assert kept.wait(kept.store.message(room, 1)) is None
    assert append(kept, said("hi", room), draft)[0].seq == 2


def test_what_happens_to_a_room_is_no_message_that_could_be_changed(kept, room):
    results = append(kept, placed(room=room), ruled(room=room), edited(1, room=room), deleted(2, room=room))
    assert [type(result).__name__ for result in results[2:]] == ["NotFound", "NotFound"]


def found(kept: Kept, words: str, *rooms: str, limit: int = 100) -> list[tuple[str, int]]:
    """What a search finds, each message's room and `seq`."""
    messages = kept.wait(kept.store.search(words.split(), rooms, limit))
    return [(one.room, one.seq) for one in messages]


def test_messages_are_found_by_all_of_their_words_the_newest_first(kept, room):
    texts = ["The red fox", "a fox, and a HEN!", "red hen: fox", "nothing", "Größe 42 is a size"]
    append(kept, *[said(one, room, at=1000 + 10 * number) for number, one in enumerate(texts)])
    append(kept, said("red fox", room + "x", at=1005), said("red fox", room + "other", at=1006))
    assert found(kept, "fox", room) == [(room, 3), (room, 2), (room, 1)]
    assert found(kept, "FOX red", room, room + "x") == [(room, 3), (room + "x", 1), (room, 1)]
    assert found(kept, "fox", room, room + "x", limit=2) == [(room, 3), (room, 2)]
    assert found(kept, "größe 42", room) == [(room, 5)]
    assert found(kept, "fo", room) == found(kept, "fox", room + "none") == found(kept, "fox") == []
    assert found(kept, "AND", room) == [(room, 2)]


def test_what_is_found_is_what_messages_say_now(kept, room):
    append(kept, said("one fox", room), said("two foxes", room), said("three fox", room))
    assert found(kept, "fox", room) == [(room, 3), (room, 1)]
    append(kept, edited(1, "one hen", room), edited(2, "two fox", room), deleted(3, room))
    append(kept, reacted(2, room=room))
    (message,) = kept.wait(kept.store.search(["fox"], [room], 100))
    assert (message.seq, message.text, message.edited) == (2, "two fox", 2000)
    assert message.reactions == (Tally("👍", (ANA.id,), 1),)
    assert found(kept, "hen", room) == [(room, 1)]
    append(
        kept, said("late fox", room), edited(8, "late hen", room), said("gone fox", room), deleted(10, room)
    )
    assert sorted(found(kept, "hen", room)) == [(room, 1), (room, 8)]
    assert found(kept, "three", room) == found(kept, "gone", room) == []


def test_many_messages_are_found_whenever_they_were_said(kept, room):
    append(kept, *[said(f"fox {number}", room) for number in range(700)])
    assert len(found(kept, "fox", room, limit=2000)) == 700
    assert found(kept, "fox 650", room) == [(room, 651)]
