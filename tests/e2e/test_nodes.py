"""Two servers as people run them, on one PostgreSQL database and one Redis."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from .. import postgresql, redis
from .clients import JsonClient
from .conftest import Start


@pytest.fixture
def store() -> Iterator[str]:
    """An empty database's URL."""
    name = postgresql.server().database()
    yield postgresql.server().url(name)
    postgresql.server().drop(name)


@pytest.fixture
def bus() -> Iterator[redis.Server]:
    """A Redis."""
    made = redis.server()
    yield made
    made.end()


def until(client: JsonClient, kind: str, **fields: Any) -> dict[str, Any]:
    """The next thing of that kind, with those fields, that a client is told."""
    while True:
        told = client.event(kind)
        if all(told.get(name) == value for name, value in fields.items()):
            return told


def test_two_servers_are_one_whatever_becomes_of_redis_and_of_one_of_them(server: Start, store, bus):
    options = (f"--store={store}", f"--bus={bus.url}", "--no-limits")
    one, two = server(*options, name="one"), server(*options, name="two")
    with JsonClient(one.ws, "Ana") as ana, JsonClient(two.ws, "Bob") as bob:
        ana.join()
        joined = bob.join()
        assert {member["name"] for member in joined["members"]} == {"Ana", "Bob"}
        ana.post("with Redis")
        assert until(bob, "message")["text"] == "with Redis"

        bus.signal(signal.SIGKILL)
        ana.post("without")
        assert until(bob, "message")["text"] == "without"
        bob.post("and back")
        assert until(ana, "message", text="and back")["seq"] == 3

        bus.start()
        redis.wait_for(lambda: two.log.count("is connected") == 2 and one.log.count("is connected") == 2)
        ana.post("with Redis again")
        assert until(bob, "message", text="with Redis again")["seq"] == 4

        two.kill()
        gone = until(ana, "presence", state="offline")
        assert gone["user"]["name"] == "Bob"
        assert ana.post("alone") == 5
