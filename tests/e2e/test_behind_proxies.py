"""Behind a load balancer that passes bytes on, and says with the PROXY protocol for whom."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ..doors.rawframes import CLOSE, PING, PONG, masked, upgrade
from .clients import PATIENCE, JsonClient, careless
from .conftest import Start, servers
from .server import ON_LOOPBACK, Server
from .test_proxying import GET, Wire, _talk

CLIENT, OTHER = "198.51.100.7", "2001:db8:1:2::7"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def version_1(client: str) -> bytes:
    """What HAProxy's `send-proxy` says first."""
    kind, server = ("TCP6", "::1") if ":" in client else ("TCP4", "127.0.0.1")
    return f"PROXY {kind} {client} {server} 50000 9000\r\n".encode()


def version_2(client: str) -> bytes:
    """What its `send-proxy-v2` does."""
    address = ip_address(client)
    server = ip_address("::1" if address.version == 6 else "127.0.0.1")
    places = address.packed + server.packed + struct.pack("!HH", 50000, 9000)
    kind = 0x21 if address.version == 6 else 0x11
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes([0x21, kind]) + struct.pack("!H", len(places)) + places


class Balanced:
    """A server behind a load balancer, whose part the tests play."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self._port = port

    def connect(self, first: bytes = b"", window: int | None = None) -> socket.socket:
        """A connection, on which this was sent; `window`: how many bytes it takes without being read."""
        connection = socket.socket()
        connection.settimeout(PATIENCE)
        if window is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        connection.connect(("127.0.0.1", self._port))
        connection.sendall(first)
        return connection


def balanced(start: Start, *options: str, kind: str = "tcp", more: str = "", **settings: Any) -> Balanced:
    port = free_port()
    endpoints = (ON_LOOPBACK, f"haproxy:{kind}:{port}:interface=127.0.0.1{more}")
    return Balanced(start(*options, endpoints=endpoints, **settings), port)


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    """One for all tests that leave it as it was."""
    for start in servers(tmp_path_factory.mktemp("balanced")):
        yield balanced(start, "--compliance")


@pytest.mark.parametrize("said", [version_1(CLIENT), version_2(CLIENT), version_1(OTHER), version_2(OTHER)])
def test_requests_and_an_upgrade(proxied: Balanced, said: bytes) -> None:
    with proxied.connect(said) as connection:
        wire = Wire(connection)
        for _ in range(2):
            wire.send(GET)
            assert wire.answer().body == b'{"status":"ok"}\n'
        wire.send(upgrade("/echo"))
        assert wire.answer().status == 101
        _talk(wire)


@pytest.mark.parametrize("pieces", [1, 2, 9])
def test_what_the_load_balancer_says_may_come_together_with_the_rest(proxied: Balanced, pieces: int) -> None:
    sent = version_1(CLIENT) + upgrade("/echo")
    with proxied.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The first piece has what the version is known by.
        cuts = [0, *(20 * number for number in range(1, pieces)), len(sent)]
        for start, end in pairwise(cuts):
            connection.sendall(sent[start:end])
        wire = Wire(connection)
        assert wire.answer().status == 101
        _talk(wire)


def test_people_talk_through_it_to_those_who_came_directly(proxied: Balanced) -> None:
    with (
        JsonClient("ws://chat.example/ws", "Ana", sock=proxied.connect(version_2(CLIENT))) as ana,
        JsonClient(proxied.server.ws, "Ben") as ben,
    ):
        ana.join("balanced")
        ben.join("balanced")
        texts = [f"{number} " + "x" * 7_000 for number in range(15)]
        for text in texts:
            ben.begin("post", room="balanced", text=text)
        assert [ana.event()["text"] for _ in texts] == texts
        ana.post("back", room="balanced")
        assert ben.event()["text"] == texts[0]


def test_who_reads_slowly_through_it_gets_everything_in_order(proxied: Balanced) -> None:
    with proxied.connect(version_1(CLIENT) + upgrade("/echo"), window=4096) as connection:
        wire = Wire(connection)
        assert wire.answer().status == 101
        sent = [f"{number:02}".encode() + b"x" * 60_000 for number in range(14)]
        for payload in sent:
            wire.send(masked(payload))
        # The kernels hold a part of it; all else waits in the server.
        assert [wire.frame().payload for _ in sent] == sent
        _talk(wire)


def test_limits_by_address_are_the_clients(server: Start) -> None:
    one = balanced(server, "--limit=connections_per_address=2")
    clients = [
        JsonClient("ws://chat.example/ws", name, sock=one.connect(version_1(CLIENT)))
        for name in ("Ana", "Ben")
    ]
    with one.connect(version_1(CLIENT) + upgrade("/ws", "chatroom.v1")) as third:
        wire = Wire(third)
        assert wire.answer().status == 101
        refused = wire.frame()
        assert (refused.opcode, refused.code) == (CLOSE, 4429)
    with JsonClient("ws://chat.example/ws", "Eva", sock=one.connect(version_1(OTHER))) as other:
        other.join()
    for client in clients:
        client.join()
        client.close()


def test_limits_by_address_are_the_clients_also_where_the_load_balancer_passes_tls_on(
    server: Start, pem: Path
) -> None:
    files = {"key.pem": pem.read_text()}
    limit = "--limit=connections_per_address=2"
    one = balanced(server, limit, kind="ssl", more=":privateKey=key.pem", files=files)
    # These are not counted as the load balancer's, although it is as yet all that is known.
    waiting = [one.connect() for _ in range(6)]
    for number, connection in enumerate(waiting):
        connection.sendall(version_2(f"198.51.100.{number // 3}"))
    wires = [Wire(careless().wrap_socket(connection)) for connection in waiting]
    for wire in wires:
        wire.send(upgrade("/ws"))
        assert wire.answer().status == 101
        wire.send(masked(b"", PING))
    assert [wire.frame().opcode for wire in wires] == [PONG, PONG, CLOSE] * 2
    for connection in waiting:
        connection.close()


@pytest.mark.parametrize("said", [GET, b"PROXY nonsense\r\n" + GET, b"\x16\x03\x01\0\0\0\0\0"])
def test_who_does_not_say_for_whom_is_not_answered(proxied: Balanced, said: bytes) -> None:
    with proxied.connect(said) as connection:
        try:
            assert connection.recv(1000) == b""
        except ConnectionResetError:
            pass  # closed with something unread


def test_the_log_says_that_no_browser_is_expected_there(proxied: Balanced) -> None:
    assert "send a load balancer that speaks the PROXY protocol to localhost:" in proxied.server.log
