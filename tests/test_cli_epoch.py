"""`chatroom epoch`."""

from __future__ import annotations

import pytest

from chatroom.cli import main

from . import postgresql


@pytest.fixture
def url():
    server = postgresql.server()
    name = server.database(postgresql.migrated())
    server.execute("INSERT INTO meta (name, value) VALUES ('epoch', 'before')", name)
    yield server.url(name)
    server.drop(name)


def epochs(url: str) -> list[tuple[str]]:
    return postgresql.server().execute("SELECT value FROM meta WHERE name = 'epoch'", url.rpartition("/")[2])


def test_the_log_begins_another_life(url, capsys):
    assert main(["epoch", "--store", url]) == 0
    assert "read it anew" in capsys.readouterr().err
    ((now,),) = epochs(url)
    assert now != "before"
    assert len(now) >= 12


def test_not_while_a_server_works_on_it(url, capsys, monkeypatch):
    import psycopg

    monkeypatch.setattr("chatroom.store.postgresql.LETTING_GO", 1)
    with psycopg.connect(url, application_name="chatroom"):
        assert main(["epoch", "--store", url]) == 1
    assert "stop it first" in capsys.readouterr().err
    assert epochs(url) == [("before",)]


def test_a_file_is_restored(tmp_path, capsys):
    assert main(["epoch", "--data", str(tmp_path)]) == 1
    assert "chatroom restore" in capsys.readouterr().err
