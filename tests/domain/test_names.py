"""What rooms and people may be called."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.domain import names
from chatroom.domain.errors import BadRequest


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
    assert names.room_name(raw) == name


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
        names.room_name(raw)


@given(st.text(max_size=80))
def test_a_rooms_name_stays_what_it_is(raw):
    try:
        name = names.room_name(raw)
    except BadRequest:
        return
    assert names.room_name(name) == name


@pytest.mark.parametrize(
    ("raw", "pattern"),
    [
        ("Lobby", "lobby"),
        ("*", "*"),
        ("News-*", "news-*"),
        ("~plans-x7", "~plans-x7"),
        ("~plans-*", "~plans-*"),
    ],
)
def test_a_pattern_is_spelled_as_the_rooms_are(raw, pattern):
    assert names.room_pattern(raw) == pattern


@pytest.mark.parametrize("raw", ["", "a b", "a*b", "*a", "**", "-*", "@*", "\uff0a"])
def test_a_pattern_that_no_room_is_called_by_is_refused(raw):
    with pytest.raises(BadRequest):
        names.room_pattern(raw)


@given(st.text(max_size=70))
def test_a_pattern_admits_what_begins_so(raw):
    try:
        pattern = names.room_pattern(raw)
    except BadRequest:
        return
    assert names.room_pattern(pattern) == pattern
    assert names.admits([pattern], pattern.replace("*", "x"))


@pytest.mark.parametrize(
    ("patterns", "room", "admitted"),
    [
        (None, "lobby", True),
        ((), "lobby", False),
        (("*",), "lobby", True),
        (("*",), "~plans-x", True),
        (("lobby",), "lobby", True),
        (("lobby",), "lobby2", False),
        (("news-*", "lobby"), "news-sport", True),
        (("news-*",), "newsx", False),
        (("news-*",), "news", False),
        (("~plans-*",), "~plans-x", True),
        (("plans-*",), "~plans-x", False),
    ],
)
def test_patterns_admit_rooms(patterns, room, admitted):
    assert names.admits(patterns, room) is admitted


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
    assert names.user_name(raw) == name


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
        names.user_name(raw)


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_in_ascii_only_blanks_length_and_control_characters_matter(raw):
    spaced = " ".join(part for part in raw.strip().split(" ") if part)
    if 1 <= len(spaced) <= 32 and all(" " <= char <= "~" for char in spaced):
        assert names.user_name(raw) == spaced
    else:
        with pytest.raises(BadRequest):
            names.user_name(raw)


@given(st.text(max_size=40))
def test_a_name_stays_what_it_is_and_can_always_be_written(raw):
    try:
        name = names.user_name(raw)
    except BadRequest:
        return
    assert names.user_name(name) == name
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
        ("Alice", "A1ice"),
        ("Alice", "AIice"),
        ("Alice", "\u0410lice"),
        ("Alice", "\u0391l\u200di\u0441\u0435"),
    ],
)
def test_names_that_look_the_same_are_one(one, other):
    assert names.name_key(names.user_name(one)) == names.name_key(names.user_name(other))


@pytest.mark.parametrize(
    ("one", "other"), [("Ana", "Anna"), ("Rene", "Ren\u00e9"), ("Ana", "A na"), ("x\u200d", "x y")]
)
def test_names_that_differ_are_two(one, other):
    assert names.name_key(one) != names.name_key(other)
