"""A gate: closed until something is ready, and then open for good."""

from __future__ import annotations

from twisted.internet.defer import Deferred


class Gate:
    """Who comes before it is opened waits."""

    def __init__(self) -> None:
        self._open = False
        self._waiters: list[Deferred[None]] = []

    def open(self) -> None:
        """Let everybody through, from now on."""
        self._open = True
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            waiter.callback(None)

    async def passed(self) -> None:
        """Wait until it is open."""
        if not self._open:
            waiter: Deferred[None] = Deferred()
            self._waiters.append(waiter)
            await waiter
