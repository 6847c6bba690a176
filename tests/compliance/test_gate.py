"""The gate, on reports made up for the purpose: what must not pass does not pass."""

import json
from pathlib import Path

import pytest

from .gate import Outcome, ReportError, judge, read_outcomes

OK = Outcome("OK", "OK")


def report(folder: Path, agents: object) -> Path:
    """An index.json with this content."""
    index = folder / "index.json"
    index.write_text(json.dumps(agents), encoding="utf-8")
    return index


def entry(behavior: str = "OK", close: str = "OK") -> dict[str, object]:
    """A case as the suite reports it."""
    return {"behavior": behavior, "behaviorClose": close, "duration": 1, "remoteCloseCode": 1000}


def test_all_there_and_good_passes(tmp_path: Path) -> None:
    index = report(tmp_path, {"me": {"1.1.1": entry(), "2.10": entry()}})
    judgement = judge(["1.1.1", "2.10"], read_outcomes(index, "me"))
    assert judgement.passed
    assert judgement.behaviors == judgement.closes == {"OK": 2}


@pytest.mark.parametrize(
    "verdict",
    ["NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED", "FAILED", "ERROR", "ok", "", "None"],
)
def test_any_other_behavior_fails(verdict: str) -> None:
    judgement = judge(["1.1.1", "1.1.2"], {"1.1.1": OK, "1.1.2": Outcome(verdict, "OK")})
    assert set(judgement.faults) == {"1.1.2"}


@pytest.mark.parametrize(
    "verdict", ["WRONG CODE", "UNCLEAN", "FAILED BY CLIENT", "FAILED", "INFORMATIONAL", "missing"]
)
def test_any_other_close_fails(verdict: str) -> None:
    judgement = judge(["1.1.1", "1.1.2"], {"1.1.1": OK, "1.1.2": Outcome("OK", verdict)})
    assert set(judgement.faults) == {"1.1.2"}


@pytest.mark.parametrize("case", ["7.1.6", "7.13.1", "7.13.2"])
def test_informational_passes_where_the_suite_says_nothing_else(case: str) -> None:
    assert judge([case], {case: Outcome("INFORMATIONAL", "INFORMATIONAL")}).passed
    assert not judge([case], {case: Outcome("INFORMATIONAL", "FAILED")}).passed
    assert not judge([case], {case: Outcome("NON-STRICT", "OK")}).passed


def test_a_missing_case_fails() -> None:
    judgement = judge(["1.1.1", "1.1.2"], {"1.1.1": OK})
    assert judgement.faults == {"1.1.2": "not in the report"}


def test_a_case_nobody_asked_for_fails() -> None:
    assert set(judge(["1.1.1"], {"1.1.1": OK, "9.1.1": OK, "x": OK}).faults) == {"9.1.1", "x"}


def test_the_empty_report_that_wstest_writes_with_nothing_listening_fails(tmp_path: Path) -> None:
    outcomes = read_outcomes(report(tmp_path, {}), "me")
    assert set(judge(["1.1.1"], outcomes).faults) == {"1.1.1"}


def test_another_servers_cases_do_not_count(tmp_path: Path) -> None:
    index = report(tmp_path, {"me": {"1.1.1": entry()}, "other": {"1.1.2": entry()}})
    assert set(judge(["1.1.1", "1.1.2"], read_outcomes(index, "me")).faults) == {"1.1.2"}
    assert judge(["1.1.1", "1.1.2"], read_outcomes(index)).passed


def test_a_verdict_left_out_fails(tmp_path: Path) -> None:
    index = report(tmp_path, {"me": {"1.1.1": {"behavior": "OK"}, "1.1.2": {}}})
    assert set(judge(["1.1.1", "1.1.2"], read_outcomes(index)).faults) == {"1.1.1", "1.1.2"}


def test_wanting_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="no case"):
        judge([], {"1.1.1": OK})


@pytest.mark.parametrize("content", ["", "{", "[]", '{"me": []}', '{"me": {"1.1.1": "OK"}}'])
def test_a_file_that_is_no_report_is_an_error(tmp_path: Path, content: str) -> None:
    index = tmp_path / "index.json"
    index.write_text(content, encoding="utf-8")
    with pytest.raises(ReportError):
        read_outcomes(index)


def test_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="not written"):
        read_outcomes(tmp_path / "index.json")


def test_faults_come_in_numeric_order() -> None:
    assert list(judge(["10.1.1", "9.1.10", "9.1.2"], {}).faults) == ["9.1.2", "9.1.10", "10.1.1"]
