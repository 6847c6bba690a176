"""Who may do what, and what texts may be."""

import pytest

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
