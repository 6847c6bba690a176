"""A thousand who listen to server-sent events, beside a thousand on WebSockets."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from bench.contestant import Contestant
from bench.course import Course, Sample
from bench.fanout import Loop
from bench.joining import greet
from bench.scenarios.fanout import WINDOWS, by_window, sampled
from bench.scenarios.scenario import FANOUT, Bound, Reading, Scenario

LISTENERS = 1000


def listening(course: Course, contestant: Contestant) -> Iterator[Sample]:
    """By window, whoever takes part: over WebSockets, or as server-sent events with one who posts."""
    if not contestant.events:
        yield from by_window(course, contestant, members=LISTENERS, windows=WINDOWS)
        return
    plan = course.plan
    with course.serve(contestant) as live:
        place = replace(live.place, path=contestant.events, stream=True)
        with live.crowd() as posters, live.crowd(place) as crowd:
            (poster,) = posters.open(1)
            greet(posters, [poster], live.dialect)
            crowd.open(plan.count(LISTENERS))
            crowd.settle()
            loop = Loop(crowd, live.dialect, poster)
            loop.calibrate()
            loop.run(live.pids, seconds=plan.warm_up)
            for window in WINDOWS:
                run = partial(loop.run, window=window)
                yield sampled(live, f"window {window}", run, plan.seconds)


EVENTS_1000 = Scenario(
    name="events",
    title="1,000 listeners to server-sent events",
    words=(
        "As with 1,000 members in one room, but that they listen to an event stream over HTTP, and one "
        "posts over a WebSocket. An event also says its place in the log, as its id, so it is longer "
        "than the same message in a WebSocket's frame."
    ),
    contestants=("chatroom-events", "chatroom", "nchan-events", "nchan"),
    turn=listening,
    columns=FANOUT,
    bounds=tuple(
        Bound(
            f"{measure}, beside chatroom's WebSockets",
            1.3,
            Reading("chatroom-events", measure),
            Reading("chatroom", measure),
        )
        for measure in (f"window {window}" for window in WINDOWS)
    ),
)
