"""Sixteen thousand members in one room, and how long the other rooms wait meanwhile."""

from collections.abc import Iterator
from functools import partial

from bench.contestant import Contestant
from bench.course import Course, Live, Sample
from bench.fanout import Loop
from bench.joining import fill
from bench.prober import Probe, Waits
from bench.samples import MILLI, percentile
from bench.scenarios.fanout import sampled, warmed_up
from bench.scenarios.scenario import FANOUT, Bound, Column, Reading, Scenario

MEMBERS = 16_000
FEW = 1_000
RATE = 2.0


def _large(course: Course, contestant: Contestant) -> Iterator[Sample]:
    plan = course.plan
    with course.serve(contestant) as live, live.crowd() as crowd:
        few = plan.count(FEW)
        fill(crowd, live.dialect, live.pids, few)
        loop = warmed_up(live, crowd, plan.warm_up)
        yield sampled(live, "1,000 members, window 1", loop.run, plan.seconds)
        paced = partial(loop.run, rate=RATE)
        yield sampled(live, f"1,000 members, {RATE:g} posts/s", paced, plan.seconds * 2)
        fill(crowd, live.dialect, live.pids, plan.count(MEMBERS) - few)
        loop = warmed_up(live, crowd, plan.warm_up)
        paced = partial(loop.run, rate=RATE)
        yield sampled(live, f"16,000 members, {RATE:g} posts/s", paced, plan.seconds * 3)
        if contestant.name == "chatroom":
            yield _waits(live, None, plan.seconds, "elsewhere, the large room silent")
            yield _waits(live, loop, plan.seconds * 3, "elsewhere, the large room talking")


def _waits(live: Live, loop: Loop | None, seconds: float, measure: str) -> Sample:
    """What pings and posts of another connection, in another room, wait."""
    probe = Probe(live.place, seconds, live.cores.load)
    others = live.others()
    if loop:
        loop.run(live.pids, seconds=seconds, rate=RATE)
    waits = probe.result()
    return {"measure": measure, **_wait_figures(waits), "others_busy": others()}


def _wait_figures(waits: Waits) -> Sample:
    pings = [waited for _, waited in waits.pings]
    posts = [waited for _, waited in waits.posts]
    # The longest wait around each post: for so long nothing else got its turn.
    longest: dict[int, float] = {}
    for due, waited in waits.pings:
        at = int(due * RATE)
        longest[at] = max(longest.get(at, 0.0), waited)
    return {
        "held_ms": percentile(list(longest.values()), 0.99) * MILLI,
        "ping_p50_ms": percentile(pings, 0.5) * MILLI,
        "ping_p99_ms": percentile(pings, 0.99) * MILLI,
        "ack_p50_ms": percentile(posts, 0.5) * MILLI,
        "ack_p99_ms": percentile(posts, 0.99) * MILLI,
        "asked": len(pings),
    }


_ALL = f"16,000 members, {RATE:g} posts/s"

LARGE_16000 = Scenario(
    name="large",
    title="16,000 members in one room, 2 posts a second",
    words=(
        "From four loopback addresses. Elsewhere, another connection sends a ping and a post into a "
        "room of its own every 5 ms; a post is answered when it is on disk. Held is the longest that "
        "a ping waited around each post to the large room (p99 of them). Between posts both ends "
        "sleep, which makes a delivery dearer for all servers."
    ),
    contestants=("chatroom", "nchan", "floor"),
    turn=_large,
    columns=(
        *FANOUT,
        Column("held_ms", "held, ms"),
        Column("ping_p50_ms", "ping p50, ms"),
        Column("ping_p99_ms", "ping p99, ms"),
        Column("ack_p50_ms", "post p50, ms"),
        Column("ack_p99_ms", "post p99, ms"),
    ),
    bounds=(
        Bound(
            "a delivery, beside its own to 1,000 (window 1)",
            1.2,
            Reading("chatroom", _ALL),
            Reading("chatroom", "1,000 members, window 1"),
        ),
        Bound(
            "a delivery, beside its own to 1,000 (2 posts/s)",
            1.2,
            Reading("chatroom", _ALL),
            Reading("chatroom", f"1,000 members, {RATE:g} posts/s"),
        ),
        Bound(
            "the reactor held, ms (p99)",
            50.0,
            Reading("chatroom", "elsewhere, the large room talking", "held_ms"),
        ),
    ),
)
