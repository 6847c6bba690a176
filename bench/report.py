"""Writes docs/performance.md, docs/performance/results.json and the plots, from one result."""

import json
from pathlib import Path
from typing import Any

from bench.contestants import CONTESTANTS
from bench.plots import Bar, bar_chart
from bench.scenarios import SCENARIOS
from bench.scenarios.scenario import Scenario
from bench.summary import Expectation, Summary
from bench.tables import expected_table, measure_table, scenario_table, table


class Report:
    def __init__(self, result: dict[str, Any]) -> None:
        self._result = result
        self._plan = result["plan"]
        self._summary = Summary(result["samples"], result["plan"])
        self._scenarios = [one for one in SCENARIOS if self._summary.measures(one.name)]
        self._labels = {one.name: one.label for one in CONTESTANTS if one.name in result["contestants"]}

    def expectations(self) -> list[Expectation]:
        return self._summary.expectations(self._scenarios)

    def write(self, docs: Path) -> Path:
        """`docs/performance.md` and what belongs to it; returns the page's path."""
        folder = docs / "performance"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").write_text(_one_sample_a_line(self._result))
        for old in folder.glob("*.svg"):
            old.unlink()
        for scenario in self._scenarios:
            (folder / f"{scenario.name}.svg").write_text(self._plot(scenario))
        page = docs / "performance.md"
        page.write_text("\n".join(self._page()).rstrip() + "\n")
        return page

    def _page(self) -> list[str]:
        lines = [
            "# Performance",
            "",
            "What chatroom costs to run, beside other servers doing the same. chatroom does its "
            "full job throughout: JSON members, every post committed to disk and acknowledged. The "
            "others keep no log and acknowledge nothing.",
            "",
            "Written by `make bench` (`python -m bench`); nothing here is typed in by hand. "
            "Every sample is in [performance/results.json](performance/results.json).",
            "",
            *self._expected(),
        ]
        for scenario in self._scenarios:
            lines += self._section(scenario)
        return [*lines, *self._servers(), *self._doubts(), *self._method(), *self._machine()]

    def _expected(self) -> list[str]:
        expectations = self.expectations()
        if not expectations:
            return []
        met = sum(1 for one in expectations if one.met)
        words = (
            f"{met} of {len(expectations)} bounds are met. They are the project's own, set before it "
            "was written: medians, and ratios of chatroom's figure to the other's in the same round."
        )
        return ["## Expected", "", words, "", *expected_table(expectations), ""]

    def _section(self, scenario: Scenario) -> list[str]:
        lines = [f"## {scenario.title}", "", scenario.words, ""]
        lines += [f"![{scenario.title}](performance/{scenario.name}.svg)", ""]
        if scenario.by_measure:
            return [*lines, *scenario_table(scenario, self._summary), ""]
        measures = self._summary.measures(scenario.name)
        for measure in measures:
            if len(measures) > 1:
                lines += [f"### {measure[0].upper()}{measure[1:]}", ""]
            lines += [*measure_table(scenario, measure, self._summary, self._labels), ""]
        return lines

    def _servers(self) -> list[str]:
        lines = [f"- {one.label}: {one.does}." for one in CONTESTANTS if one.name in self._labels]
        for name, reason in self._result.get("left_out", {}).items():
            lines.append(f"- {name} did not take part: {reason}.")
        return ["## The servers", "", "Each in the simplest configuration that does it.", "", *lines, ""]

    def _doubts(self) -> list[str]:
        doubts = self._summary.doubts(self._result["machine"])
        lines = [f"- {doubt[0].upper()}{doubt[1:]}." for doubt in doubts] or ["- Nothing found."]
        return ["## To be doubted", "", *lines, ""]

    def _method(self) -> list[str]:
        plan = self._plan
        lines = [
            f"{plan['rounds']} round(s); in each, every server is started anew, measured and "
            "ended, and the order moves by one. Figures are medians of the rounds; ratios are "
            "taken within a round.",
            "Server and load are pinned to one core each, on loopback. What a delivery costs "
            "the kernel up to the receiver's socket buffer is spent in the server's send(2), and "
            "counted as the server's.",
            "CPU is user and system time of all the server's threads and processes, from the "
            "scheduler's nanosecond clock. Its division into user and system is the kernel's, by "
            "sampling.",
            f"A fan-out runs {plan['seconds']:g} s after {plan['warm_up']:g} s of warm-up. Latency "
            "is from the post (paced: from when it was due) to the last receiver.",
            "Every connection's deliveries are counted; those of the poster and of every fiftieth "
            "member are compared with what was posted. A delivery is "
            f"{plan['size']} bytes and a frame's head, or what an event without a text needs.",
            "Connections are opened sixteen at a time; the first hundred are not counted. Memory is "
            "the growth of the server's resident (RSS) and proportional (PSS) size; the kernel's "
            "socket buffers are in neither.",
        ]
        lines += self._apart()
        return ["## How it is measured", "", *(f"- {line}" for line in lines), ""]

    def _apart(self) -> list[str]:
        """Which scenarios were run at another time than the rest."""
        titles = {one.name: one.title for one in self._scenarios}
        runs: dict[tuple[str, str], list[str]] = {}
        for name, when in self._result.get("apart", {}).items():
            if name in titles:
                runs.setdefault((when["date"], when["commit"]), []).append(titles[name])
        return [
            f"Run apart from the rest, on {date} at commit {commit}: {'; '.join(run)}."
            for (date, commit), run in runs.items()
        ]

    def _machine(self) -> list[str]:
        rows = []
        for name, value in self._result["machine"].items():
            if isinstance(value, dict):
                value = ", ".join(f"{key} {version}" for key, version in value.items())
            elif isinstance(value, bool):
                value = "yes" if value else "no"
            rows.append([name.replace("_", " "), str(value)])
        return ["## The machine", "", *table(["", ""], rows), ""]

    def _plot(self, scenario: Scenario) -> str:
        groups = []
        measures = self._summary.measures(scenario.name)
        for measure in measures:
            bars = []
            for name in scenario.contestants:
                figure = self._summary.figure(scenario.name, name, measure, scenario.plot)
                if figure and name in self._labels:
                    label = measure if scenario.by_measure else self._labels[name]
                    bars.append(Bar(label, figure, _KINDS[name]))
            if bars:
                groups.append((measure if len(measures) > 1 else "", bars))
        if scenario.by_measure:
            groups = [("", [bar for _, bars in groups for bar in bars])]
        return bar_chart(scenario.title, scenario.unit, groups)


_KINDS = {one.name: one.kind for one in CONTESTANTS}


def _one_sample_a_line(result: dict[str, Any]) -> str:
    """JSON whose difference to the last one can be read."""
    rest = {name: value for name, value in result.items() if name != "samples"}
    head = json.dumps(rest, indent=1, ensure_ascii=False)[:-2]
    samples = ",\n".join(f"  {json.dumps(sample, ensure_ascii=False)}" for sample in result["samples"])
    return f'{head},\n "samples": [\n{samples}\n ]\n}}\n'
