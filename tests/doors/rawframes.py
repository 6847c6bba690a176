"""A WebSocket client's bytes, right or wrong, and a reader of a server's (RFC 6455)."""

from __future__ import annotations

import struct
from typing import NamedTuple

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80
RSV1 = 0x40
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The answer to KEY (RFC 6455, section 1.3)."""


class Frame(NamedTuple):
    """A server's frame."""

    first: int
    payload: bytes

    @property
    def opcode(self) -> int:
        """What kind it is."""
        return self.first & 0x0F

    @property
    def code(self) -> int:
        """A close frame's code."""
        assert self.opcode == CLOSE
        return int(struct.unpack("!H", self.payload[:2])[0])

    @property
    def text(self) -> str:
        """A text frame's text."""
        assert self.first == FIN | TEXT
        return self.payload.decode()


def upgrade(path: str = "/ws", subprotocol: str | None = None, **headers: str | None) -> bytes:
    """A handshake. A header set to None is left out; `_` in its name stands for `-`."""
    fields: dict[str, str | None] = {
        "Host": "chat.example",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Protocol": subprotocol,
    }
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode("latin-1")


def masked(payload: bytes, opcode: int = TEXT, first: int | None = None, mask: bytes = b"\1\2\3\4") -> bytes:
    """A client's frame; `first` replaces its first byte, which is else FIN and `opcode`."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65536:
        length = struct.pack("!BH", 0x80 | 126, size)
    else:
        length = struct.pack("!BQ", 0x80 | 127, size)
    body = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return bytes([FIN | opcode if first is None else first]) + length + mask + body


def closing(code: int = 1000, reason: str = "") -> bytes:
    """A client's close frame."""
    return masked(struct.pack("!H", code) + reason.encode(), CLOSE)


def parse(data: bytes) -> tuple[list[Frame], bytes]:
    """The whole frames that a server's bytes begin with, and the rest."""
    frames: list[Frame] = []
    while (frame := _first(data)) is not None:
        frames.append(frame[0])
        data = frame[1]
    return frames, data


def _first(data: bytes) -> tuple[Frame, bytes] | None:
    if len(data) < 2:
        return None
    size, start = data[1], 2
    assert size < 128, "a server does not mask"
    if size == 126:
        size, start = int.from_bytes(data[2:4], "big"), 4
    elif size == 127:
        size, start = int.from_bytes(data[2:10], "big"), 10
    if len(data) < start + size or len(data) < start:
        return None
    return Frame(data[0], data[start : start + size]), data[start + size :]


class Answer(NamedTuple):
    """An HTTP answer; `rest` is what came behind it."""

    status: int
    headers: dict[str, str]
    body: bytes
    rest: bytes


def answer(data: bytes, method: str = "GET") -> Answer:
    """The HTTP answer that `data` begins with."""
    head, end, rest = data.partition(b"\r\n\r\n")
    assert end, f"no whole answer: {data!r}"
    status, *lines = head.decode("latin-1").split("\r\n")
    assert status.startswith(("HTTP/1.1 ", "HTTP/1.0 ")), status
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert len(headers) == len(lines), f"a header is there twice: {lines}"
    size = 0 if method == "HEAD" or status[9:12] == "101" else int(headers.get("content-length", len(rest)))
    assert len(rest) >= size, f"the body is cut off: {data!r}"
    return Answer(int(status[9:12]), headers, rest[:size], rest[size:])
