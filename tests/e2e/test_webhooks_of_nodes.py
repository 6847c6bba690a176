"""Webhooks of two real servers on one database: whichever is killed, the receiver hears of everything."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from itertools import count

import pytest
from websockets.exceptions import ConnectionClosed

from .. import postgresql, redis
from .clients import JsonClient
from .conftest import Start
from .receivers import Receiver
from .server import Server
from .test_administration import PROGRAM

LEADS = "this node leads now"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.go()


@pytest.fixture
def nodes(server: Start) -> Iterator[tuple[Server, Server]]:
    """Two, of which the first leads."""
    name = postgresql.server().database()
    bus = redis.server()
    options = (f"--store={postgresql.server().url(name)}", f"--bus={bus.url}", "--no-limits")
    one = server(*options, "--webhook-allow=127.0.0.1", name="one")
    one.wait_for(lambda: LEADS in one.log)
    two = server(*options, "--webhook-allow=127.0.0.1", name="two")
    yield one, two
    for each in (one, two):
        each.clear_away()
    bus.end()
    postgresql.server().drop(name)


class Talking:
    """Somebody who goes on talking, on a thread of their own, until the server is gone or the test ends.
    `said` are the texts of theirs that were acknowledged, in order, by room."""

    def __init__(self, server: Server, name: str) -> None:
        self.said: dict[str, list[str]] = {"red": [], "blue": []}
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._talk, args=(server, name), daemon=True)
        self._thread.start()

    def _talk(self, server: Server, name: str) -> None:
        try:
            with JsonClient(server.ws, name) as client:
                for number in count():
                    if self._ends.wait(0.01):
                        return
                    room, text = ("red", "blue")[number % 2], f"{name} {number}"
                    client.post(text, room=room)
                    self.said[room].append(text)
        except (ConnectionClosed, OSError):
            return  # the server was killed

    @property
    def count(self) -> int:
        return sum(map(len, self.said.values()))

    def end(self) -> None:
        self._ends.set()
        self._thread.join()


def add(server: Server, receiver: Receiver) -> None:
    """Make a webhook, from beside the servers."""
    (store,) = [word for word in server.command() if word.startswith("--store=")]
    words = ["webhook", "add", receiver.url, "--room", "*", "--name", "Otto", "--event", "message"]
    subprocess.run([PROGRAM, *words, store], check=True, capture_output=True, timeout=120)


def test_every_post_is_told_in_order_though_the_leader_is_killed(
    nodes: tuple[Server, Server], receiver: Receiver
) -> None:
    one, two = nodes
    add(one, receiver)
    ana, bob = Talking(one, "Ana"), Talking(two, "Bob")
    receiver.wait_for(lambda got: {one.text.split()[0] for one in got} == {"Ana", "Bob"})
    receiver.wait_for(lambda got: len(got) >= 60)
    assert LEADS not in two.log, "it passes on, and tells nothing itself"
    one.kill()
    before = bob.count
    two.wait_for(lambda: LEADS in two.log)
    two.wait_for(lambda: bob.count >= before + 30)
    for somebody in (ana, bob):
        somebody.end()
    for room in ("red", "blue"):
        said = {*ana.said[room], *bob.said[room]}
        receiver.wait_for(lambda got, wanted=said: wanted <= {one.text for one in got})
    for room in ("red", "blue"):
        told = [got for got in list(receiver.got) if got.told["data"]["room"] == room]
        seqs = list(dict.fromkeys(got.told["data"]["seq"] for got in told))
        assert seqs == list(range(1, seqs[-1] + 1)), "each, in the order of the room"
        ids = {(got.told["data"]["seq"], got.id) for got in told}
        assert len(ids) == len(seqs), "what came twice came under one id"
