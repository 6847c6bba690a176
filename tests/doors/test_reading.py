"""The commonest frame is read as Autobahn reads it, and nothing else is."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatroom.doors.reading import Text, whole_text


def framed(payload: bytes, mask: bytes = b"\x01\x02\x03\x04", first: int = 0x81) -> bytes:
    """A client's frame, made byte by byte."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size)
    return bytes([first]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


@given(st.text(max_size=400), st.binary(min_size=4, max_size=4), st.binary(max_size=9), st.binary(max_size=9))
@example("x" * 125, b"\xff\x00\xff\x00", b"", b"")
@example("x" * 126, b"\x00\x00\x00\x00", b"a", b"\x81")
def test_a_whole_text_is_read_wherever_it_begins(text: str, mask: bytes, before: bytes, after: bytes) -> None:
    frame = framed(text.encode(), mask)
    found = whole_text(before + frame + after, len(before), 0)
    assert found == Text(text.encode(), len(before) + len(frame))


@given(st.text(max_size=200), st.data())
def test_a_part_of_a_frame_is_left_to_autobahn(text: str, data: st.DataObject) -> None:
    frame = framed(text.encode())
    cut = data.draw(st.integers(0, len(frame) - 1))
    assert whole_text(frame[:cut], 0, 0) is None


@pytest.mark.parametrize("first", sorted(set(range(256)) - {0x81}))
def test_every_other_kind_of_frame_is_left_to_autobahn(first: int) -> None:
    assert whole_text(framed(b"hello", first=first), 0, 0) is None


@pytest.mark.parametrize(
    "frame",
    [
        b"\x81\x05hello",  # not masked
        b"\x81\xfe\x00\x05\x00\x00\x00\x00hello",  # a length that is not minimal
        b"\x81\xff" + struct.pack("!Q", 5) + b"\x00\x00\x00\x00hello",
        framed(b"\xff\xfe"),  # not UTF-8
        framed(b"\xed\xa0\x80"),  # a surrogate
        framed(b"\xc0\xaf"),  # overlong
        framed(b"\xf4\x90\x80\x80"),  # beyond U+10FFFF
        framed("é".encode()[:1]),  # ends within a character
    ],
)
def test_what_a_peer_may_not_send_is_left_to_autobahn(frame: bytes) -> None:
    assert whole_text(frame, 0, 0) is None


def test_the_limit_is_in_bytes_and_inclusive() -> None:
    frame = framed("é".encode() * 5)
    assert whole_text(frame, 0, 10) is not None
    assert whole_text(frame, 0, 9) is None
