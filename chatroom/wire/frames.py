"""WebSocket frames made once and sent to many (RFC 6455, section 5; RFC 7692).

A server's frames are not masked, and a message compressed without context takeover depends on no
earlier one: so the same bytes are good for every connection that negotiated the same.
"""

import zlib
from collections.abc import Callable
from struct import Struct

TEXT = 0x81
BINARY = 0x82
COMPRESSED = 0x40
"""RSV1, which marks a compressed message (RFC 7692, section 6)."""

TINY = 64
"""Below this many bytes deflate saves nothing worth its time, and a frame may go as it is."""

Frame = Callable[[bytes], bytes]

_len16 = Struct("!BBH").pack
_len64 = Struct("!BBQ").pack


def frame(payload: bytes, first: int = TEXT) -> bytes:
    """One unfragmented server frame; `first` is its first byte: FIN, RSV and opcode."""
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65536:
        return _len16(first, 126, size) + payload
    return _len64(first, 127, size) + payload


def deflated(window_bits: int, first: int = TEXT) -> Frame:
    """A function that frames payloads compressed for a window of 2**`window_bits` bytes (9 to 15)."""
    # Copying a fresh compressor is cheaper than setting one up, and takes over no context.
    fresh = zlib.compressobj(zlib.Z_BEST_SPEED + 1, zlib.DEFLATED, -window_bits, 8)
    marked = first | COMPRESSED

    def compress(payload: bytes) -> bytes:
        if len(payload) < TINY:
            return frame(payload, first)
        stream = fresh.copy()
        squeezed = stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH)
        # Section 7.2.1: the empty block's 00 00 ff ff is not sent.
        return frame(squeezed[:-4], marked)

    return compress
