"""One room on two nodes, beside the same room on one."""

from collections.abc import Iterator
from functools import partial

from bench.contestant import Contestant
from bench.course import Course, Live, Sample
from bench.joining import NEWS_SECONDS, greet
from bench.members import Crowd
from bench.scenarios.fanout import sampled, warmed_up
from bench.scenarios.scenario import COST, ENGINES, LATENCY, LOAD, Bound, Column, Reading, Scenario

MEMBERS, RATE = 1000, 50


def divided(live: Live, crowd: Crowd, members: int) -> None:
    """So many come to one room, the same number to each node; the first is the poster on the first."""
    for place in live.places:
        crowd.place = place
        greet(crowd, crowd.open(members // len(live.places)), live.dialect)
    crowd.settle(NEWS_SECONDS)


def _nodes(course: Course, contestant: Contestant) -> Iterator[Sample]:
    plan = course.plan
    with course.serve(contestant) as live, live.crowd() as crowd:
        divided(live, crowd, plan.count(MEMBERS))
        loop = warmed_up(live, crowd, plan.warm_up)
        run = partial(loop.run, rate=RATE)
        yield sampled(live, f"{RATE} posts/s", run, plan.seconds * 2)
        for window in (1, 8):
            run = partial(loop.run, window=window)
            yield sampled(live, f"window {window}", run, plan.seconds)


NODES = Scenario(
    name="nodes",
    title="1,000 members in one room on one node, and on two",
    words=(
        "The poster is on the first node; on two nodes, each has half of the members. They share a "
        "PostgreSQL, which keeps every post, and a Redis; one node has them too (the first row has "
        "neither, and keeps SQLite). The nodes share the server's core, PostgreSQL and Redis the load's: "
        "CPU is counted by process, and that of a delivery is all nodes' together, without the engines'. "
        f"At {RATE} posts a second latency is from when a post was due; in all, to the last receiver."
    ),
    contestants=("chatroom", "chatroom-postgresql", "chatroom-bus", "chatroom-two"),
    turn=_nodes,
    columns=(
        *COST,
        Column("per_second", "deliveries/s"),
        *LATENCY,
        *ENGINES,
        Column("server_busy", "nodes busy", "share"),
        LOAD,
    ),
    bounds=tuple(
        Bound(
            f"two nodes, {measure}, beside one node",
            1.25,
            Reading("chatroom-two", measure),
            Reading("chatroom-bus", measure),
        )
        for measure in (f"{RATE} posts/s", "window 1")
    ),
    compared="",
)
