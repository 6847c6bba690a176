"""Noticing what was changed: by this process, by the command line beside it, by other nodes.

Whoever changes the registry leaves a numbered `Change` there. They are read here twice a second,
and at once after a change of our own, so that all changes take the same way, whoever made them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.domain.accounts import Change
from chatroom.domain.errors import ChatError
from chatroom.domain.ports import Clock, Timer
from chatroom.domain.registry import Registry

INTERVAL = 0.5
"""Seconds between two looks."""


class Changes:
    """Reads the registry's changes in their order and has each looked into.

    `look` is given a Change, or None where so much was changed that anything may be different.
    """

    _log = Logger()

    def __init__(
        self, registry: Registry, clock: Clock, look: Callable[[Change | None], Awaitable[None]]
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._look = look
        self._seen = 0
        self._reading = False
        self._again = False
        self._waiters: list[Deferred[None]] = []
        self._timer: Timer | None = None
        self._stopped = False
        self._failing = False

    async def start(self) -> None:
        """Begin after the newest change: what is older, whoever calls this reads by themselves."""
        self._seen = await self._registry.last_change()
        if self._timer is None:
            self._plan()

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def catch_up(self) -> None:
        """Look into everything that was changed before this call."""
        self._again = True
        if self._reading:
            waiter: Deferred[None] = Deferred()
            self._waiters.append(waiter)
            await waiter
            return
        await self._run()

    async def _run(self) -> None:
        self._reading = True
        try:
            while self._again:
                self._again = False
                waiters, self._waiters = self._waiters, []
                await self._read()
                for waiter in waiters:
                    waiter.callback(None)
        finally:
            self._reading = False
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                waiter.callback(None)

    async def _read(self) -> None:
        try:
            found = await self._registry.changes(self._seen)
        except ChatError as error:
            # The next look finds them.
            if not self._failing:
                self._log.error("changes cannot be read: {error}", error=error.message)
            self._failing = True
            return
        self._failing = False
        if found and found[0].id != self._seen + 1:
            self._seen = found[-1].id
            await self._one(None)
            return
        for change in found:
            self._seen = change.id
            await self._one(change)
        if found:
            self._again = True

    async def _one(self, change: Change | None) -> None:
        try:
            await self._look(change)
        except Exception:
            self._log.failure("a change could not be looked into: {change}", change=change)

    def _plan(self) -> None:
        if not self._stopped:
            self._timer = self._clock.callLater(INTERVAL, self._due)

    def _due(self) -> None:
        self._timer = None
        Deferred.fromCoroutine(self.catch_up()).addBoth(lambda _result: self._plan())
