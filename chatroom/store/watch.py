"""Waiting for a database server: not for ever, and not again by each who waited already."""

from math import inf
from time import monotonic

HURRY_SECONDS = 3.0
"""How long an answer may take when the server is about to stop."""


class Unanswered(Exception):
    """No answer came in time."""


class Watch:
    """What all connections to one database have in common, on whichever threads they are used.

    It is off at first: what brings a database up to date takes its time, and so may commands.
    """

    def __init__(self) -> None:
        self._on = False
        self._hurried = inf
        self._failed = -inf

    def start(self) -> None:
        """From now on no answer is waited for too long."""
        self._on = True

    def hurry(self) -> None:
        """From now on, only for HURRY_SECONDS."""
        self._hurried = min(self._hurried, monotonic())

    def over(self, asked: float, limit: float) -> bool:
        """Whether an answer that may take `limit` seconds has taken too long by now."""
        if not self._on:
            return False
        now = monotonic()
        return now > asked + limit or now > max(asked, self._hurried) + HURRY_SECONDS

    def distrust(self) -> None:
        """A connection was lost: what is behind the others may be the same server, and another one be in
        its place by now."""
        self._failed = monotonic()

    def trusts(self, made: float) -> bool:
        """Whether no connection was lost since one was made at that time."""
        return made > self._failed


class Outage:
    """That the database could not be reached. Whoever had asked before that was found out has waited as
    long as who found it out, and is refused too: if each tried in turn, the last would wait for hours."""

    def __init__(self) -> None:
        self._found = -inf

    def found(self) -> None:
        """It cannot be reached now."""
        self._found = monotonic()

    def covers(self, asked: float) -> bool:
        """Whether who asked at that time is refused."""
        return asked <= self._found
