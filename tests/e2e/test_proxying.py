"""Connections as reverse proxies use them: kept alive, upgraded after other requests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..doors.rawframes import ACCEPT, CLOSE, Answer, Frame, answer, closing, masked, parse, upgrade
from .clients import PATIENCE, careless, socket_to
from .conftest import servers
from .server import ON_LOOPBACK, TLS, Server

GET = b"GET /healthz HTTP/1.1\r\nHost: chat.example\r\n\r\n"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, pem: Path) -> Iterator[Server]:
    """A server with a plain and a TLS port."""
    for start in servers(tmp_path_factory.mktemp("proxied")):
        plain = ON_LOOPBACK.format(port=0)
        yield start("--compliance", files={"key.pem": pem.read_text()}, endpoints=(plain, TLS))


class Wire:
    """A bare connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._data = b""

    def send(self, data: bytes) -> None:
        """Send bytes."""
        self._connection.sendall(data)

    def answer(self) -> Answer:
        """The next HTTP answer."""
        while True:
            try:
                found = answer(self._data)
            except AssertionError:
                self._read()
            else:
                self._data = found.rest
                return found

    def frame(self) -> Frame:
        """The next frame."""
        while not (found := parse(self._data))[0]:
            self._read()
        frames, rest = found
        self._data = b"".join(bytes([one.first, len(one.payload)]) + one.payload for one in frames[1:]) + rest
        return frames[0]

    def ended(self) -> bool:
        """Whether the server has closed, and sent nothing before that."""
        return self._connection.recv(1000) == b""

    def _read(self) -> None:
        data = self._connection.recv(65536)
        assert data, f"the connection ended after {self._data!r}"
        self._data += data


@pytest.fixture(params=["http", "https"])
def wire(both: Server, request: pytest.FixtureRequest) -> Iterator[Wire]:
    """A bare connection, plain or in TLS."""
    port = dict(both.ports)[request.param]
    bare = socket_to(f"http://127.0.0.1:{port}")
    bare.settimeout(PATIENCE)
    with careless().wrap_socket(bare) if request.param == "https" else bare as connection:
        yield Wire(connection)


def _talk(wire: Wire) -> None:
    """An echo, a long echo, and a close in good order."""
    wire.send(masked(b"hello"))
    assert wire.frame().text == "hello"
    wire.send(masked(b"x" * 60_000))
    assert wire.frame().text == "x" * 60_000
    wire.send(closing())
    farewell = wire.frame()
    assert (farewell.opcode, farewell.code) == (CLOSE, 1000)
    assert wire.ended()


def test_an_upgrade_after_two_requests_on_one_connection(wire: Wire) -> None:
    for _ in range(2):
        wire.send(GET)
        assert wire.answer().body == b'{"status":"ok"}\n'
    wire.send(upgrade("/echo"))
    opened = wire.answer()
    assert (opened.status, opened.headers["sec-websocket-accept"]) == (101, ACCEPT)
    _talk(wire)


def test_two_requests_an_upgrade_and_a_frame_in_one_go(wire: Wire) -> None:
    wire.send(GET + GET + upgrade("/echo") + masked(b"early"))
    assert wire.answer().body == b'{"status":"ok"}\n'
    assert wire.answer().body == b'{"status":"ok"}\n'
    assert wire.answer().status == 101
    assert wire.frame().text == "early"
    _talk(wire)


def test_a_large_answer_still_under_way_comes_before_the_upgrades(wire: Wire) -> None:
    wire.send(
        b"GET /chatroom.js HTTP/1.1\r\nHost: chat.example\r\n\r\n" * 30 + upgrade("/echo") + masked(b"now")
    )
    for _ in range(30):
        assert wire.answer().status == 200
    assert wire.answer().status == 101
    assert wire.frame().text == "now"
    _talk(wire)


def test_a_refused_upgrade_on_a_kept_alive_connection(wire: Wire) -> None:
    wire.send(GET)
    assert wire.answer().status == 200
    wire.send(upgrade("/ws", Origin="https://foe.example"))
    assert wire.answer().status == 403
    assert wire.ended()
