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

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
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


def raise_file_limit() -> int:
    """As many open files as this process is allowed; returns how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
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
def running(command: Sequence[str], port: int, core: int, directory: Path) -> Iterator[int]:
    """Start `command` in `directory` and give its pid once `port` answers; end it afterwards."""
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
        )
    try:
        _await_port(process, port, log)
        yield process.pid
    finally:
        _stop(process)


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
