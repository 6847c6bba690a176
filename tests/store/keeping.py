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

from .. import postgresql
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


class Real:
    """The real one, on the database at `url`."""

    def __init__(self, url: str, *, start: bool = True) -> None:
        self.url = url
        self.calls = Calls()
        self.store = SqlStore(url, self.calls)
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


class OnDisk(Real):
    """On a SQLite file in `folder`."""

    def __init__(self, folder: Path, *, start: bool = True) -> None:
        self.path = folder / "log.sqlite3"
        super().__init__(f"sqlite:///{self.path}", start=start)


class OnServer(Real):
    """On a PostgreSQL database of its own."""

    def __init__(self, *, start: bool = True) -> None:
        self.database = postgresql.server().database(postgresql.migrated())
        super().__init__(postgresql.server().url(self.database), start=start)

    def close(self) -> None:
        """End its threads, and take the database away."""
        if not self._closed:
            super().close()
            postgresql.server().drop(self.database)
