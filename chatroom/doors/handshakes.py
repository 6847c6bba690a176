"""Reading the commonest of WebSocket handshakes at once (RFC 6455, section 4.2.1).

Autobahn's reading of one was two fifths of accepting a connection. What is not exactly that
commonest case, and everything that is wrong, is left to Autobahn, byte for byte.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from functools import lru_cache
from hashlib import sha1
from typing import NamedTuple
from urllib.parse import parse_qs

from autobahn.websocket.types import ConnectionRequest

from chatroom.doors.heads import Head

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

# A path of no more than one segment at its start (`//` would begin an authority), and no fragment.
_TARGET = re.compile(rb"(/(?:[\w.~-][\w.~/-]*)?)(?:\?([!-\x22$-~]*))?")
_HOST = re.compile(rb"(?:[\w.~-]+|\[[\da-fA-F:.]+\])(?::\d{1,5})?")
_ORIGIN = re.compile(rb"null|https?://[\w.~-]+(?::(?:\d{1,4}|[1-5]\d{4}))?")
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")
_PROTOCOL = re.compile(rb"[\w.-]+")
_EXTENSIONS = re.compile(rb"[\w.;=, -]{1,200}")

_REMEMBERED = 2048
"""Of longer heads, nothing is remembered."""


class Asked(NamedTuple):
    """What a handshake asks for. `origin` is empty where there is none; the last three are header
    fields, None for those that are not there."""

    path: str
    params: dict[str, list[str]]
    host: str
    origin: str
    protocols: list[str]
    cookie: str | None = None
    forwarded_for: str | None = None
    forwarded_proto: str | None = None


class Handshake(NamedTuple):
    """One of the commonest kind, in which nothing is wrong."""

    asked: Asked
    key: bytes
    extensions: str
    """What the client offers; empty for nothing."""


def asked_of(request: ConnectionRequest) -> Asked:
    """What a handshake asks for that Autobahn has read."""
    headers: dict[str, str] = request.headers
    return Asked(
        path=request.path,
        params=request.params,
        host=headers.get("host", ""),
        origin=request.origin or "",
        protocols=request.protocols,
        cookie=headers.get("cookie"),
        forwarded_for=headers.get("x-forwarded-for"),
        forwarded_proto=headers.get("x-forwarded-proto"),
    )


def common_handshake(head: Head) -> Handshake | None:
    """The handshake in `head`; None for one that is to be left to Autobahn."""
    field = head.fields.get
    key, extensions = field(b"sec-websocket-key", b""), field(b"sec-websocket-extensions")
    if not (
        head.single
        and head.method == b"GET"
        and head.version == b"HTTP/1.1"
        and field(b"upgrade", b"").lower() == b"websocket"
        and _names_upgrade(field(b"connection", b"").lower())
        and field(b"sec-websocket-version") == b"13"
        and _KEY.fullmatch(key)
        and (extensions is None or _EXTENSIONS.fullmatch(extensions))
    ):
        return None
    read = _asked_for if len(head.raw) < _REMEMBERED else _asked_for.__wrapped__
    asked = read(head.target, field(b"host", b""), field(b"origin"), field(b"sec-websocket-protocol"))
    if asked is None:
        return None
    cookie, client, proto = field(b"cookie"), field(b"x-forwarded-for"), field(b"x-forwarded-proto")
    if cookie is not None or client is not None or proto is not None:
        # Who it is that asks is different for each.
        asked = asked._replace(
            cookie=_text(cookie), forwarded_for=_text(client), forwarded_proto=_text(proto)
        )
    return Handshake(asked, key, extensions.decode() if extensions else "")


def _text(value: bytes | None) -> str | None:
    """As Autobahn has it, to which more bytes than HTTP's two are blanks."""
    return None if value is None else value.decode("latin-1").strip()


def _names_upgrade(connection: bytes) -> bool:
    return connection == b"upgrade" or b"upgrade" in map(bytes.strip, connection.split(b","))


# Nearly all who connect to one site ask for the same.
@lru_cache(maxsize=1024)
def _asked_for(target: bytes, host: bytes, origin: bytes | None, protocol: bytes | None) -> Asked | None:
    found = _TARGET.fullmatch(target)
    if not (
        found
        and _HOST.fullmatch(host)
        and (origin is None or _ORIGIN.fullmatch(origin))
        and (protocol is None or _PROTOCOL.fullmatch(protocol))
    ):
        return None
    path, query = found.groups()
    return Asked(
        path=path.decode(),
        params=parse_qs(query.decode()) if query else {},
        host=host.decode(),
        origin=origin.decode() if origin else "",
        protocols=[protocol.decode()] if protocol else [],
    )


def response(key: bytes, protocol: str | None, extensions: bytes) -> bytes:
    """The answer that takes a handshake (section 4.2.2), as Autobahn writes it."""
    proof = b2a_base64(sha1(key + _GUID, usedforsecurity=False).digest(), newline=False)
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n"
        + (b"" if protocol is None else b"Sec-WebSocket-Protocol: %b\r\n" % protocol.encode())
        + b"Sec-WebSocket-Accept: %b\r\n" % proof
        + (b"" if not extensions else b"Sec-WebSocket-Extensions: %b\r\n" % extensions)
        + b"\r\n"
    )
