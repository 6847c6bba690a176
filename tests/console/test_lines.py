"""Standard input as messages."""

from __future__ import annotations

import os
import queue
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from chatroom.console.lines import CHUNK, Cutter, Line, Reader

PATIENCE = 30


def cut(chunks: list[bytes], limit: int = 0, *, split: bool = False) -> list[Line]:
    cutter = Cutter(limit, split=split)
    found = [line for chunk in chunks for line in cutter.feed(chunk)]
    return found + list(cutter.feed(b"", end=True))


def test_lines_have_their_numbers_and_empty_ones_are_left_out():
    assert cut([b"one\n\n\r\ntwo\r\nthree"]) == [Line(1, "one"), Line(4, "two"), Line(5, "three")]


def test_what_no_message_can_hold_is_replaced():
    assert cut([b"a\x00b\xff\n"]) == [Line(1, "a\ufffdb\ufffd")]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_a_long_line_is_none_however_it_comes_and_those_after_it_are_lines(size):
    data = b"12345\n123456\n12345678901234567890\n\n12345"
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    assert cut(chunks, 5) == [Line(1, "12345"), Line(2, None), Line(3, None), Line(5, "12345")]


@given(
    some.lists(some.text(some.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=30)),
    some.data(),
)
def test_whatever_the_pieces_that_it_comes_in_everything_is_there_once(texts, data):
    raw = "\n".join(texts).encode()
    places = sorted(data.draw(some.lists(some.integers(0, len(raw)), max_size=5)))
    chunks = [raw[a:b] for a, b in zip([0, *places], [*places, len(raw)], strict=True)]
    wanted = [Line(number, text) for number, text in enumerate(texts, 1) if text]
    assert cut(chunks) == wanted
    pieces = cut(chunks, 7, split=True)
    assert all(len(piece.text or "") <= 7 for piece in pieces)
    joined: dict[int, str] = {}
    for piece in pieces:
        joined[piece.number] = joined.get(piece.number, "") + (piece.text or "")
    assert joined == dict(wanted)


def test_a_line_without_an_end_is_not_kept_beyond_the_limit():
    cutter = Cutter(10, split=False)
    assert [line for _ in range(100) for line in cutter.feed(b"x" * 1000)] == [Line(1, None)]
    assert list(cutter.feed(b"\ngood\n")) == [Line(2, "good")]


@pytest.fixture
def pipe():
    near, far = os.pipe()
    yield near, far
    os.close(near)


def test_no_more_is_read_than_is_dealt_with(pipe):
    near, far = pipe
    handed: queue.Queue[Line | None] = queue.Queue()
    calls: queue.Queue[int] = queue.Queue()

    def call(take: Callable[[Any], object], line: Line | None) -> None:
        take(line)
        calls.put(1)

    reader = Reader(near, Cutter(0, split=False), 3, call)
    reader.start(handed.put)
    os.write(far, b"".join(b"%d\n" % number for number in range(10)))
    os.close(far)
    first = [handed.get(timeout=PATIENCE) for _ in range(3)]
    assert [line.text for line in first] == ["0", "1", "2"]
    for number in range(3, 10):
        # It waits for this before it hands out another.
        assert handed.empty()
        reader.done()
        assert handed.get(timeout=PATIENCE).text == str(number)
    for _ in range(3):
        reader.done()
    assert handed.get(timeout=PATIENCE) is None


def test_a_writer_is_held_up_while_nothing_is_dealt_with(pipe):
    near, far = pipe
    handed: queue.Queue[Line | None] = queue.Queue()
    Reader(near, Cutter(0, split=False), 1, lambda take, line: take(line)).start(handed.put)
    os.set_blocking(far, False)
    assert os.write(far, b"x\n")
    assert handed.get(timeout=PATIENCE) is not None
    with pytest.raises(BlockingIOError):
        write_on(far, 64 * CHUNK)
    os.close(far)


def write_on(fd: int, size: int) -> None:
    for _ in range(size // 1024):
        os.write(fd, b"y\n" * 512)
