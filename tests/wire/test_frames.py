"""Frames made once and sent to many."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ProtocolError
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from chatroom.wire import frames

from .frame_reading import BINARY, TEXT, frames_in

SIZES = [0, 1, 63, 64, 65, 125, 126, 127, 65534, 65535, 65536, 65537, 200_000]
WINDOWS = range(9, 16)

texts = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=500).map(str.encode),
    st.builds(
        lambda text, times: text.encode() * times, st.text(min_size=1, max_size=9), st.integers(1, 9000)
    ),
)


def as_websockets_reads(data: bytes, window: int = 15) -> Frame:
    """The frame in `data`, inflated, by another project's client."""
    deflate = PerMessageDeflate(True, True, window, window)
    reader = StreamReader()
    reader.feed_data(data)
    reading = Frame.parse(reader.read_exact, mask=False, extensions=[deflate])
    with pytest.raises(StopIteration) as done:
        next(reading)
    assert not reader.buffer
    frame: Frame = done.value.value
    return frame


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_frame_of_any_size_is_read_as_what_it_was(size, opcode):
    payload = random.Random(size).randbytes(size)
    made = frames.frame(payload, 0x80 | opcode)
    assert frames_in(made) == [(opcode, False, payload)]
    other = as_websockets_reads(made)
    assert (other.opcode, bytes(other.data), other.fin, other.rsv1) == (opcode, payload, True, False)


def test_a_text_is_what_a_frame_holds_if_nothing_is_said():
    assert frames.frame(b"x") == b"\x81\x01x"


@given(st.lists(texts, max_size=6))
def test_frames_put_together_are_read_apart(payloads):
    joined = b"".join(map(frames.frame, payloads))
    assert [read.payload for read in frames_in(joined)] == payloads


@pytest.mark.parametrize("broken", [b"\x81", b"\x81\x05four", b"\x81\x7e\x00\x01x", b"\x81\x81aaaa\x00"])
def test_the_reading_here_finds_what_is_wrong(broken):
    with pytest.raises((AssertionError, IndexError)):
        frames_in(broken)


def test_the_other_parser_finds_what_is_wrong():
    with pytest.raises(ProtocolError):
        as_websockets_reads(b"\xf1\x01x")


@given(texts, st.sampled_from(WINDOWS))
def test_a_compressed_frame_inflates_to_what_it_was_within_its_window(payload, window):
    (read,) = frames_in(frames.deflated(window)(payload))
    assert read.opcode == TEXT
    assert read.inflated(window) == payload


@given(st.lists(texts, min_size=2, max_size=5), st.sampled_from(WINDOWS), st.randoms())
def test_compressed_frames_need_none_of_the_others(payloads, window, rng):
    compress = frames.deflated(window)
    made = [(compress(payload), payload) for payload in payloads]
    for frame, payload in rng.sample(made, rng.randint(1, len(made))):
        assert frames_in(frame)[0].inflated(window) == payload


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_is_kept_to_with_more_than_it_holds(window):
    text = random.Random(window).randbytes(2**window - 100) * 3
    (read,) = frames_in(frames.deflated(window)(text))
    assert read.compressed
    assert read.inflated(window) == text


def test_a_smaller_window_cannot_inflate_what_was_made_for_a_larger():
    repeated = random.Random(1).randbytes(20_000) * 2
    (read,) = frames_in(frames.deflated(15)(repeated))
    with pytest.raises(Exception, match="distance too far back"):
        read.inflated(9)


def test_what_is_tiny_goes_as_it_is():
    compress = frames.deflated(15)
    assert compress(b"x" * (frames.TINY - 1)) == frames.frame(b"x" * (frames.TINY - 1))
    assert frames_in(compress(b"x" * frames.TINY))[0].compressed


def test_a_long_text_gets_smaller():
    text = b"It was the best of times, it was the worst of times. " * 20
    assert len(frames.deflated(15)(text)) < len(text) / 4


@given(texts, st.sampled_from(WINDOWS))
def test_another_projects_client_inflates_it_too(payload, window):
    read = as_websockets_reads(frames.deflated(window)(payload), window)
    assert (read.opcode, bytes(read.data), read.fin) == (Opcode.TEXT, payload, True)
