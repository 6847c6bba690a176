"""The gate: reads the suite's index.json and says whether the server conforms.

It exists because the suite does not judge. wstest exits 0 whatever it finds; with nothing listening
it exits 0 too and writes `{}`; a case that could not be run is simply not in the report. So the
gate starts from the cases that were asked for and accepts only what is there and is good, in both
of the suite's verdicts: `behavior` (the exchange) and `behaviorClose` (the closing handshake).
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from .cases import numbers

# The suite reports these for information whatever a server does: RFC 6455 leaves open what becomes
# of a large message followed by a close (7.1.6) and of close codes past 4999 (7.13.1, 7.13.2).
INFORMATIONAL_CASES = frozenset({"7.1.6", "7.13.1", "7.13.2"})

MISSING = "missing"


class ReportError(Exception):
    """There is no index.json, or it is not the suite's."""


@dataclass(frozen=True)
class Outcome:
    """The suite's two verdicts on one case, as it words them: OK, NON-STRICT, FAILED, ..."""

    behavior: str
    close: str

    def acceptable(self, case: str) -> bool:
        """Whether both verdicts are good enough for this case."""
        accepted = {"OK", "INFORMATIONAL"} if case in INFORMATIONAL_CASES else {"OK"}
        return {self.behavior, self.close} <= accepted

    def __str__(self) -> str:
        return f"{self.behavior}, close {self.close}"


@dataclass(frozen=True)
class Judgement:
    """What the gate found: how many cases it wanted, the verdicts' counts, and every fault.

    `faults` maps a case's id to what is wrong with it, in numeric order; none means conformant.
    """

    wanted: int
    behaviors: Counter[str]
    closes: Counter[str]
    faults: Mapping[str, str]

    @property
    def passed(self) -> bool:
        """True when every wanted case is there and good, and no other is."""
        return not self.faults


def read_outcomes(index: Path, agent: str | None = None) -> dict[str, Outcome]:
    """The verdicts in a report, by case id.

    index: the suite's index.json, {agent: {case: {"behavior", "behaviorClose", ...}}}.
    agent: whose cases to read. None takes those of every agent together: kosoku names the agent by
    the server's own header, which one server may not send on every answer.
    ReportError when the file is missing, is not JSON, or has another shape.
    """
    try:
        agents = json.loads(index.read_text(encoding="utf-8"))
        reports = [agents.get(agent, {})] if agent is not None else list(agents.values())
        return {case: _outcome(entry) for report in reports for case, entry in report.items()}
    except FileNotFoundError:
        raise ReportError(f"{index} was not written") from None
    except (ValueError, AttributeError) as error:
        raise ReportError(f"{index} is not a report of the suite: {error}") from error


def _outcome(entry: Mapping[str, object]) -> Outcome:
    # A verdict left out is no pass: it counts under its own name and is never acceptable.
    return Outcome(str(entry.get("behavior", MISSING)), str(entry.get("behaviorClose", MISSING)))


def judge(wanted: Iterable[str], outcomes: Mapping[str, Outcome]) -> Judgement:
    """Hold the outcomes against the cases that were asked for.

    A wanted case that is missing is a fault, and so is a case nobody asked for: the report is then
    not of this run. Wanting no case at all is an error (ValueError), never a pass.
    """
    cases = tuple(wanted)
    if not cases:
        raise ValueError("no case to judge")
    faults = {case: "not in the report" for case in cases if case not in outcomes}
    faults |= dict.fromkeys(outcomes.keys() - set(cases), "was not asked for")
    for case in cases:
        outcome = outcomes.get(case)
        if outcome is not None and not outcome.acceptable(case):
            faults[case] = str(outcome)
    return Judgement(
        wanted=len(cases),
        behaviors=Counter(outcome.behavior for outcome in outcomes.values()),
        closes=Counter(outcome.close for outcome in outcomes.values()),
        faults={case: faults[case] for case in sorted(faults, key=_order)},
    )


def _order(case: str) -> tuple[tuple[int, ...], str]:
    # A report of another tool may hold ids that are not numbers; they sort first.
    try:
        return numbers(case), case
    except ValueError:
        return (), case
