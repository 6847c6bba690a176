"""Request heads, read once and strictly, wherever on a connection they come (RFC 9112)."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import NamedTuple

from chatroom.doors.headers import last_answer

MAX_HEAD = 16 * 1024
"""The longest request head with its empty line, in bytes."""

MALFORMED = (
    "This is not a well-formed HTTP request (RFC 9112): lines end in CRLF, and header fields have no"
    " control bytes."
)

NOT_HTTP = "This port speaks plain HTTP: use http:// or ws://."

TOO_LONG = f"A request head has at most {MAX_HEAD} bytes."

# RFC 9112, sections 3 and 5, and RFC 9110, section 5.5: every line ends in CRLF, no folded lines,
# no space before a colon, and no control bytes at all. 0x85 is none in HTTP, but it is a line's end
# to Python's str.splitlines, with which Autobahn takes a head apart; so are 0x0b, 0x0c, 0x1c-0x1e.
_TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TEXT = bytes({0x09, *range(0x20, 0x7F), *range(0x80, 0x100)} - {0x85})
_START = re.compile(rb"([%b]+) ([\x21-\x7e]+) (HTTP/1\.[01])" % re.escape(_TOKEN))
_WEBSOCKET = re.compile(rb"\bwebsocket\b", re.IGNORECASE)
_NOTHING = re.compile(rb"0+")


class Refused(Exception):
    """A request that is not let in: its HTTP status, and why in a sentence."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status
        self.why = why

    def response(self) -> bytes:
        """The whole answer."""
        return last_answer(self.status, self.why)


class Head(NamedTuple):
    """A well-formed request head. `fields` are by name in lower case, without blanks around them."""

    raw: bytes
    """As it came, with its empty line."""
    method: bytes
    target: bytes
    version: bytes
    fields: dict[bytes, bytes]
    single: bool
    """Whether no name comes twice. Where one does, its values are joined by commas."""
    upgrade: bool
    """Whether it asks for a WebSocket."""


def is_binary(start: bytes) -> bool:
    """Whether what begins so is no text at all, as a TLS handshake (RFC 8446, section 5.1) is none."""
    return start[:1] < b" " and start[:1] not in b"\r\n"


def read_head(raw: bytes) -> Head:
    """The head `raw`, which ends with its empty line; raises Refused for a bad one."""
    lines = raw[:-4].split(b"\r\n")
    start = _START.fullmatch(lines[0])
    # What is neither text nor a line's end: `translate` finds it at a tenth of a pattern's price.
    if not start or raw.translate(None, _TEXT) != b"\r\n" * (len(lines) + 1):
        raise Refused(HTTPStatus.BAD_REQUEST, NOT_HTTP if is_binary(raw) else MALFORMED)
    fields: dict[bytes, bytes] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if not colon or not name:
            raise Refused(HTTPStatus.BAD_REQUEST, MALFORMED)
        fields[name] = fields[name] + b", " + value if name in fields else value
    if b"".join(fields).translate(None, _TOKEN):
        raise Refused(HTTPStatus.BAD_REQUEST, MALFORMED)
    single = len(fields) == len(lines) - 1
    # RFC 9112, section 3.2: exactly one, which only HTTP/1.0 may leave out.
    if b"host" not in fields:
        if start[3] != b"HTTP/1.0":
            raise Refused(HTTPStatus.BAD_REQUEST, "A request has one Host field.")
    elif not single and sum(line[:5].lower() == b"host:" for line in lines) > 1:
        raise Refused(HTTPStatus.BAD_REQUEST, "A request has one Host field.")
    asked = fields.get(b"upgrade")
    upgrade = asked is not None and _WEBSOCKET.search(asked) is not None
    if upgrade and (
        b"transfer-encoding" in fields or not _NOTHING.fullmatch(fields.get(b"content-length", b"0"))
    ):
        raise Refused(HTTPStatus.BAD_REQUEST, "A WebSocket upgrade has no body.")
    return Head(raw, start[1], start[2], start[3], fields, single, upgrade)
