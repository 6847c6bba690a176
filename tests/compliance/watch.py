"""Runs a child process under two deadlines, and hands on its output line by line.

The suite needs this: wstest waits for ever where a server neither answers nor hangs up, and so does
its reader.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

# Lines of the child's output kept for the error message when it fails.
TAIL_LINES = 15


class EngineError(Exception):
    """The child ran into a deadline, or exited with an error."""


@dataclass(frozen=True)
class Deadlines:
    """How long a child may take, in seconds: altogether, and without printing a line."""

    total: float
    silence: float


async def watch(
    argv: Sequence[str],
    environment: Mapping[str, str],
    deadlines: Deadlines,
    log: Path,
    on_line: Callable[[str], None],
) -> None:
    """Run a command to its end; its output goes to `log` and, line by line, to `on_line`.

    Everything the command started in its process group is killed on a deadline and on cancellation.
    EngineError on a deadline or an exit status other than 0, with the last lines printed.
    """
    process = await asyncio.create_subprocess_exec(
        *argv,
        env=dict(environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    tail: list[str] = []
    try:
        await _read_lines(process, deadlines, log, on_line, tail)
        status = await _wait(process, deadlines)
    except TimeoutError as timeout:
        raise EngineError("\n".join([str(timeout), *tail])) from None
    finally:
        await _kill(process)
    if status != 0:
        raise EngineError("\n".join([f"exit status {status}", *tail]))


async def _read_lines(
    process: asyncio.subprocess.Process,
    deadlines: Deadlines,
    log: Path,
    on_line: Callable[[str], None],
    tail: list[str],
) -> None:
    assert process.stdout is not None
    now = asyncio.get_running_loop().time
    end = now() + deadlines.total
    with log.open("w", encoding="utf-8") as file:
        # The clock is asked for each line: while lines keep coming, reading them never waits, and
        # a timer of the event loop would never come to its turn.
        while (left := end - now()) > 0:
            try:
                line = await asyncio.wait_for(process.stdout.readline(), min(left, deadlines.silence))
            except TimeoutError:
                if left <= deadlines.silence:
                    break
                raise TimeoutError(f"silent for {deadlines.silence:.0f} s") from None
            if not line:
                return
            text = line.decode(errors="replace").rstrip()
            file.write(text + "\n")
            tail[:] = [*tail[1 - TAIL_LINES :], text]
            on_line(text)
    raise TimeoutError(f"not done after {deadlines.total:.0f} s")


async def _wait(process: asyncio.subprocess.Process, deadlines: Deadlines) -> int:
    # Its output ended, so it has ended or is about to.
    try:
        return await asyncio.wait_for(process.wait(), deadlines.silence)
    except TimeoutError:
        raise TimeoutError("closed its output and did not end") from None


async def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        # asyncio sees the end of a process only once its output was read to the end.
        await process.communicate()
