"""What all commands share that touch no database: their words, and how results are shown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from chatroom.domain.model import Millis

Options = argparse.Namespace

FILES = {"bash": "_shtab_compgen_files", "zsh": "_files"}
FOLDERS = {"bash": "_shtab_compgen_dirs", "zsh": "_files -/"}
"""shtab's FILE and DIRECTORY: to import it takes longer than most commands do."""

DONE, COULD_NOT, MISUSED, UNREACHABLE, REFUSED, INTERRUPTED = 0, 1, 2, 3, 4, 130
"""What commands exit with (docs/command-line.md)."""


class Mistake(Exception):
    """Something that was asked for wrongly; the message says what to do instead. `status` is what
    the command exits with."""

    def __init__(self, message: str, status: int = COULD_NOT) -> None:
        super().__init__(message)
        self.status = status


class Commands(Protocol):
    """Where a command is added: what argparse's `add_subparsers` gives."""

    def add_parser(self, name: str, **more: Any) -> argparse.ArgumentParser:
        """One command more."""


def group(commands: Commands, name: str, what: str) -> Commands:
    """A word that commands begin with."""
    parser = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
    found: Commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    return found


def file_named(action: argparse.Action, *, folder: bool = False) -> None:
    """Shells complete this argument with the names of files, or of folders."""
    action.complete = FOLDERS if folder else FILES  # type: ignore[attr-defined]


def words(longest: int) -> Callable[[str], str]:
    """For argparse: a text of at most so many characters."""

    def read(raw: str) -> str:
        if len(raw) > longest:
            raise argparse.ArgumentTypeError(f"at most {longest} characters")
        if not raw.isprintable():
            raise argparse.ArgumentTypeError("one line, without control characters")
        return raw

    return read


def between(least: int, most: int) -> Callable[[str], int]:
    """For argparse: a whole number."""

    def read(raw: str) -> int:
        if not raw.isdecimal() or not least <= (number := int(raw)) <= most:
            raise argparse.ArgumentTypeError(f"a number from {least} to {most}")
        return number

    return read


def say(result: str) -> None:
    """What the command was given for: on standard output."""
    sys.stdout.write(result + "\n")


def remark(text: str) -> None:
    """What is good to know besides, in one line: on standard error."""
    sys.stderr.write(shown(text) + "\n")


def say_json(value: object) -> None:
    """A result for programs."""
    say(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def say_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A result for people: columns under their heads."""
    cells = [[shown(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def shown(text: str) -> str:
    """A text that moves no cursor and paints nothing, whoever wrote it."""
    return "".join(
        char if char.isprintable() or char in _JOINERS else "\N{REPLACEMENT CHARACTER}" for char in text
    )


_JOINERS = "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
"""What emoji, and words of many languages, are made with."""


def moment(at: Millis | None) -> str:
    """A time as people write it, in their zone; a dash for none."""
    if at is None:
        return "-"
    return datetime.fromtimestamp(at / 1000).astimezone().isoformat(" ", "minutes")
