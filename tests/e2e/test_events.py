"""Event streams over real connections: `curl -N` across a crash, readers that do not read, TLS."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ..wire.event_reading import EventReader
from .clients import PATIENCE, JsonClient, careless
from .conftest import Start
from .server import ON_LOOPBACK, TLS, Server

ENDPOINTS = pytest.mark.parametrize("endpoint", [ON_LOOPBACK, TLS], ids=["plain", "TLS"])


class Curl:
    """`curl -N` on a room's events, as one types it."""

    def __init__(self, server: Server, path: str, last: str = "") -> None:
        resume = ["-H", f"Last-Event-ID: {last}"] if last else []
        self.reader = EventReader()
        self._process = subprocess.Popen(
            ["curl", "-N", "-s", "-S", "-k", *resume, server.url + path],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def seqs(self, until: int | None = None) -> list[int]:
        """The numbers of the events that come, until that one is there, or the stream ends."""
        assert self._process.stdout is not None
        found: list[int] = []
        while until is None or not found or found[-1] < until:
            line = self._process.stdout.readline()
            if not line:
                assert until is None, f"ended after {found}"
                return found
            found += [told.json["seq"] for told in self.reader.read(line) if "seq" in told.json]
        return found

    def began(self) -> None:
        """Wait until it knows where it is."""
        assert self._process.stdout is not None
        while not self.reader.last:
            line = self._process.stdout.readline()
            assert line, "it ended at once"
            self.reader.read(line)

    def rest(self) -> bytes:
        """What still comes, until the stream ends."""
        assert self._process.stdout is not None
        return self._process.stdout.read()

    def end(self) -> None:
        """Whatever it does."""
        self._process.kill()
        self._process.wait(timeout=PATIENCE)
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()


@contextmanager
def curl(server: Server, path: str, last: str = "") -> Iterator[Curl]:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed: tools/system-packages test would")
    one = Curl(server, path, last)
    try:
        yield one
    finally:
        one.end()


@ENDPOINTS
def test_curl_shows_a_room_live_and_goes_on_where_it_was_after_a_crash(
    server: Start, pem: Path, endpoint: str
) -> None:
    one = server("--no-limits", endpoints=(endpoint,), files={"key.pem": pem.read_text()})
    with curl(one, "/events?room=ops") as before:
        before.began()
        with JsonClient(one.ws, "Ana") as ana:
            _post(ana, 20)
            heard = before.seqs(until=15)
            one.kill()
            heard += before.seqs()
        last = before.reader.last
    one.start()
    with JsonClient(one.ws, "Bob") as bob:
        _post(bob, 10)
        head = len(bob.missed(0, bob.me["epoch"], room="ops"))
        with curl(one, "/api/v1/rooms/ops/events", last) as after:
            heard += after.seqs(until=head)
            _post(bob, 1)
            heard += after.seqs(until=head + 1)
    assert heard == list(range(1, head + 2))
    assert head >= 30


def test_a_server_that_stops_tells_its_listeners_when_to_come_back(server: Start) -> None:
    one = server()
    with curl(one, "/events") as listener:
        listener.began()
        one.stop()
        rest = listener.rest()
    assert b"event: closing\nretry: 1000\n" in rest


BACKLOG = 200_000
TEXT = "€" * 8_000
POSTS = 400
"""10 MB: far more than a backlog and the kernel's buffers hold."""


@ENDPOINTS
def test_a_listener_who_does_not_read_is_cut_off_and_goes_on_where_it_was(
    server: Start, pem: Path, endpoint: str
) -> None:
    options = ("--no-limits", f"--limit=backlog_bytes={BACKLOG}")
    one = server(*options, endpoints=(endpoint,), files={"key.pem": pem.read_text()})
    with JsonClient(one.ws, "Ana") as ana:
        ana.join("ops")
        slow = [Reader(one) for _ in range(8)]
        before = one.memory()
        _post(ana, POSTS, TEXT)
        assert one.memory() - before < 8 * BACKLOG + 40_000_000, "unbounded, it would be near 80 MB"
        for reader in slow:
            heard = reader.read_on()
            assert heard == list(range(1, len(heard) + 1))
            assert len(heard) < POSTS
            heard += Reader(one, reader.last).read_on(until=POSTS)
            assert heard == list(range(1, POSTS + 1))


def _post(client: JsonClient, amount: int, text: str = "hello") -> None:
    numbers: list[int] = []
    for _ in range(amount):
        numbers.append(client.begin("post", room="ops", text=text))
        if len(numbers) > 20:
            assert client.reply(numbers.pop(0))["type"] == "ok"
    for number in numbers:
        assert client.reply(number)["type"] == "ok"


class Reader:
    """A connection whose stream has begun, and of which nothing more is read until it is asked for."""

    def __init__(self, server: Server, last: str = "") -> None:
        connection: Any = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", server.port))
        self._connection = (
            careless().wrap_socket(connection) if server.url.startswith("https") else connection
        )
        self._events = EventReader()
        resume = f"Last-Event-ID: {last}\r\n" if last else ""
        head = f"GET /events?room=ops HTTP/1.1\r\nHost: 127.0.0.1\r\n{resume}\r\n"
        self._connection.sendall(head.encode())
        self._data = b""
        while b"retry:" not in self._data:
            self._data += self._connection.recv(65536)
        self._data = self._data.partition(b"\r\n\r\n")[2]

    def read_on(self, until: int | None = None) -> list[int]:
        """The numbers of the events until that one, or the end, which it then is."""
        found: list[int] = []
        with self._connection:
            while until is None or not found or found[-1] < until:
                try:
                    piece = self._connection.recv(65536)
                except ConnectionError:
                    piece = b""
                whole, end, self._data = (self._data + piece).rpartition(b"\n\n")
                found += [one.json["seq"] for one in self._events.read(whole + end) if "seq" in one.json]
                if not piece:
                    break
        return found

    @property
    def last(self) -> str:
        """The last whole event's id."""
        return self._events.last
