"""How much later a post is heard on another node."""

from collections.abc import Iterator

from bench.contestant import Contestant
from bench.course import Course, Sample
from bench.crossing import Crossing
from bench.fanout import Loop
from bench.samples import cost_figures, latency_figures
from bench.scenarios.nodes import divided
from bench.scenarios.scenario import ENGINES, LATENCY, LOAD, Column, Scenario

MEMBERS, RATE = 40, 50
_MEASURES = ("to the poster's node", "to the other node")


def _crossing(course: Course, contestant: Contestant) -> Iterator[Sample]:
    plan = course.plan
    with course.serve(contestant) as live, live.crowd() as crowd:
        divided(live, crowd, plan.count(MEMBERS))
        Loop(crowd, live.dialect).calibrate()
        each = len(crowd) // len(live.places)
        groups = [crowd.members[start : start + each] for start in range(0, len(crowd), each)]
        crossing = Crossing(crowd, live.dialect, groups)
        crossing.run(live.pids, plan.warm_up, RATE)
        others, engines = live.others(), live.engine_costs()
        result = crossing.run(live.pids, plan.seconds * 4, RATE)
        deliveries = sum(map(len, result.latencies))
        common = {
            **cost_figures(result.cost, deliveries),
            "posts": result.posts,
            "deliveries": deliveries,
            "load_busy": result.load_busy,
            **engines(result.posts),
            "others_busy": others(),
        }
        for measure, latencies in zip(_MEASURES, result.latencies, strict=False):
            yield {"measure": measure, **common, **latency_figures(latencies)}


CROSS_NODE = Scenario(
    name="cross-node",
    title="From node to node",
    words=(
        f"{MEMBERS} members in one room, {RATE} posts a second from one of them; latency is from when a "
        "post was due to each of the members, who are all in one process and have one clock. On two "
        "nodes half of them are on the other node than the poster, and hear of it through Redis. The two "
        "nodes share a core, so the other node's turn comes after the first's."
    ),
    contestants=("chatroom", "chatroom-postgresql", "chatroom-bus", "chatroom-two"),
    turn=_crossing,
    columns=(*LATENCY, *ENGINES, Column("server_busy", "nodes busy", "share"), LOAD),
    plot="p50_ms",
    unit="ms from a post to a member, median (less is better)",
    compared="",
)
