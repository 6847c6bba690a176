"""A server as people run it: `twistd chatroom` in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from .clients import get

TWISTD = Path(sys.executable).with_name("twistd")
ON_LOOPBACK = "tcp:{port}:interface=127.0.0.1"
TLS = "ssl:{port}:privateKey=key.pem:interface=127.0.0.1"
"""With a `key.pem` in the server's folder."""
LIFETIME = 900
"""Seconds after which the kernel ends a server, whatever became of the test."""

_OPEN = re.compile(r"open (https?)://\S*?:(\d+) in a browser")
_LISTENING = re.compile(r"\] FrontFactory .*starting on ")


class NotStarted(AssertionError):
    """The server ended before it listened; the message is what it wrote."""


class Server:
    """One server on a port of its own and one data folder, which can be killed and started again.

    `endpoints` are Twisted's; `{port}` in one is 0 at the first start and stays the port that was
    had then. Each start appends to the log. `through` is a command that ends by running the one it
    is given; `fds` are what it inherits.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        endpoints: tuple[str, ...] = (ON_LOOPBACK,),
        twistd: tuple[str, ...] = (),
        fds: tuple[int, ...] = (),
        through: tuple[str, ...] = (),
        log_file: Path | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log_file = log_file or folder / "server.log"
        self.ports: list[tuple[str, int]] = []
        """Scheme and port of each endpoint that has one."""
        self._host = host
        self._options = options
        self._endpoints = endpoints
        self._twistd = twistd
        self._fds = fds
        self._through = through
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The first endpoint's port."""
        return self.ports[0][1]

    @property
    def url(self) -> str:
        """Where the web page is."""
        scheme, port = self.ports[0]
        return f"{scheme}://{self._host}:{port}"

    @property
    def ws(self) -> str:
        """Where WebSockets connect."""
        return self.url.replace("http", "ws", 1) + "/ws"

    @property
    def pid(self) -> int:
        """The process."""
        assert self._process is not None, "the server does not run"
        return self._process.pid

    @property
    def log(self) -> str:
        """All that was written so far, by every start."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def command(self) -> list[str]:
        """What a person would type."""
        port = self.ports[0][1] if self.ports else 0
        endpoints = [f"--endpoint={one.format(port=port)}" for one in self._endpoints]
        twistd = [*self._through, str(TWISTD), "-n", "--pidfile=", *self._twistd]
        return [*twistd, "chatroom", *endpoints, f"--data={self.data}", *self._options]

    def start(self) -> Server:
        """Start, and wait until every endpoint listens and the server answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        before = len(self.log)
        with (self.folder / "server.log").open("ab") as output:
            self._process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # An alarm outlives exec, so it works whatever becomes of this process.
                preexec_fn=lambda: signal.alarm(LIFETIME),
                pass_fds=self._fds,
            )
        self.wait_for(lambda: len(_LISTENING.findall(self.log[before:])) >= len(self._endpoints))
        self.wait_for(lambda: len(_OPEN.findall(self.log[before:])) >= self._with_ports())
        self.read_ports(before)
        if self.ports:
            # The kernel takes connections already; an answer shows that signals are handled too.
            assert get(self.url, "/healthz").status == 200
        return self

    def read_ports(self, before: int = 0) -> None:
        """Take the ports from the log, from character `before` on."""
        self.ports = [(scheme, int(port)) for scheme, port in _OPEN.findall(self.log[before:])]

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait until `condition` holds; the server's end is the end of waiting."""
        assert self._process is not None
        while not condition():
            try:
                self._process.wait(timeout=0.02)
            except subprocess.TimeoutExpired:
                continue
            if condition():
                return
            raise NotStarted(f"the server ended with {self._process.returncode}:\n{self.log}")

    def signal(self, which: signal.Signals) -> None:
        """Send a signal."""
        os.kill(self.pid, which)

    def stop(self) -> int:
        """Ask it to stop, wait until it has, and return its exit status."""
        self.signal(signal.SIGTERM)
        return self.ended()

    def kill(self) -> None:
        """As a power cut does: no goodbye to anybody."""
        self.signal(signal.SIGKILL)
        self.ended()

    def ended(self) -> int:
        """Wait for the end; the exit status."""
        assert self._process is not None
        status = self._process.wait(timeout=30)
        self._process = None
        return status

    def clear_away(self) -> None:
        """Whatever has happened, nothing runs after this."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=30)
            self._process = None

    def memory(self) -> int:
        """Its resident memory now, in bytes."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("the process has no memory")

    def _with_ports(self) -> int:
        return sum(1 for one in self._endpoints if one.startswith(("tcp", "ssl")))


def run(*options: str, folder: Path, timeout: float = 30) -> subprocess.CompletedProcess[str]:
    """Run `twistd -n chatroom` with options that it ends by itself with."""
    return subprocess.run(
        [str(TWISTD), "-n", "--pidfile=", "chatroom", *options],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
