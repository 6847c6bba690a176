"""HAProxy in front of several nodes: each connection goes to the next node that answers."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from ..redis import PATIENCE, wait_for

HEALTH = "/readyz"
"""What a node is asked, to see whether it wants people."""

_CONFIGURATION = """
global
    stats socket {socket} mode 600
defaults
    mode http
    option forwardfor
    option redispatch
    retries 3
    timeout connect 2s
    timeout check 3s
    timeout client 60s
    timeout server 60s
    timeout tunnel 1h
frontend chat
    bind fd@{listening}
    default_backend nodes
backend nodes
    balance roundrobin
    option httpchk GET {health}
    default-server check inter 300ms fall 2 rise 1
{servers}
"""
_UP = "2"
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class HAProxy:
    """A load balancer in front of nodes on these ports. `server0` is the first of them."""

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = ports
        self._folder = Path(tempfile.mkdtemp(prefix="chatroom-haproxy-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]

    @property
    def url(self) -> str:
        """Where people come in."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        """Where their WebSockets connect."""
        return f"ws://127.0.0.1:{self.port}/ws"

    def start(self) -> HAProxy:
        """Start."""
        servers = [f"    server server{at} 127.0.0.1:{port}" for at, port in enumerate(self._ports)]
        configuration = self._folder / "haproxy.cfg"
        configuration.write_text(
            _CONFIGURATION.format(
                socket=self._folder / "socket",
                listening=self._listening.fileno(),
                health=HEALTH,
                servers="\n".join(servers),
            )
        )
        with (self._folder / "haproxy.log").open("wb") as log:
            process = self._process = subprocess.Popen(
                ["haproxy", "-db", "-f", configuration],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._listening.fileno(),),
                preexec_fn=_end_with_us,
            )
        wait_for(lambda: self._answers() or process.poll() is not None)
        assert process.poll() is None, (self._folder / "haproxy.log").read_text()
        return self

    def _answers(self) -> bool:
        try:
            return bool(self.up())
        except OSError:
            return False

    def up(self) -> list[int]:
        """Which of the nodes it sends people to, by their numbers."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(PATIENCE)
            asking.connect(str(self._folder / "socket"))
            asking.sendall(b"show servers state nodes\n")
            answer = b"".join(iter(lambda: asking.recv(65536), b"")).decode()
        rows = [line.split() for line in answer.splitlines()[2:] if line]
        return [int(row[3].removeprefix("server")) for row in rows if row[5] == _UP]

    def end(self) -> None:
        """Let nothing be left of it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None
        self._listening.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def needed() -> None:
    """Skips the test where HAProxy is not installed; fails it under CHATROOM_REQUIRE_ALL."""
    if shutil.which("haproxy") is None:
        missing = "HAProxy is not installed: tools/system-packages test"
        if os.environ.get("CHATROOM_REQUIRE_ALL"):
            pytest.fail(missing)
        pytest.skip(missing)


def _end_with_us() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
