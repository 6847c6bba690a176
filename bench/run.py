"""The command: `python -m bench`."""

import argparse
import dataclasses
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.contestant import Contestant
from bench.contestants import BEFORE, BY_NAME
from bench.course import Course, Plan
from bench.machine import describe
from bench.peers.contestants import PEERS
from bench.peers.installing import install
from bench.peers.places import outcome
from bench.report import Report
from bench.rounds import Entry, run_all
from bench.scenarios import SCENARIOS
from bench.servers import ROOT, Cores, raise_file_limit
from bench.summary import Summary

QUICK_SERVERS = ("chatroom", "chatroom-events", "autobahn", "autobahn-echo", "floor")
QUICK = Plan(rounds=1, seconds=0.4, warm_up=0.1, share=0.05, times=4)


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure chatroom beside other servers and a floor in C; write docs/performance.md.",
    )
    scenarios = ", ".join(scenario.name for scenario in SCENARIOS)
    parser.add_argument(
        "--quick", action="store_true", help="a smoke test with few servers: figures mean nothing"
    )
    parser.add_argument("--scenario", metavar="NAMES", help=f"comma-separated, of {scenarios}")
    parser.add_argument("--only", metavar="NAMES", help=f"servers, of {', '.join(BY_NAME)}")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of each measurement")
    parser.add_argument("--size", type=int, help="payload bytes of a delivery")
    parser.add_argument("--soak", type=float, help="seconds of reconnects in the memory scenario")
    parser.add_argument("--before", type=Path, help="an earlier checkout, measured beside this one")
    parser.add_argument(
        "--add", type=Path, metavar="JSON", help="an earlier results.json, for the scenarios not run now"
    )
    parser.add_argument("--no-install", action="store_true", help="leave out peers that are not there")
    parser.add_argument("--docs", type=Path, help="where performance.md goes (docs, if all is run)")
    parser.add_argument(
        "--scratch",
        type=Path,
        default=Path("/var/tmp"),
        help="on a real disk, for the servers' data (%(default)s)",
    )
    parser.add_argument("--server-core", type=int)
    parser.add_argument("--load-core", type=int)
    parser.add_argument("--check", action="store_true", help="fail where a bound is missed")
    parser.add_argument("--render", action="store_true", help="write the page again, no runs")
    return parser


def _plan(chosen: argparse.Namespace) -> Plan:
    given = {
        name: getattr(chosen, name)
        for name in ("rounds", "seconds", "size", "soak")
        if getattr(chosen, name) is not None
    }
    return dataclasses.replace(QUICK if chosen.quick else Plan(), **given)


def _wanted(given: str | None, known: list[str], what: str) -> list[str]:
    wanted = given.split(",") if given else known
    if unknown := set(wanted) - set(known):
        raise SystemExit(f"no such {what}: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return wanted


def _lacking(names: list[str]) -> dict[str, str]:
    reasons = ((name, BY_NAME[name].lacking()) for name in names)
    return {name: reason for name, reason in reasons if reason}


def _entries(chosen: argparse.Namespace) -> tuple[list[Entry], dict[str, str]]:
    """What is run with whom; who is left out, and why."""
    scenarios = _wanted(chosen.scenario, [scenario.name for scenario in SCENARIOS], "scenario")
    servers = _wanted(chosen.only, list(BY_NAME), "server")
    if chosen.quick and not chosen.only:
        servers = list(QUICK_SERVERS)
    asked = {name for one in SCENARIOS if one.name in scenarios for name in one.contestants}
    servers = [name for name in servers if name in asked]
    lacking = _lacking(servers)
    if lacking.keys() & {peer.name for peer in PEERS} and not (chosen.no_install or chosen.quick):
        install(_say)
        lacking = _lacking(servers)
    for name, reason in lacking.items():
        _say(f"{name} is left out: {reason}")
    present = set(servers) - set(lacking)
    entries: list[Entry] = []
    for scenario in SCENARIOS:
        able = [BY_NAME[name] for name in scenario.contestants if name in present]
        if scenario.name in scenarios and able:
            entries.append((scenario, able))
    if not entries:
        raise SystemExit("nobody to measure")
    return entries, lacking


def _cores(chosen: argparse.Namespace) -> Cores:
    cores = Cores.chosen()
    server = cores.server if chosen.server_core is None else chosen.server_core
    load = cores.load if chosen.load_core is None else chosen.load_core
    return Cores(server, load)


def _measure(chosen: argparse.Namespace) -> dict[str, Any]:
    entries, lacking = _entries(chosen)
    cores = _cores(chosen)
    os.sched_setaffinity(0, {cores.load})
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="chatroom-bench-", dir=chosen.scratch) as name:
        scratch = Path(name)
        # Servers that give up root must still reach what is theirs.
        scratch.chmod(0o755)
        course = Course(_plan(chosen), cores, scratch)
        machine = describe(scratch) | {"peers": outcome().get("versions", {})}
        machine |= {"server_core": cores.server, "load_core": cores.load}
        samples = run_all(course, entries, _say)
    plan = dataclasses.asdict(course.plan)
    taking_part: dict[str, Contestant] = {one.name: one for _, able in entries for one in able}
    return {
        "plan": plan,
        "machine": machine,
        "contestants": {name: one.does for name, one in taking_part.items()},
        "left_out": lacking,
        "figures": Summary(samples, plan).as_json(),
        "samples": samples,
    }


def with_earlier(result: dict[str, Any], earlier: dict[str, Any]) -> dict[str, Any]:
    """`result`, and of `earlier` the scenarios that are not in it; `apart` says when they were run."""
    run = {sample["scenario"] for sample in result["samples"]}
    added = [sample for sample in earlier["samples"] if sample["scenario"] not in run]
    when = {"commit": earlier["machine"]["commit"], "date": earlier["machine"]["date"]}
    apart = result.get("apart", {}) | {
        name: when | earlier.get("apart", {}).get(name, {}) for name in _scenarios(added)
    }
    samples = result["samples"] + added
    return result | {
        "contestants": earlier["contestants"] | result["contestants"],
        "apart": apart,
        "figures": Summary(samples, result["plan"]).as_json(),
        "samples": samples,
    }


def _scenarios(samples: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(sample["scenario"] for sample in samples))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    # Ended from outside, the servers are ended as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
    chosen = options().parse_args()
    if chosen.before:
        os.environ[BEFORE] = str(chosen.before.resolve())
    partial = chosen.quick or chosen.scenario or chosen.only
    docs = chosen.docs or ROOT / ("build/bench" if partial and not chosen.render else "docs")
    if chosen.render:
        result = json.loads((docs / "performance" / "results.json").read_text())
    else:
        result = _measure(chosen)
    if chosen.add:
        result = with_earlier(result, json.loads(chosen.add.read_text()))
    report = Report(result)
    page = report.write(docs)
    for doubt in Summary(result["samples"], result["plan"]).doubts(result["machine"]):
        _say(f"doubtful: {doubt}")
    expected = report.expectations()
    for one in expected:
        verdict = {True: "met", False: "MISSED", None: "not measured"}[one.met]
        measured = f"{one.figure.median:.3g}" if one.figure else "-"
        direction = "at least" if one.bound.least else "at most"
        words = f"{one.scenario.name}, {one.bound.what}: {measured}, {direction} {one.bound.limit:g}"
        _say(f"{verdict}: {words}")
    _say(f"written: {page}")
    return 1 if chosen.check and any(one.met is False for one in expected) else 0
