"""WebSocket frames as a client reads them (RFC 6455, section 5.2): an account of its own."""

import zlib
from typing import NamedTuple

FIN, RSV1, TEXT, BINARY = 0x80, 0x40, 0x1, 0x2


class Read(NamedTuple):
    """One unfragmented message."""

    opcode: int
    compressed: bool
    payload: bytes

    def inflated(self, window_bits: int) -> bytes:
        """The payload, by a decompressor that has seen nothing else (RFC 7692, section 7.2.2)."""
        if not self.compressed:
            return self.payload
        inflater = zlib.decompressobj(-window_bits)
        data = inflater.decompress(self.payload + b"\x00\x00\xff\xff")
        assert not inflater.unused_data
        return data


def frames_in(data: bytes) -> list[Read]:
    """Every frame in `data`, which must hold whole, unmasked, unfragmented ones and nothing else."""
    found = []
    while data:
        first, size, start = data[0], data[1], 2
        assert first & FIN, "fragmented"
        assert not first & 0x30, "RSV2 or RSV3"
        assert size < 128, "masked"
        if size > 125:
            start = 4 if size == 126 else 10
            size = int.from_bytes(data[2:start])
            assert size > (125 if start == 4 else 65535), "not the shortest length"
        assert len(data) >= start + size, "cut off"
        found.append(Read(first & 0x0F, bool(first & RSV1), data[start : start + size]))
        data = data[start + size :]
    return found
