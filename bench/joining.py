"""What a connection costs: to accept it, to let it greet and join, and to keep it idle."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.accounting import Memory, Meter, memory
from bench.dialects import Dialect
from bench.members import Crowd, Member, batches

# Opened before anything is counted: imports, caches and the interpreter's first-time work.
WARM_UP = 100


# Within this time, those who are in a large room have been told who came.
NEWS_SECONDS = 1.3

# Accepted before they are asked to greet: few enough for the last to be in time.
_BLOCK, _BLOCK_TLS = 1000, 250


@dataclass(frozen=True)
class Joining:
    """CPU seconds of the server for each connection, by stage; memory for each in KiB."""

    connections: int
    stages: dict[str, float]
    per_second: float
    """Connections the load opened, greeted and joined a second, one small batch after another."""
    idle: Memory
    welcomes: list[bytes] = field(repr=False)
    """What each was answered first, in the order of the members."""


def fill(crowd: Crowd, dialect: Dialect, pids: list[int], members: int) -> Joining:
    """Let `members` more come, in stages: some are accepted, then all of those say hello, …"""
    early = min(WARM_UP, members // 2)
    _, welcomes = stages(crowd, dialect, pids, early)
    crowd.settle()
    before = memory(pids)
    count = members - early
    began = time.perf_counter()
    costs, more = stages(crowd, dialect, pids, count)
    elapsed = time.perf_counter() - began
    crowd.settle()
    grown = memory(pids) - before
    idle = Memory(grown.rss / count, grown.pss / count)
    return Joining(count, costs, count / elapsed, idle, welcomes + more)


def greet(crowd: Crowd, members: list[Member], dialect: Dialect) -> list[bytes]:
    """Say what a dialect has to be opened with; the last answer of each."""
    answers: list[bytes] = []
    for opening in dialect.openings:
        answers = crowd.ask(members, opening.request, opening.answer)
    return answers


def stages(
    crowd: Crowd, dialect: Dialect, pids: Sequence[int], count: int
) -> tuple[dict[str, float], list[bytes]]:
    """Let `count` come; CPU seconds of the server for each by stage, and the first answers."""
    costs: dict[str, float] = {}
    welcomes: list[bytes] = []
    for size in batches(count, _BLOCK_TLS if crowd.place.tls else _BLOCK):
        meter = Meter(pids)
        opened = crowd.open(size)
        costs["accept"] = costs.get("accept", 0.0) + rest(meter) / count
        for opening in dialect.openings:
            meter = Meter(pids)
            answers = crowd.ask(opened, opening.request, opening.answer)
            crowd.settle(0.1)
            costs[opening.name] = costs.get(opening.name, 0.0) + rest(meter) / count
            if opening is dialect.openings[0]:
                welcomes += answers
    if dialect.openings:
        # The others hear of it a while later; that is part of the price.
        meter = Meter(pids)
        crowd.settle(NEWS_SECONDS)
        costs[dialect.openings[-1].name] += rest(meter) / count
    return costs, welcomes


def rest(meter: Meter) -> float:
    """The reading once what follows the last answer is surely done."""
    time.sleep(0.1)
    return meter.read().total
