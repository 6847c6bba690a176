"""The `chatroom` command, given in this process, on a database of the test's own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chatroom.cli import main
from chatroom.domain.accounts import Change, Deed
from chatroom.store import changes, moderation
from chatroom.store.database import Database
from chatroom.store.opening import open_engines

PASSWORD = "correct horse battery"


class Terminal(io.TextIOWrapper):
    """Standard input where somebody sits."""

    def isatty(self) -> bool:
        return True


class Shell:
    """Where commands are given; `out` and `err` are what the last one wrote."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._capsys = capsys
        self._patch = patch
        self.out = self.err = ""
        for engine in open_engines(f"sqlite:///{folder / 'chatroom.sqlite3'}"):
            engine.dispose()
        self.database = Database(f"sqlite:///{folder / 'chatroom.sqlite3'}")

    def give(self, *words: str, stdin: str | bytes = "", typed: bool = False) -> int:
        """Give a command; its exit status. `typed`: standard input is a terminal."""
        raw = io.BytesIO(stdin if isinstance(stdin, bytes) else stdin.encode())
        self._patch.setattr("sys.stdin", Terminal(raw) if typed else io.TextIOWrapper(raw))
        self._capsys.readouterr()
        try:
            status = main([*words, "--data", str(self.folder)])
        except SystemExit as ended:
            status = int(ended.code or 0)
        self.out, self.err = self._capsys.readouterr()
        assert "Traceback" not in self.err
        return status

    def done(self, *words: str, stdin: str | bytes = "") -> str:
        """What a command that succeeds prints, without the line's end."""
        assert self.give(*words, stdin=stdin) == 0, self.err
        return self.out.removesuffix("\n")

    def listed(self, *words: str) -> list[dict[str, Any]]:
        """What a command lists as JSON."""
        return list(json.loads(self.done(*words, "list", "--json")))

    def refused(self, *words: str, stdin: str | bytes = "") -> str:
        """The one line with which a command is refused."""
        assert self.give(*words, stdin=stdin) == 1, self.out + self.err
        assert self.out == ""
        (line,) = self.err.splitlines()
        assert line.startswith("chatroom: ")
        return line.removeprefix("chatroom: ")

    def misused(self, *words: str) -> str:
        """The last line with which a command that is none is refused."""
        assert self.give(*words) == 2, self.out + self.err
        assert self.out == ""
        return self.err.splitlines()[-1]

    def user(self, name: str = "Ana", role: str = "member") -> str:
        """Make an account; its id."""
        return self.done("user", "add", name, "--role", role, "--password-stdin", stdin=f"{PASSWORD}\n")

    def asked(self, function: Any, *arguments: Any) -> Any:
        """What one of the store's functions says."""
        with self.database.reading() as connection:
            return function(connection, *arguments)

    def deeds(self) -> list[Deed]:
        """The audit log, oldest first."""
        return list(self.asked(moderation.deeds, None, 100))[::-1]

    def changes(self, after: int = 0) -> list[Change]:
        """What a running server is told of."""
        return list(self.asked(changes.changes, after))


def terminal(patch: pytest.MonkeyPatch, *answers: str) -> SimpleNamespace:
    """Somebody at a terminal, who types `answers` when asked for passwords."""
    typed = SimpleNamespace(asked=[], answers=list(answers))

    def ask(prompt: str, _stream: object = None) -> str:
        typed.asked.append(prompt)
        return typed.answers.pop(0)

    patch.setattr("getpass.getpass", ask)
    return typed
