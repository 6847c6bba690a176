"""From samples to figures: medians, spread, ratios, what was expected, what to doubt."""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from bench.machine import FORGETFUL
from bench.rounds import Sample

# Above this share of its core the load may have been what set the pace.
LOAD_LIMIT = 0.9
OTHERS_LIMIT = 0.1

TARGET_MEMBERS = 1000


@dataclass(frozen=True)
class Figure:
    median: float
    least: float
    most: float
    rounds: int


@dataclass(frozen=True)
class Expectation:
    """A promise about the medians: at most `bound`."""

    what: str
    bound: float
    measured: float

    @property
    def met(self) -> bool:
        return self.measured <= self.bound


class Summary:
    """The samples of all rounds, by contestant and measure."""

    def __init__(self, samples: Iterable[Sample], plan: dict[str, Any]) -> None:
        self._samples = list(samples)
        self._plan = plan

    def measures(self) -> list[str]:
        """In the order they were first taken."""
        return list(dict.fromkeys(sample["measure"] for sample in self._samples))

    def fanouts(self) -> list[str]:
        """The measures that are fan-outs."""
        of = {sample["measure"] for sample in self._samples if "deliveries" in sample}
        return [measure for measure in self.measures() if measure in of]

    def durables(self) -> list[str]:
        of = {sample["measure"] for sample in self._samples if "kept" in sample}
        return [measure for measure in self.measures() if measure in of]

    def values(self, contestant: str, measure: str, name: str) -> list[float]:
        return list(self._by_round(contestant, measure, name).values())

    def _by_round(self, contestant: str, measure: str, name: str) -> dict[int, float]:
        return {
            sample["round"]: sample[name]
            for sample in self._samples
            if _place(sample) == (contestant, measure) and name in sample
        }

    def figure(self, contestant: str, measure: str, name: str) -> Figure | None:
        values = self.values(contestant, measure, name)
        if not values:
            return None
        return Figure(statistics.median(values), min(values), max(values), len(values))

    def ratio(self, contestant: str, other: str, measure: str, name: str) -> Figure | None:
        """Taken round by round, each beside the other of the same round."""
        theirs = self._by_round(other, measure, name)
        ratios = [
            mine / theirs[number]
            for number, mine in self._by_round(contestant, measure, name).items()
            if number in theirs
        ]
        if not ratios:
            return None
        return Figure(statistics.median(ratios), min(ratios), max(ratios), len(ratios))

    def expectations(self) -> list[Expectation]:
        """The project's own targets, for those that were measured.

        They are for a room of a thousand over plain TCP: in a small one the price of a post, a
        commit to disk, is shared by few deliveries, and a peer that keeps nothing has none.
        """
        plan = self._plan
        if plan["members"] < TARGET_MEMBERS or plan["tls"] or plan["deflate"]:
            return []
        found = []

        def expect(what: str, bound: float, figure: Figure | None) -> None:
            if figure:
                found.append(Expectation(what, bound, figure.median))

        for name, members in (("chatroom", "JSON"), ("chatroom-plain", "plain")):
            for measure in (one for one in self.fanouts() if one.startswith("window")):
                expect(
                    f"fan-out to {members} members, {measure}, beside Autobahn's",
                    0.35,
                    self.ratio(name, "autobahn", measure, "cpu_us"),
                )
        for name, members in (("chatroom", "JSON"), ("chatroom-plain", "plain, in its room")):
            expect(
                f"an accepted connection ({members}), beside Autobahn's",
                0.75,
                self.ratio(name, "autobahn", "accept", "cpu_us"),
            )
            expect(
                f"KiB an idle joined connection ({members})",
                10.0,
                self.figure(name, "idle", "rss_kib"),
            )
        return found

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
            f"{sample['contestant']} failed in round {sample['round']}: {sample['words']}"
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
        """One sentence, with the rounds that it holds for."""
        places = []
        for contestant, measure in dict.fromkeys(map(_place, self._samples)):
            samples = [s for s in self._samples if _place(s) == (contestant, measure)]
            times = sum(map(wrong, samples))
            if times:
                places.append(f"{contestant}, {measure} ({times} of {len(samples)} rounds)")
        return [f"{words}: {'; '.join(places)}"] if places else []

    def as_json(self) -> dict[str, Any]:
        """Every figure: contestant, measure, name."""
        found: dict[str, Any] = {}
        for contestant, measure in dict.fromkeys(map(_place, self._samples)):
            samples = [s for s in self._samples if _place(s) == (contestant, measure)]
            names = {name for s in samples for name, value in s.items() if _is_figure(value)}
            of = found.setdefault(contestant, {})[measure] = {}
            for name in sorted(names - {"round"}):
                figure = self.figure(contestant, measure, name)
                of[name] = asdict(figure) if figure else None
        return found


def _place(sample: Sample) -> tuple[str, str]:
    return sample["contestant"], sample["measure"]


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
