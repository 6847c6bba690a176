"""`chatroom restore`: everything as it was."""

from __future__ import annotations

import os
from pathlib import Path

from chatroom.administration.backup import progress
from chatroom.administration.desk import (
    Commands,
    Mistake,
    Options,
    command,
    database_file,
    file_named,
    note,
    remark,
)
from chatroom.store import backups, opening
from chatroom.store.database import Database
from chatroom.store.locks import take, take_data
from chatroom.store.opening import Unusable


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = command(commands, "restore", _restore, "put a backup in the database's place")
    file = parser.add_argument("file", metavar="FILE", type=Path, help="what `chatroom backup` has made")
    file_named(file)


def _restore(options: Options) -> None:
    try:
        path = database_file(options)
        backups.check(options.file)
        lock = _locked(options, path)
        try:
            aside = _put(options.file, path)
        finally:
            os.close(lock)
    except Unusable as error:
        raise Mistake(str(error)) from None
    except OSError as error:
        raise Mistake(f"{path} cannot be written: {error.strerror}") from None
    remark(f"{options.file} is in place; clients read it anew when they come back")
    if aside is not None:
        remark(f"what was there before is {aside}")


def _locked(options: Options, path: Path) -> int:
    """The lock of whoever works on the database. Raises Unusable where a server does."""
    if options.store is None:
        return take_data(path.parent)
    return take(path.with_name(f"{path.name}.lock"), f"{path}", "--store")


def _put(backup: Path, path: Path) -> Path | None:
    """Where what was there before is now."""
    new = path.with_name(f"{path.name}.restoring")
    for left in ("", "-wal", "-shm", "-journal"):
        Path(f"{new}{left}").unlink(missing_ok=True)
    try:
        backups.back_up(backup, new, progress)
        database = Database(f"sqlite:///{new}")
        try:
            with database.writing() as connection:
                # Whoever was further in the log that is replaced must not resume in this one.
                opening.begin_epoch(connection)
                note(connection, "restore", detail=backup.name)
        finally:
            database.close()
        return backups.put_in_place(new, path)
    finally:
        new.unlink(missing_ok=True)
