"""A run of the suite: an engine against a server, under deadlines, and the gate's word on it."""

import asyncio
import contextlib
import math
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .cases import COMPRESSION_GROUPS, group
from .engines import CASE_LINE, LOG, Engine, Target
from .gate import Judgement, judge, read_outcomes
from .watch import Deadlines, watch

# The suite itself gives a case up after 480 seconds; one that lasts longer never ends.
SILENCE_SECONDS = 500

# Several times what a case takes on a slow core, so that only a standstill meets the deadline.
BASE_SECONDS = 120
PLAIN_CASE_SECONDS = 1
COMPRESSION_CASE_SECONDS = 20


def _say(text: str) -> None:
    # At once, through a pipe too.
    print(text, flush=True)


@dataclass
class Progress:
    """Says which case of how many is running: on each case, at most every `every` seconds."""

    name: str
    cases: Sequence[str]
    say: Callable[[str], None] = _say
    every: float = 5.0
    _started: float = field(default_factory=time.monotonic)
    _said: float = -math.inf
    _begun: int = 0

    def line(self, text: str) -> None:
        """Take one line of the engine's output."""
        found = CASE_LINE.match(text)
        if found is None:
            return
        self._begun += 1
        now = time.monotonic()
        if now - self._said >= self.every or self._begun == len(self.cases):
            self._said = now
            self.say(
                f"{self.name:14} {self._begun:3}/{len(self.cases)}  case {found[1]:8}"
                f" {now - self._started:5.0f} s"
            )


async def run(
    engine: Engine,
    target: Target,
    cases: Sequence[str],
    outdir: Path,
    limits: Deadlines | None = None,
) -> Judgement:
    """Run the cases against one server, write the report into outdir, and judge it.

    What outdir held before is replaced, and only by a complete report. limits: how long it may
    take; by default what `deadlines` says.
    EngineError when the engine breaks off (its log is then in outdir, with a name ending in
    ".failed"); ReportError when it left no report.
    """
    outdir.parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=f".{outdir.name}-", dir=outdir.parent))
    try:
        command = engine.command(target, cases, making)
        progress = Progress(target.agent, cases)
        limits = limits or deadlines(cases)
        await watch(command.argv, command.environment, limits, making / LOG, progress.line)
        outcomes = read_outcomes(making / "index.json", engine.agent(target))
    except BaseException:
        replace(making, outdir.with_name(outdir.name + ".failed"))
        raise
    replace(making, outdir)
    return judge(cases, outcomes)


def deadlines(cases: Sequence[str]) -> Deadlines:
    """How long these cases may take, in seconds."""
    compression = sum(group(case) in COMPRESSION_GROUPS for case in cases)
    plain = len(cases) - compression
    total = BASE_SECONDS + PLAIN_CASE_SECONDS * plain + COMPRESSION_CASE_SECONDS * compression
    return Deadlines(total=total, silence=SILENCE_SECONDS)


def replace(made: Path, place: Path) -> None:
    """Put a folder in the place of another; of two runs that do it at once, the last one stays."""
    while True:
        try:
            made.rename(place)
        except OSError:
            # Something is there: out of the way with it, in one step, before it is deleted.
            aside = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
            with contextlib.suppress(FileNotFoundError):
                place.rename(aside / place.name)
            shutil.rmtree(aside)
        else:
            return


async def run_all(
    engine: Engine, targets: Sequence[Target], cases: Sequence[str], folder: Path
) -> dict[str, Judgement | Exception]:
    """The same cases against several servers at once, each in a process of its own.

    By the target's name: the judgement, or why there is none. Reports go to folder/NAME.
    """
    runs = [run(engine, target, cases, folder / target.agent) for target in targets]
    found = await asyncio.gather(*runs, return_exceptions=True)
    named: dict[str, Judgement | Exception] = {}
    for target, result in zip(targets, found, strict=True):
        if isinstance(result, BaseException) and not isinstance(result, Exception):
            raise result
        named[target.agent] = result
    return named
