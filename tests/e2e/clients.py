"""Small clients that wait for what they ask for: one for each dialect, and plain HTTP."""

from __future__ import annotations

import itertools
import json
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as websocket

PATIENCE = 20.0
"""Seconds after which something that was expected has not come."""

Json = dict[str, Any]


def socket_to(url: str, unix: str | None = None) -> socket.socket:
    """A connected socket to the server of `url`, or to the Unix socket of that name."""
    if unix is not None:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        connection.connect(unix)
        return connection
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE)


def careless() -> ssl.SSLContext:
    """TLS with whoever is there: the tests' certificates are self-signed."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # As browsers do (RFC 7301).
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def get(url: str, path: str = "/", unix: str | None = None, method: str = "GET") -> HTTPResponse:
    """One HTTP request on a connection of its own; the answer is read to its end by its `read`."""
    connection = socket_to(url, unix)
    if url.startswith("https"):
        connection = careless().wrap_socket(connection)
    with connection:
        host = urlsplit(url).netloc
        connection.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = HTTPResponse(connection, method=method)
        answer.begin()
        answer.body = answer.read()  # type: ignore[attr-defined]
    return answer


def code_of(closed: ConnectionClosed) -> int | None:
    """The close code that the server sent; None where the connection just went."""
    return None if closed.rcvd is None else closed.rcvd.code


class Client:
    """A WebSocket connection of any dialect; `text` and `send` are its messages."""

    subprotocols: tuple[str, ...] = ()

    def __init__(
        self, url: str, unix: str | None = None, sock: socket.socket | None = None, **settings: Any
    ) -> None:
        if url.startswith("wss"):
            settings.setdefault("ssl", careless())
        # A full queue would keep the client from reading the answer to its close.
        settings.setdefault("max_queue", None)
        connection = websocket(
            url,
            sock=sock or socket_to(url, unix),
            subprotocols=self.subprotocols or None,
            open_timeout=PATIENCE,
            close_timeout=PATIENCE,
            **settings,
        )
        self.socket: ClientConnection = connection.__enter__()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def text(self) -> str | bytes:
        """The next message."""
        return self.socket.recv(timeout=PATIENCE)

    def send(self, message: str | bytes) -> None:
        """Send one message."""
        self.socket.send(message)

    def close(self) -> None:
        """Take leave."""
        self.socket.close()

    def end(self) -> int | None:
        """Read on until the server closes; its close code, None where it just went."""
        try:
            while True:
                self.text()
        except ConnectionClosed as closed:
            return code_of(closed)


class PlainClient(Client):
    """The tutorial's dialect: texts."""


class JsonClient(Client):
    """chatroom.v1: requests with their replies; events wait in `events` until they are asked for."""

    subprotocols = ("chatroom.v1",)

    def __init__(self, url: str, name: str | None = None, **settings: Any) -> None:
        super().__init__(url, **settings)
        self.events: list[Json] = []
        self._replies: dict[Any, Json] = {}
        self._ids = itertools.count(1)
        self.me: Json = {}
        if name is not None:
            self.me = self.hello(name=name)

    def hello(self, **fields: Any) -> Json:
        """Say who this is; the welcome."""
        return self.ask("hello", **fields)

    def ask(self, kind: str, /, **fields: Any) -> Json:
        """Send a request and wait for its reply, of whatever kind."""
        return self.reply(self.begin(kind, **fields))

    def begin(self, kind: str, /, **fields: Any) -> int:
        """Send a request; its number, for `reply`."""
        number = next(self._ids)
        self.send(json.dumps({"type": kind, "id": number, **fields}))
        return number

    def reply(self, number: int) -> Json:
        """The reply to request `number`."""
        while number not in self._replies:
            self._read()
        return self._replies.pop(number)

    def has_reply(self, number: int) -> bool:
        """Whether the reply to request `number` has been read already."""
        return number in self._replies

    def join(self, room: str = "lobby", **fields: Any) -> Json:
        """Come into a room."""
        reply = self.ask("join", room=room, **fields)
        assert reply["type"] == "ok", reply
        return reply

    def post(self, text: str, room: str = "lobby", **fields: Any) -> int:
        """Say something; the `seq` it is kept as."""
        reply = self.ask("post", room=room, text=text, **fields)
        assert reply["type"] == "ok", reply
        return int(reply["seq"])

    def event(self, kind: str = "message") -> Json:
        """The next event of a kind; others wait for whoever asks for them."""
        while True:
            for place, event in enumerate(self.events):
                if event["type"] == kind:
                    return self.events.pop(place)
            self._read()

    def gather(self, enough: Callable[[Json], bool], kind: str = "message") -> Iterator[Json]:
        """Events of a kind, up to the first that is `enough`."""
        while True:
            event = self.event(kind)
            yield event
            if enough(event):
                return

    def missed(self, since: int, epoch: str, room: str = "lobby") -> list[Json]:
        """Join, and read everything after event `since`."""
        page = self.join(room, since=since, epoch=epoch)
        assert page["recovered"]
        events, head = page["events"], page["room"]["head"]
        while events and events[-1]["seq"] < head:
            last = events[-1]["seq"]
            # What comes after the head is told live.
            page = self.ask("history", room=room, after=last, limit=min(500, head - last))
            events += page["events"]
        return list(events)

    def _read(self) -> None:
        message = json.loads(self.text())
        if message["type"] in ("ok", "error", "welcome", "pong"):
            self._replies[message.get("id")] = message
        else:
            self.events.append(message)


@contextmanager
def raw(url: str, unix: str | None = None) -> Iterator[socket.socket]:
    """A bare connection, in TLS where the URL says so."""
    connection = socket_to(url, unix)
    if url.startswith("https"):
        connection = careless().wrap_socket(connection)
    with connection:
        yield connection
