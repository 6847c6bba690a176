"""A member that does not read costs itself only."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from .clients import PATIENCE, JsonClient, code_of
from .conftest import Start
from .server import ON_LOOPBACK, TLS, Server

BACKLOG = 200_000
READERS = 8
TEXT = "€" * 8_000
POSTS = 500
"""12 MB: far more than a backlog and the kernel's buffers hold."""


@pytest.mark.parametrize("endpoint", [ON_LOOPBACK, TLS], ids=["plain", "TLS"])
def test_slow_readers_are_cut_off_resume_and_harm_nobody(server: Start, pem: Path, endpoint: str) -> None:
    options = ("--no-limits", f"--limit=backlog_bytes={BACKLOG}")
    one = server(*options, endpoints=(endpoint,), files={"key.pem": pem.read_text()})
    with JsonClient(one.ws, "Ana") as ana:
        ana.join()
        readers = [_slow_reader(one, f"slow{number}") for number in range(READERS)]
        before = one.memory()
        _talk(ana)
        # Unbounded, what waits would be near 100 MB.
        assert one.memory() - before < READERS * BACKLOG + 40_000_000
        assert [ana.event()["seq"] for _ in range(POSTS)] == list(range(1, POSTS + 1))
        for reader in readers:
            seen, code = _read_on(reader)
            assert seen == list(range(1, len(seen) + 1))
            assert len(seen) < POSTS
            # Within five seconds it learns why; then it is cut.
            assert code in (4008, None)
            with JsonClient(one.ws) as back:
                back.hello(token=reader.me["token"])
                missed = [event["seq"] for event in back.missed(len(seen), reader.me["epoch"])]
                assert seen + missed == list(range(1, POSTS + 1))


def _slow_reader(one: Server, name: str) -> JsonClient:
    """A member that reads one message and then leaves the rest to the kernel."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(PATIENCE)
    connection.connect(("127.0.0.1", one.port))
    client = JsonClient(one.ws, name, sock=connection, max_queue=1, compression=None)
    client.join()
    return client


def _talk(ana: JsonClient) -> None:
    numbers = []
    for _ in range(POSTS):
        numbers.append(ana.begin("post", room="lobby", text=TEXT))
        if len(numbers) > 20:
            assert ana.reply(numbers.pop(0))["type"] == "ok"
    for number in numbers:
        assert ana.reply(number)["type"] == "ok"


def _read_on(reader: JsonClient) -> tuple[list[int], int | None]:
    """What comes until the end, and how that is."""
    seen: list[int] = []
    try:
        while True:
            seen.append(reader.event()["seq"])
    except ConnectionClosed as closed:
        return seen, code_of(closed)
