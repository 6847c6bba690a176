"""Who may do what, and what texts may be."""

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


EMOJI = ["👍", "❤️", "👩‍👩‍👧", "🏴\U000e0067\U000e0062\U000e007f", "1️⃣", "+1", "ok", "é", "\U0001ffff"]
NO_EMOJI = [
    "",
    "x" * 33,
    " ",
    "a b",
    "\n",
    "a\n",
    "\u00a0",
    "a\u2028",
    "\0",
    "\x7f",
    "\x85",
    "\u202egnp",
    "\u200d",
    "\ufe0f",
]


@pytest.mark.parametrize("emoji", EMOJI)
def test_what_can_be_seen_may_be_put_under_a_message(emoji):
    rules.check_emoji(emoji)


@pytest.mark.parametrize("emoji", NO_EMOJI)
def test_what_cannot_be_seen_is_no_emoji(emoji):
    with pytest.raises(BadRequest):
        rules.check_emoji(emoji)


@given(st.text(min_size=1, max_size=32))
def test_an_emoji_that_is_taken_is_one_word_on_one_line(text):
    try:
        rules.check_emoji(text)
    except BadRequest:
        return
    assert text.split() == [text]
    assert text.splitlines() == [text]


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


@pytest.mark.parametrize("kind", ["public", "announcement"])
def test_where_everybody_may_be_the_higher_role_counts(kind):
    assert rules.role_in(kind, "guest", None) == "guest"
    assert rules.role_in(kind, "guest", "owner") == "owner"
    assert rules.role_in(kind, "moderator", "member") == "moderator"
    assert rules.role_in(kind, "moderator", None) == "moderator"


@pytest.mark.parametrize("kind", ["private", "direct"])
def test_where_one_must_be_let_in_only_the_place_counts(kind):
    assert rules.role_in(kind, "owner", None) is None
    assert rules.role_in(kind, "owner", "guest") == "guest"
    assert rules.role_in(kind, "guest", "owner") == "owner"


@given(actor=st.sampled_from(list(rules.RANK)), subject=st.sampled_from(list(rules.RANK)))
def test_one_acts_only_downwards(actor, subject):
    if rules.RANK[actor] > rules.RANK[subject]:
        rules.check_above(actor, subject)
    else:
        with pytest.raises(Forbidden):
            rules.check_above(actor, subject)


@given(actor=st.sampled_from(list(rules.RANK)), role=st.sampled_from(list(rules.RANK)[1:]))
def test_roles_are_given_downwards_and_an_owner_gives_any(actor, role):
    if actor == "owner" or rules.RANK[actor] > rules.RANK[role]:
        rules.check_grant(actor, role)
    else:
        with pytest.raises(Forbidden):
            rules.check_grant(actor, role)


def test_who_is_nobody_in_a_room_is_told_the_same_whatever_they_ask():
    told = set()
    for request in rules.LEAST:
        for kind in ("public", "announcement", "private", "direct"):
            with pytest.raises(NotFound) as refused:
                rules.check(request, kind, None)
            told.add(refused.value.message)
    assert told == {rules.NO_ROOM}
