"""Markdown tables of figures."""

import re

from bench.plots import number
from bench.scenarios.scenario import Column, Reading, Scenario
from bench.summary import Expectation, Figure, Summary

OURS = "chatroom"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """Names to the left, figures to the right."""
    columns = range(len(head))
    rules = ["---:" if any(_is_number(row[at]) for row in rows) else "---" for at in columns]
    return [f"| {' | '.join(cells)} |" for cells in [head, rules, *rows]]


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"-?[\d,.]+%?( \(.*\)| of it)?", cell))


def measure_table(scenario: Scenario, measure: str, summary: Summary, labels: dict[str, str]) -> list[str]:
    """A row for each server; columns that nobody has a figure for are left out."""
    taking_part = [
        name
        for name in scenario.contestants
        if name in labels
        and any(summary.figure(scenario.name, name, measure, c.figure) for c in scenario.columns)
    ]
    figures = {
        (name, column.figure): summary.figure(scenario.name, name, measure, column.figure)
        for name in taking_part
        for column in scenario.columns
    }
    columns = [c for c in scenario.columns if any(figures[name, c.figure] for name in taking_part)]
    compared = scenario.compared if len(taking_part) > 1 else ""
    head = ["server", *(column.head for column in columns), *(["chatroom is"] if compared else [])]
    rows = []
    for name in taking_part:
        cells = [_cell(figures[name, column.figure], column) for column in columns]
        if compared:
            cells.append(_times(scenario, name, measure, summary))
        rows.append([labels[name], *cells])
    return table(head, rows)


def scenario_table(scenario: Scenario, summary: Summary) -> list[str]:
    """A row for each measure of the one contestant."""
    (name,) = scenario.contestants
    rows = [
        [
            measure,
            *(_cell(summary.figure(scenario.name, name, measure, c.figure), c) for c in scenario.columns),
        ]
        for measure in summary.measures(scenario.name)
    ]
    return table(["", *(column.head for column in scenario.columns)], rows)


def _cell(figure: Figure | None, column: Column) -> str:
    if figure is None:
        return ""
    if column.form == "share":
        return f"{figure.median:.0%}"
    if column.form == "flag":
        return "yes" if figure.least else "no"
    spread = f" ({number(figure.least)}-{number(figure.most)})" if column.spread and figure.rounds > 1 else ""
    return number(figure.median) + spread


def _times(scenario: Scenario, name: str, measure: str, summary: Summary) -> str:
    """What chatroom's figure is, as a multiple of this server's."""
    if name == OURS:
        return ""
    mine = Reading(OURS, measure, scenario.compared)
    ratio = summary.ratio(scenario.name, mine, Reading(name, measure, scenario.compared))
    return f"{number(ratio.median)} of it" if ratio else ""


def expected_table(expectations: list[Expectation]) -> list[str]:
    rows = []
    for one in expectations:
        verdict = {True: "met", False: "**missed**", None: "not measured"}[one.met]
        limit = f"{'at least' if one.bound.least else 'at most'} {one.bound.limit:,g}"
        measured = number(one.figure.median) if one.figure else ""
        rows.append([one.scenario.title, one.bound.what, limit, measured, verdict])
    return table(["scenario", "what", "bound", "measured", ""], rows)
