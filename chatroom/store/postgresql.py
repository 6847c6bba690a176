"""PostgreSQL: how the server connects to it, what it asks of it, and what is said where that fails."""

import re
import time
from collections.abc import Mapping
from importlib.util import find_spec
from itertools import zip_longest
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, Text, create_engine, make_url, text
from sqlalchemy.dialects.postgresql import VARCHAR
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from chatroom.store.tables import metadata
from chatroom.store.unusable import Unusable
from chatroom.store.watch import Unanswered, Watch

NAMES = ("postgresql", "postgresql+psycopg", "postgres")
"""How a URL of a PostgreSQL database may begin."""

OLDEST = 13
"""The oldest version that will do: the oldest that its makers still mended when this was written."""

CONNECT_SECONDS = 5
"""How long a server may take to let a connection in."""

STATEMENT_SECONDS = 8
"""A statement that takes longer is given up: waiting for a lock too."""

IDLE_SECONDS = 5, 30
"""A transaction in which nothing happens for so long is ended: a writing one may hold a room's lock, and
its node be halted or cut off; and one that reads."""

READING = 6
"""So many connections are kept for reading: as many as there are threads that read."""

WRITING = 2
"""The same for writing."""

LETTING_GO = 20
"""Tenths of a second that a server's connections may still be seen after its end."""

_MIGRATING, _REGISTERING = 0x63686174, 0x63686175
"""Keys of advisory locks, which are a database's: ours, in the hope that nobody else's."""


_SEVERAL = re.compile(
    r"(?P<before>[^:]+://([^/?]*@)?)(?P<hosts>[^/?@]*,[^/?@]*)(?P<after>([/?].*)?)", re.DOTALL
)
"""A URL that names several hosts, as libpq has it: https://www.postgresql.org/docs/current/libpq-connect.html,
34.1.1.3."""


def address(url: str) -> URL:
    """Where the database at `url` is. Of several hosts, the one whose server can be written to is asked
    for, unless the URL says otherwise. Raises Unusable."""
    try:
        several = _SEVERAL.fullmatch(url)
        if several is not None:
            url = several["before"] + several["after"]
        where = make_url(f"postgresql{url[url.index(':') :]}").set(drivername="postgresql+psycopg")
        if several is not None:
            named = [urlsplit(f"//{one}") for one in several["hosts"].split(",")]
            hosts, ports = zip(*[(one.hostname or "", str(one.port or "")) for one in named], strict=True)
            where = where.update_query_dict({"host": ",".join(hosts), "port": ",".join(ports)})
    except (ArgumentError, ValueError):
        raise Unusable(
            "--store takes a URL such as postgresql://user@host:5432/database, or with several hosts"
            " postgresql://user@one:5432,other:5432/database"
        ) from None
    if "," in _hosts(where) and "target_session_attrs" not in where.query:
        where = where.update_query_dict({"target_session_attrs": "read-write"})
    return where


def _with_hosts(plain: URL, hosts: str) -> str:
    before, _, after = plain.set(host=",", port=None).render_as_string().partition(",")
    return f"{before}{hosts}{after}"


def _hosts(where: URL) -> str:
    """The hosts and ports that the query of an address names."""
    hosts, ports = where.query.get("host", ()), str(where.query.get("port", ""))
    if not isinstance(hosts, str):
        return ",".join(hosts)
    of = ports.split(",") if ports.strip(",") else []
    named = [f"[{one}]" if ":" in one else one for one in hosts.split(",")]
    return ",".join(f"{one}:{port}" if port else one for one, port in zip_longest(named, of[: len(named)]))


def open_engines(where: URL, watch: Watch) -> tuple[Engine, Engine]:
    """A writing and a reading engine, under `watch`; neither has connected yet. Raises Unusable."""
    if find_spec("psycopg") is None:
        raise Unusable("PostgreSQL takes one more package: pip install 'chatroom[postgres]'")
    # What is written takes turns: READ COMMITTED sees, after each wait for a lock, what was committed.
    # What is read in several queries is read of one moment.
    writing = _engine(where, IDLE_SECONDS[0], "READ COMMITTED", WRITING, pool_pre_ping=True)
    engines = writing, _engine(where, IDLE_SECONDS[1], "REPEATABLE READ", READING)
    from chatroom.store.watched import keep_watch

    for engine in engines:
        keep_watch(engine, watch)
    return engines


def shown(where: URL) -> str:
    """The database, as messages name it: without the password."""
    plain = where.set(drivername="postgresql", query={})
    hosts = _hosts(where)
    shown = plain.render_as_string() if "," not in hosts else _with_hosts(plain, hosts)
    return f"the PostgreSQL database {shown}"


def check(connection: Connection, where: URL) -> None:
    """Raises Unusable where the server is too old or does not keep all characters."""
    version = int(str(connection.scalar(text("SHOW server_version_num")))) // 10_000
    if version < OLDEST:
        raise Unusable(
            f"{shown(where)} is on PostgreSQL {version}, and chatroom needs {OLDEST} or later: upgrade it"
        )
    encoding = str(connection.scalar(text("SHOW server_encoding")))
    if encoding != "UTF8":
        raise Unusable(
            f"{shown(where)} keeps texts as {encoding}: make one with CREATE DATABASE … ENCODING 'UTF8'"
            " TEMPLATE template0"
        )


def check_alone(connection: Connection) -> None:
    """Raises Unusable where a server is connected to the database."""
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'chatroom' AND pid <> pg_backend_pid()"
    )
    # Somebody who has just let go may still be seen.
    for _ in range(LETTING_GO):
        if not connection.scalar(others):
            return
        # What is seen is remembered until then.
        connection.execute(text("SELECT pg_stat_clear_snapshot()"))
        time.sleep(0.1)
    raise Unusable("a chatroom server works on the PostgreSQL database: stop it first")


def migrate_alone(connection: Connection) -> None:
    """Until this transaction ends no other node migrates this database; and it may take its time."""
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})


def write_alone(connection: Connection) -> None:
    """Until this transaction ends no other one of any node that calls this writes.

    What the registry leaves for others to read is numbered in the order in which it is committed; on
    SQLite all writing is like this.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _REGISTERING})


def collate(connection: Connection) -> None:
    """Have texts compared byte by byte, as SQLite does, whatever the database's own rules are.

    An index by a language's rules is spoilt when an update of the system's libraries changes them.
    """
    query = text(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = current_schema() AND data_type IN ('text', 'character varying')"
        " AND collation_name IS DISTINCT FROM 'C'"
    )
    quote = connection.dialect.identifier_preparer.quote
    for table, column, kind in connection.execute(query).all():
        if table in metadata.tables:
            as_kind = Text() if kind == "text" else VARCHAR()
            now = as_kind.compile(dialect=connection.dialect)
            change = f'ALTER COLUMN {quote(column)} TYPE {now} COLLATE "C"'
            connection.execute(text(f"ALTER TABLE {quote(table)} {change}"))


def lost(error: DBAPIError) -> bool:
    """Whether it is not what was asked that failed, but the connection, or the server behind it."""
    if error.connection_invalidated:
        return True
    state = getattr(error.orig, "sqlstate", "")
    if state is None:
        # Said on this side of the connection, not by the server.
        return isinstance(error, OperationalError)
    # It ends, or begins; or has too many connections; or it was the primary server, and is no more.
    return state[:2] == "08" or state[:3] == "57P" or state in ("53300", "25006")


def unanswered(error: BaseException | None) -> bool:
    """Whether it is that no answer came in time; what is said last may be that there is no connection to
    roll back on."""
    while error is not None and not isinstance(error, Unanswered):
        error = error.__context__
    return error is not None


def explain(error: DBAPIError, where: URL) -> str:
    """What is wrong with the database, and what to do, in one sentence."""
    problem = " ".join(str(error.orig).split())
    database = shown(where)
    if "password authentication failed" in problem or "no password supplied" in problem:
        return f"{database} does not take this user and password: check --store (or PGPASSWORD)"
    if "does not exist" in problem and "role" in problem:
        return f"{database} knows no such user: make one with createuser, or check --store"
    if "does not exist" in problem and "database" in problem:
        return f"{database} is not there: make it with createdb, or check --store"
    if "no pg_hba.conf entry" in problem:
        return f"{database} does not let this machine or user in: see the server's pg_hba.conf"
    if "session is read-only" in problem:
        return f"none of the servers of {database} can be written to now: see whether one is promoted"
    if "read-only transaction" in problem:
        return f"{database} can only be read: name the primary server with --store, not a replica"
    if "permission denied" in problem:
        return f"{database} may not be written by this user: make it the database's owner ({problem})"
    if "too many" in problem:
        return f"{database} has too many connections: raise its max_connections, or end some"
    if error.connection_invalidated or "connect" in problem or "resolve" in problem:
        return f"{database} cannot be reached: start it, or check --store ({_cause(problem)})"
    return f"{database} cannot be used: {problem}"


def _cause(problem: str) -> str:
    """What libpq has to say, without its advice."""
    last, *_ = problem.split(" Multiple connection attempts failed")
    return last.split(" Is the server")[0].removeprefix("connection failed: ")


def _engine(where: URL, idle: int, isolation: Any, size: int, **more: Any) -> Engine:
    return create_engine(
        where.difference_update_query(["options"]),
        connect_args={**_settings(), "options": _options(where.query, idle)},
        isolation_level=isolation,
        pool_size=size,
        max_overflow=2,
        pool_use_lifo=True,
        use_native_hstore=False,
        # An error that is logged tells the statement, and none of the texts and hashes that were in it.
        hide_parameters=True,
        **more,
    )


def _settings() -> dict[str, Any]:
    return {
        "application_name": "chatroom",
        "client_encoding": "utf8",
        "connect_timeout": CONNECT_SECONDS,
        # A server that is gone without a word is noticed.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": (STATEMENT_SECONDS + CONNECT_SECONDS) * 1000,
    }


def _options(query: Mapping[str, Any], idle: int) -> str:
    """The session's settings; those in the URL's own `options` come last, and win."""
    ours = {
        "statement_timeout": STATEMENT_SECONDS * 1000,
        "idle_in_transaction_session_timeout": idle * 1000,
        # A node that is gone without a word is noticed too, and its places for connections are free.
        "tcp_keepalives_idle": 10,
        "tcp_keepalives_interval": 5,
        "tcp_keepalives_count": 3,
        # An acknowledged message is on disk, also where the database's default is that it need not be.
        "synchronous_commit": "on",
    }
    theirs = query.get("options", "")
    return " ".join([*(f"-c {name}={value}" for name, value in ours.items()), str(theirs)]).strip()
