"""What is to happen when, in a simulation; and whoever does one thing after the other."""

import heapq
from collections.abc import Callable
from itertools import count


class Agenda:
    """Times are microseconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def at(self, when: float, what: Callable[[], None]) -> None:
        """Do it then; what is due at one time, in the order in which it was put down."""
        heapq.heappush(self._due, (when, next(self._numbers), what))

    def run(self) -> None:
        """Until nothing is left."""
        while self._due:
            self.now, _, what = heapq.heappop(self._due)
            what()


class Server:
    """Does one thing after the other, or `hands` things at a time. `busy` is the work done."""

    def __init__(self, agenda: Agenda, hands: int = 1) -> None:
        self._agenda = agenda
        self._free = [0.0] * hands
        self.busy = 0.0

    def do(self, work: float, then: Callable[[], None]) -> float:
        """Do `work` when its turn has come, and `then` go on; when it begins."""
        begins = max(self._agenda.now, heapq.heappop(self._free))
        heapq.heappush(self._free, begins + work)
        self.busy += work
        self._agenda.at(begins + work, then)
        return begins
