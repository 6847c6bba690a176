"""A child process that hangs is ended, with all it started, and its output is not lost."""

import asyncio
import os
import select
import sys
from pathlib import Path

import pytest

from .watch import Deadlines, EngineError, watch

PATIENT = Deadlines(total=60, silence=60)

HANGS = "import time; print('last words', flush=True); time.sleep(600)"
CHATTERS = "while True: print('still here')"


def run(code: str, deadlines: Deadlines, log: Path) -> list[str]:
    """The lines that a piece of Python prints, run under these deadlines."""
    lines: list[str] = []
    argv = [sys.executable, "-c", code]
    asyncio.run(watch(argv, os.environ, deadlines, log, lines.append))
    return lines


def test_lines_are_handed_on_and_logged(tmp_path: Path) -> None:
    assert run("print('one'); print('two')", PATIENT, tmp_path / "log") == ["one", "two"]
    assert (tmp_path / "log").read_text(encoding="utf-8") == "one\ntwo\n"


def test_a_silent_child_is_ended_and_its_last_words_told(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"silent for 1 s\nlast words"):
        run(HANGS, Deadlines(total=60, silence=1), tmp_path / "log")


def test_a_child_that_goes_on_for_ever_is_ended(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="not done after 1 s"):
        run(CHATTERS, Deadlines(total=1, silence=60), tmp_path / "log")


def test_a_child_that_closed_its_output_and_stays_is_ended(tmp_path: Path) -> None:
    code = "import os, time; os.close(1); os.close(2); time.sleep(600)"
    with pytest.raises(EngineError, match="did not end"):
        run(code, Deadlines(total=60, silence=1), tmp_path / "log")


def test_an_ended_child_leaves_no_grandchild(tmp_path: Path) -> None:
    # Both hold the pipe open for writing; its end is read once they are gone.
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    code = f"import os; held = open({str(pipe)!r}, 'w'); os.fork(); {HANGS}"
    with pytest.raises(EngineError, match="silent"):
        run(code, Deadlines(total=60, silence=1), tmp_path / "log")
    poll = select.poll()
    poll.register(reader, select.POLLHUP)
    hung_up = poll.poll(10_000)
    os.close(reader)
    assert hung_up


def test_an_error_exit_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"exit status 3\noh"):
        run("import sys; print('oh'); sys.exit(3)", PATIENT, tmp_path / "log")
