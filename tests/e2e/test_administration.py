"""The `chatroom` command beside a server that runs: what it does takes effect there."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from .clients import JsonClient
from .conftest import Start
from .server import Server

PROGRAM = Path(sys.executable).with_name("chatroom")
PASSWORD = "correct horse battery"


def given(server: Server, *words: str, stdin: str = "") -> str:
    """What a command prints."""
    done = subprocess.run(
        [PROGRAM, *words, "--data", str(server.data)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def with_ana(server: Start) -> Server:
    one = server()
    given(one, "user", "add", "Ana", "--password-stdin", stdin=PASSWORD)
    return one


def test_a_ban_puts_somebody_out_and_its_end_lets_them_in(room: Server) -> None:
    with JsonClient(room.ws, "Mallory") as mallory:
        mallory.join()
        user, token = mallory.me["user"]["id"], mallory.me["token"]
        given(room, "ban", "add", user, "--reason", "spam")
        assert mallory.end() == 4403
    with JsonClient(room.ws) as again:
        refused = again.hello(name="Mallory", token=token)
        assert (refused["type"], refused["code"]) == ("error", "banned")
        assert "spam" in refused["message"]
    given(room, "ban", "lift", user)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with JsonClient(room.ws) as again:
            if again.hello(name="Mallory", token=token)["type"] == "welcome":
                return
    pytest.fail("the ban was not lifted")


def test_a_user_logs_in_until_their_password_is_another(with_ana: Server) -> None:
    with JsonClient(with_ana.ws) as ana:
        welcome = ana.ask("login", name="Ana", password=PASSWORD)
        assert welcome["user"]["name"] == "Ana"
        given(with_ana, "user", "password", "Ana", "--password-stdin", stdin="another sentence")
        assert ana.end() == 4401


def test_a_key_publishes_until_it_is_revoked(room: Server) -> None:
    secret = given(room, "key", "add", "sensor", "--can", "publish:lobby")
    with JsonClient(room.ws) as sensor:
        welcome = sensor.hello(token=secret)
        assert (welcome["user"]["name"], welcome["user"]["kind"]) == ("sensor", "bot")
        assert sensor.ask("post", room="lobby", text="21 degrees")["type"] == "ok"
        assert sensor.ask("post", room="den", text="x")["code"] == "forbidden"
        given(room, "key", "revoke", "sensor")
        assert sensor.end() == 4401


def test_a_rooms_new_title_is_seen(room: Server) -> None:
    given(room, "room", "create", "den", "--title", "The Den")
    with JsonClient(room.ws, "Ben") as ben:
        titles = {one["name"]: one["title"] for one in ben.ask("rooms")["rooms"]}
        assert titles["den"] == "The Den"
