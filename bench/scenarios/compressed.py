"""permessage-deflate: half a kilobyte of JSON to five hundred members."""

from collections.abc import Iterator

from bench.contestant import Contestant
from bench.course import Course, Sample
from bench.joining import fill
from bench.scenarios.fanout import sampled, warmed_up
from bench.scenarios.scenario import FANOUT, Bound, Reading, Scenario
from bench.texts import event, prose, readings

SIZE = 500
MEMBERS = 500


_OURS = {
    "plain": {"text": prose, "data": readings},
    "compressed": {"text": prose, "data": readings, "deflate": True},
    "compressed, nothing but prose": {"text": prose, "deflate": True},
}
_THEIRS = {"compressed": {"text": event, "deflate": True}}


def _compressed(course: Course, contestant: Contestant) -> Iterator[Sample]:
    """Ours also without, in the same round: what compressing adds."""
    plan = course.plan
    ways = _OURS if contestant.name == "chatroom" else _THEIRS
    for measure, options in ways.items():
        with course.serve(contestant, size=SIZE, **options) as live, live.crowd() as crowd:
            fill(crowd, live.dialect, live.pids, plan.count(MEMBERS))
            loop = warmed_up(live, crowd, plan.warm_up)
            yield sampled(live, measure, loop.run, plan.seconds)


_OWN = Reading("chatroom", "compressed")

DEFLATE_500 = Scenario(
    name="deflate",
    title="permessage-deflate: 500 members, 500 bytes of JSON",
    words=(
        "A JSON event with some English words and five readings of devices; window 1. chatroom "
        "compresses once for all members, the others for each. Prose alone compresses less."
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
