"""A server as people run it: its own process, a port, a data directory."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]


class Server:
    """One `twistd -n chatroom` on a port of its own, which can be killed and started again."""

    def __init__(self, directory: Path, endpoint: str, port: int, url: str) -> None:
        self.url = url
        self._directory = directory
        self._endpoint = endpoint
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *more: str, limited: bool = False) -> None:
        twistd = Path(sys.executable).parent / "twistd"
        options = ["--endpoint", self._endpoint, "--data", str(self._directory / "data"), *more]
        if not limited:
            options.append("--no-limits")
        log = self._directory / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(twistd), "-n", "--pidfile=", "chatroom", *options],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            )
        while not self._listening():
            self._running(log)

    def owner_link(self) -> str:
        """What the log of a first start says: whoever opens it becomes the owner."""
        log = self._directory / "server.log"
        while not (found := re.search(r"(#invite=\S+)", log.read_text())):
            self._running(log)
        return f"{self.url}/{found[1]}"

    def _running(self, log: Path) -> None:
        """Wait a moment; fail the test if the server has ended."""
        try:
            # The pause between two looks, and the proof that there is something to wait for.
            self._process.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            return
        pytest.fail(f"the server did not start:\n{log.read_text()}")

    def command(self, *arguments: str) -> str:
        """What the command `chatroom` prints, on this server's data."""
        chatroom = [str(Path(sys.executable).parent / "chatroom"), *arguments]
        where = ["--data", str(self._directory / "data")]
        done = subprocess.run([*chatroom, *where], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def kill(self) -> None:
        """As the power would: no goodbye to anybody."""
        self._stop(signal.SIGKILL)

    def stop(self) -> None:
        self._stop(signal.SIGTERM)

    def _stop(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(timeout=20)
        finally:
            self._process.kill()
            self._process = None

    def _listening(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
        except OSError:
            return False
        return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
