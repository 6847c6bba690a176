"""What the members say to a server and what they must hear: one class for each way of talking.

A fan-out has one poster. That keeps the order of posts certain, so each delivery can be checked,
and lets the JSON dialect know the `seq` (and with it the length) of its next message.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bench.members import ServerError
from bench.texts import Data, Text, repeated


@dataclass(frozen=True)
class Opening:
    """One question and answer after the upgrade; `answer` is contained in the right reply."""

    name: str
    request: Callable[[int], bytes]
    """What member number n asks."""
    answer: bytes


class Dialect(Protocol):
    upgrade: bool
    subprotocol: str | None
    openings: tuple[Opening, ...]
    size: int
    """Payload bytes of a delivery, before any compression."""
    alike: bool
    """Whether all deliveries are of exactly that size."""
    echoes: bool
    """Whether the poster hears its own post as the others do."""

    def calibrate(self, exchange: Callable[[bytes], bytes]) -> None:
        """Try one post; `exchange` sends it and gives the delivery of it to another member."""

    def post(self, index: int) -> bytes:
        """The payload of post number `index`, counted from 0 after the calibration."""

    def hears(self, payload: bytes, index: int) -> bool:
        """Whether `payload` is a delivery at all; ServerError if it is one, but not of `index`."""


class Verbatim:
    """A text goes in, the same text comes out: peers, and the server's own plain dialect."""

    upgrade = True
    alike = True
    subprotocol: str | None = None
    openings: tuple[Opening, ...] = ()

    def __init__(self, size: int, *, echoes: bool, text: Text = repeated) -> None:
        self.size = size
        self.echoes = echoes
        self._text = text

    def calibrate(self, exchange: Callable[[bytes], bytes]) -> None:
        posted = self.post(0)
        if exchange(posted) != posted:
            raise ServerError("not the text that was posted")

    def post(self, index: int) -> bytes:
        return self._text(index, self.size).encode()

    def hears(self, payload: bytes, index: int) -> bool:
        if payload != self.post(index):
            raise ServerError(f"delivery {index} is {payload!r}")
        return True


class Unheard(Verbatim):
    """The floor: no handshake, and the same bytes whatever was posted."""

    upgrade = False

    def calibrate(self, exchange: Callable[[bytes], bytes]) -> None:
        exchange(self.post(0))

    def hears(self, payload: bytes, index: int) -> bool:
        return len(payload) == self.size


class SocketIo(Verbatim):
    """Socket.IO 4 over Engine.IO 4: an event named `message`, the same packet in and out."""

    openings: tuple[Opening, ...] = (Opening("connect", lambda _number: b"40", b'40{"sid"'),)
    _ENVELOPE = '42["message","%s"]'

    def __init__(self, size: int, *, text: Text = repeated) -> None:
        super().__init__(size, echoes=True, text=text)

    def post(self, index: int) -> bytes:
        width = self.size - len(self._ENVELOPE % "")
        return (self._ENVELOPE % self._text(index, width)).encode()


_WAMP_HELLO = b'[1,"realm1",{"roles":{"publisher":{},"subscriber":{}}}]'


class Wamp(Verbatim):
    """WAMP version 2 as JSON, the basic profile: subscribe and publish, unacknowledged.

    An event carries a random publication id of up to 16 digits, so deliveries differ in length;
    the text is as long as makes most of them `size` bytes.
    """

    alike = False
    subprotocol: str | None = "wamp.2.json"
    openings: tuple[Opening, ...] = (
        Opening("hello", lambda _number: _WAMP_HELLO, b"[2,"),
        Opening("subscribe", lambda _number: b'[32,1,{},"room"]', b"[33,1,"),
    )

    def __init__(self, size: int, *, text: Text = repeated) -> None:
        super().__init__(size, echoes=True, text=text)

    def calibrate(self, exchange: Callable[[bytes], bytes]) -> None:
        if not self.hears(exchange(self.post(0)), 0):
            raise ServerError("not an event")

    def post(self, index: int) -> bytes:
        return b'[16,%d,{"exclude_me":false},"room",["%s"]]' % (index + 1, self._said(index))

    def hears(self, payload: bytes, index: int) -> bool:
        if not payload.startswith(b"[36,"):
            return False
        if not payload.endswith(b'["%s"]]' % self._said(index)):
            raise ServerError(f"delivery {index} is {payload!r}")
        return True

    def _said(self, index: int) -> bytes:
        return self._text(index, self.size - _WAMP_EVENT).encode()


_WAMP_EVENT = len('[36,0123456789012345,0123456789012345,{},[""]]')


class Json:
    """chatroom.v1: hello, join, then posts that are acknowledged and delivered as events.

    The text of each post is as long as makes the delivered event `size` bytes, whatever the
    digits of its seq. Where the event without a text is longer than that, the text is 8 bytes and
    `size` is raised to what results.
    """

    upgrade = True
    subprotocol: str | None = "chatroom.v1"
    alike = True
    echoes = True

    def __init__(
        self, size: int, room: str = "lobby", text: Text = repeated, data: Data | None = None
    ) -> None:
        self.size = size
        self.room = room
        self._fill = text
        self._data = data
        self.openings: tuple[Opening, ...] = (
            Opening("hello", _hello, b'"type":"welcome"'),
            Opening("join", lambda _number: _request("join", 2, room=room), b'"type":"ok"'),
        )
        self._first = 0
        self.digits = 1
        """How often a delivery says its seq."""

    def calibrate(self, exchange: Callable[[bytes], bytes]) -> None:
        trial = "calibration"
        delivery = exchange(_request("post", 3, room=self.room, text=trial, **self._extra(0)))
        event = json.loads(delivery)
        if event["text"] != trial:
            raise ServerError(f"not the text that was posted: {event}")
        self._first = event["seq"] + 1
        bare = len(delivery) - len(trial) - len(str(event["seq"]))
        # Room for eight digits of text and a seq of up to eight, each time that it is said.
        self.size = max(self.size, bare + 8 + 8 * self.digits)
        self._bare = bare

    def head(self, joined: bytes) -> int:
        """The room's newest seq, from the reply to a join."""
        newest: int = json.loads(joined)["room"]["head"]
        return newest

    def post(self, index: int) -> bytes:
        return _request("post", index, room=self.room, text=self._text(index), **self._extra(index))

    def _extra(self, index: int) -> dict[str, object]:
        return {"data": self._data(index)} if self._data else {}

    def _text(self, index: int) -> str:
        width = self.size - self._bare - self.digits * len(str(self._first + index))
        return self._fill(index, width)

    def hears(self, payload: bytes, index: int) -> bool:
        if b'"type":"message"' not in payload:
            return False
        event = json.loads(payload)
        if event["seq"] != self._first + index or event["text"] != self._text(index):
            raise ServerError(f"delivery {index} (first seq {self._first}) is {event}")
        if event.get("data") != self._extra(index).get("data"):
            raise ServerError(f"delivery {index} has other data: {event}")
        return True


class Events:
    """Somebody posts over a WebSocket in another dialect; who listens gets server-sent events, whose
    data is what members hear in that."""

    upgrade = True
    echoes = True

    def __init__(self, posted: "Json | Verbatim") -> None:
        self._posted = posted
        self.subprotocol = posted.subprotocol
        self.openings = posted.openings[:1]
        self.alike = False
        self.size = posted.size

    def calibrate(self, exchange: Callable[[bytes], bytes]) -> None:
        self._posted.calibrate(lambda payload: _data(exchange(payload)))

    def post(self, index: int) -> bytes:
        return self._posted.post(index)

    def hears(self, payload: bytes, index: int) -> bool:
        return b"data: " in payload and self._posted.hears(_data(payload), index)


class NumberedEvents(Events):
    """chatroom's: as long as one another, where the text makes up for both times that the seq is said."""

    def __init__(self, posted: "Json") -> None:
        super().__init__(posted)
        self.alike = True

    def calibrate(self, exchange: Callable[[bytes], bytes]) -> None:
        events: list[bytes] = []

        def kept(payload: bytes) -> bytes:
            events.append(exchange(payload))
            return events[-1]

        self._posted.digits = 2
        super().calibrate(kept)
        event = events[0]
        bare = len(event) - len(_data(event)) + len(b"\n\n")
        seq = json.loads(_data(event))["seq"]
        self.size = bare - len(str(seq)) + self._posted.size


def _data(event: bytes) -> bytes:
    return event.partition(b"data: ")[2]


def _hello(number: int) -> bytes:
    """With a name, as people who come in through the page have one."""
    return _request("hello", 1, name=f"member-{number}")


def _request(kind: str, number: int, **fields: object) -> bytes:
    return json.dumps({"type": kind, "id": number, **fields}, separators=(",", ":")).encode()
