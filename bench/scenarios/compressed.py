"""permessage-deflate: half a kilobyte of JSON to five hundred members."""

from collections.abc import Iterator

from bench.contestant import Contestant
from bench.course import Course, Sample
from bench.joining import fill
from bench.scenarios.fanout import sampled, warmed_up
from bench.scenarios.scenario import FANOUT, Bound, Reading, Scenario
from bench.texts import event, prose

SIZE = 500
MEMBERS = 500


def _compressed(course: Course, contestant: Contestant) -> Iterator[Sample]:
    """Ours also without, in the same round: what compressing adds."""
    plan = course.plan
    ours = contestant.name == "chatroom"
    text = prose if ours else event
    for deflate in (False, True) if ours else (True,):
        with course.serve(contestant, size=SIZE, text=text, deflate=deflate) as live, live.crowd() as crowd:
            fill(crowd, live.dialect, live.pids, plan.count(MEMBERS))
            loop = warmed_up(live, crowd, plan.warm_up)
            yield sampled(live, "compressed" if deflate else "plain", loop.run, plan.seconds)


_OWN = Reading("chatroom", "compressed")

DEFLATE_500 = Scenario(
    name="deflate",
    title="permessage-deflate: 500 members, 500 bytes of JSON",
    words=(
        "English words in a JSON event; window 1. chatroom compresses once for all members, the "
        "others for each. uWebSockets, picows and nchan are not asked to compress."
    ),
    contestants=("chatroom", "ws", "websockets", "autobahn"),
    turn=_compressed,
    columns=FANOUT,
    bounds=(
        Bound("compressed, beside its own plain", 1.5, _OWN, Reading("chatroom", "plain")),
        Bound(
            "bytes on the wire, beside its own plain",
            0.6,
            Reading("chatroom", "compressed", "wire_bytes"),
            Reading("chatroom", "plain", "wire_bytes"),
        ),
        Bound("beside ws compressing", 0.2, _OWN, Reading("ws", "compressed")),
        Bound("beside websockets compressing", 0.2, _OWN, Reading("websockets", "compressed")),
    ),
)
