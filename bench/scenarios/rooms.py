"""Many small rooms, all talking at once."""

from collections.abc import Iterator

from bench.contestant import Contestant
from bench.course import Course, Sample
from bench.many import Rooms
from bench.samples import cost_figures, latency_figures
from bench.scenarios.scenario import FANOUT, Bound, Reading, Scenario

ROOMS, MEMBERS = 500, 10


def _rooms(course: Course, contestant: Contestant) -> Iterator[Sample]:
    plan = course.plan
    with course.serve(contestant) as live, live.crowd() as crowd:
        rooms = Rooms(crowd, contestant, live, plan.count(ROOMS), MEMBERS)
        rooms.fill()
        rooms.run(live.pids, plan.warm_up)
        others = live.others()
        result = rooms.run(live.pids, plan.seconds)
        yield {
            "measure": "all talking",
            **cost_figures(result.cost, result.deliveries),
            **latency_figures(result.latencies),
            "posts": result.posts,
            "deliveries": result.deliveries,
            "load_busy": result.load_busy,
            "others_busy": others(),
        }


SMALL_ROOMS = Scenario(
    name="rooms",
    title="500 rooms of 10 members, all talking",
    words=(
        "One member of each room posts again as soon as all ten have its last post. Here the price "
        "of a post, its commit included, is shared by ten deliveries only."
    ),
    contestants=("chatroom", "nchan", "autobahn"),
    turn=_rooms,
    columns=FANOUT,
    bounds=(
        Bound(
            "a delivery, beside plain Autobahn broadcasting",
            0.8,
            Reading("chatroom", "all talking"),
            Reading("autobahn", "all talking"),
        ),
    ),
)
