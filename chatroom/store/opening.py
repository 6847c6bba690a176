"""Opening a database: it is there, sound, ours, and brought up to date."""

import os
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import (
    Connection,
    Engine,
    create_engine,
    delete,
    event,
    insert,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError

from chatroom.store import postgresql, search
from chatroom.store.prepared import Prepared
from chatroom.store.tables import meta
from chatroom.store.unusable import Unusable
from chatroom.store.upsert import upsert
from chatroom.store.watch import Watch

__all__ = [
    "Unusable",
    "begin_epoch",
    "epoch_of",
    "explain",
    "files_of",
    "is_file",
    "open_engines",
    "path_of",
    "told",
]

BUSY_SECONDS = 5
"""How long a connection waits for another program's lock."""

SQLITE = (3, 35)
"""The oldest SQLite that will do: the first one with RETURNING."""

CHECKED_BYTES = 256 * 1024 * 1024
"""Up to this size a database is checked whole at every start; it takes about a second."""


def open_engines(url: str, *, checked: bool = True, watch: Watch | None = None) -> tuple[Engine, Engine]:
    """A writing and a reading engine on the database at `url`, migrated. Raises Unusable.

    `checked`: look first whether a file is sound, which reads all of it. `watch` is kept on a server.
    """
    if is_file(url):
        return _open_file(_sqlite_url(url), checked)
    return _open_server(postgresql.address(url), watch or Watch())


def _open_server(where: URL, watch: Watch) -> tuple[Engine, Engine]:
    writing, reading = postgresql.open_engines(where, watch)
    try:
        with writing.begin() as connection:
            postgresql.check(connection, where)
            postgresql.migrate_alone(connection)
            _migrate(connection)
            postgresql.collate(connection)
            search.prepare(connection)
    except DBAPIError as error:
        writing.dispose()
        raise Unusable(postgresql.explain(error, where)) from error
    except (CommandError, Unusable) as error:
        writing.dispose()
        raise Unusable(str(error)) from error
    return writing, reading


def _open_file(where: URL, checked: bool) -> tuple[Engine, Engine]:
    if sqlite3.sqlite_version_info < SQLITE:
        raise Unusable(
            f"this Python comes with SQLite {sqlite3.sqlite_version}, and chatroom needs"
            f" {'.'.join(map(str, SQLITE))}: use a newer Python, or install a newer SQLite"
        )
    path = Path(where.database or "")
    _make(path)
    writing = _engine(where, "BEGIN IMMEDIATE")
    try:
        if checked:
            with writing.connect() as connection:
                _check(connection, path)
        with writing.begin() as connection:
            _migrate(connection)
            search.prepare(connection)
    except DBAPIError as error:
        writing.dispose()
        raise Unusable(explain(error, path)) from error
    except (CommandError, Unusable) as error:
        writing.dispose()
        raise Unusable(str(error)) from error
    return writing, _engine(where, "BEGIN")


def is_file(url: str) -> bool:
    """Whether the database at `url` is one of this machine's files, which one server has for itself."""
    return url.partition("://")[0] not in postgresql.NAMES


def path_of(url: str) -> Path:
    """Where the database at `url` is, or would be. Raises Unusable."""
    return Path(str(_sqlite_url(url).database))


def files_of(url: str) -> list[Path]:
    """The files of the database at `url` that are there: its own first, then those beside it."""
    if not is_file(url):
        return []
    path = str(path_of(url))
    return [Path(path + end) for end in ("", "-wal", "-shm", ".lock") if Path(path + end).exists()]


def told(error: DBAPIError, url: str) -> str:
    """What is wrong with the database at `url`, and what to do, in one sentence."""
    return (
        explain(error, path_of(url)) if is_file(url) else postgresql.explain(error, postgresql.address(url))
    )


def epoch_of(engine: Engine) -> str:
    """The log's epoch, made at the first start."""
    with engine.begin() as connection:
        query = select(meta.c.value).where(meta.c.name == "epoch")
        found = connection.scalar(query)
        if found is None:
            # Of several nodes that start at once, one makes it.
            made = upsert(connection, meta).values(name="epoch", value=secrets.token_urlsafe(9))
            connection.execute(made.on_conflict_do_nothing())
            found = connection.scalar(query)
    return str(found)


def begin_epoch(connection: Connection) -> str:
    """The log begins another life: no client resumes in it where it was in the one before."""
    epoch = secrets.token_urlsafe(9)
    connection.execute(delete(meta).where(meta.c.name == "epoch"))
    connection.execute(insert(meta).values(name="epoch", value=epoch))
    return epoch


def explain(error: DBAPIError, path: Path) -> str:
    """What is wrong with the database file `path`, and what to do, in one sentence."""
    problem = str(error.orig)
    if "locked" in problem:
        return f"{path} is locked by another program: end that one, or use another --data folder"
    if "not a database" in problem or "malformed" in problem:
        return (
            f"{path} is damaged ({problem}): put a backup in its place, or move it away to start an empty one"
        )
    if "unable to open" in problem and not path.parent.is_dir():
        return (
            f"there is no folder {path.parent} for the database: make it, or name another file with --store"
        )
    if "readonly" in problem or "unable to open" in problem:
        return (
            f"{path} cannot be written: give it to the user that runs chatroom, or use another --data folder"
        )
    if "full" in problem:
        return f"no space is left for {path}: free some"
    return f"{path} cannot be used: {problem}"


def _sqlite_url(url: str) -> URL:
    try:
        where = make_url(url)
    except ArgumentError:
        raise Unusable(
            f"--store takes a URL such as sqlite:////var/lib/chatroom/log.sqlite3 or"
            f" postgresql://user@host/database, not {url!r}"
        ) from None
    if where.get_backend_name() != "sqlite":
        raise Unusable(f"--store: the log is kept in SQLite or PostgreSQL, not in {where.get_backend_name()}")
    if where.drivername != "sqlite" or where.host or where.query:
        raise Unusable(f"--store takes sqlite:///FILE and nothing around it, not {url!r}")
    if not where.database or where.database == ":memory:":
        raise Unusable("--store: a log that nothing is lost from needs a file, as in sqlite:///log.sqlite3")
    # Absolute: twistd may change the folder (--rundir) before the server opens it again.
    return where.set(database=str(Path(where.database).absolute()))


def _make(path: Path) -> None:
    """Make a database that is not there yet one that others cannot read; SQLite's own files follow it."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT, 0o600))
    except OSError:
        pass  # SQLite is about to say why


def _engine(where: URL, begin: str) -> Engine:
    # An error that is logged tells the statement, and none of the texts and hashes that were in it.
    engine = create_engine(where, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _beginner(Prepared(engine.dialect, text(begin))))
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    # Python's own transaction handling begins too late and not as we say.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    # An acknowledged message is on disk: NORMAL would lose the last ones with the power.
    connection.execute("PRAGMA synchronous = FULL")
    # A deleted text is not left in the file's free pages.
    connection.execute("PRAGMA secure_delete = ON")


def _beginner(begin: Prepared) -> Callable[[Connection], Any]:
    return lambda connection: begin.run(connection)


def _check(connection: Connection, path: Path) -> None:
    if path.stat().st_size > CHECKED_BYTES:
        return
    found = connection.scalar(text("PRAGMA quick_check(1)"))
    if found != "ok":
        *_heading, problem = str(found).splitlines()
        raise Unusable(
            f"{path} is damaged ({problem}): put a backup in its place, or move it away to start an empty one"
        )


def _migrate(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if inspect(connection).has_table("alembic_version"):
        there = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if there is not None and there not in known:
            raise Unusable(
                f"the database was made by a newer chatroom (its version is {there}):"
                " install that one, or use another database"
            )
    command.upgrade(config, "head")
