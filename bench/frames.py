"""The client's half of RFC 6455 framing, just enough to load a server and to check it."""

import zlib
from dataclasses import dataclass

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
FIN, COMPRESSED, MASKED = 0x80, 0x40, 0x80

# Not zeros: the server shall do the whole work of unmasking.
_MASK = b"\x37\xfa\x21\x3d"
_TAIL = b"\x00\x00\xff\xff"


def client_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole, masked frame."""
    size = len(payload)
    if size < 126:
        head = bytes((FIN | opcode, MASKED | size))
    elif size < 1 << 16:
        head = bytes((FIN | opcode, MASKED | 126)) + size.to_bytes(2)
    else:
        head = bytes((FIN | opcode, MASKED | 127)) + size.to_bytes(8)
    mask = (_MASK * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload) ^ int.from_bytes(mask)).to_bytes(size)
    return head + _MASK + masked


def server_frame_size(payload_size: int) -> int:
    """Bytes on the wire of an uncompressed server frame."""
    return payload_size + (2 if payload_size < 126 else 4 if payload_size < 1 << 16 else 10)


def frame_bounds(data: bytes | bytearray, start: int) -> tuple[int, int] | None:
    """Where the payload of the server frame at `start` begins and ends; None if incomplete."""
    have = len(data) - start
    if have < 2:
        return None
    size, head = data[start + 1], 2
    if size == 126:
        head = 4
    elif size == 127:
        head = 10
    if have < head:
        return None
    if head > 2:
        size = int.from_bytes(data[start + 2 : start + head])
    if have < head + size:
        return None
    return start + head, start + head + size


def event_bounds(data: bytes | bytearray, start: int) -> tuple[int, int] | None:
    """The same of a server-sent event, which ends with an empty line; with what an HTTP chunk has
    before it."""
    end = data.find(b"\n\n", start)
    return None if end < 0 else (start, end + 2)


@dataclass(frozen=True)
class Frame:
    """One server frame; its payload inflated if it came compressed. `size`: bytes on the wire."""

    opcode: int
    payload: bytes
    size: int


class FrameReader:
    """Cuts a connection's bytes into frames.

    Messages in several fragments are refused: no server here has a reason to send one, and a
    benchmark that quietly joined them would compare unlike things.
    """

    def __init__(self) -> None:
        self._data = bytearray()

    @property
    def pending(self) -> int:
        """Bytes of a frame that is not whole yet."""
        return len(self._data)

    def feed(self, data: bytes | memoryview) -> list[Frame]:
        self._data += data
        frames = []
        start = 0
        while (bounds := frame_bounds(self._data, start)) is not None:
            begin, end = bounds
            first = self._data[start]
            if not first & FIN or not first & 0x0F:
                raise ValueError("a fragmented message")
            payload = bytes(self._data[begin:end])
            if first & COMPRESSED:
                payload = zlib.decompressobj(-15).decompress(payload + _TAIL)
            frames.append(Frame(first & 0x0F, payload, end - start))
            start = end
        del self._data[:start]
        return frames


class EventReader:
    """Cuts a stream's bytes into server-sent events, as FrameReader does a connection's into frames."""

    def __init__(self) -> None:
        self._data = b""

    @property
    def pending(self) -> int:
        """Bytes of an event that is not whole yet; what ends an HTTP chunk belongs to none."""
        return len(self._data.strip(b"\r\n"))

    def feed(self, data: bytes | memoryview) -> list[Frame]:
        *events, self._data = (self._data + bytes(data)).split(b"\n\n")
        return [Frame(TEXT, event, len(event) + 2) for event in events]
