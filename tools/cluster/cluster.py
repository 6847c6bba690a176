"""All parts together: started in their order, watched, and ended in theirs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from .engines import postgresql, redis
from .part import Part
from .place import Place
from .servers import balancer, node

AGAIN = 3.0
"""Seconds after which a part that has ended is started again."""

_LOOK = 0.2
"""Seconds between two looks at the parts."""


class Cluster:
    """The parts at a place. `say` is told what happens, in lines for a person."""

    def __init__(self, place: Place, say: Callable[[str], None]) -> None:
        self._say = say
        self.engines = [postgresql(place), redis(place)]
        self.nodes = [node(place, name) for name in place.nodes]
        self.balancer = balancer(place)

    @property
    def parts(self) -> list[Part]:
        """In the order in which they are started."""
        return [*self.engines, *self.nodes, self.balancer]

    def start(self) -> None:
        """Return once everything answers. Raises Mistake."""
        for together in (self.engines, self.nodes, [self.balancer]):
            begun = time.monotonic()
            for part in together:
                part.start()
            for part in together:
                part.wait()
                self._say(f"  {part.name} answers after {time.monotonic() - begun:.1f} s")

    def watch(self) -> None:
        """Start again what ends, as a supervisor would, until an exception (KeyboardInterrupt)."""
        due: dict[Part, float] = {}
        while True:
            for part in self.parts:
                how, now = part.ended(), time.monotonic()
                if how is not None and part not in due:
                    due[part] = now + AGAIN
                    self._tell(f"{part.name} (pid {part.pid}) has ended {how}: again in {AGAIN:.0f} s")
                elif part in due and now >= due[part]:
                    del due[part]
                    part.start()
                    self._tell(f"{part.name} is started again: pid {part.pid}")
            time.sleep(_LOOK)

    def end(self) -> None:
        """Nodes first, who tell their people; the engines last."""
        for together in (self.nodes, [self.balancer], self.engines):
            _end(together)

    def _tell(self, news: str) -> None:
        self._say(f"{time.strftime('%H:%M:%S')}  {news}")


def _end(parts: Sequence[Part]) -> None:
    for part in parts:
        part.bid_farewell()
    for part in parts:
        part.bury()
