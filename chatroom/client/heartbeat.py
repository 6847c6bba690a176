"""Whether a connection on which nothing comes is still one."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

SILENCE = 25.0
"""Seconds without a word after which the server is asked whether it is there."""

PATIENCE = 20.0
"""Seconds it may take to answer."""


class Heartbeat:
    """Calls `ask` after a silence, and `dead` where that brings no word."""

    def __init__(self, clock: IReactorTime, ask: Callable[[], None], dead: Callable[[], None]) -> None:
        self._clock = clock
        self._ask = ask
        self._dead = dead
        self._heard = clock.seconds()
        self._timer: IDelayedCall | None = clock.callLater(SILENCE, self._due)

    def heard(self) -> None:
        """Something came."""
        self._heard = self._clock.seconds()

    def stop(self) -> None:
        """Nothing is to be watched any more."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _due(self) -> None:
        silent = self._clock.seconds() - self._heard
        if silent >= SILENCE + PATIENCE:
            self._timer = None
            self._dead()
        elif silent >= SILENCE:
            self._ask()
            self._timer = self._clock.callLater(PATIENCE, self._due)
        else:
            self._timer = self._clock.callLater(SILENCE - silent, self._due)
