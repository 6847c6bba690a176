"""With an Autobahn that is not as the server knows it inside, it works by what Autobahn documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .clients import JsonClient, PlainClient
from .conftest import Start, servers
from .server import ON_LOOPBACK, TLS, Server

# As the next version might do it. An application is loaded before any connection is made.
CHANGED = """
from autobahn.websocket.protocol import WebSocketServerProtocol

import chatroom

begin = WebSocketServerProtocol._connectionMade


def begin_otherwise(self):
    begin(self)
    self.novelty = []


WebSocketServerProtocol._connectionMade = begin_otherwise


class Sala(chatroom.Room):
    pass
"""


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory, pem: Path) -> Iterator[Server]:
    """A server with a plain and a TLS port, on an Autobahn that has changed."""
    for start in servers(tmp_path_factory.mktemp("changed")):
        yield _started(start, pem)


def _started(start: Start, pem: Path) -> Server:
    files = {"changed.py": CHANGED, "key.pem": pem.read_text()}
    endpoints = (ON_LOOPBACK.format(port=0), TLS)
    limits = ("--no-limits", "--limit=ping_interval=1", "--limit=backlog_bytes=300000")
    return start("--app=changed:Sala", *limits, files=files, endpoints=endpoints)


def test_the_operator_is_told(changed: Server) -> None:
    assert changed.log.count("is not known inside (novelty is new)") == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_chat_works(changed: Server, scheme: str) -> None:
    ws = f"{scheme.replace('http', 'ws')}://127.0.0.1:{dict(changed.ports)[scheme]}/ws"
    with JsonClient(ws, "Ana") as ana, PlainClient(f"{ws}?room={scheme}&name=Pia") as pia:
        ana.join(scheme)
        for number in range(30):
            ana.begin("post", room=scheme, text=f"{number} " + "x" * 7_000)
        assert [str(pia.text()).split()[0] for _ in range(30)] == [str(number) for number in range(30)]
        assert [ana.event()["seq"] for _ in range(30)] == list(range(1, 31))
        # Whoever answers pings stays.
        for _ in range(3):
            assert ana.socket.ping().wait(20)
        pia.send("still here")
        assert ana.event()["text"] == "still here"
    with PlainClient(f"{ws}?room={scheme}&since=29&name=Ben", compression=None) as ben:
        assert str(ben.text()).startswith("29 ")
        assert ben.text() == "still here"


def test_it_says_goodbye(changed: Server) -> None:
    with JsonClient(changed.ws, "Ana") as ana:
        ana.join()
        changed.stop()
        assert ana.event("closing")["reconnect_after"] > 0
        assert ana.end() == 4000
