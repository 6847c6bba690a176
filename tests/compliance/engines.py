"""The two programs that play the suite's client: wstest, the original, and kosoku.

wstest is the judge. kosoku drives the same case files from Python 3 and is the second opinion, for
machines without a Python 2.7.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from . import python27
from .checkout import environment

SPEC = Path(__file__).with_name("fuzzingclient.json")

# Both engines print this before each case.
CASE_LINE = re.compile(r"^Running test case ID (\S+)")

LOG = "engine.log"


class NoEngineError(Exception):
    """The engine asked for cannot run here, or none can."""


@dataclass(frozen=True)
class Target:
    """A server under test: its URL, and the name it has in the report."""

    agent: str
    url: str


@dataclass(frozen=True)
class Command:
    """What to run: the arguments, and all the environment variables."""

    argv: Sequence[str]
    environment: Mapping[str, str]


class Engine(Protocol):
    """A program that runs cases against servers and writes index.html and index.json."""

    @property
    def name(self) -> str:
        """Its name on the command line and in the summary."""

    @property
    def blind_to(self) -> Sequence[str]:
        """What it passes although it is wrong; empty for the original."""

    def command(self, target: Target, cases: Sequence[str], outdir: Path) -> Command:
        """The command that runs these cases; outdir exists and may be written to."""

    def agent(self, target: Target) -> str | None:
        """Under which name the report holds the target; None: take every name."""


@dataclass(frozen=True)
class Wstest:
    """The original suite, under Python 2.7."""

    python: python27.Environment
    name: str = "wstest"
    blind_to: Sequence[str] = ()

    def command(self, target: Target, cases: Sequence[str], outdir: Path) -> Command:
        """wstest takes all it needs from a spec, which goes into the report's folder."""
        spec = outdir / "spec.json"
        spec.write_text(json.dumps(spec_for([target], cases, outdir)), encoding="utf-8")
        module = ["-u", "-m", "autobahntestsuite.wstest", "-m", "fuzzingclient", "-s", str(spec)]
        return Command([str(self.python.interpreter), *module], self.python.variables())

    def agent(self, target: Target) -> str | None:
        """The spec's own name for it."""
        return target.agent


@dataclass(frozen=True)
class Kosoku:
    """The case files of the original suite, driven from Python 3."""

    name: str = "kosoku"
    blind_to: Sequence[str] = (
        "masked server frames",
        "a wrong Sec-WebSocket-Accept",
        "a TCP connection left open after the close",
        "a compression window larger than negotiated",
        "reassembly of tiny writes: they arrive joined",
    )

    def command(self, target: Target, cases: Sequence[str], outdir: Path) -> Command:
        """Its Python interface, driven by a module of ours."""
        module = ["-m", f"{__package__}.kosoku_run", target.url, str(outdir), *cases]
        return Command([sys.executable, *module], environment())

    def agent(self, target: Target) -> str | None:
        """kosoku goes by the server's own header."""
        return None


def spec_targets() -> list[Target]:
    """The servers of the committed spec."""
    servers = json.loads(SPEC.read_text(encoding="utf-8"))["servers"]
    return [Target(server["agent"], server["url"]) for server in servers]


def spec_for(targets: Sequence[Target], cases: Sequence[str], outdir: Path) -> dict[str, object]:
    """The committed spec, with its addresses, cases and folder replaced.

    Every server keeps an "agent": without one wstest hangs on the first handshake that fails.
    """
    spec: dict[str, object] = json.loads(SPEC.read_text(encoding="utf-8"))
    servers = [{"agent": target.agent, "url": target.url} for target in targets]
    return spec | {"servers": servers, "cases": list(cases), "outdir": str(outdir)}


def choose(wanted: str = "auto") -> Engine:
    """The engine by name: "wstest", "kosoku", or "auto" for the first of them that can run.

    NoEngineError says why the one asked for, or both, cannot run. Falling back is said aloud.
    """
    if wanted == "kosoku":
        return _kosoku("asked for")
    try:
        return Wstest(python27.environment())
    except python27.NoPython27Error as lacking:
        if wanted == "wstest":
            raise NoEngineError(str(lacking)) from lacking
        print(f"wstest cannot run here ({lacking}): kosoku instead", flush=True)
        return _kosoku(str(lacking))


def _kosoku(why: str) -> Engine:
    if find_spec("kosoku") is None:
        raise NoEngineError(f"kosoku is not installed (wanted: {why})")
    return Kosoku()
