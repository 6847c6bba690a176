"""Asking who has been silent whether they are still there (RFC 6455, section 5.5.2)."""

from __future__ import annotations

from secrets import token_bytes
from typing import Any

from chatroom.domain.ports import Timer

_SIZE = 12
"""Bytes that a ping says, and its pong must say."""


class Heartbeat:
    """A WebSocket protocol that pings, as often as its factory's limits say."""

    factory: Any
    sendPing: Any
    dropConnection: Any

    _beat: Timer | None = None
    _pinged = b""
    """What the ping said that has not been answered yet."""

    def start_beating(self) -> None:
        """The connection is open."""
        interval = self.factory.chat.limits.ping_interval
        self._beat = self.factory.chat.deadlines.call_later(interval, self._ask) if interval else None

    def stop_beating(self) -> None:
        """It is closing, or gone."""
        self._pinged = b""
        beat, self._beat = self._beat, None
        if beat is not None:
            beat.cancel()

    def heard(self) -> None:
        """The peer has sent something: that answers the ping."""
        if self._pinged:
            self.stop_beating()
            self.start_beating()

    def onPong(self, payload: bytes) -> None:
        """A pong, which counts if it says what the ping said."""
        if payload == self._pinged:
            self.heard()

    def _ask(self) -> None:
        self._pinged = token_bytes(_SIZE)
        self.sendPing(self._pinged)
        timeout = self.factory.chat.limits.ping_timeout
        if self._beat is None:
            return  # The ping was too much for a slow reader, whose connection is closing now.
        if timeout:
            self._beat = self.factory.chat.deadlines.call_later(timeout, self._give_up)
        else:
            self.start_beating()

    def _give_up(self) -> None:
        self._beat = None
        self.dropConnection(abort=True)
