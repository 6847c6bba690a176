"""Starting a server for a run, on its own core, and making sure it ends."""

import contextlib
import ctypes
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
_FORK_SECONDS = 0.2
_PR_SET_PDEATHSIG = 1

ROOT = Path(__file__).resolve().parent.parent


class StartError(Exception):
    """The server did not begin to listen; the end of its log is in the message."""


@dataclass(frozen=True)
class Cores:
    server: int
    load: int

    @classmethod
    def chosen(cls) -> "Cores":
        """The first two cores this process may use; the same one twice if there is but one."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], allowed[-1] if len(allowed) < 2 else allowed[1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def raise_file_limit(wanted: int = 40_000) -> int:
    """As many open files as are wanted, or as this process is allowed; returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
            return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _in_child(core: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        os.sched_setaffinity(0, {core})
        raise_file_limit()
        # If the benchmark is killed, its servers go too.
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    return prepare


@contextlib.contextmanager
def running(
    command: Sequence[str], port: int, core: int, directory: Path, **user: Any
) -> Iterator[list[int]]:
    """Start `command` in `directory` and give its processes once `port` answers; end them after.
    `user` is who runs it, as subprocess takes it."""
    log = directory / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command),
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            preexec_fn=_in_child(core),
            **user,
        )
    pids = [process.pid]
    try:
        _await_port(process, port, log)
        # Who forks its workers listens first.
        time.sleep(_FORK_SECONDS)
        pids = family(process.pid)
        yield pids
    finally:
        pids += family(process.pid)[1:]
        _stop(process)
        _end_orphans(set(pids[1:]), core)


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, task.read_text().split())
    return found


def _end_orphans(pids: set[int], core: int) -> None:
    """Workers outlive a main process that had to be killed."""
    for pid in pids:
        with contextlib.suppress(OSError):
            # Not somebody else's that has the number by now: ours are pinned.
            if os.sched_getaffinity(pid) == {core}:
                os.kill(pid, signal.SIGKILL)


def _await_port(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise StartError(log.read_text(errors="replace")[-2000:].strip() or "it said nothing")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
