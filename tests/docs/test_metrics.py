"""docs/metrics.md names every metric, and alerts and the dashboard none that there is not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from chatroom.metrics import METRICS, Said

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs/metrics.md").read_text()
SCALING = (CHECKOUT / "docs/scaling.md").read_text()
ALERTS = (CHECKOUT / "examples/prometheus/alerts.yml").read_text()
DASHBOARD = (CHECKOUT / "examples/prometheus/dashboard.json").read_text()
README = (CHECKOUT / "examples/prometheus/README.md").read_text()

_OURS = re.compile(r"\bchatroom_[a-z_]+")
_LABELS = re.compile(r"\bby \(([^)]*)\)|\b(\w+)=~?\"|\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}")
_OF_PROMETHEUS = {"instance", "job", "le"}


def exposed(said: Said) -> set[str]:
    """What its series are called."""
    if said.kind == "histogram":
        return {f"{said.name}_{part}" for part in ("bucket", "sum", "count")}
    return {f"{said.name}_total" if said.kind == "counter" else said.name}


SERIES = set().union(*map(exposed, METRICS))
LABELS = set().union(*(said.labels for said in METRICS))


def test_the_page_says_of_each_metric_what_it_means_and_what_to_do() -> None:
    rows = re.findall(r"^\| `(chatroom_\w+)` \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
    told = [(name, kind, means) for name, kind, means, _do in rows]
    assert told == [
        (
            said.name + ("_total" if said.kind == "counter" else ""),
            said.kind + (f": `{'`, `'.join(said.labels)}`" if said.labels else ""),
            said.help,
        )
        for said in METRICS
    ]
    assert all(len(do) > 15 for *_rest, do in rows)


@pytest.mark.parametrize(
    "text", [PAGE, SCALING, ALERTS, DASHBOARD], ids=["page", "scaling", "alerts", "dashboard"]
)
def test_every_name_is_one_of_a_metric(text: str) -> None:
    named = {name for name in _OURS.findall(text) if name != "chatroom_data"}
    assert len(named) > 5
    assert named <= SERIES | {said.name for said in METRICS if said.kind == "histogram"}


def _labels_of(expression: str) -> set[str]:
    found = set()
    for grouped, compared, shown in _LABELS.findall(expression):
        found |= {one.strip() for one in grouped.split(",")} | {compared, shown}
    return found - {""}


def test_alerts_are_rules_of_prometheus_about_what_there_is() -> None:
    (group,) = yaml.safe_load(ALERTS)["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(set(names)) == len(names) > 5
    for rule in group["rules"]:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert set(rule["annotations"]) == {"summary"}
        series = set(_OURS.findall(rule["expr"]))
        assert series <= SERIES
        assert series or 'job="chatroom"' in rule["expr"]
        said = rule["expr"] + rule["annotations"]["summary"]
        assert _labels_of(said) <= LABELS | _OF_PROMETHEUS, said
        assert rule["expr"].count("(") == rule["expr"].count(")")


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in ("xw", "yh")
    )


def test_the_dashboard_is_one_of_grafana_about_what_there_is() -> None:
    board: dict[str, Any] = json.loads(DASHBOARD)
    assert {"title", "uid", "schemaVersion", "panels", "templating", "time"} <= board.keys()
    variables = {one["name"] for one in board["templating"]["list"]}
    assert variables == {"datasource", "instance"}
    panels = board["panels"]
    assert len({one["id"] for one in panels}) == len({one["title"] for one in panels}) == len(panels)
    places = [one["gridPos"] for one in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert not any(_overlap(a, b) for index, a in enumerate(places) for b in places[:index])
    for panel in panels:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        targets = panel["targets"]
        assert len({one["refId"] for one in targets}) == len(targets) > 0
        for target in targets:
            assert _labels_of(target["expr"] + target["legendFormat"]) <= LABELS | _OF_PROMETHEUS
            assert set(re.findall(r"\$\{?(\w+)", target["expr"])) <= variables | {"__rate_interval"}
            assert _OURS.search(target["expr"]) or 'job="chatroom"' in target["expr"]


@pytest.mark.parametrize("text", [PAGE, README], ids=["page", "readme"])
def test_what_prometheus_is_given_to_read_is_yaml(text: str) -> None:
    (settings,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (job,) = yaml.safe_load(settings)["scrape_configs"]
    assert job["job_name"] == "chatroom"
