"""`make cluster`: what it starts, what it starts again, and that nothing is left of it."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .clients import JsonClient, get

CHECKOUT = Path(__file__).parents[2]
PATIENCE = 120
"""Seconds that anything may take, on a busy machine."""


class Tool:
    """The command, on ports that nobody has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_ports()
        self._output = folder.with_suffix(".output")
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                self.command(), cwd=CHECKOUT, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )

    def command(self) -> list[str]:
        """What make runs."""
        return [sys.executable, "-m", "tools.cluster", f"--port={self.port}", f"--data={self.folder}"]

    @property
    def said(self) -> str:
        """All that it has printed."""
        return self._output.read_text()

    @property
    def pids(self) -> dict[str, int]:
        """Each part's first process, by name."""
        rows = re.findall(r"^  (\w+) +127\.0\.0\.1:\d+ +pid (\d+)$", self.said, re.MULTILINE)
        return {name: int(pid) for name, pid in rows}

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Wait until it is so, as long as the command runs."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.said
            assert self.process.poll() is None or condition(), self.said
            time.sleep(0.05)

    def end(self) -> None:
        """Whatever has happened, let nothing be left."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)
        shutil.rmtree(self.folder, ignore_errors=True)
        self._output.unlink()


def free_ports() -> int:
    """A port with so many free ones behind it, below those that the kernel gives away."""
    while True:
        first = random.randrange(12_000, 32_000, 100)
        try:
            for port in range(first, first + 100):
                socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return first


def installed(program: str) -> bool:
    """Whether the tool can find it."""
    inside = sorted(str(path) for path in Path("/usr/lib/postgresql").glob("*/bin"))
    return shutil.which(program, path=":".join([os.environ["PATH"], "/usr/sbin", *inside])) is not None


@pytest.fixture(scope="module")
def tool() -> Iterator[Tool]:
    """The command, and everything that it starts."""
    missing = [name for name in ("initdb", "redis-server", "haproxy") if not installed(name)]
    if missing:
        why = f"not installed: {', '.join(missing)}; tools/system-packages test"
        if os.environ.get("CHATROOM_REQUIRE_ALL"):
            pytest.fail(why)
        pytest.skip(why)
    # Not in pytest's folder, into which PostgreSQL's user cannot go.
    made = Tool(Path(tempfile.mkdtemp(prefix="chatroom-cluster-")))
    yield made
    made.end()


def test_everything_is_started_kept_alive_and_ended(tool: Tool) -> None:
    tool.wait_for(lambda: "Ctrl-C ends everything" in tool.said)
    assert f"Open http://localhost:{tool.port} in two tabs" in tool.said
    assert set(tool.pids) == {"PostgreSQL", "Redis", "node1", "node2", "node3", "HAProxy"}
    page = get(f"http://127.0.0.1:{tool.port}", "/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["chatroom-node"] in tool.pids

    entrance = f"ws://127.0.0.1:{tool.port}/ws"
    with JsonClient(entrance, "Ana") as ana:
        ana.join()
        assert ana.post("before") == 1
        node = ana.me["node"]
        os.kill(tool.pids[node], signal.SIGKILL)
        ana.end()
    with JsonClient(entrance, "Ana") as ana:
        assert ana.me["node"] in tool.pids.keys() - {node}
        assert [event["text"] for event in ana.join()["events"] if event["type"] == "message"] == ["before"]
    again = rf"{node} \(pid {tool.pids[node]}\) has ended by SIGKILL(.|\n)*{node} is started again: pid (\d+)"
    tool.wait_for(lambda: re.search(again, tool.said))
    port = tool.port + int(node.removeprefix("node"))
    tool.wait_for(lambda: ready(port))

    second = subprocess.run(tool.command(), cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE)
    assert second.returncode == 1
    assert second.stderr.startswith(f"make cluster: port {tool.port}, for the page, cannot be had (")
    assert second.stderr.count("\n") == 1

    pids = [*tool.pids.values(), int(re.search(again, tool.said)[2])]  # type: ignore[index]
    tool.process.send_signal(signal.SIGINT)
    assert tool.process.wait(PATIENCE) == 0, tool.said
    assert tool.said.endswith(f"Everything has ended. The data is in {tool.folder}, for the next time.\n")
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    assert not (tool.folder / "postgresql/postmaster.pid").exists()


def ready(port: int) -> bool:
    """Whether a node says that it is."""
    try:
        return get(f"http://127.0.0.1:{port}", "/readyz").status == 200
    except OSError:
        return False
