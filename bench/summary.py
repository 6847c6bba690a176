"""From samples to figures: medians, spread, ratios, what was expected, what to doubt."""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.course import Sample
from bench.machine import FORGETFUL
from bench.scenarios.scenario import Bound, Reading, Scenario

# Above this share of its core the load may have been what set the pace.
LOAD_LIMIT = 0.9
OTHERS_LIMIT = 0.1
MANY = 10

Place = tuple[str, str, str]
"""Scenario, contestant, measure."""


@dataclass(frozen=True)
class Figure:
    median: float
    least: float
    most: float
    rounds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Figure | None":
        if not values:
            return None
        return cls(statistics.median(values), min(values), max(values), len(values))


@dataclass(frozen=True)
class Expectation:
    """A bound and what came of it; `figure` is None where it was not measured."""

    scenario: Scenario
    bound: Bound
    figure: Figure | None

    @property
    def met(self) -> bool | None:
        if self.figure is None:
            return None
        if self.bound.least:
            return self.figure.median >= self.bound.limit
        return self.figure.median <= self.bound.limit


class Summary:
    """The samples of all rounds, by scenario, contestant and measure."""

    def __init__(self, samples: Iterable[Sample], plan: dict[str, Any]) -> None:
        self._samples = list(samples)
        self._plan = plan

    def measures(self, scenario: str) -> list[str]:
        """In the order they were first taken."""
        own = (sample for sample in self._samples if sample["scenario"] == scenario)
        return [one for one in dict.fromkeys(sample["measure"] for sample in own) if one != "failure"]

    def _by_round(self, place: Place, name: str) -> dict[int, float]:
        return {
            sample["round"]: sample[name]
            for sample in self._samples
            if _place(sample) == place and sample.get(name) is not None
        }

    def figure(self, scenario: str, contestant: str, measure: str, name: str) -> Figure | None:
        return Figure.of(list(self._by_round((scenario, contestant, measure), name).values()))

    def ratio(self, scenario: str, mine: Reading, other: Reading) -> Figure | None:
        """Taken round by round, each beside the other of the same round."""
        theirs = self._read(scenario, other)
        return Figure.of(
            [value / theirs[at] for at, value in self._read(scenario, mine).items() if theirs.get(at)]
        )

    def _read(self, scenario: str, one: Reading) -> dict[int, float]:
        return self._by_round((one.scenario or scenario, one.contestant, one.measure), one.figure)

    def expectations(self, scenarios: Iterable[Scenario]) -> list[Expectation]:
        """The project's own targets in these scenarios; they are for full-size rooms only."""
        if self._plan["share"] < 1:
            return []
        return [
            Expectation(scenario, bound, self._measured(scenario.name, bound))
            for scenario in scenarios
            for bound in scenario.bounds
        ]

    def _measured(self, scenario: str, bound: Bound) -> Figure | None:
        if bound.beside is not None:
            return self.ratio(scenario, bound.mine, bound.beside)
        return Figure.of(list(self._read(scenario, bound.mine).values()))

    def doubts(self, machine: dict[str, Any]) -> list[str]:
        """Everything a reader should know before believing a figure."""
        found = []
        if machine["filesystem"] in FORGETFUL:
            found.append(
                f"the servers' data was on {machine['filesystem']}, which is no disk: "
                "acknowledged posts a second mean nothing here"
            )
        if machine.get("server_core") == machine.get("load_core"):
            found.append("server and load shared one core")
        found += [
            f"{sample['scenario']}: {sample['contestant']} failed in round {sample['round']}: "
            f"{sample['words']}"
            for sample in self._samples
            if "words" in sample
        ]
        found += self._each(
            lambda sample: sample.get("load_busy", 0) > LOAD_LIMIT,
            "the load was busy over 90% of the time: its pace, and not the server's alone, "
            "set the rates and latencies",
        )
        found += self._each(
            lambda sample: sample.get("others_busy", 0) > OTHERS_LIMIT,
            "something else used over 10% of the server's core or of the load's",
        )
        found += self._each(
            lambda sample: sample.get("strange", 0) > 0, "messages came that were no deliveries"
        )
        found += self._each(
            lambda sample: sample.get("kept") is False,
            "the room's head did not rise by the number of acknowledged posts",
        )
        return found

    def _each(self, wrong: Callable[[Sample], bool], words: str) -> list[str]:
        """One sentence, with what it holds for; or for how much, where it is a good deal."""
        found: list[str] = []
        places = list(dict.fromkeys(map(_place, self._samples)))
        for place in places:
            samples = [sample for sample in self._samples if _place(sample) == place]
            times = sum(map(wrong, samples))
            if times:
                rounds = "" if times == len(samples) else f" ({times} of {len(samples)} rounds)"
                found.append(f"{', '.join(place)}{rounds}")
        if len(found) > MANY:
            return [f"{words}: in {len(found)} of {len(places)} measurements"]
        return [f"{words}: {'; '.join(found)}"] if found else []

    def as_json(self) -> dict[str, Any]:
        """Every figure: scenario, contestant, measure, name."""
        found: dict[str, Any] = {}
        for place in dict.fromkeys(map(_place, self._samples)):
            scenario, contestant, measure = place
            samples = [sample for sample in self._samples if _place(sample) == place]
            names = {name for sample in samples for name, value in sample.items() if _is_figure(value)}
            of = found.setdefault(scenario, {}).setdefault(contestant, {})[measure] = {}
            for name in sorted(names - {"round"}):
                figure = self.figure(scenario, contestant, measure, name)
                of[name] = asdict(figure) if figure else None
        return found


def _place(sample: Sample) -> Place:
    return sample["scenario"], sample["contestant"], sample["measure"]


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
