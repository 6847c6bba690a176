"""Taking all that is kept from one database to another, of whichever kinds they are."""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import zip_longest
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Table, func, insert, select, text
from sqlalchemy.exc import DBAPIError

from chatroom.store.opening import Unusable, is_file, open_engines, path_of, told
from chatroom.store.postgresql import check_alone
from chatroom.store.tables import meta, metadata

BATCH = 1_000
"""So many rows are read, and written, at once."""

Progress = Callable[[str, int, int], None]
"""Told of a table's name, how many of its rows are done, and how many there are."""


class Moved(NamedTuple):
    """A table, and how many rows of it are in both databases, each the same."""

    table: str
    rows: int


def move(source: str, target: str, *, rehearsal: bool, copied: Progress, compared: Progress) -> list[Moved]:
    """Copy every row of the database at `source` into the empty one at `target`, and compare them all.

    One transaction: until all are found to be the same, the target stays as it was; after a
    `rehearsal` too, but for its empty tables. No server may work on either; on the source one may
    during a rehearsal. Raises Unusable.
    """
    if is_file(source) and not path_of(source).exists():
        raise Unusable(f"there is no database {path_of(source)} to take anything from")
    with ExitStack() as stack:
        if not rehearsal:
            stack.enter_context(_alone(source))
        stack.enter_context(_alone(target))
        writing, reading = stack.enter_context(_opened(source))
        into, _ = stack.enter_context(_opened(target))
        for url, engine in ((target, into), *(() if rehearsal else ((source, reading),))):
            with _told(url), engine.connect() as connection:
                if not is_file(url):
                    check_alone(connection)
        # A file's writing transaction keeps every other writer out.
        here = reading if rehearsal or not is_file(source) else writing
        return _move(source, here, target, into, rehearsal, copied, compared)


def _move(
    source: str,
    here: Engine,
    target: str,
    into: Engine,
    rehearsal: bool,
    copied: Progress,
    compared: Progress,
) -> list[Moved]:
    with _told(source, target), here.connect() as old, into.connect() as new, new.begin() as all_of_it:
        for connection in (old, new):
            _take_time(connection)
        _check_empty(new, target)
        for table in metadata.sorted_tables:
            _copy(old, new, table, copied)
        moved = [Moved(table.name, _compare(old, new, table, compared)) for table in metadata.sorted_tables]
        if rehearsal:
            all_of_it.rollback()
    return moved


def _copy(old: Connection, new: Connection, table: Table, copied: Progress) -> None:
    count, done = _count(old, table), 0
    if table is meta:
        new.execute(meta.delete())
    for rows in _rows(old, table).mappings().partitions(BATCH):
        new.execute(insert(table), [dict(row) for row in rows])
        done += len(rows)
        copied(table.name, done, count)
    key = table.autoincrement_column
    if new.dialect.name == "postgresql" and key is not None:
        last = new.scalar(select(func.max(key)))
        if last is not None:
            # What comes next is numbered after it.
            new.execute(select(func.setval(func.pg_get_serial_sequence(table.name, key.name), last)))


def _compare(old: Connection, new: Connection, table: Table, compared: Progress) -> int:
    count, done = _count(old, table), 0
    for one, other in zip_longest(_rows(old, table), _rows(new, table)):
        if one is None or other is None or tuple(one) != tuple(other):
            row = other if one is None else one
            which = ", ".join(str(getattr(row, column.name)) for column in table.primary_key)
            raise Unusable(f"{table.name} {which} is not the same in both databases; nothing was changed")
        done += 1
        if done % BATCH == 0 or done == count:
            compared(table.name, done, count)
    return done


def _rows(connection: Connection, table: Table) -> Any:
    """All of its rows, in an order that is the same in every database."""
    streamed = connection.execution_options(yield_per=BATCH)
    return streamed.execute(select(table).order_by(*table.primary_key))


def _count(connection: Connection, table: Table) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def _check_empty(connection: Connection, url: str) -> None:
    for table in metadata.sorted_tables:
        if table is not meta and connection.execute(select(table).limit(1)).first() is not None:
            raise Unusable(
                f"--to: there is something in that database already ({table.name}): take an empty one"
            )


def _take_time(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.execute(text(f"SET LOCAL {limit} = 0"))


@contextmanager
def _alone(url: str) -> Iterator[None]:
    """No server works on this file meanwhile. Raises Unusable."""
    with ExitStack() as stack:
        if is_file(url):
            path = path_of(url)
            for lock in (path.with_name("lock"), path.with_name(f"{path.name}.lock")):
                if lock.is_file():
                    held = os.open(lock, os.O_RDONLY)
                    stack.callback(os.close, held)
                    try:
                        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except OSError:
                        raise Unusable(f"a chatroom server works on {path}: stop it first") from None
        yield


@contextmanager
def _opened(url: str) -> Iterator[tuple[Engine, Engine]]:
    engines = open_engines(url)
    # A connection that is kept would look like a server's.
    for engine in engines:
        engine.dispose()
    try:
        yield engines
    finally:
        for engine in engines:
            engine.dispose()


@contextmanager
def _told(*urls: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        of_file = isinstance(error.orig, sqlite3.Error)
        url = next((one for one in urls if is_file(one) == of_file), urls[0])
        raise Unusable(told(error, url)) from error
