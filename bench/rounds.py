"""Rounds: every scenario, every contestant in turn, in an order that moves."""

import time
from collections.abc import Callable, Iterator, Sequence

from bench.contestant import Contestant
from bench.course import Course, Sample
from bench.members import ServerError
from bench.scenarios.scenario import Scenario
from bench.servers import ROOT, StartError

Entry = tuple[Scenario, list[Contestant]]
"""A scenario and who takes part in it here."""


def order(contestants: list[Contestant], number: int) -> list[Contestant]:
    """Every round begins with another contestant, so that none always runs on a warm machine."""
    shift = number % len(contestants)
    return contestants[shift:] + contestants[:shift]


def run_all(course: Course, entries: Sequence[Entry], say: Callable[[str], None]) -> list[Sample]:
    samples: list[Sample] = []
    for scenario, contestants in entries:
        began = time.monotonic()
        for number in range(1 if scenario.once else course.plan.rounds):
            for contestant in order(contestants, number):
                for figures in whatever_comes(scenario.turn(course, contestant)):
                    place = {
                        "scenario": scenario.name,
                        "round": number + 1,
                        "contestant": contestant.name,
                    }
                    samples.append({**place, **figures})
                    say(_line(samples[-1]))
        say(f"{scenario.name} took {time.monotonic() - began:.0f} s")
    return samples


def whatever_comes(turn: Iterator[Sample]) -> Iterator[Sample]:
    """A server that fails loses the rest of its turn, not the others theirs; the report tells."""
    try:
        yield from turn
    except (ServerError, StartError, OSError, ValueError) as error:
        yield {"measure": "failure", "words": _words(error)}


def _words(error: Exception) -> str:
    """What it comes to: of a log, the last line. The page is to name no folder of the machine."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].replace(f"{ROOT}/", "")


def _line(sample: Sample) -> str:
    known = ("scenario", "round", "contestant", "measure", "words")
    figures = ", ".join(
        f"{name} {value:.4g}"
        for name, value in sample.items()
        if name not in known and isinstance(value, int | float)
    )
    place = f"  {sample['scenario']:<10} {sample['contestant']:<18} {sample['measure']:<16}"
    return f"{place} {sample.get('words', figures)}"
