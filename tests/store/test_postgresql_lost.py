"""What becomes of posts while a PostgreSQL server is away, and of several servers on one database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatroom.domain.accounts import Membership
from chatroom.domain.errors import Internal, Unavailable
from chatroom.store.commit import commit
from chatroom.store.opening import open_engines
from chatroom.store.rows import events_of, to_event

from .. import postgresql as testing
from .drafts import edited, said
from .keeping import PATIENCE, OnServer, Real

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def kept() -> Iterator[OnServer]:
    """A store on a database of its own."""
    made = OnServer()
    yield made
    made.close()


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
