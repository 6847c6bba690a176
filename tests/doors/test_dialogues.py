"""What a WebSocket connection does with its messages."""

from __future__ import annotations

from typing import Any

import pytest

from chatroom.doors.dialogues import Dialogue, Echo, JsonDialogue, PlainDialogue


class Recorder:
    """Stands for a connection and a session: takes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *given: self.told.append((name, *given))


@pytest.fixture
def connection() -> Recorder:
    return Recorder()


@pytest.fixture
def session() -> Recorder:
    return Recorder()


def test_chatroom_v1_is_requests(connection: Any, session: Any) -> None:
    dialogue: Dialogue = JsonDialogue(connection, session)
    request = b'{"type":"ping","id":7}'
    dialogue.message(request, False)
    dialogue.closed()
    assert session.told == [("read", request), ("closed",)]
    assert connection.told == []


def test_chatroom_v1_has_no_binary_messages(connection: Any, session: Any) -> None:
    JsonDialogue(connection, session).message(b'{"type":"ping"}', True)
    assert connection.told == [("refuse_binary",)]
    assert session.told == []


def test_the_plain_dialect_takes_anything(session: Any) -> None:
    dialogue: Dialogue = PlainDialogue(session)
    dialogue.message(b"text", False)
    dialogue.message(b"\0\xff", True)
    dialogue.closed()
    assert session.told == [("receive", b"text", False), ("receive", b"\0\xff", True), ("closed",)]


def test_the_echo_sends_everything_back(connection: Any) -> None:
    dialogue: Dialogue = Echo(connection)
    dialogue.message(b"text", False)
    dialogue.message(b"\0\xff", True)
    dialogue.closed()
    assert connection.told == [("sendMessage", b"text", False), ("sendMessage", b"\0\xff", True)]
