"""What `chatroom.domain.ports.Store` promises, of every store there is, the tests' own included."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from chatroom.domain.errors import BadRequest, Conflict, NotFound
from chatroom.domain.events import NAMED, Event, Message, Tally
from chatroom.domain.model import By, User
from chatroom.domain.ports import Page
from chatroom.domain.rules import MOST_EMOJI, check_data
from chatroom.wire.json import decode, encode

from ..wire.json_values import objects
from .drafts import ANA, BOB, deleted, edited, placed, reacted, ruled, said
from .keeping import InMemory, OnDisk, OnServer, outcome

Kept = InMemory | OnDisk | OnServer

_fresh_room = (f"room{number}" for number in count())


@pytest.fixture(params=["memory", "sqlite", "postgresql"], scope="module")
def kept(request, tmp_path_factory) -> Iterator[Kept]:
    makers: dict[str, Callable[[], Kept]] = {
        "memory": InMemory,
        "sqlite": lambda: OnDisk(tmp_path_factory.mktemp("store")),
        "postgresql": OnServer,
    }
    made = makers[request.param]()
    yield made
    made.close()


@pytest.fixture
def room() -> str:
    """A room that no other test has used: the store is opened once for all of them."""
    return next(_fresh_room)


@pytest.fixture
def told(kept: Kept) -> Iterator[list[tuple[Event, Any]]]:
    """What on_commit was told."""
    heard: list[tuple[Event, Any]] = []
    kept.store.on_commit = heard.extend
    yield heard
    kept.store.on_commit = lambda _committed: None


def append(kept: Kept, *drafts: Event) -> list[Any]:
    """Append all without waiting for any; then what each came to, an error too."""
    waiting = [kept.store.append(draft) for draft in drafts]
    results = []
    for done in waiting:
        try:
            results.append(kept.wait(done))
        except NotFound as error:
            results.append(error)
    return results


def log(kept: Kept, room: str) -> list[Event]:
    page = kept.wait(kept.store.after(room, 0, 10_000, 2**30))
    assert not page.more
    return list(page.events)


def texts(page: Page) -> list[str]:
    return [event.text for event in page.events]


# Appending.


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
    rooms = [next(_fresh_room) for _ in range(5)]
    drafts = [said(str(number), rooms[which]) for number, which in enumerate(order)]
    events = append(kept, *drafts)
    so_far: Counter[str] = Counter()
    for draft, event in zip(drafts, events, strict=True):
        so_far[draft.room] += 1
        assert event == structs.replace(draft, seq=so_far[draft.room])
    for name in rooms:
        assert [event.seq for event in log(kept, name)] == list(range(1, so_far[name] + 1))
        assert kept.wait(kept.store.head(name)) == so_far[name]


# Keys.


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


# Edits and deletions.


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


# Searching.


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


# Reactions.


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


# What happens to a room and to places in it.


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


# Reading.


@pytest.fixture(scope="module")
def ten(kept) -> str:
    """A room of ten events."""
    name = next(_fresh_room)
    append(kept, *[said(str(number), name) for number in range(1, 11)])
    return name


@pytest.mark.parametrize(
    ("seq", "limit", "found", "more"),
    [
        (0, 3, "123", True),
        (0, 9, "123456789", True),
        (0, 10, "12345678910", False),
        (0, 99, "12345678910", False),
        (7, 3, "8910", False),
        (7, 2, "89", True),
        (9, 5, "10", False),
        (10, 5, "", False),
        (99, 5, "", False),
    ],
)
def test_after_gives_the_first_ones_after_a_seq(kept, ten, seq, limit, found, more):
    page = kept.wait(kept.store.after(ten, seq, limit))
    assert ("".join(texts(page)), page.more) == (found, more)


@pytest.mark.parametrize(
    ("seq", "limit", "found", "more"),
    [
        (None, 3, "8910", True),
        (None, 10, "12345678910", False),
        (11, 2, "910", True),
        (99, 1, "10", True),
        (4, 3, "123", False),
        (4, 2, "23", True),
        (1, 5, "", False),
        (0, 5, "", False),
    ],
)
def test_before_gives_the_last_ones_before_a_seq_oldest_first(kept, ten, seq, limit, found, more):
    page = kept.wait(kept.store.before(ten, seq, limit))
    assert ("".join(texts(page)), page.more) == (found, more)


@pytest.mark.parametrize("read", ["after", "before"])
def test_a_page_is_bounded_in_bytes_but_has_at_least_one_event(kept, room, read):
    append(kept, *[said("x" * 1000, room, data={"y": "z" * 1000}) for _ in range(8)])
    start = 0 if read == "after" else None
    page = kept.wait(getattr(kept.store, read)(room, start, 100, 1))
    assert (len(page.events), page.more) == (1, True)
    page = kept.wait(getattr(kept.store, read)(room, start, 100, 6000))
    assert (2 <= len(page.events) <= 4, page.more) == (True, True)
    page = kept.wait(getattr(kept.store, read)(room, start, 100, 60_000))
    assert (len(page.events), page.more) == (8, False)


@given(st.integers(1, 7), st.integers(200, 5000), st.booleans())
@settings(max_examples=20, deadline=None)
def test_pages_put_together_are_the_log(kept, ten, limit, size, forward):
    store, found, page = kept.store, [], Page([], True)
    while page.more:
        if forward:
            page = kept.wait(store.after(ten, found[-1].seq if found else 0, limit, size))
            found += page.events
        else:
            page = kept.wait(store.before(ten, found[0].seq if found else None, limit, size))
            found = [*page.events, *found]
    assert found == log(kept, ten)


@given(objects)
@settings(max_examples=40, deadline=None)
def test_all_data_that_is_taken_comes_back_as_it_was(kept, value):
    room = next(_fresh_room)
    payload = msgspec.json.encode({"type": "post", "room": room, "text": "x", "data": value})
    command = decode(payload)
    try:
        check_data(command.data)
    except BadRequest:
        return
    append(kept, said(room=room, data=command.data))
    (event,) = log(kept, room)
    assert msgspec.json.decode(encode(event))["data"] == value


@pytest.mark.parametrize("number", [10**300, -(10**300), 2**64, -(2**63) - 1, 1e308, 5e-324, -0.0])
def test_a_number_in_data_comes_back_as_it_was(kept, room, number):
    append(kept, said(room=room, data={"n": number}))
    assert repr(log(kept, room)[0].data["n"]) == repr(number)


def test_data_nested_as_deep_as_is_taken_comes_back_as_it_was(kept, room):
    data: dict[str, object] = {}
    for _ in range(31):
        data = {"x": data}
    check_data(data)
    append(kept, said(room=room, data=data))
    assert log(kept, room)[0].data == data


# Telling.


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


# All together.

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
    other, name = InMemory(), next(_fresh_room)
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
