"""Servers for the tests: started on demand, gone at the end, their logs looked through."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .server import Server

Start = Callable[..., Server]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Start]:
    """Starts `twistd -n chatroom` with the options given, beside the `files` given.

    No server may log a traceback, but for one started with `blamed=True`: its test asks for them.
    """
    yield from servers(tmp_path)


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate, as `chatroom cert` makes them."""
    path = tmp_path_factory.mktemp("pem") / "key.pem"
    subprocess.run([sys.executable, "-m", "chatroom.cli", "cert", str(path)], check=True, timeout=60)
    return path


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests that leave it as it was, each in a room of its own."""
    for start in servers(tmp_path_factory.mktemp("shared")):
        yield start("--no-limits", "--compliance")


def servers(folder: Path) -> Iterator[Start]:
    """Yields what starts servers, and clears them away after that."""
    servers: list[Server] = []
    suspects: list[Server] = []

    def start(
        *options: str,
        name: str = "server",
        files: dict[str, str] | None = None,
        blamed: bool = False,
        **settings: Any,
    ) -> Server:
        server = Server(folder / name, *options, **settings)
        server.folder.mkdir(exist_ok=True)
        for file, content in (files or {}).items():
            (server.folder / file).write_text(content)
        servers.append(server)
        if not blamed:
            suspects.append(server)
        return server.start()

    yield start
    for server in servers:
        server.clear_away()
    for server in suspects:
        assert "Traceback" not in server.log, server.log
        assert "Unhandled" not in server.log, server.log
