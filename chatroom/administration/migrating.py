"""`chatroom migrate`: from one database to another, such as from SQLite to PostgreSQL, and back."""

from __future__ import annotations

import argparse
import time

from chatroom.store.opening import Unusable
from chatroom.store.transfer import move
from chatroom.terminal import Commands, Mistake, Options, remark, say_json, say_table

EVERY = 1.0
"""Seconds between two lines that say how far it is."""


def add_to(commands: Commands) -> None:
    """Add the command."""
    migrate = commands.add_parser(
        "migrate",
        help="take everything from one database to another",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Take everything from one database to another, empty one, and compare every row:\n\n"
        "  chatroom migrate --from sqlite:///chatroom-data/chatroom.sqlite3 --to postgresql://chat@db/chat\n\n"
        "Stop the server first; for a rehearsal it may run. The database it is taken from stays as it is.\n"
        "People who were connected resume where they were, once a server is started on the new one.",
    )
    migrate.add_argument("--from", dest="source", metavar="URL", required=True, help="the database there is")
    migrate.add_argument("--to", dest="target", metavar="URL", required=True, help="an empty one")
    migrate.add_argument(
        "--rehearse", action="store_true", help="do all of it, then leave the new database empty"
    )
    migrate.add_argument("--json", action="store_true", help="as JSON: how many rows of each table")
    migrate.set_defaults(action=_migrate)


def _migrate(options: Options) -> None:
    started = time.monotonic()
    try:
        moved = move(
            options.source,
            options.target,
            rehearsal=options.rehearse,
            copied=_Told("copied"),
            compared=_Told("compared"),
        )
    except Unusable as error:
        raise Mistake(str(error)) from None
    if options.json:
        say_json({one.table: one.rows for one in moved})
    else:
        say_table(("table", "rows"), [(one.table, str(one.rows)) for one in moved if one.rows])
    took = f"{time.monotonic() - started:.1f} s"
    if options.rehearse:
        remark(f"every row would be the same in both; it took {took}, and the new database is empty again")
    else:
        remark(
            f"every row is the same in both; it took {took}. Start the server with --store and the new one"
        )


class _Told:
    """Says now and then how far it is."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._last = time.monotonic()

    def __call__(self, table: str, done: int, count: int) -> None:
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            remark(f"{self._what} {done:,} of {count:,} rows of {table}")
