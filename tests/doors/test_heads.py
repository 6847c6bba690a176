"""Request heads are read as RFC 9112 says, said here in another way than the reader says it."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatroom.doors.heads import Refused, read_head

from .rawframes import upgrade

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
HEAD = re.compile(
    rb"%(token)s [\x21-\x7e]+ HTTP/1\.[01]\r\n"
    rb"(?:%(token)s:[\t\x20-\x7e\x80-\x84\x86-\xff]*\r\n)*\r\n" % {b"token": TOKEN}
)
"""The grammar, as one pattern."""

PIECES = st.sampled_from(
    [
        *(
            b"GET",
            b"/",
            b" ",
            b"HTTP/1.1",
            b"HTTP/1.0",
            b"\r\n",
            b"\r",
            b"\n",
            b":",
            b"\t",
            b"\0",
            b"\x7f",
            b"\x85",
        ),
        *(
            b"GET / HTTP/1.1\r\n",
            b"Host: a\r\n",
            b"Upgrade: websocket\r\n",
            b"X-\xe4: v\r\n",
            b"Y: \xe4\xff\r\n",
        ),
        *(
            b"X : y\r\n",
            b": y\r\n",
            b"X\r\n",
            b" folded\r\n",
            b"\x0b",
            b"\x1c",
            b"(",
            b'"',
            b"Content-Length: 0\r\n",
        ),
    ]
)
NEARLY = st.lists(st.one_of(PIECES, PIECES, st.binary(max_size=2)), max_size=12).map(b"".join)


def first_head(data: bytes) -> bytes:
    """What the front door takes for a head: up to the first empty line."""
    return data[: data.index(b"\r\n\r\n") + 4]


def read(raw: bytes) -> bool:
    try:
        read_head(raw)
    except Refused as refused:
        return "well-formed" not in refused.why and "plain HTTP" not in refused.why
    return True


@given(st.one_of(NEARLY, NEARLY.map(lambda tail: b"GET / HTTP/1.1\r\nHost: a\r\n" + tail)))
@example(b"")
@example(b"GET / HTTP/1.1\r\nHost: a\r\n:v")
@example(b"GET / HTTP/1.1\r\nHost: a\rX\n")
def test_a_head_is_well_formed_where_the_grammar_says_so(data: bytes) -> None:
    raw = first_head(data + b"\r\n\r\n")
    assert read(raw) == (HEAD.fullmatch(raw) is not None)


@pytest.mark.parametrize("byte", range(256))
@pytest.mark.parametrize(
    "template", [b"G%bT / HTTP/1.1\r\n", b"GET /%bx HTTP/1.1\r\n", b"GET / HTTP/1.%b\r\n"]
)
def test_any_byte_in_a_request_line(byte: int, template: bytes) -> None:
    raw = template % bytes([byte]) + b"Host: a\r\n\r\n"
    assert read(raw) == (HEAD.fullmatch(raw) is not None)


@pytest.mark.parametrize("byte", range(256))
@pytest.mark.parametrize(
    "template", [b"X%bY: v\r\n", b"%b: v\r\n", b"X: v%bw\r\n", b"X:%b\r\n", b"%bX: v\r\n"]
)
def test_any_byte_in_a_field(byte: int, template: bytes) -> None:
    raw = b"GET / HTTP/1.1\r\nHost: a\r\n" + template % bytes([byte]) + b"\r\n"
    raw = first_head(raw)
    assert read(raw) == (HEAD.fullmatch(raw) is not None)


def test_what_is_read_is_what_was_there() -> None:
    raw = upgrade("/ws?a=b", "chatroom.v1", Origin=" http://a\t", X_Twice="1").replace(
        b"\r\n\r\n", b"\r\nx-tWICE:  2\r\n\r\n"
    )
    head = read_head(raw)
    assert (head.raw, head.method, head.target, head.version) == (raw, b"GET", b"/ws?a=b", b"HTTP/1.1")
    assert head.fields[b"origin"] == b"http://a"
    assert head.fields[b"x-twice"] == b"1, 2"
    assert head.fields[b"sec-websocket-protocol"] == b"chatroom.v1"
    assert not head.single
    assert head.upgrade
    assert read_head(upgrade()).single


@pytest.mark.parametrize(
    ("asked", "upgrade"),
    [
        *(("websocket", True), ("WebSocket", True), ("h2c, websocket", True), ("websocket/13", True)),
        *(("h2c", False), ("websockets", False), ("", False)),
    ],
)
def test_an_upgrade_is_one_to_a_websocket(asked: str, upgrade: bool) -> None:
    raw = f"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: {asked}\r\n\r\n".encode()
    assert read_head(raw).upgrade is upgrade
