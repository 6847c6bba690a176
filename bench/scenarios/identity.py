"""What knowing who may do what costs: this checkout beside one from before."""

from collections.abc import Iterator

from bench.contestant import Contestant
from bench.course import Course, Sample
from bench.durable import Posters
from bench.joining import greet
from bench.samples import durable_figures
from bench.scenarios.fanout import by_window
from bench.scenarios.scenario import Bound, Column, Reading, Scenario

_POSTS = "1 poster, window 32"
_WINDOWS = (1, 8)


def _both(course: Course, contestant: Contestant) -> Iterator[Sample]:
    yield from by_window(course, contestant, members=1000, windows=_WINDOWS)
    with course.serve(contestant) as live, live.crowd() as crowd:
        greet(crowd, crowd.open(1), live.dialect)
        crowd.settle()
        run = Posters(crowd, "lobby", 32)
        run.run(live.pids, course.plan.warm_up)
        others = live.others()
        result = run.run(live.pids, course.plan.seconds)
        yield {"measure": _POSTS, **durable_figures(result), "others_busy": others()}


def _at_most(measure: str, what: str) -> Bound:
    mine, before = Reading("chatroom", measure), Reading("chatroom-before", measure)
    return Bound(f"{what}, beside before", 1.1, mine, before)


IDENTITY = Scenario(
    name="identity",
    title="Who may do what, before and after",
    words=(
        "This server beside itself as it was before it knew accounts, roles and sanctions, in the same "
        "run: 1,000 members in one room, and acknowledged posts of one connection."
    ),
    contestants=("chatroom", "chatroom-before"),
    turn=_both,
    columns=(
        Column("cpu_us", "CPU µs a delivery or a post", spread=True),
        Column("system_us", "of them in the kernel"),
        Column("per_second", "a second"),
    ),
    bounds=(
        *(_at_most(f"window {window}", f"a delivery, window {window}") for window in _WINDOWS),
        _at_most(_POSTS, "a post"),
    ),
)
