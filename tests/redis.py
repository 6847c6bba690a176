"""Redis servers for the tests: each on a port of its own, in a temporary folder, gone at the end."""

from __future__ import annotations

import atexit
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from . import ports

PATIENCE = 60
"""Seconds that a server may take to start or to end, on a busy machine."""

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Server:
    """A Redis server, which can be killed, paused and started again on the same port."""

    def __init__(self, *options: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="chatroom-redis-"))
        self.port = ports.unused()
        self._options = options or ("--port", str(self.port))
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.end)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> Server:
        """Start, and wait until it listens."""
        options = [one.replace("{port}", str(self.port)) for one in self._options]
        self._process = subprocess.Popen(
            ["redis-server", "--bind", "127.0.0.1", "--save", "", "--dir", str(self.folder), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            preexec_fn=_end_with_us,
        )
        wait_for(self._listens)
        return self

    def signal(self, number: int) -> None:
        """Send it a signal; after SIGKILL, once it is gone."""
        assert self._process is not None
        self._process.send_signal(number)
        if number == signal.SIGKILL:
            self._process.wait(PATIENCE)
            self._process = None

    def end(self) -> None:
        """Let nothing be left of it."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def server(*options: str) -> Server:
    """One, running. Skips the test where Redis is not installed; fails it under CHATROOM_REQUIRE_ALL."""
    missing = _missing()
    if missing:
        if os.environ.get("CHATROOM_REQUIRE_ALL"):
            pytest.fail(missing)
        pytest.skip(missing)
    return Server(*options).start()


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it has not come to that"
        time.sleep(0.02)


def _missing() -> str:
    if shutil.which("redis-server") is None:
        return "Redis is not installed: tools/system-packages test"
    try:
        import hiredis  # noqa: F401
    except ImportError:
        return "hiredis is not installed: pip install 'chatroom[redis]'"
    return ""


def _end_with_us() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
