"""Telling a log's past no faster than its reader takes it."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from chatroom.domain.ports import Clock, Outlet

_FIRST, _LONGEST = 0.02, 1.0
"""Seconds between two looks whether the reader has taken what it was given: at first, and at most."""


async def taken(outlet: Outlet, clock: Clock) -> None:
    """Wait until the reader has taken what was sent, or is gone; what it does not take, it does not pile
    up."""
    delay = _FIRST
    while outlet.behind:
        moment: Deferred[None] = Deferred()
        clock.callLater(delay, moment.callback, None)
        await moment
        delay = min(2 * delay, _LONGEST)
