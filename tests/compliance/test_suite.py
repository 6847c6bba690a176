"""The command, from end to end on small runs: exit status, summary, reports and progress."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from .broken import CORRECT, NoPong, Utf8CheckedLate
from .engines import Command, Engine, Kosoku, Target
from .gate import Judgement
from .suite import Progress, deadlines, replace, run_all
from .summary import exit_status, summary

COMMAND = Path(__file__).with_name("run.py")


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """`run.py` with these arguments."""
    argv = [sys.executable, str(COMMAND), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)


def test_a_good_server_passes_and_leaves_its_report(
    engine: Engine, echoes: Mapping[str, str], tmp_path: Path
) -> None:
    done = command("--url", echoes[CORRECT], "--cases", "1.1.*", "--out", str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("PASSED\n")
    assert "behaviorClose  8 OK" in done.stdout
    assert (tmp_path / "plain" / "index.html").is_file()
    assert len(json.loads((tmp_path / "plain" / "index.json").read_text()).popitem()[1]) == 8


def test_a_broken_server_fails(engine: Engine, echoes: Mapping[str, str], tmp_path: Path) -> None:
    url = echoes[Utf8CheckedLate.__name__]
    done = command("--url", url, "--cases", "6.4.1", "1.1.1", "--out", str(tmp_path))
    assert done.returncode == 1
    assert "6.4.1    NON-STRICT, close OK" in done.stdout
    assert done.stdout.endswith("FAILED\n")


def test_a_misspelt_case_is_an_error() -> None:
    done = command("--cases", "99.*")
    assert done.returncode == 2
    assert "no case fits '99.*'" in done.stderr


def test_a_report_made_elsewhere_is_judged_for_both_servers(tmp_path: Path) -> None:
    good = {"1.1.1": {"behavior": "OK", "behaviorClose": "OK"}}
    index = tmp_path / "index.json"
    judging = ("--judge", str(index), "--cases", "1.1.1")
    index.write_text(json.dumps({"chatroom-plain": good, "chatroom-tls": good}))
    assert command(*judging).returncode == 0
    index.write_text(json.dumps({"chatroom-plain": good}))
    assert command(*judging).returncode == 1
    index.unlink()
    assert command(*judging).returncode == 2


def test_a_run_that_is_stopped_ends_its_engine(engine: Engine, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}/echo"
        argv = [sys.executable, str(COMMAND), "--url", url, "--cases", "1.1.1", "--out", str(tmp_path)]
        with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as running:
            connection, _address = silent.accept()
            with connection:
                connection.settimeout(30)
                assert connection.recv(4).startswith(b"GET")
                running.terminate()
                # The engine held the other end: its end is seen once the engine is gone.
                while connection.recv(4096):
                    pass
    assert running.returncode == 128 + signal.SIGTERM


def test_a_new_report_replaces_the_old_one(engine: Engine, echoes: Mapping[str, str], tmp_path: Path) -> None:
    def faults(server: str) -> Mapping[str, str]:
        target = Target("plain", echoes[server])
        found = asyncio.run(run_all(engine, [target], ["2.1"], tmp_path))["plain"]
        assert isinstance(found, Judgement)
        return found.faults

    assert set(faults(NoPong.__name__)) == {"2.1"}
    assert not faults(CORRECT)
    assert [path.name for path in tmp_path.iterdir()] == ["plain"]


def test_a_run_that_breaks_off_is_told_and_keeps_its_log(tmp_path: Path) -> None:
    class Fails(Kosoku):
        def command(self, target: Target, cases: Sequence[str], outdir: Path) -> Command:
            raise OSError("no such program")

    found = asyncio.run(run_all(Fails(), [Target("plain", "ws://x")], ["2.1"], tmp_path))
    assert isinstance(found["plain"], OSError)
    assert (tmp_path / "plain.failed").is_dir()
    assert exit_status(found) == 2
    assert "no such program" in summary(found)


def test_exit_status() -> None:
    good = Judgement(1, Counter(OK=1), Counter(OK=1), {})
    bad = Judgement(1, Counter(OK=1), Counter(OK=1), {"1.1.1": "FAILED"})
    assert exit_status({"plain": good, "tls": good}) == 0
    assert exit_status({"plain": good, "tls": bad}) == 1
    assert exit_status({"plain": good, "tls": OSError()}) == 2
    assert exit_status({}) == 2


def test_progress_says_where_it_is() -> None:
    said: list[str] = []
    progress = Progress("plain", ["1.1.1", "1.1.2", "1.1.3"], said.append, every=3600)
    for line in ("noise", *(f"Running test case ID 1.1.{n} for agent x" for n in (1, 2, 3))):
        progress.line(line)
    # The first and the last, whatever the interval.
    assert [line.split()[1:4] for line in said] == [
        ["1/3", "case", "1.1.1"],
        ["3/3", "case", "1.1.3"],
    ]


def test_compression_cases_have_more_time() -> None:
    assert deadlines(["12.1.1"]).total > deadlines(["1.1.1"]).total > 60


@pytest.mark.parametrize("there", [True, False])
def test_replacing_a_folder(tmp_path: Path, there: bool) -> None:
    for name in ("new", "place")[: 1 + there]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "content").write_text(name)
    replace(tmp_path / "new", tmp_path / "place")
    assert (tmp_path / "place" / "content").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["place"]
