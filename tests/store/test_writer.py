"""The group commit, and what it does when the disk or another program is in its way."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel

from chatroom.domain.errors import Internal, NotFound, Unavailable
from chatroom.store import opening, writer

from .drafts import edited, said
from .keeping import PATIENCE, OnDisk, outcome

CHECKOUT = Path(__file__).parents[2]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch) -> Iterator[OnDisk]:
    """Not started yet: what is appended before falls into one commit."""
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.02)
    made = OnDisk(tmp_path, start=False)
    yield made
    made.close()


@pytest.fixture
def commits(kept) -> list[list[int]]:
    """The seqs of each commit that was told of."""
    heard: list[list[int]] = []
    kept.store.on_commit = lambda committed: heard.append([event.seq for event, _ in committed])
    return heard


def texts(kept: OnDisk) -> list[str]:
    return [one.text for one in kept.wait(kept.store.after("lobby", 0, 10_000)).events]


def refused(kept: OnDisk, draft) -> Unavailable:
    with pytest.raises(Unavailable) as error:
        kept.wait(kept.store.append(draft))
    assert error.value.retry_after > 0
    return error.value


def test_all_that_waits_is_one_commit(kept, commits):
    waiting = [kept.store.append(said(str(n))) for n in range(500)]
    kept.start()
    assert [kept.wait(done).seq for done in waiting] == list(range(1, 501))
    assert commits == [list(range(1, 501))]


def test_a_commit_is_bounded(kept, commits, monkeypatch):
    monkeypatch.setattr(writer, "MAX_BATCH", 200)
    waiting = [kept.store.append(said(str(n))) for n in range(500)]
    kept.start()
    assert [kept.wait(done).seq for done in waiting] == list(range(1, 501))
    assert [len(one) for one in commits] == [200, 200, 100]


def test_more_than_may_wait_is_told_to_try_again(kept, monkeypatch):
    monkeypatch.setattr(writer, "MAX_WAITING", 3)
    waiting = [kept.store.append(said(str(n))) for n in range(3)]
    refused(kept, said("one too many"))
    kept.start()
    for done in waiting:
        kept.wait(done)
    kept.wait(kept.store.append(said("after")))
    assert texts(kept) == ["0", "1", "2", "after"]


def test_stopping_writes_what_waits(kept, tmp_path):
    kept.start()
    waiting = [kept.store.append(said(str(n))) for n in range(50)]
    kept.close()
    assert [kept.wait(done).seq for done in waiting] == list(range(1, 51))
    again = OnDisk(tmp_path)
    try:
        assert texts(again) == [str(n) for n in range(50)]
    finally:
        again.close()


def test_nothing_is_taken_once_it_stops(kept):
    kept.start()
    kept.close()
    refused(kept, said("late"))


def test_stopping_twice_is_stopping_once(kept):
    kept.start()
    first, second = kept.store.writer.stop(), kept.store.writer.stop()
    kept.wait(first)
    kept.wait(second)
    kept.store._pool.stop()
    kept._closed = True


def test_what_was_never_started_stops_at_once_and_refuses_what_waits(kept, monkeypatch):
    monkeypatch.setattr(writer, "MAX_BATCH", 2)
    waiting = [kept.store.append(said(str(n))) for n in range(5)]
    stopped = Deferred.fromCoroutine(kept.store.stop())
    kept._closed = True
    assert stopped.called
    for done in waiting:
        with pytest.raises(Unavailable):
            outcome(done)
    refused(kept, said("late"))


@pytest.mark.parametrize("bad", [said("\ud800"), said("x", at=2**70), said("x", data={"x": object()})])
def test_a_draft_that_cannot_be_written_fails_alone(kept, commits, logs, bad):
    drafts = [
        said("a"),
        bad,
        said("b"),
        edited(9),
        said("c", key="k"),
        said("again", key="k"),
        edited(1, "A"),
    ]
    waiting = [kept.store.append(draft) for draft in drafts]
    kept.start()
    results = []
    for done in waiting:
        try:
            results.append(kept.wait(done).seq)
        except (Internal, NotFound) as error:
            results.append(error.code)
    assert results == [1, "internal", 2, "not_found", 3, 3, 4]
    assert [seq for one in commits for seq in one] == [1, 2, 3, 4]
    assert texts(kept) == ["A", "b", "c", "A"]
    assert len(logs.tracebacks()) == 1


def test_a_room_whose_head_is_wrong_fails_alone(kept, commits, logs):
    """Nothing does that but a hand in the database; even then, the others' posts are kept."""
    with sqlite3.connect(kept.path) as other:
        other.execute("INSERT INTO room (name, title, kind, head) VALUES ('broken', '', 'public', 0)")
        other.execute(
            "INSERT INTO event (room, seq, at, kind, author, name) VALUES ('broken', 2, 0, 'message', '', '')"
        )
    other.close()
    drafts = [said("a"), said("b", "broken"), said("c", "broken"), said("d"), said("e", "broken"), said("f")]
    waiting = [kept.store.append(draft) for draft in drafts]
    kept.start()
    results = []
    for done in waiting:
        try:
            results.append(kept.wait(done).seq)
        except Internal as error:
            results.append(error.code)
    assert results == [1, 1, "internal", 2, "internal", 3]
    assert commits == [[1, 1, 2, 3]]
    assert len(logs.tracebacks()) == 2
    assert logs.of(LogLevel.error) == [], "the disk is well"


def test_finding_a_bad_draft_among_many_takes_few_commits(kept, commits, logs):
    begun: list[object] = []
    event.listen(kept.store._writing, "begin", begun.append)
    texts = [str(n) for n in range(600)]
    texts[333] = "\ud800"
    waiting = [kept.store.append(said(text)) for text in texts]
    kept.start()
    with pytest.raises(Internal):
        kept.wait(waiting[333])
    assert [kept.wait(done).seq for done in waiting[:333] + waiting[334:]] == list(range(1, 600))
    assert len(begun) < 30


def test_a_text_that_the_database_does_not_take_fails_alone(kept, commits):
    limit = sqlite3.SQLITE_LIMIT_LENGTH
    event.listen(kept.store._writing, "connect", lambda connection, _: connection.setlimit(limit, 10_000))
    waiting = [kept.store.append(said(text)) for text in ("a", "b" * 20_000, "c")]
    kept.start()
    assert kept.wait(waiting[0]).seq == 1
    with pytest.raises(Internal):
        kept.wait(waiting[1])
    assert kept.wait(waiting[2]).seq == 2
    assert commits == [[1, 2]]


@pytest.fixture
def connections(kept) -> list[str]:
    """What happens to the writer's connections."""
    happened: list[str] = []
    for name in ("connect", "checkout", "checkin", "close"):
        event.listen(kept.store._writing, name, lambda *_, name=name: happened.append(name))
    return happened


def test_one_connection_is_kept_from_commit_to_commit(kept, connections):
    kept.start()
    for _ in range(3):
        kept.wait(kept.store.append(said()))
    assert connections == ["connect", "checkout"]
    kept.close()
    assert connections == ["connect", "checkout", "checkin", "close"]


def test_a_commit_that_failed_is_followed_by_one_on_another_connection(kept, connections, logs):
    kept.start()
    kept.wait(kept.store.append(said("before")))
    other = sqlite3.connect(kept.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused(kept, said("meanwhile"))
    other.close()
    assert connections == ["connect", "checkout", "checkin", "close"]
    del connections[:]
    kept.wait(kept.store.append(said("after")))
    assert connections == ["connect", "checkout"]


def test_a_repeated_post_costs_no_connection(kept, connections):
    kept.start()
    for _ in range(3):
        assert kept.wait(kept.store.append(said(key="k"))).seq == 1
    assert connections.count("connect") == 1
    assert "close" not in connections


def test_a_locked_database_refuses_and_recovers(kept, logs):
    kept.start()
    kept.wait(kept.store.append(said("before")))
    other = sqlite3.connect(kept.path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(3):
            refused(kept, said("meanwhile"))
        assert texts(kept) == ["before"]
        other.execute("ROLLBACK")
        kept.wait(kept.store.append(said("after")))
    finally:
        other.close()
    assert texts(kept) == ["before", "after"]
    assert len(logs.of(LogLevel.error)) == 1, "told once, not with every post"
    assert "locked" in logs.of(LogLevel.error)[0]
    assert logs.of(LogLevel.info) == ["the store can be written again"]
    assert logs.tracebacks() == []


def test_another_program_that_holds_the_lock_is_waited_out(kept):
    """As when a backup or a check runs beside the server."""
    hold = (
        "import sqlite3, sys; held = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "held.execute('BEGIN IMMEDIATE'); print('held', flush=True); sys.stdin.read()"
    )
    kept.start()
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(kept.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout.readline() == b"held\n"
        refused(kept, said("meanwhile"))
        other.communicate(timeout=PATIENCE)
    assert kept.wait(kept.store.append(said("after"))).seq == 1


def test_all_of_a_refused_commit_are_told_so(kept, commits):
    waiting = [kept.store.append(said(str(n))) for n in range(5)]
    other = sqlite3.connect(kept.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    kept.start()
    for done in waiting:
        with pytest.raises(Unavailable):
            kept.wait(done)
    other.close()
    assert commits == []
    assert kept.wait(kept.store.append(said("after"))).seq == 1


def test_a_full_database_refuses_and_recovers(kept, logs):
    room = [1_000_000]

    def narrow(connection):
        connection.exec_driver_sql(f"PRAGMA max_page_count = {room[0]}")

    event.listen(kept.store._writing, "begin", narrow)
    kept.start()
    kept.wait(kept.store.append(said("before")))
    room[0] = 1
    refused(kept, said("x" * 100_000))
    refused(kept, said("y" * 100_000))
    room[0] = 1_000_000
    assert kept.wait(kept.store.append(said("after"))).seq == 2
    assert texts(kept) == ["before", "after"]
    assert "full" in logs.of(LogLevel.error)[0]


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from chatroom.domain.errors import Unavailable
from tests.store.drafts import said
from tests.store.keeping import OnDisk

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
kept = OnDisk(Path(sys.argv[1]))
written, refused = [], 0
most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, most))
while refused < 3:
    try:
        written.append(kept.wait(kept.store.append(said("x" * 8000))).seq)
    except Unavailable:
        refused += 1
    assert len(written) < 1000, "the limit does not limit"
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
written.append(kept.wait(kept.store.append(said("after"))).seq)
page = kept.wait(kept.store.after("lobby", 0, 2000, 2**30))
kept.close()
assert written == [event.seq for event in page.events] == list(range(1, len(written) + 1)), written
print("recovered")
"""


def test_a_full_disk_refuses_and_recovers(tmp_path):
    """A real write that the kernel refuses; in a process of its own, since the limit is a process's."""
    ran = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "recovered\n"), ran.stderr
