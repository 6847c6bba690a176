"""One server for all examples, and how each of them is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ..e2e.clients import JsonClient
from ..e2e.conftest import servers
from ..e2e.server import Server

EXAMPLES = Path(__file__).parents[2] / "examples"
PROGRAM = Path(sys.executable).with_name("chatroom")


class Place(NamedTuple):
    """A server, what a site shares with it, and the environment that examples read."""

    server: Server
    secret: Path
    environment: dict[str, str]

    def key(self, name: str, *scopes: str, hook: bool = False) -> str:
        """What `chatroom key add` prints."""
        can = [word for scope in scopes for word in ("--can", scope)]
        return self.command("key", "add", name, *can, *(["--hook"] if hook else []))

    def command(self, *words: str) -> str:
        """What `chatroom` prints."""
        command = [PROGRAM, *words, "--data", self.server.data]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run(self, *command: str | Path, stdin: str = "", **environment: str) -> str:
        """What an example prints."""
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
            env=self.environment | environment,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def listener(self, room: str) -> JsonClient:
        """Somebody in a room; to be closed."""
        client = JsonClient(self.server.ws, f"Listener {room}")
        client.join(room)
        return client


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("examples")
    secret = folder / "chat.secret"
    secret.write_text("0123456789abcdef" * 4)
    for start in servers(folder):
        server = start("--no-limits", "--webhook-allow", "127.0.0.1", "--jwt-key", str(secret))
        environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "CHATROOM_URL": server.url}
        place = Place(server, secret, environment)
        environment["CHATROOM_KEY"] = place.key("examples", "publish:*", "read:*")
        yield place


def needed(program: str, package: str) -> str:
    """Where a program is; the test is skipped, or where nothing may be, fails, without it."""
    found = shutil.which(program)
    if found is None:
        lacking(f"{program} is not on the PATH: apt-get install {package}")
    return str(found)


def lacking(reason: str) -> None:
    """Say what a test cannot do without."""
    if os.environ.get("CHATROOM_REQUIRE_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)
