"""The command: `python -m bench`."""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.contestants import CONTESTANTS, Contestant
from bench.machine import describe
from bench.report import Report
from bench.rounds import Course, Plan, run_all
from bench.servers import ROOT, Cores, raise_file_limit
from bench.summary import Summary

QUICK = Plan(rounds=1, members=100, seconds=0.5, warm_up=0.2, rate=20, posters=((1, 32), (10, 1)))


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure the server beside plain Autobahn and a floor in C.",
    )
    parser.add_argument("--quick", action="store_true", help="a smoke test: figures mean nothing")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--members", type=int)
    parser.add_argument("--size", type=int, help="payload bytes of a delivery")
    parser.add_argument("--seconds", type=float, help="of each measurement")
    parser.add_argument("--rate", type=float, help="posts a second of the paced fan-out")
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--deflate", action="store_true", help="negotiate permessage-deflate")
    parser.add_argument("--only", help="contestants, comma-separated: " + ", ".join(_names()))
    parser.add_argument("--docs", type=Path, help="where performance.md goes (docs; quick: build)")
    parser.add_argument(
        "--scratch",
        type=Path,
        default=Path("/var/tmp"),
        help="on a real disk, for the servers' data (%(default)s)",
    )
    parser.add_argument("--server-core", type=int)
    parser.add_argument("--load-core", type=int)
    parser.add_argument("--check", action="store_true", help="fail where a target is missed")
    parser.add_argument("--render", action="store_true", help="write the report again, no runs")
    return parser


def _names() -> list[str]:
    return [contestant.name for contestant in CONTESTANTS]


def _plan(chosen: argparse.Namespace) -> Plan:
    given = {
        name: getattr(chosen, name)
        for name in ("rounds", "members", "size", "seconds", "rate")
        if getattr(chosen, name) is not None
    }
    base = QUICK if chosen.quick else Plan()
    return dataclasses.replace(base, **given, tls=chosen.tls, deflate=chosen.deflate)


def _contestants(chosen: argparse.Namespace, course: Course) -> list[Contestant]:
    wanted = chosen.only.split(",") if chosen.only else _names()
    if unknown := set(wanted) - set(_names()):
        raise SystemExit(f"no such contestant: {', '.join(sorted(unknown))}")
    present = []
    for contestant in CONTESTANTS:
        if contestant.name not in wanted or not course.fits(contestant):
            continue
        if reason := contestant.lacking():
            _say(f"{contestant.name} is left out: {reason}")
            continue
        present.append(contestant)
    if not present:
        raise SystemExit("nobody to measure")
    return present


def _cores(chosen: argparse.Namespace) -> Cores:
    cores = Cores.chosen()
    server = cores.server if chosen.server_core is None else chosen.server_core
    load = cores.load if chosen.load_core is None else chosen.load_core
    return Cores(server, load)


def _measure(chosen: argparse.Namespace) -> dict[str, Any]:
    cores = _cores(chosen)
    os.sched_setaffinity(0, {cores.load})
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="chatroom-bench-", dir=chosen.scratch) as name:
        scratch = Path(name)
        course = Course(_plan(chosen), cores, scratch)
        contestants = _contestants(chosen, course)
        machine = describe(scratch) | {"server_core": cores.server, "load_core": cores.load}
        samples = run_all(course, contestants, _say)
    plan = dataclasses.asdict(course.plan)
    return {
        "plan": plan,
        "machine": machine,
        "contestants": {contestant.name: contestant.does for contestant in contestants},
        "figures": Summary(samples, plan).as_json(),
        "samples": samples,
    }


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    chosen = options().parse_args()
    docs = chosen.docs or ROOT / ("build/bench" if chosen.quick else "docs")
    if chosen.render:
        result = json.loads((docs / "performance" / "results.json").read_text())
    else:
        result = _measure(chosen)
    page = Report(result).write(docs)
    summary = Summary(result["samples"], result["plan"])
    for doubt in summary.doubts(result["machine"]):
        _say(f"doubtful: {doubt}")
    expected = summary.expectations()
    for one in expected:
        verdict = "met" if one.met else "MISSED"
        _say(f"{verdict}: {one.what}: {one.measured:.3g}, at most {one.bound:g} expected")
    _say(f"written: {page}")
    return 1 if chosen.check and not all(one.met for one in expected) else 0
