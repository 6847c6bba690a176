"""Ending a connection when what let it in has run out."""

from __future__ import annotations

from chatroom.domain.errors import CloseCode
from chatroom.domain.ports import Clock, Timer
from chatroom.member import Member

_LONGEST = 86400.0 * 20
"""No timer is set for longer than this many seconds: poll takes 32 bits of milliseconds."""


class Expiry:
    """The end of one connection's time."""

    __slots__ = ("_clock", "_timer")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._timer: Timer | None = None

    def watch(self, member: Member) -> None:
        """From now on the connection lasts as long as what its user showed last."""
        self.stop()
        until = member.principal.until
        if until is not None:
            left = max(0.0, until / 1000 - self._clock.seconds())
            self._timer = self._clock.callLater(min(left, _LONGEST), self._due, member)

    def stop(self) -> None:
        """The connection is gone."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _due(self, member: Member) -> None:
        self._timer = None
        until = member.principal.until
        if until is not None and until / 1000 > self._clock.seconds():
            self.watch(member)
        else:
            member.expel(CloseCode.UNIDENTIFIED, "your token has run out: come with a new one")
