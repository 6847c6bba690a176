"""Opening a database, and what is said where it cannot be opened."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from chatroom.store import opening
from chatroom.store.opening import Unusable, epoch_of, explain, files_of, open_engines
from chatroom.store.sql import SqlStore

from .drafts import said
from .keeping import Calls, OnDisk

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite3"


def opened(path: Path):
    """Open it as the server does, and close it again."""
    writing, reading = open_engines(f"sqlite:///{path}")
    try:
        return epoch_of(writing)
    finally:
        writing.dispose()
        reading.dispose()


def refused(url: str) -> str:
    with pytest.raises(Unusable) as error:
        open_engines(url)
    assert "\n" not in str(error.value)
    return str(error.value)


def a_log(path: Path, events: int = 200) -> None:
    kept = OnDisk(path.parent)
    for done in [kept.store.append(said(f"{n}" * 100)) for n in range(events)]:
        kept.wait(done)
    kept.close()


def test_a_database_is_made_where_there_is_none(path):
    assert opened(path)
    assert path.stat().st_size > 0


def test_an_sqlite_that_is_too_old_is_told(path, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    monkeypatch.setattr(sqlite3, "sqlite_version", "3.34.1")
    said = refused(f"sqlite:///{path}")
    assert "3.34.1" in said
    assert "3.35" in said
    assert not path.exists()


def test_opening_again_changes_nothing(path):
    epoch = opened(path)
    before = path.read_bytes()
    assert opened(path) == epoch
    assert path.read_bytes() == before


def test_an_epoch_is_long_enough_to_be_nobody_elses(tmp_path):
    epochs = set()
    for n in range(5):
        epochs.add(opened(tmp_path / f"{n}.sqlite3"))
    assert len(epochs) == 5
    assert all(len(epoch) >= 12 for epoch in epochs)


@pytest.mark.parametrize("which", [0, 1])
def test_every_connection_keeps_what_it_says_it_keeps(path, which):
    engines = open_engines(f"sqlite:///{path}")
    try:
        for _ in range(2):
            with engines[which].connect() as connection:
                asked = ("journal_mode", "synchronous", "secure_delete")
                values = [connection.scalar(text(f"PRAGMA {name}")) for name in asked]
            assert values == ["wal", 2, 1]
            engines[which].dispose()
    finally:
        for engine in engines:
            engine.dispose()


@pytest.mark.parametrize("which", [0, 1])
def test_an_error_tells_the_statement_and_no_values(path, which):
    engines = open_engines(f"sqlite:///{path}")
    try:
        with engines[which].connect() as connection, pytest.raises(OperationalError) as error:
            connection.execute(text("SELECT nonsense FROM nowhere WHERE a = :a"), {"a": "a secret"})
    finally:
        for engine in engines:
            engine.dispose()
    assert "SELECT nonsense" in str(error.value)
    assert "a secret" not in str(error.value)


def test_a_writing_transaction_has_the_lock_from_its_beginning(path, monkeypatch):
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.02)
    writing, reading = open_engines(f"sqlite:///{path}")
    try:
        with writing.begin(), pytest.raises(OperationalError, match="locked"), writing.begin():
            pass
        with writing.begin(), reading.begin() as connection:
            assert connection.scalar(text("SELECT count(*) FROM event")) == 0
    finally:
        writing.dispose()
        reading.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "log.sqlite3",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "://",
        "sqlite",
        "mysql://x/y",
        "sqlite+other:///log.sqlite3",
        "sqlite://host/log.sqlite3",
        "sqlite:///log.sqlite3?mode=ro",
    ],
)
def test_a_url_of_something_else_is_refused(url):
    assert "--store" in refused(url)


def test_the_files_of_a_database_are_those_that_are_there(path):
    url = f"sqlite:///{path}"
    assert files_of(url) == []
    opened(path)
    assert files_of(url) == [path]
    connection = sqlite3.connect(path)
    connection.execute("SELECT * FROM room")
    assert [found.name for found in files_of(url)] == ["log.sqlite3", "log.sqlite3-wal", "log.sqlite3-shm"]
    connection.close()


def test_what_is_not_a_database_is_said_so(path):
    path.write_bytes(b"This is a text, and rather a long one. " * 100)
    before = path.read_bytes()
    message = refused(f"sqlite:///{path}")
    assert str(path) in message
    assert "damaged" in message
    assert "backup" in message
    assert path.read_bytes() == before


@pytest.mark.parametrize("page", [1, 3, 7])
def test_a_damaged_database_is_said_so(path, page):
    a_log(path)
    content = bytearray(path.read_bytes())
    assert len(content) > 8 * 4096
    content[page * 4096 : page * 4096 + 2000] = b"\x55" * 2000
    path.write_bytes(content)
    message = refused(f"sqlite:///{path}")
    assert "damaged" in message
    assert str(path) in message


def test_a_cut_off_database_is_said_so(path):
    a_log(path)
    path.write_bytes(path.read_bytes()[: 3 * 4096])
    assert "damaged" in refused(f"sqlite:///{path}")


def test_a_large_database_is_not_checked_at_every_start(path, monkeypatch):
    a_log(path)
    content = bytearray(path.read_bytes())
    content[7 * 4096 : 7 * 4096 + 2000] = b"\x55" * 2000
    path.write_bytes(content)
    monkeypatch.setattr(opening, "CHECKED_BYTES", 4096)
    assert opened(path)


def test_a_folder_where_the_file_should_be_is_said_so(path):
    path.mkdir()
    message = refused(f"sqlite:///{path}")
    assert "cannot be written" in message
    assert "--data" in message


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_is_none_is_said_so(tmp_path, there):
    if there:
        (tmp_path / "data").write_text("a file")
    message = refused(f"sqlite:///{tmp_path / 'data' / 'log.sqlite3'}")
    assert f"no folder {tmp_path / 'data'}" in message
    assert "--store" in message


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[None]:
    """The files are somebody else's: for root, who may do all, that takes being somebody else."""
    for part in (tmp_path, *tmp_path.iterdir()):
        part.chmod(0o555 if part.is_dir() else 0o444)
    modes = [(part, part.stat().st_mode) for part in tmp_path.parents if part.stat().st_uid == os.getuid()]
    for part, mode in modes:
        part.chmod(mode | 0o111)
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    yield
    if root:
        os.seteuid(0)
    for part, mode in modes:
        part.chmod(mode)
    tmp_path.chmod(0o755)


@pytest.mark.usefixtures("unprivileged")
def test_a_folder_that_may_not_be_written_is_said_so(path):
    message = refused(f"sqlite:///{path}")
    assert "cannot be written" in message
    assert str(path) in message


@pytest.fixture
def log(path: Path) -> Path:
    opened(path)
    return path


def test_a_file_that_may_not_be_written_is_said_so(log, unprivileged):
    assert "cannot be written" in refused(f"sqlite:///{log}")


def test_a_locked_database_is_said_so(log, monkeypatch):
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.02)
    other = sqlite3.connect(log, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        message = refused(f"sqlite:///{log}")
    finally:
        other.close()
    assert "locked by another program" in message
    assert opened(log)


def test_a_database_of_a_newer_version_is_refused_and_left_as_it_is(log):
    with sqlite3.connect(log) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = log.read_bytes()
    message = refused(f"sqlite:///{log}")
    assert "newer" in message
    assert "9999" in message
    assert log.read_bytes() == before


def test_another_programs_database_is_refused_and_left_as_it_is(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, body TEXT)")
    connection.close()
    assert "message" in refused(f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()
    assert tables == [("message",)]


def test_a_store_that_cannot_be_opened_starts_no_thread(path):
    path.write_bytes(b"nothing of the kind" * 100)
    with pytest.raises(Unusable):
        SqlStore(f"sqlite:///{path}", Calls())


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        ("database is locked", "locked by another program"),
        ("file is not a database", "backup"),
        ("database disk image is malformed", "backup"),
        ("attempt to write a readonly database", "cannot be written"),
        ("unable to open database file", "no folder"),
        ("database or disk is full", "no space"),
        ("disk I/O error", "disk I/O error"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(problem, said):
    message = explain(OperationalError("", {}, sqlite3.OperationalError(problem)), Path("/data/log.sqlite3"))
    assert said in message
    assert "/data" in message
