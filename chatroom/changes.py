"""Noticing what was changed: by this process, by the command line beside it, by other nodes.

Whoever changes the registry leaves a numbered `Change` there. They are read here twice a second,
and at once after a change of our own, so that all changes take the same way, whoever made them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.domain.accounts import Change
from chatroom.domain.errors import ChatError, Unavailable
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
        self._started = False
        self._stopped = False
        self._failing = False

    @property
    def up(self) -> bool:
        """Whether the last look worked."""
        return not self._failing

    async def begin(self) -> None:
        """Look from after the newest change on: what is older, whoever calls this reads by themselves."""
        self._seen = await self._registry.last_change()

    def start(self) -> None:
        """Look now and then, and whenever asked to; before this nothing is looked at."""
        if not self._started:
            self._started = True
            self._plan()

    def stop(self) -> None:
        """Look no more."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def catch_up(self) -> None:
        """Look into everything that was changed before this call, or as much of it as can be read."""
        if not self._started:
            return
        self._again = True
        if self._reading:
            waiter: Deferred[None] = Deferred()
            self._waiters.append(waiter)
            await waiter
            return
        await self._run()

    def soon(self) -> None:
        """Look at what was changed, when whoever asks has had their answer."""
        self._clock.callLater(0, self._run_apart)

    async def _run(self) -> None:
        self._reading = True
        try:
            while self._again and not self._stopped:
                self._again = False
                waiters, self._waiters = self._waiters, []
                while await self._read():
                    pass
                for waiter in waiters:
                    waiter.callback(None)
        finally:
            self._reading = False
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                waiter.callback(None)

    async def _read(self) -> bool:
        """Look into the next changes; whether there may be more."""
        try:
            found = await self._registry.changes(self._seen)
            if found and found[0].id != self._seen + 1:
                await self._one(None)
                self._seen = found[-1].id
            else:
                for change in found:
                    await self._one(change)
                    self._seen = change.id
        except ChatError as error:
            # The next look begins with the same one.
            if not self._failing and not self._stopped:
                self._log.error("changes cannot be looked into: {error}", error=error.message)
            self._failing = True
            return False
        self._failing = False
        return bool(found)

    async def _one(self, change: Change | None) -> None:
        """Look into a change. Raises Unavailable where that cannot be done now."""
        try:
            await self._look(change)
        except Unavailable:
            raise
        except Exception:
            self._log.failure("a change could not be looked into: {change}", change=change)

    def _plan(self) -> None:
        if not self._stopped:
            self._timer = self._clock.callLater(INTERVAL, self._due)

    def _due(self) -> None:
        self._timer = None
        self._run_apart().addBoth(lambda _result: self._plan())

    def _run_apart(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.catch_up())
