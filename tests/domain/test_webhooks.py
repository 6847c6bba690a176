"""What a webhook is told of, and what can be asked for."""

from __future__ import annotations

import pytest
from msgspec import structs

from chatroom.domain.errors import BadRequest
from chatroom.domain.events import Deleted, MemberChanged, Message, Reaction
from chatroom.domain.model import By, User
from chatroom.domain.webhooks import CHOICES, Webhook, check_choice, check_url, mention_of, word_for

DIRECT = "@" + "0" * 24


def hook(*events: str, rooms: tuple[str, ...] = ("*",)) -> Webhook:
    return Webhook("w1", "Otto", "https://example.org/", "whsec_x", rooms, events, "bOtto")


def said(text: str = "hello", room: str = "lobby", by: str = "g1", **more: object) -> Message:
    return Message(room=room, seq=1, at=1, by=By(by, by), text=text, **more)  # type: ignore[arg-type]


def word(hooked: Webhook, event: object) -> str | None:
    return word_for(hooked, mention_of(hooked.name), event)  # type: ignore[arg-type]


def test_only_what_was_chosen_is_told():
    deleted = Deleted(room="lobby", seq=2, at=1, by=By("g1", "Ana"), target=1)
    member = MemberChanged(room="lobby", at=1, by=By("g1", "Ana"), user=User("g2", "Bob"), change="kicked")
    assert word(hook("message"), said()) == "message"
    assert word(hook("deleted"), deleted) == "deleted"
    put = Reaction(room="lobby", seq=3, at=1, by=By("g1", "Ana"), target=1, emoji="👍", on=True)
    assert word(hook("reaction"), put) == "reaction"
    # Of a message that was deleted, what was put under it is gone too.
    assert word(hook("reaction"), structs.replace(put, emoji="")) is None
    assert word(hook("member"), member) == "member"
    assert [word(hook("room", "edited"), one) for one in (said(), deleted, member)] == [None] * 3


@pytest.mark.parametrize("text", ["@Otto", "hi @otto!", "(@OTTO)", "@otto, and @otto", "yes\n@Otto"])
def test_a_mention_is_one(text):
    assert word(hook("mention"), said(text)) == "mention"
    assert word(hook("mention", "message"), said(text)) == "mention"


@pytest.mark.parametrize("text", ["Otto", "@Ottokar", "a@otto", "@otto-matic", "@@otto", "@ otto"])
def test_what_only_looks_like_one_is_none(text):
    assert word(hook("mention"), said(text)) is None
    assert word(hook("mention", "message"), said(text)) == "message"


def test_a_bots_own_words_and_deleted_ones_are_not_told():
    assert word(hook("message"), said(by="bOtto")) is None
    assert word(hook("message"), said("", deleted=True)) is None


def test_of_direct_messages_only_direct_is_told():
    assert word(hook("direct"), said(room=DIRECT)) == "direct"
    assert word(hook("message", "mention"), said("@otto", room=DIRECT)) is None
    assert word(hook("direct", "message"), said()) == "message"


def test_all_rooms_are_all_public_ones():
    assert hook("message").hears("lobby")
    assert not hook("message").hears("~den")
    assert not hook("message").hears(DIRECT)
    assert hook("message", rooms=("~den",)).hears("~den")
    assert not hook("message", rooms=("~den",)).hears("lobby")


@pytest.mark.parametrize("url", ["https://example.org/", "http://example.org:8080/a?b=c"])
def test_a_url_is_taken(url):
    assert check_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        *("", "example.org", "ftp://example.org/", "https://", "https:///x", "file:///etc/passwd"),
        *("https://ana:pw@example.org/", "https://example.org/#a", "https://example.org:99999/"),
        *(
            "https://exa mple.org/",
            "https://example.org/\r\nX: y",
            "https://[::1/",
            "https://[2606::1]/",
            "https://ex\xe4mple.org/",
        ),
        "https://example.org/" + "x" * 2000,
    ],
)
def test_what_is_no_url_for_a_webhook_is_refused(url):
    with pytest.raises(BadRequest):
        check_url(url)


def test_rooms_and_events_are_taken_once_and_in_their_spelling():
    assert check_choice(["Lobby", "lobby", "*"], ["message", "message"]) == (("lobby", "*"), ("message",))
    assert check_choice([], ["direct"]) == ((), ("direct",))
    assert check_choice(["*"], CHOICES)[1] == CHOICES


@pytest.mark.parametrize(
    ("rooms", "events"),
    [([], ["message"]), (["*"], []), (["*"], ["shout"]), ([DIRECT], ["message"]), (["a b"], ["message"])],
)
def test_a_choice_that_is_none_is_refused(rooms, events):
    with pytest.raises(BadRequest):
        check_choice(rooms, events)
