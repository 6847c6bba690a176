"""`chatroom migrate`, on what real servers keep: from SQLite to PostgreSQL and back."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatroom.store.tables import metadata

from .. import postgresql
from .clients import JsonClient
from .conftest import Start

PASSWORD = "correct horse battery"


@pytest.fixture
def database() -> Iterator[str]:
    """An empty database's name."""
    name = postgresql.server().database()
    yield name
    postgresql.server().drop(name)


def chatroom(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "chatroom.cli", *words],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def moved(*words: str) -> dict[str, int]:
    ran = chatroom("migrate", "--json", *words)
    assert ran.returncode == 0, ran.stderr
    assert "every row" in ran.stderr
    rows: dict[str, int] = json.loads(ran.stdout)
    assert set(rows) == set(metadata.tables)
    return rows


def refused(*words: str) -> str:
    ran = chatroom("migrate", *words)
    assert (ran.returncode, ran.stdout) == (1, "")
    line = ran.stderr.splitlines()[-1]
    assert "Traceback" not in ran.stderr
    assert postgresql.PASSWORD.replace(" ", "%20") not in line
    return line


def test_people_resume_where_they_were_on_the_new_database_and_again_on_the_way_back(
    server: Start, database: str, tmp_path: Path
):
    there = postgresql.server().url(database)
    one = server("--no-limits")
    here = f"sqlite:///{one.data / 'chatroom.sqlite3'}"
    added = chatroom("user", "add", "Ana", "--data", str(one.data), "--password-stdin", stdin=PASSWORD)
    assert added.returncode == 0, added.stderr
    with JsonClient(one.ws) as ana:
        me = ana.ask("login", name="Ana", password=PASSWORD)
        ana.join()
        for n in range(5):
            ana.post(f"number {n}", key=f"k{n}", data={"n": [n, None, "é👋"]})
        ana.ask("edit", room="lobby", seq=1, text="edited")
        ana.ask("delete", room="lobby", seq=2)
        ana.ask("react", room="lobby", seq=3, emoji="👍")
        den = ana.ask("room.create", room="den", kind="private", title="The Den")["room"]["name"]
        # Somebody posts beside the rehearsal.
        rows = moved("--from", here, "--to", there, "--rehearse")
        assert (rows["event"], rows["message"], rows["account"], rows["reaction"]) == (8, 5, 1, 1)
        last = ana.post("after the rehearsal")
        assert postgresql.server().execute("SELECT count(*) FROM room", database) == [(0,)]
        assert "stop it first" in refused("--from", here, "--to", there)
    one.stop()
    before = (one.data / "chatroom.sqlite3").read_bytes()
    rows = moved("--from", here, "--to", there)
    assert rows["event"] == last
    assert (one.data / "chatroom.sqlite3").read_bytes() == before
    assert "take an empty one" in refused("--from", here, "--to", there)

    two = server(f"--store={there}", "--no-limits", name="two")
    with JsonClient(two.ws) as ana:
        again = ana.hello(token=me["token"])
        assert (again["epoch"], again["user"]) == (me["epoch"], me["user"])
        assert [event["seq"] for event in ana.missed(3, me["epoch"])] == list(range(4, last + 1))
        assert ana.post("number 4", key="k4") == 5, "a post that is repeated is the first one"
        assert ana.post("on PostgreSQL") == last + 1
        assert ana.ask("join", room=den)["room"]["title"] == "The Den"
        ana.ask("report", room="lobby", seq=1, reason="to try a number that is given by the database")
    assert "stop it first" in refused("--from", there, "--to", f"sqlite:///{tmp_path / 'early.sqlite3'}")
    two.stop()

    back = f"sqlite:///{tmp_path / 'back.sqlite3'}"
    moved("--from", there, "--to", back)
    three = server(f"--store={back}", "--no-limits", name="three")
    with JsonClient(three.ws) as ana:
        assert ana.hello(token=me["token"])["epoch"] == me["epoch"]
        assert [event["text"] for event in ana.missed(last, me["epoch"])] == ["on PostgreSQL"]


def test_what_cannot_be_taken_over_leaves_nothing(database: str, tmp_path: Path):
    there, here = postgresql.server().url(database), tmp_path / "log.sqlite3"
    assert "no database" in refused("--from", f"sqlite:///{here}", "--to", there)
    made = chatroom("key", "add", "sensor", "--can", "read:*", "--store", f"sqlite:///{here}")
    assert made.returncode == 0, made.stderr
    with sqlite3.connect(here) as connection:
        row = ("den", "a\x00b", "public", 0)
        connection.execute("INSERT INTO room (name, title, kind, head) VALUES (?, ?, ?, ?)", row)
    connection.close()
    assert "NUL" in refused("--from", f"sqlite:///{here}", "--to", there)
    assert postgresql.server().execute("SELECT count(*) FROM account", database) == [(0,)]
    assert "createdb" in refused("--from", f"sqlite:///{here}", "--to", there + "x")
