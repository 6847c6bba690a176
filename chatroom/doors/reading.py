"""Reading the commonest of frames at once: a whole, short, masked, uncompressed text message.

Autobahn's parser goes through some ten calls a frame, and setting up its masker alone costs more
than all that chatroom does with a message. What is not exactly that commonest case, and everything
that is wrong, is left to Autobahn, byte for byte.
"""

from typing import NamedTuple

_TEXT = 0x81
"""FIN, no RSV bits, opcode 1 (RFC 6455, section 5.2)."""


class Text(NamedTuple):
    """A message, and where in the data the next frame begins."""

    payload: bytes
    end: int


def whole_text(data: bytes, start: int, limit: int) -> Text | None:
    """The text message whose one frame begins at `start` and is all there; else None.

    `limit` is the most bytes it may have (0: any number up to 65535). None also for what a peer
    may not send: an unmasked frame, a length that is not minimal, a text that is not UTF-8.
    """
    have = len(data) - start
    if have < 6 or data[start] != _TEXT or data[start + 1] < 0x80:
        return None
    size, begin = data[start + 1] - 0x80, start + 2
    if size >= 126:
        if size == 127 or have < 8:
            return None
        size, begin = (data[start + 2] << 8) | data[start + 3], start + 4
        if size < 126:
            return None
    end = begin + 4 + size
    if end > len(data) or 0 < limit < size:
        return None
    payload = _unmasked(data[begin : begin + 4], data[begin + 4 : end])
    try:
        payload.decode()
    except UnicodeDecodeError:
        return None
    return Text(payload, end)


def _unmasked(mask: bytes, payload: bytes) -> bytes:
    """Section 5.3's exclusive or, on all bytes as one number."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")).to_bytes(size, "little")
