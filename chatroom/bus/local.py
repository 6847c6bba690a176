"""A bus for nodes of one process: a function call in the next turn."""

from __future__ import annotations

from collections.abc import Callable

from chatroom.domain.ports import Clock


class Exchange:
    """What the buses of several nodes are connected to."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buses: list[LocalBus] = []

    def bus(self) -> LocalBus:
        """One node's."""
        made = LocalBus(self)
        self._buses.append(made)
        return made

    def carry(self, topic: str, payload: bytes) -> None:
        """To all who listen, in the order it came."""
        self._clock.callLater(0, self._deliver, topic, payload)

    def _deliver(self, topic: str, payload: bytes) -> None:
        for bus in list(self._buses):
            bus.take(topic, payload)


class LocalBus:
    """A `chatroom.domain.ports.Bus` that loses nothing."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._server: str | None = None
        self._topics: set[str] = set()
        self.up = False
        self.heard: Callable[[str, bytes], None] = lambda _topic, _payload: None
        self.mended: Callable[[], None] = lambda: None

    def start(self, server: str) -> None:
        """See the port."""
        self._server = server
        self.up = True
        self.mended()

    async def stop(self) -> None:
        """See the port."""
        self.up = False

    def publish(self, topic: str, payload: bytes) -> None:
        """See the port."""
        if self.up:
            self._exchange.carry(f"{self._server}:{topic}", payload)

    def listen(self, topic: str) -> None:
        """See the port."""
        self._topics.add(topic)

    def ignore(self, topic: str) -> None:
        """See the port."""
        self._topics.discard(topic)

    def take(self, named: str, payload: bytes) -> None:
        """Something was published, on whichever server."""
        server, _, topic = named.partition(":")
        if self.up and server == self._server and topic in self._topics:
            self.heard(topic, payload)
