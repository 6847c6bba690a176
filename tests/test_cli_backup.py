"""`chatroom backup` and `chatroom restore`."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from chatroom.cli import main
from chatroom.domain.events import Message
from chatroom.domain.model import By
from chatroom.store.commit import commit
from chatroom.store.locks import take_data
from chatroom.store.opening import epoch_of, open_engines

from .commandline import Shell


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch) -> Iterator[Shell]:
    folder = tmp_path / "data"
    folder.mkdir()
    made = Shell(folder, capsys, monkeypatch)
    yield made
    made.database.close()


def say(shell: Shell, *texts: str) -> None:
    with shell.database.writing() as connection:
        for text in texts:
            commit(connection, [Message(room="lobby", at=1, by=By("u1", "Ana"), text=text)])


def said(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM message ORDER BY seq")]


def epoch(shell: Shell) -> str:
    engines = open_engines(f"sqlite:///{shell.folder / 'chatroom.sqlite3'}")
    try:
        return epoch_of(engines[0])
    finally:
        for engine in engines:
            engine.dispose()


@pytest.fixture
def backup(shell: Shell, tmp_path: Path) -> Path:
    """With two messages in it."""
    say(shell, "one", "two")
    path = tmp_path / "copy.sqlite3"
    shell.done("backup", str(path))
    return path


def test_a_backup_is_one_file_that_others_cannot_read(shell, backup, tmp_path):
    assert said(backup) == ["one", "two"]
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.sqlite3", "data"]
    assert "keep it to yourself" in shell.err


def test_a_backup_overwrites_nothing(shell, backup):
    before = backup.read_bytes()
    assert "is there already" in shell.refused("backup", str(backup))
    assert backup.read_bytes() == before


def test_where_no_backup_can_be_written_is_said(shell, tmp_path):
    assert "cannot be written" in shell.refused("backup", str(tmp_path / "no" / "copy"))
    (shell.folder / "chatroom.sqlite3").rename(tmp_path / "moved")
    assert "there is no database" in shell.refused("backup", str(tmp_path / "copy"))
    assert not (tmp_path / "copy").exists()


def test_what_is_written_meanwhile_does_not_hold_a_backup_up(shell, tmp_path, monkeypatch):
    monkeypatch.setattr("chatroom.store.backups._PAGES", 1)
    say(shell, "one")
    steps = []

    def talk(done: int, total: int) -> None:
        steps.append(done)
        say(shell, f"meanwhile {done}")

    monkeypatch.setattr("chatroom.administration.backup.progress", talk)
    shell.done("backup", str(tmp_path / "copy"))
    assert said(tmp_path / "copy") == ["one"]
    assert len(steps) > 10
    assert steps == sorted(steps)


def test_a_restored_log_is_the_one_of_the_backup_and_begins_another_life(shell, backup):
    before = epoch(shell)
    say(shell, "three")
    shell.database.close()
    shell.done("restore", str(backup))
    path = shell.folder / "chatroom.sqlite3"
    assert said(path) == ["one", "two"]
    assert epoch(shell) != before
    (deed,) = shell.deeds()
    assert (deed.what, deed.detail) == ("restore", "copy.sqlite3")
    (aside,) = [one for one in shell.folder.iterdir() if ".replaced-" in one.name]
    assert said(aside) == ["one", "two", "three"]
    assert f"what was there before is {aside}" in shell.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    say(shell, "four")
    assert said(path)[2:] == ["four"]


def test_a_restore_makes_a_folder_that_is_not_there(shell, backup, tmp_path):
    shell.database.close()
    shell.folder = tmp_path / "elsewhere"
    shell.done("restore", str(backup))
    assert said(shell.folder / "chatroom.sqlite3") == ["one", "two"]


def test_nothing_is_restored_under_a_running_server(shell, backup):
    lock = take_data(shell.folder)
    try:
        assert "stop it" in shell.refused("restore", str(backup))
    finally:
        os.close(lock)
    assert not [one for one in shell.folder.iterdir() if "restor" in one.name or "replaced" in one.name]


def test_a_damaged_database_is_replaced_too(shell, backup):
    shell.database.close()
    path = shell.folder / "chatroom.sqlite3"
    path.write_bytes(b"x" * 10_000)
    shell.done("restore", str(backup))
    assert said(path) == ["one", "two"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read"),
        (b"", "is no backup"),
        (b"x" * 5000, "is no backup"),
        (b"sql", "another program's"),
    ],
)
def test_what_is_no_backup_is_not_restored(shell, tmp_path, content, complaint):
    say(shell, "one")
    file = tmp_path / "wrong"
    if content == b"sql":
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE t (x)")
    elif content is not None:
        file.write_bytes(content)
    assert complaint in shell.refused("restore", str(file))
    assert said(shell.folder / "chatroom.sqlite3") == ["one"]


@pytest.mark.parametrize("words", [("backup", "copy"), ("restore", "copy")])
def test_for_postgresql_its_own_tools_are_named(capsys, words):
    assert main([*words, "--store", "postgresql://localhost/chat"]) == 1
    assert "pg_dump" in capsys.readouterr().err


def test_a_damaged_backup_is_not_restored(shell, tmp_path):
    say(shell, *["text " * 400] * 40)
    file = tmp_path / "copy"
    shell.done("backup", str(file))
    raw = bytearray(file.read_bytes())
    for start in range(4096 * 3, len(raw), 4096):
        raw[start : start + 200] = b"\xff" * 200
    file.write_bytes(raw)
    shell.refused("restore", str(file))
    assert len(said(shell.folder / "chatroom.sqlite3")) == 40
