"""The door for listeners: a room's events as a stream that any HTTP client can read.

GET /events?room=lobby                   GET /api/v1/rooms/{room}/events
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from chatroom.domain.errors import CloseCode
from chatroom.domain.replies import Error
from chatroom.doors.calls import Call, is_call, wanted
from chatroom.doors.heads import Head
from chatroom.doors.sessions import Sessions
from chatroom.doors.stream import Feed, Stream
from chatroom.doors.websocket import ChatFactory
from chatroom.listener import Listener, Wanted
from chatroom.session import Doorman
from chatroom.wire import sse
from chatroom.wire.json import encode

_SAID = (CloseCode.RESTARTING, CloseCode.SLOW)
"""Of these, who can hear it has been told."""


class RoomFeed:
    """What somebody hears who listens to a room."""

    def __init__(self, doorman: Doorman, asked: Wanted, address: str | None) -> None:
        self._doorman = doorman
        self._asked = asked
        self._address = address
        self._listener: Listener | None = None

    def open(self, stream: Stream) -> None:
        """Let them listen, if they may."""
        self._listener = Listener(self._doorman, stream, self._address)
        self._listener.open(self._asked)

    def last_words(self, code: int, why: Error) -> bytes:
        """An event of its own, which no page hears that does not ask for it."""
        return b"" if code in _SAID else sse.fields(encode(why), event="closing") + sse.END

    def closed(self) -> None:
        """The connection is gone."""
        if self._listener is not None:
            self._listener.closed()


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
        self.sessions = Sessions(websocket.doorman)

    def takes(self, head: Head) -> bool:
        """Whether a request is for a stream."""
        return is_call(head)

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """A stream; the address is asked of the transport later."""
        stream = Stream()
        stream.factory = self
        return stream

    def feed(self, call: Call) -> Feed:
        """What somebody who calls is to hear. Raises ChatError."""
        if call.session is not None:
            return self.sessions.feed(call.session, call.source.address)
        return RoomFeed(self.doorman, wanted(call), call.source.address)
