"""What webhooks were told, on its way into the store: gathered, and kept now and then in one transaction.

A crash loses at most the last moment of it, and then the same is told again, under the same ids.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.domain.errors import ChatError
from chatroom.domain.model import Seq
from chatroom.domain.ports import Clock, Timer
from chatroom.domain.webhooks import Letter, Move, Progress, Webhooks

_K = TypeVar("_K")
_V = TypeVar("_V")

SOON = 1.0
"""Seconds after which what was told is kept."""

LATER = 30.0
"""Seconds after which it is kept that there was nothing to tell."""

AWAY = 3.0
"""The same, that somebody went, where they may have gone to another node."""

MAX_TOGETHER = 1_000
"""So many cursors, and comings and goings, are kept in one transaction: no post waits for a very long one."""

MAX_NEW = 10_000
"""So many comings and goings wait to be kept, where the database cannot be written; more are lost."""


class Records:
    """What is to be kept. `lettered` is called with each webhook and room that new letters are kept for;
    that somebody went is kept after `away` seconds."""

    _log = Logger()

    def __init__(
        self, kept: Webhooks, clock: Clock, lettered: Callable[[str, str], None], away: float = SOON
    ) -> None:
        self._kept = kept
        self._clock = clock
        self._lettered = lettered
        self._away = away
        self._cursors: dict[tuple[str, str], Seq] = {}
        self._keeping: list[dict[tuple[str, str], Seq]] = []
        self._told: list[int] = []
        self._dead: list[Letter] = []
        self._moves: dict[tuple[str, str, str], Move] = {}
        self._timer: Timer | None = None
        self._due = 0.0
        self._writing = False
        self._stopped = False
        self._failing = False
        self.unsettled: set[int] = set()
        """Letters that were told, or have died, and may still be read from the store."""

    def passed(self, hook: str, room: str, seq: Seq, *, told: bool) -> None:
        """A webhook is done with a room's log up to `seq`; `told`: it has heard of it."""
        self._cursors[hook, room] = seq
        self._plan(SOON if told else LATER)

    def reached(self, hook: str, room: str) -> Seq:
        """How far a webhook was told of a room's log, as far as that may not be kept yet."""
        which = hook, room
        return max(cursors.get(which, 0) for cursors in (self._cursors, *self._keeping))

    def told(self, letter: Letter) -> None:
        """A letter was told."""
        self._told.append(letter.id)
        self.unsettled.add(letter.id)
        self._plan(SOON)

    def died(self, letter: Letter) -> None:
        """Something was given up; `letter` has an id if it was one already."""
        self._dead.append(letter)
        if letter.id:
            self.unsettled.add(letter.id)
        self._plan(SOON)

    def moved(self, move: Move) -> None:
        """Somebody came or went. Where they did the opposite a moment ago, nothing has happened."""
        which = _which(move)
        before = self._moves.get(which)
        if before is not None and before.here is not move.here:
            del self._moves[which]
        elif before is None and len(self._moves) >= MAX_NEW:
            self._log.error("a webhook is not told of a coming or going: too much waits for the disk")
        else:
            self._moves.setdefault(which, move)
        self._plan(SOON)

    async def keep(self, *, all_: bool = False) -> bool:
        """Keep it now, as far as that can be done; whether it was, and there is more. `all_`: what would
        have waited a little too."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        cursors, self._cursors = _some(self._cursors)
        told, self._told = self._told, []
        dead, self._dead = self._dead, []
        due = self._moves if all_ else {which: one for which, one in self._moves.items() if self._is_due(one)}
        moves, _later = _some(due)
        self._moves = {which: one for which, one in self._moves.items() if which not in moves}
        kept = False
        if cursors or told or dead or moves:
            self._writing = True
            self._keeping.append(cursors)
            try:
                await self._kept.keep(Progress(cursors, told, dead, list(moves.values())))
            except ChatError as error:
                if not self._failing:
                    self._log.error("what webhooks were told cannot be kept: {error}", error=error.message)
                self._failing = True
                self._cursors = cursors | self._cursors
                self._told = told + self._told
                self._dead = dead + self._dead
                meanwhile, self._moves = self._moves, moves
                for one in meanwhile.values():
                    self.moved(one)
            else:
                kept, self._failing = True, False
                self.unsettled.difference_update(told, (letter.id for letter in dead))
                letters = (letter for move in moves.values() for letter in move.letters)
                for hook, room in {(letter.hook, letter.room) for letter in letters}:
                    self._lettered(hook, room)
            finally:
                self._writing = False
                self._keeping.remove(cursors)
        if self._cursors or self._told or self._dead or self._moves:
            self._plan(SOON)
        return kept and bool(self._moves or self._cursors)

    def forget(self, hook: str) -> None:
        """A webhook is there no more."""
        self._cursors = {which: seq for which, seq in self._cursors.items() if which[0] != hook}

    def stop(self) -> None:
        """Keep nothing more by itself."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _is_due(self, move: Move) -> bool:
        """Whether it is told: who went may come back, to another node maybe."""
        return move.here or self._clock.seconds() * 1000 - move.at >= (self._away - SOON / 2) * 1000

    def _plan(self, delay: float) -> None:
        due = self._clock.seconds() + delay
        if self._stopped or self._writing or (self._timer is not None and self._due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = self._clock.callLater(delay, self._now)

    def _now(self) -> None:
        self._timer = None
        Deferred.fromCoroutine(self.keep()).addErrback(
            lambda failure: self._log.failure("what webhooks were told is not kept", failure)
        )


def _which(move: Move) -> tuple[str, str, str]:
    return move.room, move.user.id, move.node


def _some(waiting: dict[_K, _V]) -> tuple[dict[_K, _V], dict[_K, _V]]:
    """As many as are kept together, and the rest."""
    if len(waiting) <= MAX_TOGETHER:
        return waiting, {}
    items = iter(waiting.items())
    return dict(islice(items, MAX_TOGETHER)), dict(items)
