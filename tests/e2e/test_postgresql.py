"""Servers as people run them, on one PostgreSQL database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from .. import postgresql
from .clients import JsonClient
from .conftest import Start


@pytest.fixture
def store() -> Iterator[str]:
    """An empty database's URL."""
    name = postgresql.server().database()
    yield postgresql.server().url(name)
    postgresql.server().drop(name)


def test_two_servers_have_one_log_and_a_killed_ones_clients_resume_at_the_other(server: Start, store: str):
    one = server(f"--store={store}", "--no-limits", name="one")
    two = server(f"--store={store}", "--no-limits", name="two")
    assert not one.data.exists(), "what is kept is in the database"
    with JsonClient(one.ws, "Ana") as ana, JsonClient(two.ws, "Bob") as bob:
        epoch = ana.me["epoch"]
        assert bob.me["epoch"] == epoch
        ana.join()
        bob.join()
        seqs = [ana.post("from one"), bob.post("from two"), ana.post("from one again")]
        assert seqs == [1, 2, 3]
        one.kill()
    with JsonClient(two.ws, "Ana") as ana:
        assert [event["text"] for event in ana.missed(1, epoch)] == ["from two", "from one again"]


def test_commands_work_on_the_database_beside_a_server(server: Start, store: str):
    command = [sys.executable, "-m", "chatroom.cli", "key", "add", "sensor", "--can", "publish:lobby"]
    key = subprocess.run(
        [*command, "--store", store], capture_output=True, text=True, check=True, timeout=240
    ).stdout
    with JsonClient(server(f"--store={store}").ws) as sensor:
        assert sensor.hello(token=key.strip())["user"]["kind"] == "bot"


def test_a_database_that_is_not_there_is_one_line(store: str):
    command = [sys.executable, "-m", "chatroom.cli", "user", "list", "--store", store + "x"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert ran.returncode != 0
    (line,) = ran.stderr.splitlines()
    assert "createdb" in line
    assert postgresql.PASSWORD.replace(" ", "%20") not in line
