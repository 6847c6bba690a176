"""Servers of two versions on one database: what goes on, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .. import postgresql, redis
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

POLL = (
    "WITH lobby AS (UPDATE room SET head = head + 1 WHERE name = 'lobby' RETURNING head)"
    " INSERT INTO event (room, seq, at, kind, author, name, body, colour)"
    " SELECT 'lobby', head, 1, 'poll', 'gx', 'Newer', '{\"question\": \"lunch?\"}', 'red' FROM lobby"
)
"""What it might commit then: a kind of event that the older one has never heard of."""


@pytest.fixture
def store() -> Iterator[str]:
    """An empty database's URL."""
    name = postgresql.server().database()
    yield postgresql.server().url(name)
    postgresql.server().drop(name)


@pytest.fixture
def bus() -> Iterator[str]:
    """A Redis's URL."""
    made = redis.server()
    yield made.url
    made.end()


def test_a_server_that_runs_goes_on_when_a_newer_one_has_added_to_the_database(
    server: Start, store: str, bus: str, tmp_path: Path
) -> None:
    older = server(f"--store={store}", f"--bus={bus}", "--no-limits")
    database = store.rpartition("/")[2]
    with JsonClient(older.ws, "Ana") as ana:
        ana.join()
        assert ana.post("before") == 1
        for statement in NEWER:
            postgresql.server().execute(statement, database)
        assert ana.post("after") == 2
        assert ana.ask("edit", room="lobby", seq=1, text="edited")["seq"] == 3
        assert ana.ask("react", room="lobby", seq=2, emoji="\N{THUMBS UP SIGN}", on=True)["seq"] == 4
        assert ana.ask("room.create", room="garden", title="Garden")["type"] == "ok"

        postgresql.server().execute(POLL, database)
        assert ana.post("after the poll") == 6
        told = list(ana.gather(lambda event: event["seq"] == 6))
        assert [(event["seq"], event["text"]) for event in told] == [
            *((1, "before"), (2, "after"), (5, ""), (6, "after the poll"))
        ]
        assert told[2]["deleted"]
        with JsonClient(older.ws, "Bob") as bob:
            assert [event["seq"] for event in bob.join()["events"]] == [1, 2, 3, 4, 5, 6]
    older.stop()
    again = run(f"--store={store}", "--endpoint=tcp:0:interface=127.0.0.1", folder=tmp_path)
    assert again.returncode == 1
    assert again.stderr == (
        "chatroom: the database was made by a newer chatroom (its version is 9999): install that one, or use"
        " another database\n"
    )
