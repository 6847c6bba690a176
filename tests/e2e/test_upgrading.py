"""Servers of two versions on one database: what goes on, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .. import postgresql
from .clients import JsonClient
from .conftest import Start
from .server import run

NEWER = (
    "ALTER TABLE event ADD COLUMN colour VARCHAR",
    "ALTER TABLE room ADD COLUMN motto VARCHAR NOT NULL DEFAULT ''",
    "ALTER TABLE account ADD COLUMN motto VARCHAR NOT NULL DEFAULT ''",
    "CREATE TABLE poll (room VARCHAR PRIMARY KEY, question VARCHAR NOT NULL)",
    "CREATE INDEX event_colour ON event (colour)",
    "UPDATE alembic_version SET version_num = '9999'",
)
"""What a newer version might do to the database when it starts, adding only."""


@pytest.fixture
def store() -> Iterator[str]:
    """An empty database's URL."""
    name = postgresql.server().database()
    yield postgresql.server().url(name)
    postgresql.server().drop(name)


def test_a_server_that_runs_goes_on_when_a_newer_one_has_added_to_the_database(
    server: Start, store: str, tmp_path
) -> None:
    options = (f"--store={store}", "--no-limits", "--sign-up=open")
    older = server(*options)
    database = store.rpartition("/")[2]
    with JsonClient(older.ws, "Ana") as ana:
        ana.join()
        assert ana.post("before") == 1
        for statement in NEWER:
            postgresql.server().execute(statement, database)
        # On connections from before and on new ones, what is known and what is made anew.
        assert ana.post("after") == 2
        assert ana.ask("edit", room="lobby", seq=1, text="edited")["type"] == "ok"
        assert ana.ask("react", room="lobby", seq=2, emoji="\N{THUMBS UP SIGN}", on=True)["type"] == "ok"
        assert ana.ask("room.create", room="garden", title="Garden")["type"] == "ok"
        assert len(ana.ask("history", room="lobby")["events"]) == 4
        with JsonClient(older.ws, "Bob") as bob:
            assert [event["seq"] for event in bob.join()["events"]] == [1, 2, 3, 4]
    older.stop()
    again = run(f"--store={store}", "--endpoint=tcp:0:interface=127.0.0.1", folder=tmp_path)
    assert again.returncode == 1
    assert again.stderr == (
        "chatroom: the database was made by a newer chatroom (its version is 9999): install that one, or use"
        " another database\n"
    )
