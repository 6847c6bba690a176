"""What a scenario is: who takes part, what is done to each, what must come out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.contestant import Contestant
from bench.course import Course, Sample


@dataclass(frozen=True)
class Reading:
    """A figure of the report: whose, in which measure, by which name."""

    contestant: str
    measure: str
    figure: str = "cpu_us"
    scenario: str = ""
    """Where it is taken; empty: in the scenario that asks."""


@dataclass(frozen=True)
class Bound:
    """What a median must reach: a figure, or its ratio to another of the same round."""

    what: str
    limit: float
    mine: Reading
    beside: Reading | None = None
    least: bool = False
    """Whether the limit is the least it may be, not the most."""


@dataclass(frozen=True)
class Column:
    figure: str
    head: str
    form: str = "number"
    """`number` or `share` (shown as a percentage) or `flag` (yes or no)."""
    spread: bool = False
    """Whether the least and the most of the rounds are shown beside the median."""


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    words: str
    """What happens, for who reads the page."""
    contestants: tuple[str, ...]
    turn: Callable[[Course, Contestant], Iterator[Sample]]
    """Starts the contestant, measures, ends it; gives samples with `measure` and figures."""
    columns: tuple[Column, ...]
    bounds: tuple[Bound, ...] = ()
    plot: str = "cpu_us"
    """The figure that is drawn."""
    unit: str = "µs of server CPU a delivery (less is better)"
    once: bool = False
    """Whether one round is enough."""
    by_measure: bool = False
    """Whether it is the measures of its one contestant that are compared: in one table, a row each."""
    compared: str = "cpu_us"
    """The figure of which the table shows chatroom's ratio to each other server; empty: none."""


COST = (
    Column("cpu_us", "CPU µs a delivery", spread=True),
    Column("system_us", "of them in the kernel"),
)
LATENCY = (Column("p50_ms", "p50, ms"), Column("p99_ms", "p99, ms"))
ENGINES = (
    Column("postgresql_us", "PostgreSQL, CPU µs a post"),
    Column("redis_us", "Redis, CPU µs a post"),
)
LOAD = Column("load_busy", "load busy", "share")
FANOUT = (
    *COST,
    Column("per_second", "deliveries/s"),
    *LATENCY,
    Column("wire_bytes", "bytes a delivery"),
    LOAD,
)
