"""Keeping to the server's rates, so that it has nothing to refuse."""

from __future__ import annotations

from chatroom.client.backoff import Seconds

_SHARE = 0.95
"""Of the rate that is allowed: two clocks are never quite the same."""


class Pace:
    """When the next request may be sent, where so many a second are allowed and at once one and a half
    times as many (the server allows twice: others may be asking in the same name).

    Each that asks is given a time of its own, so that many that wait do not all come at once (this is
    the generic cell rate algorithm, ITU-T I.371).
    """

    def __init__(self, clock: Seconds) -> None:
        self._clock = clock
        self._rate = 0.0
        self._due = 0.0

    def set(self, rate: float) -> None:
        """So many a second are allowed; 0: any."""
        self._rate = rate * _SHARE

    def wait(self) -> float:
        """Seconds until its turn, for one more."""
        if not self._rate:
            return 0.0
        now = self._clock.seconds()
        due = max(self._due, now)
        self._due = due + 1 / self._rate
        return max(0.0, due - now - 1.5)
