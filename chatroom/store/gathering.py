"""What comes while something is being written is written together with the next."""

from collections.abc import Callable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

MAX_TOGETHER = 1_000

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


class Gathering(Generic[_Item, _Result]):
    """Hands items on to `write`, which takes many at once and gives a result for each.

    Many small writes, each with its fsync, would keep the posts waiting: thousands of read marks, or
    of logins that come back after a restart, are a few transactions like this.
    """

    def __init__(self, write: Callable[[list[_Item]], "Deferred[list[_Result]]"]) -> None:
        self._write = write
        self._waiting: list[tuple[_Item, Deferred[_Result]]] = []
        self._writing = False

    def add(self, item: _Item) -> "Deferred[_Result]":
        """The result for `item`, once it is written; fails as `write` does."""
        done: Deferred[_Result] = Deferred()
        self._waiting.append((item, done))
        if not self._writing:
            self._go_on()
        return done

    def _go_on(self) -> None:
        batch = self._waiting[:MAX_TOGETHER]
        self._waiting = self._waiting[MAX_TOGETHER:]
        self._writing = True
        written = self._write([item for item, _ in batch])
        waiters = [done for _, done in batch]
        written.addCallbacks(self._written, self._failed, callbackArgs=(waiters,), errbackArgs=(waiters,))

    def _written(self, results: list[_Result], waiters: "list[Deferred[_Result]]") -> None:
        for done, result in zip(waiters, results, strict=True):
            done.callback(result)
        self._ended()

    def _failed(self, failure: Failure, waiters: "list[Deferred[_Result]]") -> None:
        for done in waiters:
            done.errback(failure)
        self._ended()

    def _ended(self) -> None:
        self._writing = False
        if self._waiting:
            self._go_on()
