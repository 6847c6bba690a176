"""Stores to test, each with how to wait for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatroom.store.sql import SqlStore

from .memory import MemoryStore

PATIENCE = 20
"""Seconds that nothing here should ever take."""


class Calls:
    """What threads ask the reactor to call; the test calls it."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Callable[[], object]] = SimpleQueue()

    def callFromThread(self, call: Callable[..., object], *args: object, **kw: object) -> None:
        self._queue.put(partial(call, *args, **kw))

    def call_one(self) -> None:
        """Make the next call, when there is one."""
        self._queue.get(timeout=PATIENCE)()


def outcome(done: Any) -> Any:
    """What a Deferred that has fired came to: its result, or raises."""
    assert done.called, "it has not happened yet"
    results: list[Any] = []
    done.addBoth(results.append)
    if isinstance(results[0], Failure):
        results[0].raiseException()
    return results[0]


class InMemory:
    """The fake."""

    def __init__(self) -> None:
        self.store = MemoryStore()

    def wait(self, done: Any) -> Any:
        """What `done` comes to."""
        self.store.settle()
        return outcome(done)

    def close(self) -> None:
        """Nothing to let go of."""


class OnDisk:
    """The real one, on a SQLite file in `folder`."""

    def __init__(self, folder: Path, *, start: bool = True) -> None:
        self.path = folder / "log.sqlite3"
        self.calls = Calls()
        self.store = SqlStore(f"sqlite:///{self.path}", self.calls)
        self._closed = False
        if start:
            self.start()

    def start(self) -> None:
        """Start its threads."""
        self.store.start()

    def wait(self, done: Any) -> Any:
        """What `done` comes to."""
        while not done.called:
            self.calls.call_one()
        return outcome(done)

    def close(self) -> None:
        """End its threads."""
        if not self._closed:
            self._closed = True
            self.wait(Deferred.fromCoroutine(self.store.stop()))
