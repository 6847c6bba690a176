"""One contestant's turn: start the server, measure, end it. What comes out are flat samples.

A sample is a dict of plain numbers with `round`, `contestant` and `measure`. Its CPU figures are
the server's alone: µs of user and system time, on all its threads.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.accounting import Memory, Neighbours
from bench.certificate import write_certificate
from bench.contestants import ACCEPT, DURABLE, Contestant, Setting
from bench.dialects import Json
from bench.durable import Acknowledged, Posters
from bench.fanout import Fanout, Loop
from bench.joining import Joining, fill
from bench.machine import commit_seconds
from bench.members import Crowd, Place, ServerError
from bench.servers import Cores, StartError, free_port, running

Sample = dict[str, Any]

_MICRO = 1e6
_MILLI = 1e3


@dataclass(frozen=True)
class Plan:
    """How much of what. Durations in seconds."""

    rounds: int = 3
    members: int = 1000
    size: int = 128
    seconds: float = 3.0
    warm_up: float = 0.5
    windows: tuple[int, ...] = (1, 8)
    rate: float = 20.0
    posters: tuple[tuple[int, int], ...] = ((1, 32), (50, 1))
    """Pairs of posters and window, for the acknowledged posts."""
    tls: bool = False
    deflate: bool = False


class Course:
    """Where and how all turns are run."""

    def __init__(self, plan: Plan, cores: Cores, scratch: Path) -> None:
        self.plan = plan
        self.cores = cores
        self.scratch = scratch

    def fits(self, contestant: Contestant) -> bool:
        return (contestant.tls or not self.plan.tls) and (contestant.deflate or not self.plan.deflate)

    @contextmanager
    def _server(self, contestant: Contestant) -> Iterator[tuple[int, Setting]]:
        with tempfile.TemporaryDirectory(prefix="bench-", dir=self.scratch) as name:
            directory = Path(name)
            setting = Setting(
                port=free_port(),
                directory=directory,
                size=self.plan.size,
                tls=self.plan.tls,
                deflate=self.plan.deflate,
            )
            if setting.tls:
                write_certificate(directory / "key.pem")
            command = contestant.command(setting)
            with running(command, setting.port, self.cores.server, directory) as pid:
                yield pid, setting

    def turn(self, contestant: Contestant) -> Iterator[Sample]:
        """Fill a room, let it rest, then fan out in each way."""
        plan = self.plan
        with self._server(contestant) as (pid, setting):
            dialect = contestant.dialect(plan.size)
            crowd = Crowd(contestant.place(setting, dialect))
            try:
                joined = fill(crowd, dialect, [pid], plan.members)
                if ACCEPT in contestant.measures:
                    yield from _joining_samples(joined)
                loop = Loop(crowd, dialect)
                loop.calibrate()
                loop.run([pid], seconds=plan.warm_up)
                for window in plan.windows:
                    yield self._fanout(f"window {window}", pid, partial(loop.run, window=window))
                yield self._fanout(f"{plan.rate:g} posts/s", pid, partial(loop.run, rate=plan.rate))
            finally:
                crowd.close()

    def durable_turn(self, contestant: Contestant) -> Iterator[Sample]:
        """Acknowledged posts, for each pair of posters and window."""
        for posters, window in self.plan.posters:
            with self._server(contestant) as (pid, setting):
                yield {
                    "measure": f"{posters} x window {window}",
                    "commit_us": commit_seconds(setting.directory) * _MICRO,
                    **self._durable(contestant, pid, setting, posters, window),
                }

    def _fanout(self, measure: str, pid: int, run: Callable[..., Fanout]) -> Sample:
        others = self._others(pid)
        result = run([pid], seconds=self.plan.seconds)
        return {"measure": measure, **_fanout_figures(result), "others_busy": others()}

    def _others(self, pid: int) -> Callable[[], float]:
        """Gives, when called, how busy the busier of the two cores was with others' work."""
        noise = [
            Neighbours(self.cores.server, [pid]),
            Neighbours(self.cores.load, [os.getpid()]),
        ]
        return lambda: max(each.share() for each in noise)

    def _durable(
        self, contestant: Contestant, pid: int, setting: Setting, posters: int, window: int
    ) -> Sample:
        dialect = contestant.dialect(self.plan.size)
        assert isinstance(dialect, Json)
        crowd = Crowd(contestant.place(setting, dialect))
        try:
            opened = crowd.open(posters)
            for opening in dialect.openings:
                crowd.ask(opened, opening.request, opening.answer)
            crowd.settle()

            def head() -> int:
                return _head(contestant.place(setting, dialect), dialect)

            run = Posters(crowd, dialect.room, window)
            run.run([pid], self.plan.warm_up, head)
            others = self._others(pid)
            result = run.run([pid], self.plan.seconds, head)
            return {**_durable_figures(result), "others_busy": others()}
        finally:
            crowd.close()


def _head(place: Place, dialect: Json) -> int:
    """The room's newest seq, as somebody is told who comes to it now."""
    visit = Crowd(place)
    try:
        (visitor,) = visit.open(1)
        replies = [visitor.ask(one.request(-1), one.answer) for one in dialect.openings]
        return dialect.head(replies[-1])
    finally:
        visit.close()


def _joining_samples(joined: Joining) -> Iterator[Sample]:
    for stage, seconds in joined.stages.items():
        yield {
            "measure": stage,
            "cpu_us": seconds * _MICRO,
            "connections": joined.connections,
        }
    idle: Memory = joined.idle
    yield {
        "measure": "idle",
        "rss_kib": idle.rss,
        "pss_kib": idle.pss,
        "connections": joined.connections,
    }


def _fanout_figures(result: Fanout) -> Sample:
    each = _MICRO / result.deliveries
    return {
        "cpu_us": result.cost.total * each,
        "user_us": result.cost.user * each,
        "system_us": result.cost.system * each,
        "per_second": result.deliveries / result.cost.wall,
        **_latency_figures(result.latencies),
        "posts": result.posts,
        "deliveries": result.deliveries,
        "wire_bytes": result.wire_bytes,
        "strange": result.strange,
        "server_busy": result.cost.busy,
        "load_busy": result.load_busy,
    }


def _durable_figures(result: Acknowledged) -> Sample:
    return {
        "per_second": result.posts / result.cost.wall,
        "cpu_us": result.cost.total / result.posts * _MICRO,
        **_latency_figures(result.latencies),
        "posts": result.posts,
        "kept": result.kept,
        "server_busy": result.cost.busy,
        "load_busy": result.load_busy,
    }


def _latency_figures(seconds: list[float]) -> Sample:
    ordered = sorted(seconds)
    return {
        "p50_ms": statistics.median(ordered) * _MILLI,
        "p99_ms": ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))] * _MILLI,
    }


def order(contestants: list[Contestant], number: int) -> list[Contestant]:
    """Every round begins with another contestant, so that none always runs on a warm machine."""
    shift = number % len(contestants)
    return contestants[shift:] + contestants[:shift]


def run_all(course: Course, contestants: list[Contestant], say: Callable[[str], None]) -> list[Sample]:
    samples: list[Sample] = []
    for number in range(course.plan.rounds):
        for contestant in order(contestants, number):
            turns = [course.turn]
            if DURABLE in contestant.measures:
                turns.append(course.durable_turn)
            began = time.monotonic()
            for turn in turns:
                for figures in _whatever_comes(turn(contestant)):
                    sample = {"round": number + 1, "contestant": contestant.name, **figures}
                    samples.append(sample)
                    say(_line(sample))
            took = time.monotonic() - began
            say(f"round {number + 1}: {contestant.name} took {took:.0f} s")
    return samples


def _whatever_comes(turn: Iterator[Sample]) -> Iterator[Sample]:
    """A server that fails loses the rest of its turn, not the others theirs; the report tells."""
    try:
        yield from turn
    except (ServerError, StartError) as error:
        yield {"measure": "failure", "words": str(error)}


def _line(sample: Sample) -> str:
    shown = ("cpu_us", "per_second", "p50_ms", "p99_ms", "rss_kib", "server_busy", "load_busy")
    figures = ", ".join(f"{name} {sample[name]:.4g}" for name in shown if name in sample)
    words = figures or sample.get("words", "")
    return f"  {sample['contestant']:<18} {sample['measure']:<16} {words}"
