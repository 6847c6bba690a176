"""The outcome of a run, on one screen."""

from collections import Counter
from collections.abc import Mapping

from .gate import Judgement

# Faults listed for each server; the report has the rest.
FAULTS_SHOWN = 15


def summary(found: Mapping[str, Judgement | Exception]) -> str:
    """What was found for each server, by its name in the report; the verdict last."""
    lines = []
    for name, result in found.items():
        if isinstance(result, Judgement):
            lines += _judgement(name, result)
        else:
            lines.append(f"{name}: no verdict: {type(result).__name__}: {result}")
    return "\n".join([*lines, "FAILED" if exit_status(found) else "PASSED"])


def exit_status(found: Mapping[str, Judgement | Exception]) -> int:
    """0 when every server passed, 1 when one did not, 2 when a run broke off or there was none."""
    judged = [result for result in found.values() if isinstance(result, Judgement)]
    if not found or len(judged) < len(found):
        return 2
    return 0 if all(judgement.passed for judgement in judged) else 1


def _judgement(name: str, judgement: Judgement) -> list[str]:
    lines = [
        f"{name}: {judgement.wanted} cases",
        f"  behavior       {_counts(judgement.behaviors)}",
        f"  behaviorClose  {_counts(judgement.closes)}",
    ]
    faults = list(judgement.faults.items())
    lines += [f"  {case:8} {fault}" for case, fault in faults[:FAULTS_SHOWN]]
    if len(faults) > FAULTS_SHOWN:
        lines.append(f"  and {len(faults) - FAULTS_SHOWN} more")
    return lines


def _counts(verdicts: Counter[str]) -> str:
    return ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common()) or "none"
