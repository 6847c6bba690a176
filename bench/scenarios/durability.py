"""Posts that are on disk before they are acknowledged."""

import time
from collections.abc import Callable, Iterable, Iterator

from bench.contestant import Contestant
from bench.course import Course, Live, Sample
from bench.dialects import Json
from bench.durable import Posters
from bench.joining import greet
from bench.machine import commit_seconds
from bench.samples import MICRO, durable_figures
from bench.scenarios.scenario import LATENCY, LOAD, Bound, Column, Reading, Scenario

ONE, MANY = "1 poster, window 32", "50 posters, window 1"
_BETWEEN_NODES = 0.5
_POSTERS = ((ONE, 1, 32), (MANY, 50, 1))


def _durable(course: Course, contestant: Contestant) -> Iterator[Sample]:
    # An echo to fifty is no broadcast among fifty: nothing to compare.
    yield from acknowledged(course, contestant, _POSTERS if contestant.name == "chatroom" else _POSTERS[:1])


def acknowledged(
    course: Course, contestant: Contestant, each: Iterable[tuple[str, int, int]]
) -> Iterator[Sample]:
    """Posts for each measure, number of posters and window; of several nodes each has its share of them."""
    plan = course.plan
    for measure, posters, window in each:
        with course.serve(contestant) as live, live.crowd() as crowd:
            disk = commit_seconds(live.setting.directory)
            for place in live.places[:posters]:
                crowd.place = place
                greet(crowd, crowd.open(posters // len(live.places[:posters])), live.dialect)
            crowd.settle()
            head = head_of(live)
            run = Posters(crowd, "lobby", window)
            run.run(live.pids, plan.warm_up, head)
            others, engines = live.others(), live.engine_costs()
            result = run.run(live.pids, plan.seconds, head)
            yield {
                "measure": measure,
                **durable_figures(result),
                **engines(result.posts),
                **({"commit_us": disk * MICRO} if head else {}),
                "others_busy": others(),
            }


def head_of(live: Live) -> Callable[[], int] | None:
    """Asks for the room's newest seq, as somebody is told who comes to it now."""
    dialect = live.dialect
    if not isinstance(dialect, Json):
        return None
    visits = iter(range(1_000_000, 2_000_000))

    def head() -> int:
        if len(live.places) > 1:
            # What was said on the others may still be on its way to this node.
            time.sleep(_BETWEEN_NODES)
        with live.crowd() as visit:
            (visitor,) = visit.open(1)
            # Under a name that nobody had: a guest's name is kept for a while.
            number = next(visits)
            replies = [visitor.ask(one.request(number), one.answer) for one in dialect.openings]
            return dialect.head(replies[-1])

    return head


DURABLE = Scenario(
    name="durable",
    title="Acknowledged posts",
    words=(
        "chatroom commits each to disk (fsync) before its ok and delivers it to every poster in the "
        "room; afterwards the room's head must have risen by exactly the number acknowledged. "
        "Autobahn sends each message back to its sender, and keeps nothing."
    ),
    contestants=("chatroom", "autobahn-echo"),
    turn=_durable,
    columns=(
        Column("per_second", "posts/s", spread=True),
        *LATENCY,
        Column("cpu_us", "CPU µs a post"),
        Column("server_busy", "server busy", "share"),
        Column("commit_us", "the disk's own 4 KiB append, µs"),
        LOAD,
    ),
    bounds=(
        Bound(
            f"{ONE}: posts/s, beside Autobahn's echo",
            0.4,
            Reading("chatroom", ONE, "per_second"),
            Reading("autobahn-echo", ONE, "per_second"),
            least=True,
        ),
        Bound(f"{MANY}: posts/s", 10_000, Reading("chatroom", MANY, "per_second"), least=True),
    ),
    plot="per_second",
    unit="acknowledged posts a second (more is better)",
    compared="per_second",
)
