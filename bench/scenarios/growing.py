"""What a node costs as there are more of them."""

import time
from collections.abc import Iterator
from functools import partial

from bench.accounting import Meter
from bench.contestant import Contestant
from bench.course import Course, Live, Sample
from bench.dialects import Json
from bench.frames import client_frame
from bench.members import Crowd, Member
from bench.samples import MICRO
from bench.scenarios.fanout import sampled, warmed_up
from bench.scenarios.nodes import divided
from bench.scenarios.scenario import COST, ENGINES, LOAD, Column, Scenario

COUNTS, MEMBERS, RATE, ROOMS = (1, 2, 4, 6), 600, 20, 200
_SETTLED = 3.0
"""Seconds after which the nodes have told each other who is where."""
_IDLE_RUNS = 5
"""So many times a run's seconds: as much as is from one look at the heads to the one after the next."""


def _growing(course: Course, contestant: Contestant) -> Iterator[Sample]:
    plan = course.plan
    for count in COUNTS:
        with course.serve(contestant, nodes=count) as live:
            idle = _idle(live, plan.seconds * _IDLE_RUNS, max(4, int(ROOMS * plan.share)))
            with live.crowd() as crowd:
                divided(live, crowd, plan.count(MEMBERS))
                loop = warmed_up(live, crowd, plan.warm_up)
                sample = sampled(live, _called(count), partial(loop.run, rate=RATE), plan.seconds * 2)
        post_us = sample["cpu_us"] * sample["deliveries"] / sample["posts"]
        yield {**sample, "node_us": post_us / count, **idle}


def _called(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"


def _idle(live: Live, seconds: float, rooms: int) -> Sample:
    """What a second of silence costs, with somebody in each of so many rooms on every node."""
    with live.crowd() as crowd:
        # Under names that those who come after them do not have.
        crowd.first = MEMBERS
        for place in live.places:
            crowd.place = place
            (member,) = crowd.open(1)
            hello = live.dialect.openings[0]
            member.ask(hello.request(member.number), hello.answer)
            for number in range(rooms):
                _join(live, member, f"room-{number}")
        crowd.settle(_SETTLED)
        meter, engines = Meter(live.pids), live.engine_costs()
        _pass(crowd, seconds)
        cost = meter.read()
        spent = engines(1)
    nodes = len(live.places)
    return {
        "idle_us": cost.total / cost.wall * MICRO / nodes,
        "idle_redis_us": spent["redis_us"] / cost.wall,
        "idle_postgresql_us": spent["postgresql_us"] / cost.wall,
    }


def _join(live: Live, member: Member, room: str) -> None:
    join = Json(live.setting.size, room).openings[-1]
    member.send(client_frame(join.request(member.number)))
    member.await_answer(join.answer)


def _pass(crowd: Crowd, seconds: float) -> None:
    """Let time go by; pings are answered."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, 1.0))
        for member in crowd.members:
            member.drain()


GROWING = Scenario(
    name="growing",
    title="One node, two, four, six",
    words=(
        f"{MEMBERS} members in one room, the same number on each node, {RATE} posts a second on the "
        "first. All nodes share the server's core, the engines the load's: what is shown is CPU, of all "
        f"nodes together a delivery, and of each node a post. Idle is with one member in each of {ROOMS} "
        "rooms on every node, who all are silent: the nodes tell each other every two seconds which "
        "rooms they have people in, and look at the heads of the rooms' logs every five."
    ),
    contestants=("chatroom-bus",),
    turn=_growing,
    columns=(
        *COST,
        Column("node_us", "a node, CPU µs a post"),
        *ENGINES,
        Column("idle_us", "an idle node, CPU µs a second"),
        Column("idle_redis_us", "Redis then, µs a second"),
        Column("idle_postgresql_us", "PostgreSQL then, µs a second"),
        LOAD,
    ),
    unit="µs of all nodes' CPU a delivery (less is better)",
    by_measure=True,
    compared="",
)
