"""How long to wait before connecting again."""

from __future__ import annotations

from collections.abc import Callable
from random import random
from typing import Protocol

FIRST = 0.5
LONGEST = 15.0
STABLE = 5.0
"""Seconds a connection must have lasted before the next loss counts as the first again."""


class Seconds(Protocol):
    """What tells the time: a reactor, or Twisted's Clock."""

    def seconds(self) -> float:
        """Seconds of any clock that does not go back."""


class Backoff:
    """Half a second, doubling up to 15 s, between half and all of it, so that the clients of a server
    that was gone do not all come back in the same instant. At least as long as the server asked for."""

    def __init__(self, clock: Seconds, chance: Callable[[], float] = random) -> None:
        self._clock = clock
        self._chance = chance
        self._losses = 0
        self._since: float | None = None
        self._asked: float | None = None

    def succeeded(self) -> None:
        """The server has welcomed us."""
        self._since = self._clock.seconds()
        self._asked = None

    def ask(self, seconds: float) -> None:
        """The server wants us to stay away so long."""
        self._asked = max(0.0, seconds)

    def next(self) -> float:
        """The connection is lost, or was not made: seconds to wait now."""
        # A server that welcomes and hangs up at once must not be asked twice a second for ever.
        if self._since is not None and self._clock.seconds() - self._since >= STABLE:
            self._losses = 0
        self._since = None
        spread = min(LONGEST, FIRST * 2.0 ** min(self._losses, 10))
        self._losses += 1
        asked, self._asked = self._asked, None
        if asked is not None:
            return asked + self._chance() * FIRST * 2
        return spread * (0.5 + self._chance() / 2)
