"""What all commands share: the options that say where the database is, and how results are shown."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import msgspec

from chatroom.domain import names
from chatroom.domain.accounts import EVERYWHERE, Account, Deed
from chatroom.domain.model import Millis
from chatroom.options import DEFAULT_DATA
from chatroom.store import accounts, moderation
from chatroom.store.database import Connection, Database

BY = "command line"
"""Who did it, in the audit log."""

Options = argparse.Namespace


class Mistake(Exception):
    """Something that was asked for wrongly; the message says what to do instead."""


class Commands(Protocol):
    """Where a command is added: what argparse's `add_subparsers` gives."""

    def add_parser(self, name: str, **more: Any) -> argparse.ArgumentParser:
        """One command more."""


def group(commands: Commands, name: str, what: str) -> Commands:
    """A word that commands begin with."""
    parser = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
    found: Commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    return found


def command(
    commands: Commands, name: str, action: Callable[[Options], None], what: str
) -> argparse.ArgumentParser:
    """A command on the database."""
    parser = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=Path(DEFAULT_DATA),
        help="the server's data folder (%(default)s)",
    )
    where.add_argument("--store", metavar="URL", help="the database, where the server has a --store")
    parser.set_defaults(action=action)
    return parser


def listing(parser: argparse.ArgumentParser) -> None:
    """The command gives a list."""
    parser.add_argument("--json", action="store_true", help="as JSON, with times in milliseconds")


@contextmanager
def opened(options: Options, *, make: bool = False) -> Iterator[Database]:
    """The database that the options name, made where it is not there yet if that is meant: for what
    is set up before the server starts for the first time. Raises Unusable."""
    folder = options.data.expanduser().absolute()
    if make and options.store is None:
        _make(folder)
    url = options.store or f"sqlite:///{folder / 'chatroom.sqlite3'}"
    database = Database(url, make=make)
    if database.made:
        remark(f"a new database was made: {url.removeprefix('sqlite:///')}")
    try:
        yield database
    finally:
        database.close()


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Mistake(f"the data folder {folder} cannot be made ({error.strerror})") from None


def now() -> Millis:
    """The time."""
    return int(time.time() * 1000)


def note(
    connection: Connection, what: str, room: str = EVERYWHERE, subject: str = "", detail: str = ""
) -> None:
    """Put it into the audit log, in the same transaction."""
    moderation.note(connection, Deed(now(), BY, what, room, subject, detail))


def user_named(connection: Connection, name: str) -> Account:
    """The account of that name or id. Raises Mistake."""
    found = accounts.account(connection, name)
    if found is None or found.deleted:
        named = accounts.account_named(connection, names.name_key(name))
        if named is None:
            raise Mistake(f"there is no user {shown(name)}: `chatroom user list` shows who is there")
        found = named[0]
    return found


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
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def moment(at: Millis | None) -> str:
    """A time as people write it, in their zone; a dash for none."""
    if at is None:
        return "-"
    return datetime.fromtimestamp(at / 1000).astimezone().isoformat(" ", "minutes")
