"""Several nodes of one server: one clock, one database, and a bus that does what the test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.internet.task import Clock

from ..store.memory import MemoryStore
from ..store.memory_registry import MemoryRegistry
from .house import House, Talker


class Carried(NamedTuple):
    """Something on its way to a node."""

    to: FakeBus
    topic: str
    payload: bytes


class Network:
    """What is on its way between the nodes. `settle` brings it all, in order."""

    def __init__(self) -> None:
        self.carried: list[Carried] = []
        self.buses: list[FakeBus] = []

    def bring(self, index: int = 0) -> None:
        """Bring one thing to whom it is for, if it still wants it."""
        to, topic, payload = self.carried.pop(index)
        if to.up and topic in to.topics:
            to.heard(topic, payload)

    def settle(self) -> None:
        while self.carried:
            self.bring()

    def break_down(self) -> None:
        """Carry nothing; what is on its way is lost."""
        self.carried.clear()
        for bus in self.buses:
            bus.up = False

    def mend(self) -> None:
        """Carry again."""
        for bus in self.buses:
            if bus.started and not bus.up:
                bus.up = True
                bus.mended()


class FakeBus:
    """A `chatroom.domain.ports.Bus`: one node's end of the network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.up = self.started = False
        self.topics: set[str] = set()
        self.published: list[tuple[str, bytes]] = []
        self.heard: Callable[[str, bytes], None] = lambda _topic, _payload: None
        self.mended: Callable[[], None] = lambda: None
        network.buses.append(self)

    def start(self, server: str) -> None:
        self.started = self.up = True
        self.mended()

    async def stop(self) -> None:
        self.up = self.started = False

    def publish(self, topic: str, payload: bytes) -> None:
        if self.up:
            self.published.append((topic, payload))
            self.network.carried += [
                Carried(bus, topic, payload) for bus in self.network.buses if topic in bus.topics and bus.up
            ]

    def listen(self, topic: str) -> None:
        self.topics.add(topic)

    def ignore(self, topic: str) -> None:
        self.topics.discard(topic)


class Nodes:
    """So many nodes, each a House."""

    def __init__(self, count: int = 2, **options: Any) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.network = Network()
        first = MemoryStore()
        self.registry = MemoryRegistry(first)
        stores = [first, *(MemoryStore(first) for _ in range(count - 1))]
        self.houses = [
            House(
                registry=self.registry,
                store=store,
                clock=self.clock,
                bus=FakeBus(self.network),
                **self.parts(),
                **options,
            )
            for store in stores
        ]
        self.settle()

    def parts(self) -> dict[str, Any]:
        """What each node has of its own besides."""
        return {}

    def settle(self) -> None:
        """Let everything happen that waits for a store, its turn, or the bus."""
        while True:
            for house in self.houses:
                house.settle()
            if not self.network.carried:
                return
            self.network.settle()

    def elapse(self, seconds: float) -> None:
        """Let time go on, a little at a time."""
        left = seconds
        while left > 0:
            self.clock.advance(min(0.25, left))
            left -= 0.25
            self.settle()

    def die(self, house: House) -> None:
        """As kill -9 does it: the node says nothing more, and hears nothing."""
        bus = house.core.neighbours._bus
        bus.up = bus.started = False
        self.network.buses.remove(bus)
        self.houses.remove(house)
        # Its timers are on everybody's clock.
        for timer in house.core.neighbours._timers:
            timer.cancel()
        house.core.changes.stop()


def there(nodes: Nodes, house: House, name: str, room: str = "lobby", **hello: Any) -> Talker:
    """Somebody on that node, in a room."""
    talker = house.json(name, **hello)
    number = talker.say("join", room=room)
    nodes.settle()
    assert talker.answer(number)["type"] == "ok"
    return talker


def asked(nodes: Nodes, talker: Talker, request: str, **fields: Any) -> dict[str, Any]:
    """What they are answered, once everything has happened on every node."""
    number = talker.say(request, **fields)
    nodes.settle()
    return talker.answer(number)


def texts(talker: Talker) -> list[str]:
    return [one["text"] for one in talker.events("message")]


def names(answer: dict[str, Any]) -> list[str]:
    """Who is in a room, by the answer to `join` or `who`."""
    return sorted(member["name"] for member in answer["members"])


def presences(talker: Talker) -> list[tuple[str, str]]:
    """Of whom somebody was told that they came or went."""
    return [(one["user"]["name"], one["state"]) for one in talker.events("presence")]
