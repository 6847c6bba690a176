"""Both buses, each with several nodes' ends, and how to wait for what they carry."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import count
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.selectreactor import SelectReactor
from twisted.internet.task import Clock

from chatroom.bus.local import Exchange

from .. import redis


class Ends:
    """A bus. `more` makes one more node's end of it; `heard` has what each was told."""

    def __init__(self) -> None:
        self.heard: dict[Any, list[tuple[str, bytes]]] = {}
        self.mended: dict[Any, int] = {}
        self._numbers = count()

    def made(self, bus: Any, server: str) -> Any:
        heard = self.heard[bus] = []
        self.mended[bus] = 0

        def mended() -> None:
            self.mended[bus] += 1

        bus.heard = lambda topic, payload: heard.append((topic, payload))
        bus.mended = mended
        bus.start(server)
        self.wait(lambda: bus.up)
        return bus

    def more(self, server: str = "server") -> Any:
        raise NotImplementedError

    def wait(self, condition: Callable[[], object]) -> None:
        raise NotImplementedError

    def stop(self, bus: Any) -> None:
        done: Deferred[None] = Deferred.fromCoroutine(bus.stop())
        self.wait(lambda: done.called)
        del self.heard[bus]

    def close(self) -> None:
        for bus in list(self.heard):
            self.stop(bus)

    def settle(self, *buses: Any) -> None:
        """Once everything published so far has come."""
        number = next(self._numbers)
        for bus in buses:
            bus.listen("last")
            bus.publish("last", b"%d" % number)
        self.wait(lambda: all(("last", b"%d" % number) in self.heard[bus] for bus in buses))
        words = [b"%d %d" % (number, place) for place, _bus in enumerate(buses)]
        for bus, word in zip(buses, words, strict=True):
            bus.publish("last", word)
        self.wait(lambda: all(("last", word) in self.heard[bus] for bus in buses for word in words))

    def told(self, bus: Any) -> list[tuple[str, bytes]]:
        """What an end was told, without what settling takes."""
        return [one for one in self.heard[bus] if one[0] != "last"]


class InProcess(Ends):
    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self._exchange = Exchange(self.clock)

    def more(self, server: str = "server") -> Any:
        return self.made(self._exchange.bus(), server)

    def wait(self, condition: Callable[[], object]) -> None:
        for _ in range(100):
            if condition():
                return
            self.clock.advance(0)
        raise AssertionError("it has not come to that")


class OverRedis(Ends):
    def __init__(self, at: redis.Server, url: str | None = None) -> None:
        super().__init__()
        self.at = at
        self._url = url or at.url
        self._reactor = SelectReactor()
        self._reactor.startRunning(installSignalHandlers=False)

    def end(self) -> Any:
        """An end that is not started."""
        from chatroom.bus.redis import RedisBus, place

        return RedisBus(place(self._url), self._reactor)

    def more(self, server: str = "server") -> Any:
        return self.made(self.end(), server)

    def wait(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + redis.PATIENCE
        while not condition():
            assert time.monotonic() < deadline, "it has not come to that"
            self._reactor.iterate(0.02)

    def close(self) -> None:
        super().close()
        # Where a name is looked up the reactor starts threads, for which the process would wait at its end.
        self._reactor.fireSystemEvent("shutdown")
