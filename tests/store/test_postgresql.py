"""What is PostgreSQL's own: opening it, losing it, and several servers on one database."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from chatroom.domain.accounts import Membership
from chatroom.domain.errors import Internal, Unavailable
from chatroom.store import postgresql
from chatroom.store.commit import commit
from chatroom.store.opening import Unusable, epoch_of, open_engines
from chatroom.store.rows import events_of, to_event
from chatroom.store.tables import metadata

from .. import postgresql as testing
from .drafts import edited, said
from .keeping import PATIENCE, OnServer, Real

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def server() -> testing.Server:
    """The session's server."""
    return testing.server()


@pytest.fixture
def database(server) -> Iterator[str]:
    """An empty database."""
    name = server.database()
    yield name
    server.drop(name)


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


# Losing it.


@pytest.fixture
def own() -> Iterator[testing.Server]:
    """A server of this test's own, which it may end."""
    made = testing.another()
    yield made
    made.stop()


def test_a_server_that_was_started_again_meanwhile_is_no_error(own):
    kept = Real(own.url())
    try:
        kept.wait(kept.store.append(said("before")))
        assert kept.wait(kept.store.registry.last_change()) == 0
        own.stop()
        own.start()
        assert kept.wait(kept.store.append(said("after"))).seq == 2
        assert [one.text for one in kept.wait(kept.store.after("lobby", 0, 9)).events] == ["before", "after"]
        kept.wait(kept.store.registry.set_membership(Membership("den", "u1", "Ana", "member")))
    finally:
        kept.close()


def test_without_a_server_posts_are_refused_and_none_is_lost(own):
    kept = Real(own.url())
    try:
        written = [kept.wait(kept.store.append(said("before"))).seq]
        own.stop()
        for _ in range(3):
            with pytest.raises(Unavailable) as error:
                kept.wait(kept.store.append(said("meanwhile", key="k")))
            assert error.value.retry_after
            with pytest.raises(Unavailable):
                kept.wait(kept.store.head("lobby"))
            with pytest.raises(Unavailable):
                kept.wait(kept.store.registry.last_change())
        own.start()
        written.append(kept.wait(kept.store.append(said("meanwhile", key="k"))).seq)
        assert written == [1, 2]
        assert kept.wait(kept.store.head("lobby")) == 2
    finally:
        kept.close()


def test_a_connection_that_is_cut_in_a_commit_refuses_and_recovers(kept, server):
    """Somebody else holds the room's lock; the waiting connection is cut."""
    import psycopg

    kept.wait(kept.store.append(said("before")))
    with psycopg.connect(server.url(kept.database)) as other:
        other.execute("UPDATE room SET head = head")
        waiting = kept.store.append(said("cut"))
        stuck = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{kept.database}' AND wait_event_type = 'Lock'"
        )
        # The commit is tried on another connection, which is cut as well.
        for _ in range(2):
            testing.wait_for(lambda: server.execute(stuck))
        with pytest.raises(Unavailable):
            kept.wait(waiting)
    assert kept.wait(kept.store.append(said("after"))).seq == 2


def test_what_is_committed_together_is_sent_in_whole_statements(server, database, monkeypatch):
    # For the rest of what a server has begun to send, and is halted, the database would wait for ever.
    import psycopg

    monkeypatch.delattr(psycopg.Cursor, "executemany")
    writing, _reading = open_engines(server.url(database))
    drafts = [said(f"é {n}", key=None if n % 3 else f"key {n}", at=10**n) for n in range(10)]
    with writing.begin() as connection:
        first = commit(connection, drafts, careful=False)
        second = commit(connection, [edited(1), said("none has a key")], careful=False)
    events = [event for event, _new in (*first, *second)]
    with writing.connect() as connection:
        assert [to_event(row) for row in connection.execute(events_of("lobby"))][1:] == events[1:]
    writing.dispose()


def test_a_lock_that_is_held_too_long_refuses(server, database):
    import psycopg

    kept = Real(server.url(database) + "?options=-c%20statement_timeout%3D200")
    try:
        kept.wait(kept.store.append(said("before")))
        with psycopg.connect(server.url(database)) as other:
            other.execute("UPDATE room SET head = head")
            with pytest.raises(Unavailable):
                kept.wait(kept.store.append(said("meanwhile")))
        assert kept.wait(kept.store.append(said("after"))).seq == 2
    finally:
        kept.close()


@pytest.mark.parametrize("bad", [said("\ud800"), said("a\x00b"), said("x", at=2**70)])
def test_a_draft_that_cannot_be_written_fails_alone(kept, bad):
    waiting = [kept.store.append(draft) for draft in (said("a"), bad, said("b"))]
    assert kept.wait(waiting[0]).seq == 1
    with pytest.raises(Internal):
        kept.wait(waiting[1])
    assert kept.wait(waiting[2]).seq == 2


# Several servers.

NODE = """
import random, sys
from chatroom.domain.accounts import Membership
from chatroom.domain.model import By
from tests.store.drafts import said
from tests.store.keeping import Real

url, node, posts = sys.argv[1], sys.argv[2], int(sys.argv[3])
kept, by, some = Real(url), By(node, node), random.Random(node)
rooms = ["lobby", "den", "attic", "cellar"]
print("ready", flush=True)
sys.stdin.readline()
waiting = []
for n in range(posts):
    some.shuffle(rooms)
    for room in rooms[: 1 + n % 4]:
        waiting.append(kept.store.append(said(f"{node} {n}", room, by=by, key=f"{n}")))
    # What every node posts under the same key is one event.
    waiting.append(kept.store.append(said("the same", by=By("all", "All"), key=f"{n}")))
    if n % 10 == 0:
        place = Membership("den", f"{node}{n}", node, "member")
        waiting.append(kept.store.registry.set_membership(place))
    if n % 7 == 0:
        kept.wait(waiting[-1])
for done in waiting:
    kept.wait(done)
kept.close()
print("done", flush=True)
"""


def test_many_servers_post_to_the_same_rooms_without_a_gap_or_a_deadlock(server):
    nodes, posts = 3, 120
    name = server.database(testing.migrated())
    deadlocks = f"SELECT deadlocks FROM pg_stat_database WHERE datname = '{name}'"
    command = [sys.executable, "-c", NODE, server.url(name)]
    running = [
        subprocess.Popen(
            [*command, f"node{n}", str(posts)],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(nodes)
    ]
    try:
        for node in running:
            assert node.stdout.readline() == "ready\n"
        for node in running:
            node.stdin.write("go\n")
            node.stdin.flush()
        for node in running:
            output, _ = node.communicate(timeout=4 * PATIENCE)
            assert (node.returncode, output) == (0, "done\n")
    finally:
        for node in running:
            node.kill()
            node.wait()
    kept = Real(server.url(name))
    try:
        total = 0
        for room in ("lobby", "den", "attic", "cellar"):
            events = kept.wait(kept.store.after(room, 0, 10_000, 2**30)).events
            assert [event.seq for event in events] == list(range(1, len(events) + 1))
            assert kept.wait(kept.store.head(room)) == len(events)
            total += len(events)
            for node in range(nodes):
                theirs = [int(event.key) for event in events if event.by.id == f"node{node}"]
                assert theirs == sorted(set(theirs)), "each server's posts are in its order, once"
        own = sum(1 + n % 4 for n in range(posts)) * nodes
        assert total == own + posts, "and what all of them posted under one key is there once"
        changes = kept.wait(kept.store.registry.changes(0))
        assert [one.id for one in changes] == list(range(1, nodes * posts // 10 + 1))
    finally:
        kept.close()
    assert server.execute(deadlocks) == [(0,)]
    server.drop(name)
