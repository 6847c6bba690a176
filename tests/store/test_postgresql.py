"""What is PostgreSQL's own: opening it, losing it, and several servers on one database."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from chatroom.store import postgresql
from chatroom.store.commit import commit
from chatroom.store.opening import Unusable, epoch_of, open_engines
from chatroom.store.tables import metadata

from .. import postgresql as testing
from .drafts import said
from .keeping import OnServer

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def kept() -> Iterator[OnServer]:
    """A store on a database of its own."""
    made = OnServer()
    yield made
    made.close()


def refused(url: str) -> str:
    with pytest.raises(Unusable) as error:
        open_engines(url)
    message = str(error.value)
    assert "\n" not in message
    assert testing.PASSWORD.split()[0] + "%20" not in message
    return message


def opened(url: str) -> str:
    writing, reading = open_engines(url)
    try:
        return epoch_of(writing)
    finally:
        writing.dispose()
        reading.dispose()


# Opening.


def test_a_server_that_starts_does_not_wait_for_those_who_write(server, database):
    url = server.url(database)
    writing, _reading = open_engines(url)
    with writing.begin() as connection:
        commit(connection, [said("on its way")], careful=False)
        opened(url)
    writing.dispose()


def test_the_migrations_make_the_tables(server, database):
    opened(server.url(database))
    writing, _reading = open_engines(server.url(database))
    with writing.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                # What searching needs is made whenever it is missing.
                "include_name": lambda name, _kind, _: name != "message_words",
            },
        )
        assert compare_metadata(context, metadata) == []
        collations = text(
            "SELECT DISTINCT collation_name FROM information_schema.columns WHERE table_name = 'room'"
        )
        assert set(connection.scalars(collations)) == {"C", None}
    writing.dispose()


def test_several_servers_that_start_at_once_migrate_once_and_have_one_epoch(server, database):
    with ThreadPoolExecutor(6) as threads:
        epochs = set(threads.map(opened, [server.url(database)] * 6))
    assert len(epochs) == 1
    assert server.execute("SELECT count(*) FROM meta", database) == [(1,)]


@pytest.mark.parametrize("name", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_url_may_be_written_in_three_ways(server, database, name):
    assert opened(server.url(database).replace("postgresql", name, 1))


def test_a_server_that_is_not_there_is_said_so():
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        message = refused(f"postgresql://ana:secret@127.0.0.1:{nobody.getsockname()[1]}/chat")
    assert "cannot be reached" in message
    assert "secret" not in message


def test_a_wrong_password_is_said_so(server):
    message = refused(server.url(user="postgres:wrong"))
    assert "user and password" in message
    assert "wrong" not in message


def test_a_database_that_is_not_there_is_said_so(server):
    assert "createdb" in refused(server.url("nowhere"))


def test_an_encoding_that_does_not_hold_all_characters_is_said_so(server):
    server.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    try:
        assert "LATIN1" in refused(server.url("latin"))
    finally:
        server.drop("latin")


def test_a_server_that_is_too_old_is_said_so(server, database, monkeypatch):
    monkeypatch.setattr(postgresql, "OLDEST", 99)
    assert "needs 99" in refused(server.url(database))
    assert server.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database) == [(0,)]


def test_a_database_of_a_newer_version_is_refused(server, database):
    opened(server.url(database))
    server.execute("UPDATE alembic_version SET version_num = '9999'", database)
    assert "newer" in refused(server.url(database))


def test_a_database_that_can_only_be_read_is_said_so(server, database):
    server.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    assert "only be read" in refused(server.url(database))


def test_a_url_may_name_several_hosts_as_libpq_has_it(server, database):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        gone = f"127.0.0.1:{nobody.getsockname()[1]}"
        there = f"127.0.0.1:{server.port}"
        url = server.url(database).replace(there, f"{gone},{there}")
        assert opened(url) == opened(server.url(database))
        message = refused(url.replace(there, gone))
    assert "cannot be reached" in message
    assert f"@{gone},{gone}/{database}" in message


@pytest.mark.parametrize(
    ("url", "hosts", "ports"),
    [
        ("postgresql://ana@a:1,b:2/chat", "a,b", "1,2"),
        ("postgres://ana@a,b:2,[::1]:3/chat?sslmode=require", "a,b,::1", ",2,3"),
        ("postgresql://ana:x,y@a,b/chat", "a,b", ","),
        ("postgresql://ana@/chat?host=a:1&host=b:2", ("a:1", "b:2"), None),
    ],
)
def test_of_several_hosts_the_primary_server_is_asked_for(url, hosts, ports):
    query = postgresql.address(url).query
    assert (query["host"], query.get("port")) == (hosts, ports)
    assert query["target_session_attrs"] == "read-write"
    again = postgresql.address(f"{url}{'&' if '?' in url else '?'}target_session_attrs=any").query
    assert again["target_session_attrs"] == "any"


@pytest.mark.parametrize("url", ["postgresql://ana:x,y@a/chat", "postgresql://a/chat?host=b"])
def test_one_host_may_be_any_server(url):
    assert "target_session_attrs" not in postgresql.address(url).query


def test_several_hosts_are_named_without_the_password():
    shown = postgresql.shown(postgresql.address("postgresql://hosts:secret@a:1,[::1]:2/hosts"))
    assert shown == "the PostgreSQL database postgresql://hosts:***@a:1,[::1]:2/hosts"


def test_several_hosts_of_which_none_can_be_written_to_are_said_so(server, database):
    server.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    there = f"127.0.0.1:{server.port}"
    assert "none of the servers" in refused(server.url(database).replace(there, f"{there},{there}"))


@pytest.mark.parametrize("url", ["postgresql://x:port/y", "postgres://[::1/y", "postgres://a:1,b:x/y"])
def test_a_url_that_is_none_is_said_so(url):
    assert "--store" in refused(url)


def test_an_option_that_is_none_is_said_so(server, database):
    assert "colour" in refused(server.url(database) + "?colour=red")


def test_the_urls_own_settings_win(server, database):
    writing, reading = open_engines(server.url(database) + "?options=-c%20statement_timeout%3D1234")
    with writing.connect() as connection:
        asked = ("statement_timeout", "synchronous_commit", "application_name", "transaction_isolation")
        values = [connection.scalar(text(f"SHOW {name}")) for name in asked]
    with reading.connect() as connection:
        values.append(connection.scalar(text("SHOW transaction_isolation")))
    writing.dispose()
    reading.dispose()
    assert values == ["1234ms", "on", "chatroom", "read committed", "repeatable read"]


def test_psycopg_that_is_not_installed_is_said_so(monkeypatch):
    monkeypatch.setattr(postgresql, "find_spec", lambda _name: None)
    assert "chatroom[postgres]" in refused("postgresql://127.0.0.1/chat")
