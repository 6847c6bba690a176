"""Whatever is sent over HTTP to a real server, somebody who talks there notices nothing of it."""

from __future__ import annotations

import itertools
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .clients import PATIENCE, JsonClient, raw
from .conftest import Start
from .neighbourhood import SECRET, VALUES, Neighbourhood, credentials, neighbourhoods
from .server import ON_LOOPBACK, TLS, Server
from .test_accounts import Browser


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbourhood]:
    yield from neighbourhoods(tmp_path_factory.mktemp("hostile"))


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
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "CONNECT"])
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


# The account door.


# Logging in hashes a password each time; what its fields may be is in tests/doors/test_account_hostile.py.
FORMS = {
    "sign-up": {"name": "Eve", "password": "x", "invitation": "ci_" + "x" * 43},
    "password": {"old": "x", "new": "x" * 9},
    "delete": {"password": "x"},
    "invitations": {"role": "member", "room": "lobby", "uses": 1, "days": 1},
}


def test_every_form_is_answered_whatever_a_field_of_it_is(there: Neighbourhood) -> None:
    olga = browser_of(there.server, "Olga")
    for path, right in FORMS.items():
        for field, value in itertools.product([*right, "more"], VALUES):
            found = olga.ask("POST", f"/account/{path}", {**right, field: value})
            if found.status != 201:
                assert found.status in (400, 401, 403, 404, 409, 413, 429)
                assert found.told["error"]["code"] != "internal"
    assert olga.ask("GET", "/account").told["account"]["name"] == "Olga"
    there.is_at_peace()


def browser_of(server: Server, name: str) -> Browser:
    browser = Browser(server)
    assert browser.ask("POST", "/account/login", credentials(name)).status == 200
    return browser


def test_nobody_elses_session_is_ended_or_seen(there: Neighbourhood) -> None:
    (session,) = (one["id"] for one in there.ana.ask("sessions")["sessions"] if one["current"])
    mallory = browser_of(there.server, "Mallory")
    assert session not in str(mallory.ask("GET", "/account/sessions").told)
    for path in (
        session,
        f"{session}/",
        f"../sessions/{session}",
        "%00",
        "a" * 5_000,
        f"{session}?id=Ana",
    ):
        assert mallory.ask("DELETE", f"/account/sessions/{path}").status == 404
    there.is_at_peace()


# Slow ones.


PROXY = "haproxy:tcp:{port}:interface=127.0.0.1"
BEGINNINGS = [(ON_LOOPBACK, b"GET / HT"), (ON_LOOPBACK, b""), (TLS, b"\x16\x03\x01\x02"), (TLS, b"")]
BEGINNINGS += [(PROXY, b"PROXY TCP4 192.0.2."), (PROXY, b""), (PROXY, b"\r\n\r\n\0\r\nQUIT\n\x21\x11")]


def test_who_draws_out_a_beginning_is_cut_off(server: Start, pem: Path) -> None:
    endpoints = (ON_LOOPBACK, TLS, PROXY)
    one = server("--limit=handshake_timeout=1", endpoints=endpoints, files={"key.pem": pem.read_text()})
    found = re.findall(r"(?:open https?|PROXY protocol).*?:(\d+)\b(?: in a browser)?$", one.log, re.MULTILINE)
    ports = dict(zip(endpoints, map(int, found), strict=True))
    with JsonClient(one.ws, "Ana") as ana, ExitStack() as stack:
        slow = []
        for endpoint, beginning in BEGINNINGS * 20:
            connection = socket.create_connection(("127.0.0.1", ports[endpoint]), PATIENCE)
            stack.enter_context(connection).sendall(beginning)
            slow.append(connection)
        assert ana.ask("ping")["type"] == "pong"
        for connection in slow:
            try:
                while connection.recv(4096):
                    pass
            except ConnectionResetError:
                pass
        assert ana.ask("ping")["type"] == "pong"
