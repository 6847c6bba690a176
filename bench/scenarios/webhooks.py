"""A thousand webhooks a second, and how much later the chat is delivered meanwhile."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from bench.contestant import Contestant
from bench.course import Course, Live, Sample
from bench.fanout import Loop
from bench.joining import fill
from bench.receiver import Receiver
from bench.scenarios.fanout import sampled, warmed_up
from bench.scenarios.scenario import LATENCY, LOAD, Bound, Column, Reading, Scenario
from bench.servers import ROOT, family

RATE = 100
"""Posts a second."""
_HOOKS = 10
"""Webhooks that are told of each."""
_MEMBERS = 100
_ALONE, _MEANWHILE = "without webhooks", f"{RATE * _HOOKS:,} webhooks a second"
_PATIENCE = 20.0
_ADD = """
import sys
from chatroom.cli import main
url, data, count = sys.argv[1:]
for number in range(int(count)):
    words = ["webhook", "add", url, "--room", "*", "--event", "message", "--name", f"hook {number}"]
    if main([*words, "--data", data]):
        sys.exit(1)
"""


def _webhooks(course: Course, contestant: Contestant) -> Iterator[Sample]:
    plan, seconds = course.plan, course.plan.seconds * 5
    with course.serve(contestant, webhooks=True) as live, live.crowd() as crowd, _ahead():
        fill(crowd, live.dialect, live.pids, plan.count(_MEMBERS))
        loop = warmed_up(live, crowd, plan.warm_up)
        run = partial(loop.run, rate=RATE)
        run(live.pids, seconds=plan.warm_up)
        yield sampled(live, _ALONE, run, seconds)
        receiver = Receiver(live.cores.load)
        try:
            _tell(live, loop, receiver)
            run(live.pids, seconds=plan.warm_up)
            before, began = receiver.count(), time.perf_counter()
            sample = sampled(live, _MEANWHILE, run, seconds)
            told, took = receiver.count() - before, time.perf_counter() - began
            yield sample | {"told": told / took}
        finally:
            receiver.stop()


def _tell(live: Live, loop: Loop, receiver: Receiver) -> None:
    """Have the receiver told of everything, and move the courier off the server's core."""
    # All by one process: nobody answers the server's pings meanwhile.
    given = [sys.executable, "-c", _ADD, receiver.url, str(live.setting.directory / "data"), str(_HOOKS)]
    subprocess.run(given, cwd=ROOT, check=True, capture_output=True)
    until = time.monotonic() + _PATIENCE
    while receiver.count() < _HOOKS:
        loop.run(live.pids, seconds=0.1, rate=RATE)
        if time.monotonic() > until:
            raise RuntimeError("no webhook is told")
    for pid in set(family(live.pids[0])) - {live.pids[0]}:
        os.sched_setaffinity(pid, {live.cores.load})


@contextmanager
def _ahead() -> Iterator[None]:
    """The load goes before the courier and the receiver, which share its core: what is measured is when
    the server has delivered, not when the load got its turn."""
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    try:
        yield
    finally:
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


WEBHOOKS = Scenario(
    name="webhooks",
    title=f"{RATE * _HOOKS:,} webhooks a second",
    words=(
        f"{_MEMBERS} members in one room, {RATE} posts a second; latency is from when a post was due to "
        f"the last member. Then the same again with {_HOOKS} webhooks that are each told of every post, "
        "by signed HTTP requests to a receiver on this machine. The server, which reads the log, signs "
        "and keeps account, has its core to itself; its courier, which makes the requests, and the "
        "receiver share the load's core, on which the load goes first."
    ),
    contestants=("chatroom",),
    turn=_webhooks,
    columns=(
        *LATENCY,
        Column("told", "webhooks/s"),
        Column("server_busy", "server busy", "share"),
        LOAD,
    ),
    bounds=(
        Bound(
            "p99 of delivery with webhooks, beside without",
            1.1,
            Reading("chatroom", _MEANWHILE, "p99_ms"),
            Reading("chatroom", _ALONE, "p99_ms"),
        ),
        Bound(
            "webhooks told a second",
            0.95 * RATE * _HOOKS,
            Reading("chatroom", _MEANWHILE, "told"),
            least=True,
        ),
    ),
    plot="p99_ms",
    unit="ms from a post to its last receiver, p99 (less is better)",
    compared="",
)
