"""The registry in a database: beside others, when the disk fails, at the end, and how it looks things up."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs
from sqlalchemy import event
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel

from chatroom.domain.errors import NotFound, Unavailable
from chatroom.domain.registry import SEEN_EVERY, USED_EVERY
from chatroom.store import deletion, opening

from .drafts import ANA, said
from .keeping import PATIENCE
from .registries import NOW, OnDisk, account, invitation, key, login, place, record

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch) -> Iterator[OnDisk]:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.02)
    made = OnDisk(tmp_path)
    yield made
    made.close()


@pytest.fixture
def beside(kept, tmp_path) -> Iterator[OnDisk]:
    """Another process's, on the same file."""
    made = OnDisk(tmp_path)
    yield made
    made.close()


@pytest.fixture
def locked(kept) -> Iterator[sqlite3.Connection]:
    """Another program's connection, which holds the lock."""
    other = sqlite3.connect(kept.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def refused(kept: OnDisk, done: Deferred) -> Unavailable:
    with pytest.raises(Unavailable) as error:
        kept.wait(done)
    assert error.value.retry_after > 0
    return error.value


# Beside others.


def test_what_is_kept_is_there_after_a_restart(kept, tmp_path):
    ana = account("Ana")
    kept.wait(kept.registry.add_account(ana, "h"))
    kept.close()
    again = OnDisk(tmp_path)
    try:
        assert again.wait(again.registry.account_named("ana")) == (ana, "h")
        assert again.wait(again.registry.last_change()) == 1
    finally:
        again.close()


def test_what_another_process_changes_is_seen(kept, beside):
    kept.wait(kept.registry.set_membership(place("den", "u1")))
    beside.wait(beside.registry.set_membership(place("den", "u2")))
    kept.wait(kept.registry.set_membership(place("den", "u3")))
    found = beside.wait(beside.registry.changes(0))
    assert [(one.id, one.subject) for one in found] == [(1, "den u1"), (2, "den u2"), (3, "den u3")]


SIGNING_UP = """
import sys
from pathlib import Path
from chatroom.domain.errors import BadToken
from tests.store.registries import NOW, OnDisk, account

kept = OnDisk(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
came = []
for number in range(20):
    one = account(f"{sys.argv[2]}-{number}", id=f"u{sys.argv[2]}-{number}")
    try:
        kept.wait(kept.registry.sign_up(one, "h", f"digest{number}", NOW))
        came.append(number)
    except BadToken:
        pass
kept.close()
print(*came)
"""


def test_two_processes_that_use_one_invitation_at_once_let_one_in(tmp_path):
    kept = OnDisk(tmp_path)
    for number in range(20):
        kept.wait(kept.registry.add_invitation(invitation(), f"digest{number}"))
    children = [
        subprocess.Popen(
            [sys.executable, "-c", SIGNING_UP, str(tmp_path), name],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("ana", "bob")
    ]
    try:
        assert [child.stdout.readline() for child in children] == ["ready\n"] * 2
        for child in children:
            child.stdin.write("go\n")
            child.stdin.flush()
        came = [set(child.communicate(timeout=3 * PATIENCE)[0].split()) for child in children]
        assert came[0] | came[1] == {str(number) for number in range(20)}
        assert came[0] & came[1] == set()
        assert [one.id for one in kept.wait(kept.registry.changes(0))] == list(range(1, 21))
    finally:
        for child in children:
            child.kill()
        kept.close()


def test_posts_and_the_registrys_writes_go_on_beside_each_other(kept):
    """However short anybody would wait for SQLite's lock: in one process they take turns."""
    posted = [kept.store.append(said(str(number))) for number in range(200)]
    placed = [kept.registry.set_membership(place("lobby", f"u{number}")) for number in range(200)]
    marked = [kept.registry.mark_read(f"u{number}", "lobby", 1) for number in range(200)]
    posted += [kept.store.append(said(str(number))) for number in range(200)]
    assert [kept.wait(done).seq for done in posted] == list(range(1, 401))
    assert [kept.wait(done) for done in placed] == [None] * 200
    assert [kept.wait(done) for done in marked] == [1] * 200
    assert kept.wait(kept.registry.last_change()) == 200


# When the disk fails.


def test_a_locked_database_refuses_writes_and_recovers(kept, locked, logs):
    registry = kept.registry
    for _ in range(3):
        refused(kept, registry.set_membership(place("den", "u1")))
        refused(kept, registry.mark_read("u1", "den", 1))
    assert kept.wait(registry.memberships("den")) == []
    locked.execute("ROLLBACK")
    kept.wait(registry.set_membership(place("den", "u1")))
    assert kept.wait(registry.memberships("den")) == [place("den", "u1")]
    assert logs.tracebacks() == []
    assert all("locked" in line for line in logs.of(LogLevel.error))
    assert "the registry can be used again" in logs.of(LogLevel.info)


def test_who_has_a_token_is_let_in_while_nothing_can_be_written(kept):
    ana = account("Ana")
    mine, its = login(ana), key(ana)
    kept.wait(kept.registry.add_account(ana, "h"))
    kept.wait(kept.registry.open_login(mine, "d1"))
    kept.wait(kept.registry.add_key(its, "d2"))
    other = sqlite3.connect(kept.path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        assert kept.wait(kept.registry.login("d1", NOW + SEEN_EVERY)) == (ana, mine)
        assert kept.wait(kept.registry.key("d2", NOW + USED_EVERY)) == (its, ana)
    finally:
        other.close()
    assert kept.wait(kept.registry.login("d1", NOW + SEEN_EVERY))[1].seen == NOW + SEEN_EVERY


def test_a_full_database_refuses_and_recovers(kept, logs):
    room = [1]
    event.listen(
        kept.store._writing,
        "connect",
        lambda connection, _record: connection.execute(f"PRAGMA max_page_count = {room[0]}"),
    )
    kept.store._writing.dispose()
    members = [place("den", f"u{number}") for number in range(5000)]
    refused(kept, kept.registry.create_room(record("den"), members))
    assert "full" in logs.of(LogLevel.error)[0]
    assert kept.wait(kept.registry.room("den")) is None
    room[0] = 1_000_000
    kept.wait(kept.registry.create_room(record("den"), members))
    assert len(kept.wait(kept.registry.memberships("den"))) == 5000


def test_a_reading_that_fails_says_try_again_and_the_next_one_works(kept, tmp_path):
    kept.wait(kept.registry.set_membership(place("den", "u1")))
    kept.store._reading.dispose()
    hidden = kept.path.rename(tmp_path / "hidden")
    kept.path.mkdir()
    refused(kept, kept.registry.memberships("den"))
    kept.path.rmdir()
    hidden.rename(kept.path)
    assert len(kept.wait(kept.registry.memberships("den"))) == 1


def test_a_mistake_of_ours_is_not_called_a_failing_disk(kept):
    nobody = structs.replace(place("den", "u1"), user=None)
    with pytest.raises(Exception, match="NOT NULL"):
        kept.wait(kept.registry.set_membership(nobody))


# The end.


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if "chatroom-registry" in one.name]


def test_stopping_ends_every_thread_and_refuses_what_comes_after(kept, tmp_path):
    for number in range(5):
        kept.wait(kept.registry.set_membership(place("den", f"u{number}")))
        kept.wait(kept.registry.memberships("den"))
    assert threads()
    waiting = [kept.registry.set_membership(place("attic", f"u{number}")) for number in range(20)]
    kept.close()
    assert threads() == []
    assert [path.name for path in tmp_path.iterdir()] == ["log.sqlite3"]
    assert [kept.wait(done) for done in waiting] == [None] * 20, "what was asked before is done"
    refused(kept, kept.registry.memberships("den"))
    refused(kept, kept.registry.mark_read("u1", "den", 1))


# Deleting an account that has said much.


@pytest.fixture
def talker(kept) -> str:
    """Somebody with an account and 100 messages in each of two rooms, half of all there."""
    ana = account("Ana")
    kept.wait(kept.registry.add_account(ana, "h"))
    authors = [type(ANA)(ana.id, "Ana"), type(ANA)("g2", "Bob")]
    waiting = [
        kept.store.append(said(str(n), room, by=by))
        for n in range(100)
        for room in ("lobby", "den")
        for by in authors
    ]
    for done in waiting:
        kept.wait(done)
    return ana.id


def names(kept: OnDisk, room: str) -> list[str]:
    return [one.by.name for one in kept.wait(kept.store.after(room, 0, 1000)).events]


def test_a_name_goes_piece_by_piece_and_posts_go_on(kept, talker, monkeypatch):
    monkeypatch.setattr(opening, "BUSY_SECONDS", 5)
    monkeypatch.setattr(deletion, "PAGE", 7)
    pieces: list[int] = []
    rename = deletion.rename

    def renamed(connection, account, found, name):
        pieces.append(len(found))
        if len(pieces) == 3:
            # On the registry's thread: the writer's is free to write this before the next piece.
            kept.calls.callFromThread(posted.append, None)
        rename(connection, account, found, name)

    posted: list[object] = []
    monkeypatch.setattr(deletion, "rename", renamed)
    deleting = kept.registry.delete_account(talker, "gone")
    while not posted:
        kept.calls.call_one()
    kept.wait(kept.store.append(said("meanwhile", "aaa", by=type(ANA)(talker, "Ana"))))
    kept.wait(deleting)
    assert sum(pieces) >= 201
    assert max(pieces) == 7
    assert names(kept, "lobby") == ["gone", "Bob"] * 100
    assert names(kept, "den") == ["gone", "Bob"] * 100
    assert names(kept, "aaa") == ["gone"], "also where the first look had been already"


def test_a_deletion_that_stops_half_way_can_be_asked_for_again(kept, talker, tmp_path, monkeypatch):
    monkeypatch.setattr(deletion, "PAGE", 7)
    monkeypatch.setattr(deletion, "PAUSE", 3600)
    deleting = kept.registry.delete_account(talker, "gone")
    kept.close()
    refused(kept, deleting)
    again = OnDisk(tmp_path)
    try:
        assert again.wait(again.registry.account(talker)).name == "Ana"
        monkeypatch.setattr(deletion, "PAGE", 1000)
        again.wait(again.registry.delete_account(talker, "gone"))
        assert names(again, "lobby") == ["gone", "Bob"] * 100
        with pytest.raises(NotFound):
            again.wait(again.registry.delete_account(talker, "gone"))
    finally:
        again.close()


# How things are looked up.


def plan(kept: OnDisk, ask: Deferred) -> str:
    """How SQLite answers a question to the registry."""
    asked: list[tuple[str, object]] = []
    with kept.store._reading.connect() as connection:
        raw = connection.connection.dbapi_connection

        def note(_connection, _cursor, statement, parameters, _context, _many):
            asked.append((statement, parameters))

        event.listen(kept.store._reading, "before_cursor_execute", note)
        kept.wait(ask())
        event.remove(kept.store._reading, "before_cursor_execute", note)
        rows = [
            row
            for one in asked
            if "SELECT" in one[0]
            for row in raw.execute(f"EXPLAIN QUERY PLAN {one[0]}", one[1])
        ]
    return "\n".join(row[3] for row in rows)


def test_nobodys_rooms_are_found_by_reading_everybodys(kept):
    found = plan(kept, lambda: kept.registry.visible("u1"))
    assert "SEARCH room" in found
    assert "SCAN" not in found, found


@pytest.mark.parametrize(
    "ask",
    [
        lambda registry: registry.account("u1"),
        lambda registry: registry.account_named("ana"),
        lambda registry: registry.accounts("ana"),
        lambda registry: registry.login("d1", NOW),
        lambda registry: registry.logins("u1"),
        lambda registry: registry.key("d1", NOW),
        lambda registry: registry.invitation("d1", NOW),
        lambda registry: registry.room("den"),
        lambda registry: registry.memberships("den"),
        lambda registry: registry.memberships_of("u1"),
        lambda registry: registry.others("den", "u1"),
        lambda registry: registry.spoken_with(["u1", "u2"], NOW),
        lambda registry: registry.deeds(NOW, 10),
        lambda registry: registry.changes(5),
        lambda registry: registry.messages_of("u1", "lobby", 10),
    ],
)
def test_what_is_asked_often_reads_no_table_from_end_to_end(kept, ask):
    found = plan(kept, lambda: ask(kept.registry))
    assert "SEARCH" in found
    assert "SCAN" not in found, found
