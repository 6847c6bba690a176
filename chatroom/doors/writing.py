"""What Autobahn takes for its transport: all that it writes goes through the outbox.

So the outbox is the only writer of the real transport, whatever Autobahn writes: handshakes, pongs,
its own messages, close frames.
"""

from __future__ import annotations

from typing import Any, Protocol

from chatroom.doors.outbox import Outbox

_CLOSE = 0x88
"""The first byte of a close frame (RFC 6455, section 5.5.1); no HTTP answer begins with it."""


class Ending(Protocol):
    """What an OutboxTransport needs of its connection."""

    def ending(self) -> None:
        """The last frame has been written, or there will be none."""


class OutboxTransport:
    """One connection's transport, for Autobahn."""

    __slots__ = ("_connection", "_last_said", "_outbox", "_transport")

    def __init__(self, transport: Any, outbox: Outbox, connection: Ending) -> None:
        self._transport = transport
        self._outbox = outbox
        self._connection: Ending | None = connection
        self._last_said = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """One frame, or an HTTP answer: Autobahn writes each in one piece."""
        if data[0] != _CLOSE:
            self._outbox.control(data)
            return
        # First what was sent in this tick. Where that is too much, or this is, another close frame
        # is on its way in its place.
        self._outbox.flush()
        if not self._last_said:
            self._outbox.control(data)
        if not self._last_said:
            self._last_said = True
            self._end()

    def unregisterProducer(self) -> None:
        """Nothing: the outbox is the producer, and knows when it is done."""

    def loseConnection(self) -> None:
        """End the connection, after what was written before."""
        self._outbox.finish()
        self._end()

    def lost(self) -> None:
        """The connection is gone: these two know each other no more."""
        self._connection = None

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.ending()
