"""Deadlines that hardly ever come: one timer for all of the same length, not one for each.

Every connection has a few (the request head, the hello, the next ping), and nearly all are
cancelled. A timer of the reactor's for each costs more than all else that is done about them.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.logger import Logger

from chatroom.domain.ports import Clock


def _nothing() -> None:
    """What a cancelled deadline calls."""


class Deadline:
    """One call to come, a `chatroom.domain.ports.Timer`."""

    __slots__ = ("_among", "call", "due")

    def __init__(self, due: float, call: Callable[[], object], among: dict[Deadline, None]) -> None:
        self.due = due
        self.call: Callable[[], object] = call
        self._among = among

    def cancel(self) -> None:
        """Not any more; nothing, if it has been called or cancelled."""
        self._among.pop(self, None)
        # Who is to be called holds this, as a rule: neither shall keep the other in memory.
        self.call = _nothing

    def active(self) -> bool:
        """Whether it is still to be called."""
        return self in self._among


class _Line:
    """The deadlines of one length: the order they were set in is the order they are due in."""

    __slots__ = ("armed", "delay", "waiting")

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.waiting: dict[Deadline, None] = {}
        self.armed = False


class Deadlines:
    """All deadlines of one server."""

    _log = Logger()

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: dict[float, _Line] = {}

    def call_later(self, delay: float, call: Callable[[], object]) -> Deadline:
        """Call after `delay` seconds, one of a few lengths that come again and again."""
        line = self._lines.get(delay)
        if line is None:
            line = self._lines[delay] = _Line(delay)
        deadline = Deadline(self._clock.seconds() + delay, call, line.waiting)
        line.waiting[deadline] = None
        if not line.armed:
            line.armed = True
            self._clock.callLater(delay, self._due, line)
        return deadline

    def _due(self, line: _Line) -> None:
        now = self._clock.seconds()
        while line.waiting:
            first = next(iter(line.waiting))
            if first.due > now:
                self._clock.callLater(first.due - now, self._due, line)
                return
            del line.waiting[first]
            call, first.call = first.call, _nothing
            try:
                call()
            except Exception:
                self._log.failure("a call that was due failed")
        line.armed = False
