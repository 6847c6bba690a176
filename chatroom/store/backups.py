"""Copies of a whole database, made beside whoever uses it, and put back in its place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from chatroom.store.opening import BUSY_SECONDS, Unusable

Tell = Callable[[int, int], object]
"""Called with how many pages are copied, and how many there are."""

_PAGES = 2000
"""Pages copied at a time."""

_HEAD = b"SQLite format 3\0"


def back_up(source: Path, target: Path, tell: Tell) -> None:
    """Copy the database `source`, as it is at this moment, into the file `target`, which is one file
    and whose owner alone can read it; whoever writes to `source` meanwhile is not held up.

    Raises FileExistsError, OSError where `target` cannot be made, and Unusable.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with _explained(source), closing(_opened(source)) as of, closing(_opened(target)) as to:
            # A transaction holds the state of this moment: without one the copy would begin anew with
            # every message that is written.
            of.execute("BEGIN")
            of.execute("SELECT count(*) FROM sqlite_master").fetchone()
            of.backup(to, pages=_PAGES, progress=lambda _status, left, total: tell(total - left, total))
            of.execute("ROLLBACK")
            # One file, without the log that SQLite keeps beside it.
            to.execute("PRAGMA journal_mode = DELETE")
            _check(to, target)
        with target.open("rb") as copied:
            os.fsync(copied.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def check(backup: Path) -> None:
    """Raises Unusable where a file is no whole database of a chatroom."""
    try:
        with backup.open("rb") as opened:
            head = opened.read(len(_HEAD))
    except OSError as error:
        raise Unusable(f"{backup} cannot be read: {error.strerror}") from None
    if head != _HEAD:
        raise Unusable(f"{backup} is no backup: `chatroom backup FILE` makes one")
    with _explained(backup), closing(_opened(backup)) as connection:
        _check(connection, backup)
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
        if not {"alembic_version", "meta", "event"} <= names:
            raise Unusable(f"{backup} is another program's database")


def put_in_place(new: Path, path: Path) -> Path | None:
    """Let the database `new` be the one at `path`. Where there was one, it stays beside it, under the
    name that is returned. Nobody may be using either. Raises OSError."""
    aside = None
    if path.exists():
        aside = path.with_name(f"{path.name}.replaced-{datetime.now():%Y%m%d-%H%M%S}")
        with suppress(sqlite3.Error), closing(_opened(path)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for end in ("-wal", "-shm"):
            # What could not be taken into the old database belongs to it.
            if (beside := Path(f"{path}{end}")).exists():
                beside.rename(f"{aside}{end}")
        # Linked, so that at no moment there is none.
        os.link(path, aside)
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return aside


def _opened(path: Path) -> sqlite3.Connection:
    url = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(url, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise Unusable(f"{path} is damaged: {found.splitlines()[-1]}")


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if "full" in str(error):
            raise Unusable("no space is left: free some") from None
        raise Unusable(f"{path} cannot be used: {error}") from None
