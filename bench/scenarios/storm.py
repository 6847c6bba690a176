"""A reconnect storm: everybody in a large room is dropped at once and comes back for what they missed."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

from bench.accounting import Meter
from bench.contestant import Contestant
from bench.course import Course, Live, Sample
from bench.joining import NEWS_SECONDS, fill, rest
from bench.members import Crowd, ServerError, batches
from bench.prober import Probe
from bench.samples import MICRO, MILLI, percentile
from bench.scenarios.scenario import Bound, Column, Reading, Scenario

MEMBERS = 5000
MISSED = 50
_TOGETHER = 250


def _storm(course: Course, contestant: Contestant) -> Iterator[Sample]:
    with course.serve(contestant) as live:
        with live.crowd() as crowd:
            joined = fill(crowd, live.dialect, live.pids, course.plan.count(MEMBERS))
            tokens = [json.loads(welcome)["token"] for welcome in joined.welcomes]
            head = _talk(crowd)
            yield {"measure": "coming", "cpu_us": sum(joined.stages.values()) * MICRO}
        # Two storms: with the prober's questions in it, the first would look dearer than it is.
        others = live.others()
        alone = _back(live, tokens, head - MISSED, probe=None)
        yield {"measure": "coming back", **alone, "others_busy": others()}
        seconds = max(2.0, alone["seconds"] * 1.5)
        probe = Probe(live.place, seconds, live.cores.load)
        others = live.others()
        probed = _back(live, tokens, head - MISSED, probe)
        yield {"measure": "elsewhere meanwhile", **probed, "others_busy": others()}


def _talk(crowd: Crowd) -> int:
    """Post what will be missed; the room's newest seq."""
    head = 0
    for number in range(MISSED):
        text = f"missed {number:08d}".ljust(100, "x")
        post = {"type": "post", "id": f"m{number}", "room": "lobby", "text": text}
        reply = crowd.members[0].ask(json.dumps(post).encode(), b'"id":"m%d"' % number)
        head = json.loads(reply)["seq"]
    crowd.settle()
    return head


def _back(live: Live, tokens: list[str], since: int, probe: Probe | None) -> Sample:
    """The members have just been dropped; what it costs until all of them are back."""
    meter = Meter(live.pids)
    _calm(live.pids)
    dropped = meter.read().total
    reads = _reads(live.pids)
    meter, began = Meter(live.pids), time.perf_counter()
    with live.crowd() as crowd:
        crowd.together = _TOGETHER
        for size in batches(len(tokens), _TOGETHER):
            _resume(crowd, size, tokens, since)
        elapsed = time.perf_counter() - began
        crowd.settle(NEWS_SECONDS)
        cost = rest(meter)
        read = _reads(live.pids)
    figures: Sample = {"seconds": elapsed, "back_per_second": len(tokens) / elapsed}
    if probe is None:
        figures |= {
            "cpu_us": cost / len(tokens) * MICRO,
            "dropped_us": dropped / len(tokens) * MICRO,
            "reads": None if reads is None or read is None else read - reads,
        }
    else:
        waits = probe.result()
        posts = [waited for due, waited in waits.posts if due < elapsed]
        figures |= {
            "ack_p50_ms": percentile(posts, 0.5) * MILLI,
            "ack_p99_ms": percentile(posts, 0.99) * MILLI,
            "ack_max_ms": max(posts) * MILLI,
        }
    return figures


def _resume(crowd: Crowd, count: int, tokens: list[str], since: int) -> None:
    """The next `count` come, are who they were, and ask for what they missed."""
    opened = crowd.open(count)
    crowd.ask(opened, lambda number: _hello(tokens[number]), b'"welcome"')
    join = json.dumps({"type": "join", "id": 2, "room": "lobby", "since": since}).encode()
    for answer in crowd.ask(opened, lambda _number: join, b'"type":"ok"'):
        if b'"recovered":true' not in answer or answer.count(b'"type":"message"') != MISSED:
            raise ServerError(f"not the {MISSED} that were missed: {answer[:400]!r}")


def _hello(token: str) -> bytes:
    return json.dumps({"type": "hello", "id": 1, "token": token}).encode()


def _calm(pids: list[int]) -> None:
    """Wait until the server has dealt with what was done to it."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        meter = Meter(pids)
        time.sleep(0.2)
        if meter.read().busy < 0.02:
            return
    raise ServerError("the server does not come to rest")


def _reads(pids: list[int]) -> int | None:
    """Calls of read(2) and its kin so far; recv(2) is none of them. None if it may not be known."""
    try:
        lines = [Path(f"/proc/{pid}/io").read_text().split() for pid in pids]
    except OSError:
        return None
    return sum(int(words[words.index("syscr:") + 1]) for words in lines)


STORM = Scenario(
    name="storm",
    title="A reconnect storm",
    words=(
        "5,000 members of one room are dropped at once; all come back, 250 at a time, each under its "
        "own token and with the 50 messages it missed, checked in every answer. read(2) calls are "
        "counted by the kernel: a read of the store is at least one, to wake the reactor, and the "
        "sockets' are none. In a second storm, another connection posts to a room of its own "
        "every 5 ms."
    ),
    contestants=("chatroom",),
    turn=_storm,
    columns=(
        Column("cpu_us", "CPU µs each", spread=True),
        Column("dropped_us", "CPU µs for its going"),
        Column("back_per_second", "back a second"),
        Column("reads", "read(2) calls in all"),
        Column("ack_p50_ms", "post p50, ms"),
        Column("ack_p99_ms", "post p99, ms"),
        Column("ack_max_ms", "longest, ms"),
    ),
    bounds=(
        Bound(
            "a resume, beside accept, hello and join",
            1.5,
            Reading("chatroom", "coming back"),
            Reading("chatroom", "coming"),
        ),
        Bound(
            "store reads for 5,000 resumes (read(2) calls)", 50, Reading("chatroom", "coming back", "reads")
        ),
        Bound(
            "others' posts acknowledged, ms (p99)",
            100.0,
            Reading("chatroom", "elsewhere meanwhile", "ack_p99_ms"),
        ),
    ),
    unit="µs of server CPU each (less is better)",
)
