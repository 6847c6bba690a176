"""Pages of a log, and the data in it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatroom.domain.errors import BadRequest
from chatroom.domain.ports import Page
from chatroom.domain.rules import check_data
from chatroom.wire.json import decode, encode

from ...wire.json_values import objects
from ..drafts import said
from .asking import append, fresh, log, texts


@pytest.fixture(scope="module")
def ten(kept) -> str:
    """A room of ten events."""
    name = fresh()
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
    room = fresh()
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
