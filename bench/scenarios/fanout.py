"""One room: a thousand members as fast as it goes, four thousand at a steady rate."""

from collections.abc import Callable, Iterator
from functools import partial

from bench.contestant import Contestant
from bench.course import Course, Live, Sample
from bench.fanout import Fanout, Loop
from bench.joining import fill
from bench.members import Crowd
from bench.samples import fanout_figures
from bench.scenarios.scenario import FANOUT, Bound, Reading, Scenario

WINDOWS = (1, 8)
_CALLED = {
    "nchan": "nchan",
    "picows": "picows",
    "uwebsockets": "uWebSockets",
    "autobahn": "plain Autobahn",
    "floor": "the floor",
}
PEERS = ("nchan", "uwebsockets", "picows", "ws", "socketio", "websockets", "crossbar", "autobahn")


def sampled(live: Live, measure: str, run: Callable[..., Fanout], seconds: float) -> Sample:
    others, engines = live.others(), live.engine_costs()
    result = run(live.pids, seconds=seconds)
    return {
        "measure": measure,
        **fanout_figures(result),
        **engines(result.posts),
        "others_busy": others(),
    }


def warmed_up(live: Live, crowd: Crowd, seconds: float) -> Loop:
    """A loop over a filled room that has been talked in."""
    loop = Loop(crowd, live.dialect)
    loop.calibrate()
    loop.run(live.pids, seconds=seconds)
    return loop


def by_window(
    course: Course, contestant: Contestant, *, members: int, windows: tuple[int, ...], tls: bool = False
) -> Iterator[Sample]:
    plan = course.plan
    with course.serve(contestant, tls=tls) as live, live.crowd() as crowd:
        fill(crowd, live.dialect, live.pids, plan.count(members))
        loop = warmed_up(live, crowd, plan.warm_up)
        for window in windows:
            run = partial(loop.run, window=window)
            yield sampled(live, f"window {window}", run, plan.seconds)


def paced(course: Course, contestant: Contestant, *, members: int, rate: float) -> Iterator[Sample]:
    plan = course.plan
    with course.serve(contestant) as live, live.crowd() as crowd:
        fill(crowd, live.dialect, live.pids, plan.count(members))
        loop = warmed_up(live, crowd, plan.warm_up)
        run = partial(loop.run, rate=rate)
        # Every post is one latency: of forty, the 99th of a hundred says nothing.
        yield sampled(live, f"{rate:g} posts/s", run, plan.seconds * 3)


def _beside(measure: str, bounds: dict[str, float]) -> tuple[Bound, ...]:
    return tuple(
        Bound(
            f"{measure}, beside {_CALLED[other]}",
            limit,
            Reading("chatroom", measure),
            Reading(other, measure),
        )
        for other, limit in bounds.items()
    )


FANOUT_1000 = Scenario(
    name="fanout",
    title="1,000 members in one room",
    words=(
        "Window 1: the next post when the last member has the one before. Window 8: so many posts "
        "on their way at a time, so that several can leave as one write. chatroom's poster also "
        "gets an acknowledgement, after the commit."
    ),
    contestants=("chatroom", "chatroom-plain", *PEERS, "autobahn-prepared", "floor"),
    turn=partial(by_window, members=1000, windows=WINDOWS),
    columns=FANOUT,
    bounds=(
        *_beside("window 1", {"nchan": 0.95, "picows": 0.6, "uwebsockets": 0.5, "floor": 1.4}),
        *_beside("window 8", {"nchan": 0.8, "uwebsockets": 0.5}),
        *_beside("window 1", {"autobahn": 0.35}),
        *_beside("window 8", {"autobahn": 0.35}),
    ),
)

PACED_4000 = Scenario(
    name="paced",
    title="4,000 members in one room, 20 posts a second",
    words="Latency is from when a post was due to the last of the members.",
    contestants=("chatroom", "nchan", "uwebsockets", "picows", "ws", "floor"),
    turn=partial(paced, members=4000, rate=20.0),
    columns=FANOUT,
    bounds=(
        *_beside("20 posts/s", {"nchan": 0.9}),
        *(
            Bound(
                f"{words} to the last receiver, beside nchan",
                1.0,
                Reading("chatroom", "20 posts/s", figure),
                Reading("nchan", "20 posts/s", figure),
            )
            for words, figure in (("median", "p50_ms"), ("p99", "p99_ms"))
        ),
    ),
)
