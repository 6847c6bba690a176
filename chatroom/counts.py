"""What happens here, counted where it happens: plain numbers, which cost next to nothing until somebody
asks for them (`metrics`)."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate

from chatroom.domain.commands import Command
from chatroom.domain.errors import ChatError


class Distribution:
    """How large things were: each is counted under the least of `bounds`, which rise, that it is not
    above. One thread adds to it."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = tuple(bounds)
        self._counts = [0] * (len(self._bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """One of that size."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def cumulative(self) -> list[tuple[float, int]]:
        """Of each bound, and of infinity, how many were not above it."""
        return list(zip((*self._bounds, float("inf")), accumulate(self._counts), strict=True))


class Counts:
    """What this server has told those who asked it for something, since it started."""

    def __init__(self) -> None:
        self.refused: Counter[tuple[str, str]] = Counter()
        """Requests that were answered with an error, by their type and the error's code."""
        self.answered: Counter[int] = Counter()
        """HTTP requests by their answer's status."""
        self.slow = 0
        """Connections that were cut because they did not read what they were sent."""

    def refuse(self, request: Command | str, error: ChatError) -> None:
        """A request, or what would have been one of that type, is answered with an error."""
        asked = request if isinstance(request, str) else str(request.__struct_config__.tag)
        self.refused[asked, error.code] += 1
