"""A whole server in memory with its doors, and connections to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from chatroom.domain.limits import Limits
from chatroom.doors.front import FrontFactory
from chatroom.doors.hosts import Hosts
from chatroom.doors.http import WebSite
from chatroom.doors.origins import Origins
from chatroom.doors.proxies import Proxies
from chatroom.doors.sessions import SessionDoor
from chatroom.doors.sse import StreamFactory
from chatroom.doors.websocket import ChatFactory

from ..core.house import UNMETERED, House
from .rawframes import Answer, Frame, answer, masked, parse, upgrade


class Turns:
    """What is to be done in the reactor's next turns."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], None]] = []

    def add(self, step: Callable[[], None]) -> Turns:
        """Do this then."""
        self._steps.append(step)
        return self

    def cancel(self) -> None:
        """Do it not."""
        self._steps.clear()

    def go_by(self) -> bool:
        """Let a turn go by; whether anything was done."""
        steps, self._steps = self._steps, []
        for step in steps:
            step()
        return bool(steps)


TURNS = Turns()


class MemoryTransport(StringTransport):
    """A transport without a socket that, as Twisted's do, ends in a later turn of the reactor."""

    def __init__(self, clock: Clock, peer: Any) -> None:
        super().__init__(peerAddress=peer, lenient=True)
        self.protocol: Any = None
        self.aborted = False
        self._clock = clock

    def write(self, data: bytes) -> None:
        """Take bytes; whoever closes has nothing more to say."""
        assert not self.disconnecting, f"written after loseConnection: {data!r}"
        if self.connected:
            super().write(data)

    def loseConnection(self) -> None:
        """End once what was written has left, which here is at once, and nobody produces."""
        if not self.disconnecting:
            self.disconnecting = True
            self._clock.callLater(0, self._end)

    def abortConnection(self) -> None:
        """End."""
        self.disconnecting = self.aborted = True
        self._clock.callLater(0, self.lose, ConnectionAborted())

    def unregisterProducer(self) -> None:
        """Twisted's transports do not mind if there is none."""
        self.producer = None
        if self.disconnecting:
            self._clock.callLater(0, self._end)

    def _end(self) -> None:
        if self.producer is None:
            self.lose(ConnectionDone())

    def lose(self, reason: Exception) -> None:
        """The connection is gone, for whatever reason."""
        if self.connected:
            self.connected = False
            producer, self.producer = self.producer, None
            if producer is not None:
                producer.stopProducing()
            protocol, self.protocol = self.protocol, None
            protocol.connectionLost(Failure(reason))


class Premises(House):
    """A house with its doors, put together as `chatroom.tap` does."""

    quick = True
    """Whether connections are of the kind that knows Autobahn's insides."""

    def __init__(
        self,
        limits: Limits = UNMETERED,
        *origins: str,
        echo: bool = False,
        trusting: tuple[str, ...] = (),
        called: tuple[str, ...] = (),
        **settings: Any,
    ) -> None:
        super().__init__(limits, **settings)
        hosts, proxies = Hosts(called), Proxies(trusting)
        self.websocket = ChatFactory(
            self.core.doorman,
            self.clock,
            Origins(list(origins)),
            hosts=hosts,
            proxies=proxies,
            echo=echo,
            quick=self.quick,
        )
        self.streams = StreamFactory(self.websocket)
        session = SessionDoor(self.streams.sessions, self.core.meters, self.websocket.origins)
        parts = {"session": session.resource()}
        self.web = WebSite(
            self.websocket,
            self.streams,
            self.clock,
            parts=parts,
            hosts=hosts,
            proxies=proxies,
            readiness=self.core.readiness,
        )
        deadlines, timeout = self.chat.deadlines, limits.handshake_timeout
        self.front = FrontFactory(
            self.websocket, self.streams, self.web, deadlines, self.admission, timeout, proxies
        )

    def settle(self) -> None:
        """Let everything happen that waits for its turn."""
        super().settle()
        while TURNS.go_by():
            super().settle()

    def call(self, *chunks: bytes, host: str = "192.0.2.1") -> Caller:
        """Somebody connects, and sends this."""
        caller = Caller(self, host)
        caller.send(*chunks)
        return caller

    def enter(self, path: str = "/ws", subprotocol: str | None = None, **headers: Any) -> Caller:
        """Somebody connects, and their handshake is taken."""
        caller = self.call(upgrade(path, subprotocol, **headers))
        opened = caller.answer()
        assert opened.status == 101, opened
        caller.opened = opened
        return caller

    def chatter(self, name: str | None = None, **headers: Any) -> Caller:
        """Somebody who speaks chatroom.v1, and has said hello."""
        caller = self.enter(subprotocol="chatroom.v1", **headers)
        welcome = caller.ask("hello", **({} if name is None else {"name": name}))
        assert welcome["type"] == "welcome", welcome
        return caller

    def pass_time(self, seconds: float) -> None:
        """Let time go by, and everything happen that is due meanwhile."""
        end = self.clock.seconds() + seconds
        while due := [call.getTime() for call in self.clock.calls if call.getTime() <= end]:
            self.clock.advance(max(0.0, min(due) - self.clock.seconds()))
            self.settle()
        self.clock.advance(max(0.0, end - self.clock.seconds()))
        self.settle()


class Caller:
    """One connection from outside."""

    def __init__(self, premises: Premises, host: str) -> None:
        self.premises = premises
        self.transport = MemoryTransport(premises.clock, IPv4Address("TCP", host, 50000))
        self.opened: Answer | None = None
        self._taken = b""
        self._events: list[dict[str, Any]] = []
        self._numbers = count(1)
        self.transport.protocol = premises.front.buildProtocol(None)
        self.transport.protocol.makeConnection(self.transport)

    @property
    def gone(self) -> bool:
        """Whether the server has ended the connection."""
        return not self.transport.connected

    @property
    def protocol(self) -> Any:
        """Who has the connection now."""
        return self.transport.protocol

    def send(self, *chunks: bytes) -> None:
        """Send these, one by one, and let everything happen."""
        for chunk in chunks:
            if chunk and self.transport.connected:
                self.transport.protocol.dataReceived(chunk)
        self.premises.settle()

    def say(self, text: str) -> None:
        """Send a text."""
        self.send(masked(text.encode()))

    def vanish(self) -> None:
        """Be gone, without a word."""
        self.transport.lose(ConnectionDone())
        self.premises.settle()

    def took(self) -> bytes:
        """What has come since it was asked for last."""
        self.premises.settle()
        data, self._taken = self._taken + self.transport.value(), b""
        self.transport.clear()
        return data

    def answer(self, method: str = "GET") -> Answer:
        """The next HTTP answer."""
        found = answer(self.took(), method)
        self._taken = found.rest
        return found

    def frames(self) -> list[Frame]:
        """The frames that have come; there is nothing between or behind them."""
        frames, rest = parse(self.took())
        assert not rest, f"half a frame: {rest!r}"
        return frames

    def texts(self) -> list[str]:
        """The same, where they are texts."""
        return [frame.text for frame in self.frames()]

    def ask(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Ask in chatroom.v1; the reply. What else comes waits in `heard`."""
        number = next(self._numbers)
        self.say(json.dumps({"type": kind, "id": number, **fields}))
        for text in self.texts():
            self._events.append(json.loads(text))
        (reply,) = [one for one in self._events if one.get("id") == number]
        self._events.remove(reply)
        return reply

    def heard(self) -> list[dict[str, Any]]:
        """What was told in chatroom.v1 and is no reply."""
        events, self._events = self._events, []
        return events + [json.loads(text) for text in self.texts()]
