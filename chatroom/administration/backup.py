"""`chatroom backup`: a copy of everything."""

from __future__ import annotations

import sys
from pathlib import Path

from chatroom.administration.desk import (
    Commands,
    Mistake,
    Options,
    command,
    database_file,
    file_named,
    remark,
)
from chatroom.store import backups
from chatroom.store.opening import Unusable


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = command(commands, "backup", _backup, "copy the database into a file, also while it is used")
    file = parser.add_argument("file", metavar="FILE", type=Path, help="the copy; it must not exist yet")
    file_named(file)


def _backup(options: Options) -> None:
    try:
        source = database_file(options)
        if not source.exists():
            raise Mistake(f"there is no database {source}: say where the server keeps its data with --data")
        backups.back_up(source, options.file, progress)
    except Unusable as error:
        raise Mistake(str(error)) from None
    except FileExistsError:
        raise Mistake(f"{options.file} is there already; move it away, or name another file") from None
    except OSError as error:
        raise Mistake(f"{options.file} cannot be written: {error.strerror}") from None
    size = options.file.stat().st_size // 1024
    remark(f"{options.file}: {size} KiB, with everything in it; keep it to yourself")


def progress(done: int, total: int) -> None:
    """How far a copy is, where somebody looks on."""
    if sys.stderr.isatty():
        share = 100 * done // max(1, total)
        sys.stderr.write(f"\r{share} %\x1b[K" if done < total else "\r\x1b[K")
        sys.stderr.flush()
