"""The `chatroom` command as a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from .server import Server

PROGRAM = [sys.executable, "-m", "chatroom.cli"]
PATIENCE = 60
"""Seconds a command may take."""


class Shell:
    """Where commands are given that talk to the server at `url`; `home` holds their profiles."""

    def __init__(self, home: Path, url: str | None = None) -> None:
        self.home = home
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("CHATROOM_")}
        self.env |= {"XDG_CONFIG_HOME": str(home)}
        if url is not None:
            self.env["CHATROOM_URL"] = url

    def give(self, *words: str, stdin: str | bytes = "") -> subprocess.CompletedProcess[str]:
        """Give a command and wait for its end; it never shows a traceback."""
        done = subprocess.run(
            [*PROGRAM, *words],
            input=stdin if isinstance(stdin, bytes) else stdin.encode(),
            capture_output=True,
            env=self.env,
            timeout=PATIENCE,
            check=False,
        )
        said = subprocess.CompletedProcess(words, done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in said.stderr, said.stderr
        return said

    def done(self, *words: str, stdin: str | bytes = "") -> str:
        """What a command prints that succeeds."""
        said = self.give(*words, stdin=stdin)
        assert said.returncode == 0, said.stderr
        return said.stdout

    def failed(self, status: int, *words: str, stdin: str | bytes = "") -> str:
        """The last line with which a command fails."""
        said = self.give(*words, stdin=stdin)
        assert said.returncode == status, said.stdout + said.stderr
        assert said.stderr.count("\n") == 1 or status == 2, said.stderr
        return said.stderr.splitlines()[-1]

    def begin(self, *words: str, **settings: Any) -> subprocess.Popen[bytes]:
        """Give a command that runs on."""
        return subprocess.Popen([*PROGRAM, *words], env=self.env, **settings)

    def events(self, room: str, *words: str) -> list[dict[str, Any]]:
        """What a room's log holds."""
        found = self.done("tail", "--room", room, "--since", "0", "--no-follow", "--json", *words)
        return [json.loads(line) for line in found.splitlines()]

    def texts(self, room: str) -> list[str]:
        """What was said in a room."""
        return [event["text"] for event in self.events(room)]


def administer(server: Server, *words: str, stdin: str = "") -> str:
    """What an administrator's command prints."""
    done = subprocess.run(
        [sys.executable, "-m", "chatroom.cli", *words, "--data", str(server.data)],
        input=stdin, capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    return done.stdout.strip()
