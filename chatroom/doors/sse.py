"""The door for listeners: a room's events as a stream that any HTTP client can read.

GET /events?room=lobby                   GET /api/v1/rooms/{room}/events
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from chatroom.doors.calls import Call, is_call, wanted
from chatroom.doors.heads import Head
from chatroom.doors.stream import Stream
from chatroom.doors.websocket import ChatFactory
from chatroom.listener import Listener


class EventStream(Stream):
    """Somebody who listens to a room."""

    _listener: Listener | None = None

    def call(self, call: Call) -> None:
        """Let them listen, if they may."""
        asked = wanted(call)
        self._listener = Listener(self.factory.doorman, self, call.source.address)
        self._listener.open(asked)

    def gone(self) -> None:
        """The connection is."""
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.closed()


class StreamFactory(Factory):
    """Makes streams. They share with WebSockets what there is one of: the origins, the tick, and who is
    asked to come back when the server stops."""

    noisy = False

    def __init__(self, websocket: ChatFactory) -> None:
        self.doorman = websocket.doorman
        self.chat = websocket.chat
        self.tick = websocket.tick
        self.hosts = websocket.hosts
        self.proxies = websocket.proxies
        self.origins = websocket.origins
        self.refuse_origin = websocket.refuse_origin
        self.open = websocket.open

    def takes(self, head: Head) -> bool:
        """Whether a request is for a stream."""
        return is_call(head)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """A stream; the address is asked of the transport later."""
        stream = EventStream()
        stream.factory = self
        return stream
