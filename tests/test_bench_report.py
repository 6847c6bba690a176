"""Medians, ratios, doubts and the page, from samples made up here."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.contestants import BY_NAME, CONTESTANTS
from bench.course import Plan
from bench.plots import number
from bench.report import Report
from bench.rounds import order, whatever_comes
from bench.run import with_earlier
from bench.scenarios import SCENARIOS
from bench.scenarios.scenario import Reading
from bench.servers import ROOT, StartError
from bench.summary import Summary

PLAN = vars(Plan())


def fanout(turn: int, contestant: str, cpu: float, **more: Any) -> dict[str, Any]:
    figures = {"user_us": cpu / 2, "system_us": cpu / 2, "per_second": 1e6 / cpu, "p50_ms": 1.0}
    figures |= {"p99_ms": 2.0, "wire_bytes": 132, "deliveries": 1000, "load_busy": 0.5}
    place = {"scenario": "fanout", "round": turn, "contestant": contestant, "measure": "window 1"}
    return {**place, "cpu_us": cpu, **figures, **more}


@pytest.fixture
def samples() -> list[dict[str, Any]]:
    return [
        fanout(1, "chatroom", 4.0),
        fanout(1, "nchan", 16.0),
        fanout(2, "nchan", 30.0),
        fanout(2, "chatroom", 6.0),
        fanout(3, "chatroom", 5.0, load_busy=0.95, others_busy=0.4),
    ]


MACHINE = {"filesystem": "ext4", "server_core": 0, "load_core": 1, "packages": {"a": "1"}}


def test_medians_and_spread(samples: list[dict[str, Any]]) -> None:
    figure = Summary(samples, PLAN).figure("fanout", "chatroom", "window 1", "cpu_us")
    assert figure is not None
    assert (figure.median, figure.least, figure.most, figure.rounds) == (5.0, 4.0, 6.0, 3)


def test_ratios_are_taken_within_a_round(samples: list[dict[str, Any]]) -> None:
    mine, other = Reading("chatroom", "window 1"), Reading("nchan", "window 1")
    ratio = Summary(samples, PLAN).ratio("fanout", mine, other)
    assert ratio is not None
    assert (ratio.least, ratio.most, ratio.rounds) == (0.2, 0.25, 2)


def test_what_was_not_measured_has_no_figure(samples: list[dict[str, Any]]) -> None:
    summary = Summary(samples, PLAN)
    assert summary.figure("fanout", "floor", "window 1", "cpu_us") is None
    mine, other = Reading("floor", "window 1"), Reading("nchan", "window 1")
    assert summary.ratio("fanout", mine, other) is None


def test_expectations_say_what_is_met(samples: list[dict[str, Any]]) -> None:
    samples.append(fanout(1, "floor", 2.0))
    found = Summary(samples, PLAN).expectations(SCENARIOS[:1])
    met = {one.bound.what: one.met for one in found}
    assert met["window 1, beside nchan"] is True
    assert met["window 1, beside the floor"] is False
    assert met["window 8, beside nchan"] is None


def test_bounds_are_for_full_rooms(samples: list[dict[str, Any]]) -> None:
    assert Summary(samples, vars(Plan(share=0.1))).expectations(SCENARIOS) == []


def test_doubts_are_spoken(samples: list[dict[str, Any]]) -> None:
    place = {"scenario": "fanout", "round": 2, "contestant": "floor"}
    samples.append({**place, "measure": "failure", "words": "gone"})
    samples.append({**place, "measure": "50 posters", "kept": False})
    doubts = "\n".join(Summary(samples, PLAN).doubts(MACHINE | {"filesystem": "tmpfs"}))
    assert "tmpfs" in doubts
    assert "floor failed in round 2: gone" in doubts
    assert "load was busy" in doubts
    assert "fanout, chatroom, window 1 (1 of 3 rounds)" in doubts
    assert "something else" in doubts
    assert "head did not rise" in doubts


def test_the_page_and_its_plots(samples: list[dict[str, Any]], tmp_path: Path) -> None:
    result = {
        "plan": PLAN,
        "machine": MACHINE,
        "contestants": {"chatroom": "", "nchan": ""},
        "left_out": {"picows": "no compiler"},
        "samples": samples,
    }
    text = Report(result).write(tmp_path).read_text()
    assert "keep no log and acknowledge nothing" in text
    assert "picows did not take part: no compiler." in text
    assert "| chatroom | 5.00 (4.00-6.00) |" in text
    assert "| 0.23 of it |" in text
    assert "(performance/fanout.svg)" in text
    ElementTree.parse(tmp_path / "performance" / "fanout.svg")
    assert json.loads((tmp_path / "performance" / "results.json").read_text())["samples"] == samples


def test_every_scenario_names_servers_that_there_are() -> None:
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    for scenario in SCENARIOS:
        assert set(scenario.contestants) <= set(BY_NAME)
        for bound in scenario.bounds:
            readings = [bound.mine, *([bound.beside] if bound.beside else [])]
            assert {reading.contestant for reading in readings} <= set(scenario.contestants)


def test_each_round_begins_with_another() -> None:
    some = list(CONTESTANTS[:3])
    assert {order(some, turn)[0].name for turn in range(3)} == {each.name for each in some}


def test_numbers_for_people() -> None:
    shown = [number(value) for value in (0, 0.354, 4.5, 24.12, 530.2, 12345.6)]
    assert shown == ["0", "0.35", "4.50", "24.1", "530", "12,346"]


def test_scenarios_of_an_earlier_run_are_added_and_the_page_says_so(
    samples: list[dict[str, Any]], tmp_path: Path
) -> None:
    now = MACHINE | {"commit": "new", "date": "2026-02-02"}
    then = MACHINE | {"commit": "old", "date": "2026-01-01"}
    grown = {
        "scenario": "growth",
        "round": 1,
        "contestant": "chatroom",
        "measure": "plain",
        "bytes_each": 2.0,
    }
    common = {"plan": PLAN, "left_out": {}, "figures": {}}
    earlier = {**common, "machine": then, "contestants": {"chatroom": ""}}
    earlier["samples"] = [fanout(1, "chatroom", 99.0), grown]
    result = {**common, "machine": now, "contestants": {"chatroom": "", "nchan": ""}, "samples": samples}
    both = with_earlier(result, earlier)
    assert both["samples"] == [*samples, grown]
    assert both["apart"] == {"growth": {"commit": "old", "date": "2026-01-01"}}
    assert both["figures"]["growth"]["chatroom"]["plain"]["bytes_each"]["median"] == 2.0
    assert with_earlier(both, earlier) == both
    text = Report(both).write(tmp_path).read_text()
    assert "on 2026-01-01 at commit old: Coming and going." in text


def test_what_failed_is_told_in_one_line_and_without_a_folder() -> None:
    def turn() -> Iterator[dict[str, Any]]:
        yield {"measure": "first"}
        raise StartError(f"Traceback:\n  File {ROOT}/x.py\nRuntimeError: no {ROOT}/build/floor\n")

    assert list(whatever_comes(turn())) == [
        {"measure": "first"},
        {"measure": "failure", "words": "RuntimeError: no build/floor"},
    ]
