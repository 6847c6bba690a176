"""Acknowledged posts, kept in PostgreSQL and kept in SQLite."""

from collections.abc import Iterator

from bench.contestant import Contestant
from bench.course import Course, Sample
from bench.scenarios.durability import MANY, ONE, acknowledged
from bench.scenarios.scenario import ENGINES, LATENCY, LOAD, Column, Scenario

_POSTERS = (("1 poster, window 1", 1, 1), (ONE, 1, 32), (MANY, 50, 1))


def _postgresql(course: Course, contestant: Contestant) -> Iterator[Sample]:
    # One poster is on one node.
    each = _POSTERS if contestant.nodes == 1 else [one for one in _POSTERS if one[1] > 1]
    yield from acknowledged(course, contestant, each)


POSTGRESQL = Scenario(
    name="postgresql",
    title="Acknowledged posts, through PostgreSQL and through SQLite",
    words=(
        "As with acknowledged posts. Both databases are on the same disk, and wait for it with every "
        "commit (fsync); PostgreSQL's settings are its defaults. A node has the server's core to itself "
        "(two nodes share it); PostgreSQL and Redis share the load's, where a machine of their own would "
        "have them answer sooner. Two nodes have half of the posters each, all in one room."
    ),
    contestants=("chatroom", "chatroom-postgresql", "chatroom-two"),
    turn=_postgresql,
    columns=(
        Column("per_second", "posts/s", spread=True),
        *LATENCY,
        Column("cpu_us", "nodes, CPU µs a post"),
        *ENGINES,
        Column("server_busy", "nodes busy", "share"),
        Column("commit_us", "the disk's own 4 KiB append, µs"),
        LOAD,
    ),
    plot="per_second",
    unit="acknowledged posts a second (more is better)",
    compared="",
)
