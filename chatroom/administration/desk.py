"""What all commands on the database share: the options that say where it is, and opening it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from chatroom.domain import names
from chatroom.domain.accounts import EVERYWHERE, Account, Deed
from chatroom.domain.model import Millis
from chatroom.options import DEFAULT_DATA
from chatroom.store import accounts, moderation
from chatroom.store.database import Connection, Database
from chatroom.store.opening import Unusable, is_file, path_of
from chatroom.terminal import (
    Commands,
    Mistake,
    Options,
    between,
    file_named,
    group,
    moment,
    remark,
    say,
    say_json,
    say_table,
    shown,
    words,
)

__all__ = [
    "BY",
    "Commands",
    "Mistake",
    "Options",
    "between",
    "command",
    "database_file",
    "file_named",
    "group",
    "listing",
    "moment",
    "note",
    "now",
    "opened",
    "remark",
    "say",
    "say_json",
    "say_table",
    "shown",
    "user_named",
    "words",
]

BY = "command line"
"""Who did it, in the audit log."""


def command(
    commands: Commands, name: str, action: Callable[[Options], None], what: str
) -> argparse.ArgumentParser:
    """A command on the database."""
    parser = commands.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
    where = parser.add_mutually_exclusive_group()
    data = where.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=Path(DEFAULT_DATA),
        help="the server's data folder (%(default)s)",
    )
    file_named(data, folder=True)
    where.add_argument("--store", metavar="URL", help="the database, where the server has a --store")
    parser.set_defaults(action=action)
    return parser


def listing(parser: argparse.ArgumentParser) -> None:
    """The command gives a list."""
    parser.add_argument("--json", action="store_true", help="as JSON, with times in milliseconds")


@contextmanager
def opened(options: Options, *, make: bool = False) -> Iterator[Database]:
    """The database that the options name, made where it is not there yet if that is meant: for what
    is set up before the server starts for the first time. Raises Mistake where it cannot be used."""
    if make and options.store is None:
        _make(_folder(options))
    url = database_url(options)
    try:
        database = Database(url, make=make)
        if database.made:
            remark(f"a new database was made: {url.removeprefix('sqlite:///')}")
        try:
            yield database
        finally:
            database.close()
    except Unusable as error:
        raise Mistake(str(error)) from None


def database_url(options: Options) -> str:
    """Where the database is that the options name."""
    return options.store or f"sqlite:///{_folder(options) / 'chatroom.sqlite3'}"


def database_file(options: Options) -> Path:
    """The file that the database is. Raises Mistake where it is none."""
    url = database_url(options)
    if not is_file(url):
        raise Mistake("a PostgreSQL database is copied with pg_dump, and put back with pg_restore")
    return path_of(url)


def _folder(options: Options) -> Path:
    folder: Path = options.data
    return folder.expanduser().absolute()


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
