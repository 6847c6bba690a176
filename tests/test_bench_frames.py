"""The load's own framing."""

import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.frames import BINARY, TEXT, EventReader, FrameReader, client_frame, server_frame_size


def server_frame(payload: bytes, first: int = 0x81) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 1 << 16:
        return bytes((first, 126)) + size.to_bytes(2) + payload
    return bytes((first, 127)) + size.to_bytes(8) + payload


def unmask(frame: bytes) -> bytes:
    size, start = frame[1] & 0x7F, 2
    if size >= 126:
        start = 4 if size == 126 else 10
        size = int.from_bytes(frame[2:start])
    mask, masked = frame[start : start + 4], frame[start + 4 :]
    assert len(masked) == size
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(masked))


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536])
def test_a_client_frame_unmasks_to_its_payload(size: int) -> None:
    payload = bytes(at % 251 for at in range(size))
    frame = client_frame(payload, BINARY)
    assert frame[0] == 0x82
    assert frame[1] & 0x80
    assert unmask(frame) == payload
    assert server_frame_size(size) == len(frame) - 4


@given(st.lists(st.binary(max_size=300), max_size=8), st.integers(1, 50))
def test_frames_are_cut_the_same_however_they_arrive(payloads: list[bytes], step: int) -> None:
    stream = b"".join(map(server_frame, payloads))
    reader = FrameReader()
    frames = []
    for at in range(0, len(stream), step):
        frames += reader.feed(stream[at : at + step])
    assert [frame.payload for frame in frames] == payloads
    assert {frame.opcode for frame in frames} <= {TEXT}
    assert sum(frame.size for frame in frames) == len(stream)
    assert reader.pending == 0


def test_a_compressed_frame_is_inflated() -> None:
    deflate = zlib.compressobj(wbits=-15)
    packed = deflate.compress(b"x" * 500) + deflate.flush(zlib.Z_SYNC_FLUSH)
    (frame,) = FrameReader().feed(server_frame(packed[:-4], first=0xC1))
    assert frame.payload == b"x" * 500
    assert frame.size < 100


def test_a_fragmented_message_is_refused() -> None:
    with pytest.raises(ValueError, match="fragmented"):
        FrameReader().feed(server_frame(b"half", first=0x01))


@given(st.lists(st.binary(max_size=50).filter(lambda data: b"\n" not in data), max_size=5), st.data())
def test_events_are_cut_apart_however_they_arrive(payloads: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(b"id: 1\ndata: " + payload + b"\n\n" for payload in payloads)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    reader, found = EventReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += reader.feed(stream[start:end])
    assert [frame.payload for frame in found] == [b"id: 1\ndata: " + payload for payload in payloads]
    assert sum(frame.size for frame in found) == len(stream)
    assert not reader.pending


def test_what_ends_a_chunk_is_no_event_that_is_to_come() -> None:
    reader = EventReader()
    (frame,) = reader.feed(b"12\r\nid: 1\ndata: hello\n\n\r\n")
    assert frame.payload.endswith(b"data: hello")
    assert not reader.pending
