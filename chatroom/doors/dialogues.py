"""What a WebSocket connection does with its messages: one class for each thing it may speak."""

from __future__ import annotations

from typing import Protocol

from chatroom.plain import PlainSession
from chatroom.session import Session


class Connection(Protocol):
    """What a dialogue needs of its connection."""

    def refuse_binary(self) -> None:
        """Close, because binary data came where only text is understood."""

    def sendMessage(self, payload: bytes, isBinary: bool = False) -> None:
        """Send a message of its own."""


class Dialogue(Protocol):
    """What a connection does with its messages."""

    def message(self, payload: bytes, binary: bool) -> None:
        """A whole message has come."""

    def closed(self) -> None:
        """The connection is gone."""


class JsonDialogue:
    """chatroom.v1: text messages that are requests."""

    __slots__ = ("_connection", "_session")

    def __init__(self, connection: Connection, session: Session) -> None:
        self._connection = connection
        self._session = session

    def message(self, payload: bytes, binary: bool) -> None:
        """One request."""
        if binary:
            self._connection.refuse_binary()
            return
        self._session.read(payload)

    def closed(self) -> None:
        """The connection is gone."""
        self._session.closed()


class PlainDialogue:
    """The plain dialect: messages that are texts."""

    __slots__ = ("_session",)

    def __init__(self, session: PlainSession) -> None:
        self._session = session

    def message(self, payload: bytes, binary: bool) -> None:
        """One text, or binary data."""
        self._session.receive(payload, binary)

    def closed(self) -> None:
        """The connection is gone."""
        self._session.closed()


class Echo:
    """What the conformance suite talks to: the same protocol, limits and outbox."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def message(self, payload: bytes, binary: bool) -> None:
        """Send it back, compressed as negotiated."""
        self._connection.sendMessage(payload, binary)

    def closed(self) -> None:
        """The connection is gone."""
