"""Whether the server grows as people come and go."""

import statistics
import time
from collections.abc import Iterator

from bench.accounting import memory
from bench.contestant import Contestant
from bench.course import Course, Live, Plan, Sample
from bench.joining import greet
from bench.scenarios.scenario import Bound, Column, Reading, Scenario

MEMBERS = 1000

SOAK_EVERY = 10.0
"""Seconds from one coming to the next in a soak: it takes a fifth of a core, and can have a machine's
quiet hours without having the machine."""


def _growth(course: Course, contestant: Contestant) -> Iterator[Sample]:
    for tls in (False, True):
        count = course.plan.count(MEMBERS if not tls else MEMBERS // 2)
        with course.serve(contestant, tls=tls) as live:
            sizes = list(_sizes(live, count, course.plan))
        yield {
            "measure": "TLS" if tls else "plain",
            "first_kib": sizes[0],
            "rss_kib": statistics.median(sizes[-3:]),
            "bytes_each": _slope(sizes[len(sizes) // 2 :]) * 1024 / count,
            "reconnects": count * len(sizes),
            "sizes_kib": [round(size) for size in sizes],
        }


def _sizes(live: Live, count: int, plan: Plan) -> Iterator[float]:
    """The empty server's RSS in KiB, each time `count` have come, joined and gone."""
    until, times = time.monotonic() + plan.soak / 2, 0
    while times < plan.times or time.monotonic() < until:
        began = time.monotonic()
        with live.crowd() as crowd:
            # Under new names: those of the last ones are kept for them for a while.
            crowd.first = times * count
            for _ in range(4):
                greet(crowd, crowd.open(count // 4), live.dialect)
        time.sleep(0.3)
        times += 1
        yield memory(live.pids).rss
        if plan.soak:
            time.sleep(max(0.0, began + SOAK_EVERY - time.monotonic()))


def _slope(values: list[float]) -> float:
    """Of the straight line through them, by least squares: growth from one to the next."""
    return statistics.linear_regression(range(len(values)), values).slope


GROWTH = Scenario(
    name="growth",
    title="Coming and going",
    words=(
        "Connections come, greet, join and go, under ever new names, twenty times 1,000 (over TLS "
        "500), or with `--soak SECONDS` for as long. What the empty server keeps "
        "is measured each time; growth is the slope over the second half."
    ),
    contestants=("chatroom",),
    turn=_growth,
    columns=(
        Column("first_kib", "KiB after the first time"),
        Column("rss_kib", "KiB after the last"),
        Column("reconnects", "connections in all"),
        Column("bytes_each", "growth, bytes a connection", spread=True),
    ),
    bounds=(
        # A connection whose protocol object alone were kept would be some thousands.
        Bound("growth over plain TCP, bytes a connection", 50, Reading("chatroom", "plain", "bytes_each")),
        Bound("growth over TLS, bytes a connection", 50, Reading("chatroom", "TLS", "bytes_each")),
    ),
    once=True,
    plot="rss_kib",
    unit="KiB of the empty server at the end (RSS)",
)
