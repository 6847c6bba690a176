"""Slowing down who guesses passwords, and nobody else.

Three things are counted. Wrong passwords for one account from one address make the next try wait
twice as long as the last. An address has a budget over all accounts, for who tries one common password
on many. An account has a budget over all addresses, for who guesses from many; it does not hold where
the account's owner has logged in from before, or whoever likes could lock them out.
"""

from __future__ import annotations

from collections import OrderedDict
from math import ceil
from typing import TypeVar

from chatroom.domain.errors import RateLimited
from chatroom.domain.ports import Clock

FREE = 4
"""Wrong passwords in a row, for one account from one address, that cost no wait."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
"""Seconds to wait after the next one; doubled with each, and the most it comes to."""
FORGOTTEN = 3600.0
"""Seconds after the last wrong one until there were none."""

FROM_ADDRESS, FROM_ADDRESS_FADE = 100, 1 / 60
"""Wrong passwords from one address, and how many of them are forgotten a second."""
FOR_ACCOUNT, FOR_ACCOUNT_FADE = 50, 1 / 120
"""The same for one account, from addresses it is not known at: some 700 guesses a day."""

MOST = 20_000
"""So many of each are remembered: the newest."""
KNOWN_ADDRESSES = 10
"""So many addresses of one account are, those it was used from last."""


K = TypeVar("K")
V = TypeVar("V")


class Newest(OrderedDict[K, V]):
    """A dict of so many entries at most: those that were put there last."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def put(self, key: K, value: V) -> None:
        """Keep `value`, and forget the oldest where that is one too many."""
        self[key] = value
        self.move_to_end(key)
        if len(self) > self._most:
            self.popitem(last=False)


class Fading:
    """How often something happened to each of many, of which `fade` are forgotten a second.

    `most` may have happened at once. None is whoever is not counted.
    """

    def __init__(self, most: float, fade: float) -> None:
        self._most = most
        self._fade = fade
        self._levels: Newest[str, tuple[float, float]] = Newest(MOST)

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._levels)

    def wait(self, key: str | None, now: float) -> float:
        """Seconds until it may happen once more; 0 or less for now."""
        return 0.0 if key is None else (self._level(key, now) + 1 - self._most) / self._fade

    def add(self, key: str | None, times: int, now: float) -> None:
        """It happened so often, or (where that is below 0) did not after all."""
        if key is None:
            return
        level = self._level(key, now) + times
        if level > 0:
            self._levels.put(key, (level, now))
        else:
            self._levels.pop(key, None)

    def _level(self, key: str, now: float) -> float:
        level, then = self._levels.get(key, (0.0, now))
        return max(0.0, level - (now - then) * self._fade)


class Attempts:
    """Who may try a password now. In memory: after a restart all is forgotten.

    A name is a `names.name_key`, of an account or not. An address is None where it is not known: then
    all such are one address, without a budget of its own.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waits: Newest[tuple[str, str | None], tuple[int, float, float]] = Newest(MOST)
        self._addresses = Fading(FROM_ADDRESS, FROM_ADDRESS_FADE)
        self._accounts = Fading(FOR_ACCOUNT, FOR_ACCOUNT_FADE)
        self._known: Newest[str, Newest[str | None, None]] = Newest(MOST)
        self.wrong = 0
        """How many passwords were wrong."""
        self.put_off = 0
        """How many were not looked at: there had been too many wrong ones."""

    def check(self, name: str, address: str | None) -> None:
        """Ask before a password is looked at. Raises RateLimited with the seconds to wait.

        The try counts as a wrong one until `succeeded` takes it back: of many at once, no more are let
        through than one after the other.
        """
        now = self._clock.seconds()
        failures, until = self._so_far(name, address, now)
        waits = [until - now, self._addresses.wait(address, now)]
        if not self._knows(name, address):
            waits.append(self._accounts.wait(name, now))
        if max(waits) >= 0.001:
            self.put_off += 1
            seconds = ceil(max(waits) * 1000) / 1000
            raise RateLimited(f"too many wrong passwords; try again in {ceil(seconds)} s", seconds)
        self._count(name, address, now, 1)
        self._wait(name, address, failures + 1, now)

    def failed(self, name: str, address: str | None) -> None:
        """It was wrong: the wait begins now."""
        self.wrong += 1
        now = self._clock.seconds()
        failures, _ = self._so_far(name, address, now)
        self._wait(name, address, max(1, failures), now)

    def succeeded(self, name: str, address: str | None) -> None:
        """It was right: from here, no wait, and this is where the account is known at."""
        self._count(name, address, self._clock.seconds(), -1)
        self._waits.pop((name, address), None)
        known = self._known.get(name) or Newest(KNOWN_ADDRESSES)
        known.put(address, None)
        self._known.put(name, known)

    def _so_far(self, name: str, address: str | None, now: float) -> tuple[int, float]:
        """How many were wrong, and until when to wait."""
        failures, then, until = self._waits.get((name, address), (0, now, now))
        return (0, now) if now - then >= FORGOTTEN else (failures, until)

    def _wait(self, name: str, address: str | None, failures: int, now: float) -> None:
        steps = failures - FREE - 1
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(steps, 30)) if steps >= 0 else 0.0
        self._waits.put((name, address), (failures, now, now + wait))

    def _count(self, name: str, address: str | None, now: float, one: int) -> None:
        self._addresses.add(address, one, now)
        if not self._knows(name, address):
            self._accounts.add(name, one, now)

    def _knows(self, name: str, address: str | None) -> bool:
        return address in self._known.get(name, ())
