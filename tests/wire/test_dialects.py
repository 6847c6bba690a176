"""The dialects: what each kind of connection is told, and how."""

import json

import pytest

from chatroom.domain.events import Closing, Deleted, Edited, Message, Notice, Presence, Typing
from chatroom.domain.model import By, User
from chatroom.domain.replies import Error, Reply
from chatroom.wire import frames
from chatroom.wire.dialects import Json, Plain, json_dialect, plain_dialect

from .frame_reading import frames_in

BY = By("g1", "Ana")
MESSAGE = Message(room="lobby", seq=1, at=5, by=BY, text="héllo")
DELETED = Message(room="lobby", seq=1, at=5, by=BY, text="", deleted=True)
UNTOLD = [
    DELETED,
    Edited(room="lobby", seq=2, at=6, by=BY, target=1, text="hallo"),
    Deleted(room="lobby", seq=3, at=7, by=BY, target=1),
    Presence(room="lobby", user=User("g1", "Ana"), state="online"),
    Typing(room="lobby", user=User("g1", "Ana"), on=True),
    Closing(reason="restarting", reconnect_after=1),
]


@pytest.mark.parametrize("made", [json_dialect, plain_dialect])
def test_all_connections_of_a_kind_share_one_dialect(made):
    assert made() is made()
    assert made(15) is made(15)
    assert len({made(), made(9), made(15)}) == 3


@pytest.mark.parametrize("made", [json_dialect, plain_dialect])
def test_a_dialect_compresses_where_a_window_was_agreed_on(made):
    assert made().frame(b"x" * 500) == frames.frame(b"x" * 500)
    (read,) = frames_in(made(12).frame(b"x" * 500))
    assert read.compressed
    assert read.inflated(12) == b"x" * 500


def test_json_members_get_what_they_caused_themselves_and_plain_ones_do_not():
    assert (Json.echoes, Plain.echoes) == (True, False)


@pytest.mark.parametrize("event", [MESSAGE, *UNTOLD, Notice(text="psst")])
def test_json_tells_of_everything(event):
    assert json.loads(json_dialect().event(event))["type"] == event.__struct_config__.tag


def test_json_has_no_binary_messages():
    assert json_dialect().binary(b"\x00") is None


def test_plain_tells_a_messages_text_and_nothing_else():
    assert plain_dialect().event(MESSAGE) == "héllo".encode()


def test_plain_tells_a_notice():
    assert plain_dialect().event(Notice(text="psst")) == b"psst"


@pytest.mark.parametrize("event", UNTOLD)
def test_plain_does_not_tell_of_what_its_clients_have_no_words_for(event):
    assert plain_dialect().event(event) is None


def test_plain_tells_an_error_as_a_line_that_begins_with_an_asterisk():
    assert plain_dialect().reply(Error(code="too_long", message="too long")) == b"* too long"


def test_plain_has_no_word_for_ok():
    assert plain_dialect().reply(Reply()) == b""


def test_plain_carries_binary_messages_as_they_are():
    assert frames_in(plain_dialect(15).binary(b"\x00" * 500)) == [(2, False, b"\x00" * 500)]
