"""How late the reactor is."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from twisted.application.service import Service

from chatroom.counts import Distribution
from chatroom.domain.ports import Clock, Timer

_EVERY = 0.25
"""Seconds between two looks at how late the reactor is."""

_LATE = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Lag(Service):
    """How late the reactor calls what it was told to call: the time that everything waits for its turn.

    `now` is a clock that nobody sets.
    """

    def __init__(self, clock: Clock, now: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._now = now
        self._timer: Timer | None = None
        self.seconds = Distribution(_LATE)

    def startService(self) -> None:
        """Begin to look."""
        super().startService()
        self._plan()

    def stopService(self) -> None:
        """Look no more."""
        super().stopService()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _plan(self) -> None:
        self._timer = self._clock.callLater(_EVERY, self._called, self._now() + _EVERY)

    def _called(self, due: float) -> None:
        self.seconds.add(max(0.0, self._now() - due))
        self._plan()
