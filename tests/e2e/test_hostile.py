"""Whatever is sent to a real server, somebody who talks there notices nothing of it.

It has its database, its passwords and a site's key here, and its log is looked through for tracebacks
(`conftest.servers`). What strangers ask of the core in any order is in tests/core/test_hostile.py.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed

from chatroom.domain.commands import AnyCommand
from chatroom.domain.model import MAX_SEQ

from .clients import Client, Json, JsonClient, PlainClient, raw
from .conftest import servers
from .server import Server
from .test_administration import PASSWORD, given

SECRET = "0123456789abcdef" * 4

FIELDS = {
    command.__struct_config__.tag: [
        field.encode_name for field in msgspec.structs.fields(command) if field.name != "id"
    ]
    for command in AnyCommand.__args__
}
RIGHT: Json = {"room": "lobby", "text": "x", "seq": 1, "on": True, "user": "Ana", "role": "owner"}
RIGHT |= {"report": 1, "old": "x", "new": "x", "password": "x", "name": "Eve", "kind": "public"}
VALUES: list[Any] = [
    *(None, True, 0, -1, 0.5, MAX_SEQ, MAX_SEQ + 1, 2**63, -(2**63) - 1, 10**30, 1e308),
    *(
        "",
        " ",
        "\0",
        "\ufeff",
        "\u202e",
        "Ana",
        "\u0410na",
        "a" * 30_000,
        "' or 1=1 --",
        "%s{0}",
        "\U0010ffff",
    ),
    *("~", "@", "@" + "0" * 24, "~den-" + "2" * 16, "*", "../../etc/passwd", "owner", "::/0", "203.0.113.9"),
    *([], {}, [[]], {"a": {"b": [1, None]}}, ["lobby"] * 300),
]
"""What no field is, or only some are."""


class Neighbourhood:
    """A server with people on it: Olga, who owns it, and Ana, who has a private room and listens."""

    def __init__(self, server: Server) -> None:
        self.server = server
        for name, more in {"Ana": (), "Olga": ("--role=owner",), "Mallory": ()}.items():
            given(server, "user", "add", name, *more, "--password-stdin", stdin=PASSWORD)
        self.ana = self.logged_in("Ana")
        self.ana.join()
        self.mallory = self.logged_in("Mallory").me["token"]

    def logged_in(self, name: str) -> JsonClient:
        client = JsonClient(self.server.ws)
        client.me = client.ask("login", name=name, password=PASSWORD)
        return client

    def is_at_peace(self) -> None:
        """Ana is there and hears what somebody says."""
        with JsonClient(self.server.ws, "Somebody") as somebody:
            seq = somebody.post("still here")
        assert list(self.ana.gather(lambda event: event["seq"] == seq))
        assert self.ana.ask("ping")["type"] == "pong"


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbourhood]:
    for start in servers(tmp_path_factory.mktemp("hostile")):
        options = ("--no-limits", "--jwt-key=site.secret", "--jwt-audience=chat")
        yield Neighbourhood(start(*options, files={"site.secret": SECRET}))


def strange(kind: str) -> Iterator[Json]:
    """A request in which one field after the other is what it should not be."""
    right = {field: RIGHT[field] for field in FIELDS[kind] if field in RIGHT}
    for field, value in itertools.product(FIELDS[kind], VALUES):
        yield {"type": kind, **right, field: value}


def answers(client: JsonClient, requests: Iterable[Json]) -> Iterator[Json]:
    """The answer to each, many being asked at once."""
    numbers = itertools.count(1_000_000)
    while batch := list(itertools.islice(requests, 50)):
        asked = [next(numbers) for _ in batch]
        for number, request in zip(asked, batch, strict=True):
            client.send(json.dumps({**request, "id": number}))
        yield from map(client.reply, asked)


# What hashes a password each time would take minutes, and does not get past msgspec otherwise.
@pytest.mark.parametrize("kind", sorted({*FIELDS} - {"login", "password", "account.delete", "logout"}))
def test_every_request_is_answered_whatever_a_field_of_it_is(there: Neighbourhood, kind: str) -> None:
    with JsonClient(there.server.ws) as mallory:
        mallory.hello(token=there.mallory)
        for answer in answers(mallory, strange(kind)):
            if answer["type"] == "error":
                assert answer["code"] != "internal"
                assert answer["message"]
    there.is_at_peace()


# WebSockets.


@pytest.mark.parametrize(("dialect", "binary"), [(JsonClient, False), (PlainClient, True)])
def test_ten_megabytes_of_brackets_end_the_connection(
    there: Neighbourhood, dialect: type[Client], binary: bool
) -> None:
    with dialect(there.server.ws) as client:
        try:
            client.send(b"[" * 10_000_000 if binary else "[" * 10_000_000)
        except ConnectionClosed:
            pass  # the server had enough before it had all
        assert client.end() == 1009
    there.is_at_peace()


def test_as_deep_as_a_message_is_long(there: Neighbourhood) -> None:
    limit = there.ana.me["limits"]["message_bytes"]
    with JsonClient(there.server.ws, "Eve") as eve:
        half = "[" * (limit // 2 - 50)
        deep = half + half.replace("[", "]")
        for text in ("[" * limit, deep, f'{{"type":"post","room":"x","text":"x","data":{{"a":{deep}}}}}'):
            eve.send(text)
        codes = [json.loads(eve.text())["code"] for _ in range(3)]
    assert set(codes) <= {"bad_json", "bad_request"}
    there.is_at_peace()


# HTTP.


def answered(server: Server, sent: bytes) -> bytes:
    """All that is answered to bytes on a connection of their own, until the server ends it."""
    with raw(server.url) as connection:
        connection.sendall(sent)
        received = b""
        while data := connection.recv(65536):
            received += data
    return received


CLOSE = "Connection: close\r\n"
TARGETS = [
    *("/../../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e/etc/passwd", "/.%00./x", "/%00", "//"),
    *(
        "//etc/passwd",
        "/\\..\\..\\etc\\passwd",
        "/web/../index.html",
        "/index.html%00.js",
        "/page.js/",
        "/.git/HEAD",
    ),
    *(
        "/chatroom.sqlite3",
        "/data/chatroom.sqlite3",
        "/site.secret",
        "/lock",
        "/~root/",
        "/%ff%fe",
        "/*",
        "*",
        "x",
    ),
    *(
        "http://foe.example/../etc/passwd",
        "file:///etc/passwd",
        "/" + "a" * 8_000,
        "/?" + "a=" * 4_000,
        "/;/;",
    ),
    *(
        "/account/../../etc/passwd",
        "/account/%2e%2e%2f",
        "/account//sessions",
        "/ws/../echo",
        "/echo",
        "/metrics",
    ),
]


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target[:30])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "TRACE", "CONNECT"])
def test_no_path_leads_out_of_the_folder(there: Neighbourhood, method: str, target: str) -> None:
    host = there.server.url.removeprefix("http://")
    found = answered(there.server, f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{CLOSE}\r\n".encode())
    status, _, body = found.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.1 (200|4\d\d|501) ", status)
    if status.startswith(b"HTTP/1.1 200"):
        # A target without a path of its own, or with a query, is the page.
        assert method == "HEAD" or b"<!doctype html>" in body.lower()
    for secret in (b"root:", b"SQLite", SECRET.encode(), b"Traceback", b"site-packages"):
        assert secret not in found


FIRST = b"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"
SMUGGLED = b"GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
SMUGGLING = {
    "two lengths": b"Content-Length: 0\r\nContent-Length: 50\r\n",
    "a list of lengths": b"Content-Length: 0, 50\r\n",
    "a length and chunks": b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
    "chunks and a length": b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
    "chunks that are none": b"Transfer-Encoding: xchunked\r\n",
    "chunks twice": b"Transfer-Encoding: chunked, identity\r\n",
    "chunks behind a tab": b"Transfer-Encoding:\x0bchunked\r\n",
    "a space before the colon": b"Content-Length : 0\r\n",
    "a folded line": b"X: a\r\n Content-Length: 50\r\n",
    "a bare line feed": b"X: a\nContent-Length: 50\r\n",
    "a bare carriage return": b"X: a\rContent-Length: 50\r\n",
    "a length with a sign": b"Content-Length: +50\r\n",
    "a length below zero": b"Content-Length: -1\r\n",
    "a length with an underscore": b"Content-Length: 5_0\r\n",
    "a length in other digits": "Content-Length: \u0665\u0660\r\n".encode(),
    "a zero byte": b"X: a\0b\r\n",
    "a line that is none": b"nonsense\r\n",
    "two hosts": b"Host: other.example\r\n",
}


@pytest.mark.parametrize("what", SMUGGLING)
@pytest.mark.parametrize("first", [b"", FIRST])
def test_what_two_parsers_could_read_in_two_ways_is_read_in_none(
    there: Neighbourhood, what: str, first: bytes
) -> None:
    host = there.server.url.removeprefix("http://").encode()
    body = b"0\r\n\r\n" if "chunk" in what else b""
    asked = (
        first + b"POST /healthz HTTP/1.1\r\nHost: {host}\r\n" + SMUGGLING[what] + b"\r\n" + body + SMUGGLED
    )
    found = answered(there.server, asked.replace(b"{host}", host))
    statuses = re.findall(rb"HTTP/1\.1 (\d+) ", found)
    assert statuses[1 if first else 0 :] in ([b"400"], [b"413"], [b"501"]), found


def test_more_than_anybody_has_to_say(there: Neighbourhood) -> None:
    host = there.server.url.removeprefix("http://").encode()
    for asked in (
        b"GET / HTTP/1.1\r\nHost: %b\r\nX: " % host + b"a" * 1_000_000,
        b"GET /" + b"a" * 1_000_000,
        b"POST /healthz HTTP/1.1\r\nHost: %b\r\nContent-Length: 100000000\r\n\r\n" % host + b"a" * 20_000_000,
        b"POST /healthz HTTP/1.1\r\nHost: %b\r\nTransfer-Encoding: chunked\r\n\r\n" % host
        + b"fffff\r\n"
        + b"a" * 0xFFFFF
        + b"\r\nfffff\r\n"
        + b"a" * 0xFFFFF,
        b"\x16\x03\x01" + bytes(1_000_000),
        b"\0" * 1_000_000,
    ):
        with raw(there.server.url) as connection:
            try:
                connection.sendall(asked)
                while connection.recv(65536):
                    pass
            except ConnectionError:
                pass  # cut off while it was still talking
    there.is_at_peace()
