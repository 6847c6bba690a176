"""Medians, ratios, doubts and the page, from samples made up here."""

import json
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.contestants import CONTESTANTS
from bench.plots import number
from bench.report import Report
from bench.rounds import Plan, order
from bench.summary import Summary


def fanout(turn: int, contestant: str, cpu: float, **more: Any) -> dict[str, Any]:
    figures = {"user_us": cpu / 2, "system_us": cpu / 2, "per_second": 1e6 / cpu, "p50_ms": 1.0}
    figures |= {"p99_ms": 2.0, "wire_bytes": 132, "deliveries": 1000, "load_busy": 0.5}
    place = {"round": turn, "contestant": contestant, "measure": "window 1"}
    return {**place, "cpu_us": cpu, **figures, **more}


@pytest.fixture
def samples() -> list[dict[str, Any]]:
    return [
        fanout(1, "chatroom", 4.0),
        fanout(1, "autobahn", 16.0),
        fanout(2, "autobahn", 30.0),
        fanout(2, "chatroom", 6.0),
        fanout(3, "chatroom", 5.0, load_busy=0.95, others_busy=0.4),
        {"round": 1, "contestant": "chatroom", "measure": "idle", "rss_kib": 11.0, "pss_kib": 11.0},
        {
            "round": 1,
            "contestant": "chatroom",
            "measure": "1 x window 32",
            "kept": False,
            "per_second": 5000.0,
            "p50_ms": 1.0,
            "p99_ms": 2.0,
            "cpu_us": 90.0,
        },
    ]


MACHINE = {"filesystem": "ext4", "server_core": 0, "load_core": 1, "packages": {"a": "1"}}


def test_medians_and_spread(samples: list[dict[str, Any]]) -> None:
    figure = Summary(samples, vars(Plan())).figure("chatroom", "window 1", "cpu_us")
    assert figure is not None
    assert (figure.median, figure.least, figure.most, figure.rounds) == (5.0, 4.0, 6.0, 3)


def test_ratios_are_taken_within_a_round(samples: list[dict[str, Any]]) -> None:
    ratio = Summary(samples, vars(Plan())).ratio("chatroom", "autobahn", "window 1", "cpu_us")
    assert ratio is not None
    assert (ratio.least, ratio.most, ratio.rounds) == (0.2, 0.25, 2)


def test_what_was_not_measured_has_no_figure(samples: list[dict[str, Any]]) -> None:
    summary = Summary(samples, vars(Plan()))
    assert summary.figure("floor", "window 1", "cpu_us") is None
    assert summary.ratio("floor", "autobahn", "window 1", "cpu_us") is None


def test_expectations_say_what_is_met(samples: list[dict[str, Any]]) -> None:
    met = {one.what: one.met for one in Summary(samples, vars(Plan())).expectations()}
    assert met == {
        "fan-out to JSON members, window 1, beside Autobahn's": True,
        "KiB an idle joined connection (JSON)": False,
    }


def test_targets_are_for_large_rooms_over_plain_tcp(samples: list[dict[str, Any]]) -> None:
    for plan in (Plan(members=999), Plan(tls=True), Plan(deflate=True)):
        assert Summary(samples, vars(plan)).expectations() == []


def test_doubts_are_spoken(samples: list[dict[str, Any]]) -> None:
    samples.append({"round": 2, "contestant": "floor", "measure": "failure", "words": "gone"})
    doubts = "\n".join(Summary(samples, vars(Plan())).doubts(MACHINE | {"filesystem": "tmpfs"}))
    assert "tmpfs" in doubts
    assert "floor failed in round 2: gone" in doubts
    assert "load was busy" in doubts
    assert "chatroom, window 1 (1 of 3 rounds)" in doubts
    assert "something else" in doubts
    assert "head did not rise" in doubts


def test_the_page_and_its_plots(samples: list[dict[str, Any]], tmp_path: Path) -> None:
    plan = Plan()
    result = {
        "plan": vars(plan),
        "machine": MACHINE,
        "contestants": {"chatroom": "", "autobahn": ""},
        "samples": samples,
    }
    text = Report(result).write(tmp_path).read_text()
    assert "keeps no log and acknowledges nothing" in text
    assert "| chatroom, JSON members | 5.00 | 4.00-6.00 |" in text
    for name in ("fanout", "idle", "durable"):
        assert f"(performance/{name}.svg)" in text
        ElementTree.parse(tmp_path / "performance" / f"{name}.svg")
    assert json.loads((tmp_path / "performance" / "results.json").read_text())["samples"] == samples


def test_each_round_begins_with_another() -> None:
    some = list(CONTESTANTS[:3])
    assert {order(some, turn)[0].name for turn in range(3)} == {each.name for each in some}


def test_numbers_for_people() -> None:
    shown = [number(value) for value in (0, 0.354, 4.5, 24.12, 530.2, 12345.6)]
    assert shown == ["0", "0.35", "4.50", "24.1", "530", "12,346"]
