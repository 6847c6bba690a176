"""What webhooks were told, on its way into the store: gathered, and kept now and then in one transaction.

A crash loses at most the last moment of it, and then the same is told again, under the same ids.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import NamedTuple, TypeVar

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


class _Taken(NamedTuple):
    """What is being kept."""

    cursors: dict[tuple[str, str], Seq]
    told: list[int]
    dead: list[Letter]
    moves: dict[tuple[str, str, str], Move]
    restated: dict[tuple[str, str, str], Move]


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
        self._restated: dict[tuple[str, str, str], Move] = {}
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
        self._restated.pop(which, None)
        before = self._moves.get(which)
        if before is not None and before.here is not move.here:
            del self._moves[which]
        elif before is None and len(self._moves) >= MAX_NEW:
            self._log.error("a webhook is not told of a coming or going: too much waits for the disk")
        else:
            self._moves.setdefault(which, move)
        self._plan(SOON)

    def restate(self, move: Move) -> None:
        """Somebody is in a room, and may be kept to be there already."""
        which = _which(move)
        if which not in self._moves and len(self._restated) < MAX_NEW:
            self._restated[which] = move
            self._plan(SOON)

    async def keep(self, *, all_: bool = False) -> bool:
        """Keep it now, as far as that can be done; whether it was, and there is more. `all_`: what would
        have waited a little too."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        taken = self._take(all_=all_)
        kept = any(taken) and await self._kept_now(taken)
        waiting = bool(self._cursors or self._moves or self._restated)
        if waiting or self._told or self._dead:
            self._plan(SOON)
        return kept and waiting

    def _take(self, *, all_: bool) -> _Taken:
        """As much as is kept together."""
        due = self._moves if all_ else {which: one for which, one in self._moves.items() if self._is_due(one)}
        moves, _later = _some(due)
        self._moves = {which: one for which, one in self._moves.items() if which not in moves}
        cursors, self._cursors = _some(self._cursors)
        restated, self._restated = _some(self._restated)
        taken = _Taken(cursors, self._told, self._dead, moves, restated)
        self._told, self._dead = [], []
        return taken

    async def _kept_now(self, taken: _Taken) -> bool:
        moves = [*taken.restated.values(), *taken.moves.values()]
        self._writing = True
        self._keeping.append(taken.cursors)
        try:
            await self._kept.keep(Progress(taken.cursors, taken.told, taken.dead, moves))
        except ChatError as error:
            if not self._failing:
                self._log.error("what webhooks were told cannot be kept: {error}", error=error.message)
            self._failing = True
            self._put_back(taken)
            return False
        finally:
            self._writing = False
            self._keeping.remove(taken.cursors)
        self._failing = False
        self.unsettled.difference_update(taken.told, (letter.id for letter in taken.dead))
        for hook, room in {(one.hook, one.room) for move in moves for one in move.letters}:
            self._lettered(hook, room)
        return True

    def _put_back(self, taken: _Taken) -> None:
        self._cursors = taken.cursors | self._cursors
        self._told = taken.told + self._told
        self._dead = taken.dead + self._dead
        self._restated = taken.restated | self._restated
        meanwhile, self._moves = self._moves, dict(taken.moves)
        for move in meanwhile.values():
            self.moved(move)

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
