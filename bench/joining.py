"""What a connection costs: to accept it, to let it greet and join, and to keep it idle."""

import time
from dataclasses import dataclass

from bench.accounting import Memory, Meter, memory
from bench.dialects import Dialect
from bench.members import Crowd

# Opened before anything is counted: imports, caches and the interpreter's first-time work.
WARM_UP = 100


@dataclass(frozen=True)
class Joining:
    """CPU seconds of the server for each connection, by stage; memory for each in KiB."""

    connections: int
    stages: dict[str, float]
    per_second: float
    """Connections the load opened, greeted and joined a second, one small batch after another."""
    idle: Memory


def fill(crowd: Crowd, dialect: Dialect, pids: list[int], members: int) -> Joining:
    """Fill `crowd` up to `members`, in stages: all are accepted, then all say hello, …"""
    early = min(WARM_UP, members // 2)
    _stages(crowd, dialect, pids, early)
    crowd.settle()
    before = memory(pids)
    count = members - early
    began = time.perf_counter()
    stages = _stages(crowd, dialect, pids, count)
    elapsed = time.perf_counter() - began
    crowd.settle()
    grown = memory(pids) - before
    idle = Memory(grown.rss / count, grown.pss / count)
    return Joining(count, stages, count / elapsed, idle)


def _stages(crowd: Crowd, dialect: Dialect, pids: list[int], count: int) -> dict[str, float]:
    meter = Meter(pids)
    opened = crowd.open(count)
    costs = {"accept": _rest(meter) / count}
    for opening in dialect.openings:
        meter = Meter(pids)
        crowd.ask(opened, opening.request, opening.answer)
        crowd.settle()
        costs[opening.name] = _rest(meter) / count
    return costs


def _rest(meter: Meter) -> float:
    """The reading once what follows the last answer is surely done."""
    time.sleep(0.1)
    return meter.read().total
