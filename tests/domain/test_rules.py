"""Who may do what, and what names and texts may be."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.domain import rules
from chatroom.domain.errors import BadRequest, Forbidden, NotFound, TooLong
from chatroom.domain.events import Message
from chatroom.domain.limits import Limits
from chatroom.domain.model import By, User

ANA = User("g1", "Ana")
SAID = Message(room="lobby", seq=3, at=1, by=By("g1", "Ana"), text="hello")


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("lobby", "lobby"),
        ("Lobby", "lobby"),
        ("  lobby\n", "lobby"),
        ("4.b_c-d", "4.b_c-d"),
        ("\uff2c\uff2f\uff22\uff22\uff39", "lobby"),
        ("Straße", "strasse"),
        ("e\u0301t\u00e9", "\u00e9t\u00e9"),
        ("комната", "комната"),
        ("x" * 64, "x" * 64),
    ],
)
def test_a_room_has_one_spelling(raw, name):
    assert rules.room_name(raw) == name


@pytest.mark.parametrize(
    "raw",
    [
        "",
        " ",
        "x" * 65,
        "_a",
        ".a",
        "-a",
        "a/b",
        "a b",
        "a\0b",
        "a\n\nb",
        "a:b",
        "\u200b",
        "a\u202eb",
        "ß" * 33,
        "💬",
        "\u3164",
    ],
)
def test_a_room_that_has_no_such_name_is_refused(raw):
    with pytest.raises(BadRequest):
        rules.room_name(raw)


@given(st.text(max_size=80))
def test_a_rooms_name_stays_what_it_is(raw):
    try:
        name = rules.room_name(raw)
    except BadRequest:
        return
    assert rules.room_name(name) == name


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("Ana", "Ana"),
        ("  Ana   Maria ", "Ana Maria"),
        ("Zoe\u0301", "Zo\u00e9"),
        ("\u0645\u06cc\u200c\u062e\u0648", "\u0645\u06cc\u200c\u062e\u0648"),
        ("👩\u200d💻", "👩\u200d💻"),
        ("x" * 32, "x" * 32),
        ("<b>", "<b>"),
    ],
)
def test_a_name_is_shown_as_it_is_meant(raw, name):
    assert rules.user_name(raw) == name


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "   ",
        "x" * 33,
        "a\tb",
        "a\nb",
        "a\0b",
        "a\u202eb",
        "a\u200bb",
        "a\u2028b",
        "\ufeffa",
        "\u200d",
        "\u200c\u200d",
        "a\ud800",
        "\u3164",
        "Ana\u2800",
        "\ufe0f",
    ],
)
def test_a_name_with_what_cannot_be_seen_is_refused(raw):
    with pytest.raises(BadRequest):
        rules.user_name(raw)


@given(st.text(max_size=40))
def test_a_name_stays_what_it_is_and_can_always_be_written(raw):
    try:
        name = rules.user_name(raw)
    except BadRequest:
        return
    assert rules.user_name(name) == name
    assert name.encode()
    assert not any(unicodedata.category(char) == "Cc" for char in name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ana", "ANA"),
        ("Ana", "\uff21\uff4e\uff41"),
        ("Straße", "STRASSE"),
        ("ﬁ", "fi"),
        ("a\u00a0b", "a b"),
        ("Alice", "Ali\u200dce"),
        ("Alice", "Ali\u200cce"),
        ("Alice", "Alice\ufe0f"),
        ("Alice", "Al\u034fice"),
    ],
)
def test_names_that_look_the_same_are_one(one, other):
    assert rules.name_key(rules.user_name(one)) == rules.name_key(rules.user_name(other))


def test_names_that_differ_are_two():
    assert rules.name_key("Ana") != rules.name_key("Anna")


def test_a_text_may_have_as_many_characters_as_the_limit_says():
    rules.check_text("é" * 5, Limits(text_length=5))
    with pytest.raises(TooLong):
        rules.check_text("x" * 6, Limits(text_length=5))


def test_a_limit_of_0_is_none():
    rules.check_text("x" * 100_000, Limits(text_length=0))


@pytest.mark.parametrize("text", ["", "a\0b"])
def test_a_text_that_is_none_is_refused(text):
    with pytest.raises(BadRequest):
        rules.check_text(text, Limits())


def nested(depth: int) -> object:
    data: object = {}
    for level in range(depth - 1):
        data = [data] if level % 2 else {"x": data}
    return data


def test_data_may_be_nested_32_deep():
    rules.check_data(nested(32))
    with pytest.raises(BadRequest):
        rules.check_data(nested(33))


def test_data_nested_without_end_is_refused_without_a_traceback():
    with pytest.raises(BadRequest):
        rules.check_data(nested(100_000))


@pytest.mark.parametrize("data", [None, 1, "x", {}, [], {"a": [1, {"b": None}]}])
def test_flat_data_is_fine(data):
    rules.check_data(data)


def test_authors_may_change_what_they_said():
    rules.may_change(ANA, SAID)


def test_nobody_else_may():
    with pytest.raises(Forbidden):
        rules.may_change(User("g2", "Ana"), SAID)


@pytest.mark.parametrize(
    "target", [None, Message(room="lobby", seq=3, at=1, by=SAID.by, text="", deleted=True)]
)
def test_what_is_not_there_cannot_be_changed(target):
    with pytest.raises(NotFound):
        rules.may_change(ANA, target)


def test_an_author_is_named_as_they_are_called_then():
    assert rules.author(ANA) == By("g1", "Ana")
