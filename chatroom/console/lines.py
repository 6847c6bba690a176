"""Standard input as messages: a line each, read no further than they can be sent."""

from __future__ import annotations

import codecs
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

CHUNK = 65536


class Line(NamedTuple):
    """`number` counts from 1, empty lines too. `text` None: the line was longer than is allowed."""

    number: int
    text: str | None


class Cutter:
    """Makes lines of bytes, which are taken as UTF-8; what is not becomes U+FFFD.

    `limit` is how many characters a message may have (0: any). A longer line is None in its place, or
    with `split` several messages. Never holds more than a line's limit and the bytes it was fed last.
    """

    def __init__(self, limit: int, *, split: bool) -> None:
        self._limit = limit
        self._split = split
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._number = 1
        self._skipping = False

    def feed(self, data: bytes, *, end: bool = False) -> Iterator[Line]:
        """The messages that are complete with these bytes; with `end` the last, unfinished one too."""
        *whole, self._rest = (self._rest + self._decoder.decode(data, end)).split("\n")
        for text in whole:
            yield from self._line(text.removesuffix("\r"))
            self._number += 1
            self._skipping = False
        if end:
            rest, self._rest = self._rest, ""
            yield from self._line(rest.removesuffix("\r"))
        elif self._limit and len(self._rest) > self._limit + 1:
            yield from self._too_long()

    def _line(self, text: str) -> Iterator[Line]:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
        if self._skipping or not text:
            return
        if not self._limit or len(text) <= self._limit:
            yield Line(self._number, text)
        elif not self._split:
            yield Line(self._number, None)
        else:
            for start in range(0, len(text), self._limit):
                yield Line(self._number, text[start : start + self._limit])

    def _too_long(self) -> Iterator[Line]:
        """Of a line whose end has not come yet more is here than a message holds."""
        if self._split:
            whole = len(self._rest) // self._limit * self._limit
            head, self._rest = self._rest[:whole], self._rest[whole:]
            yield from self._line(head)
            return
        if not self._skipping:
            yield Line(self._number, None)
        self._skipping, self._rest = True, ""


class Reader:
    """Reads a file in a thread of its own, and hands its lines out where `call` calls them.

    At most `ahead` are handed out that are not `done`; past that nothing is read.
    """

    def __init__(self, fd: int, cutter: Cutter, ahead: int, call: Callable[..., object]) -> None:
        self._fd = fd
        self._cutter = cutter
        self._slots = threading.Semaphore(ahead)
        self._call = call
        self._thread = threading.Thread(target=self._read, name="standard input", daemon=True)
        self._take: Callable[[Line | None], object] = lambda _line: None

    def start(self, take: Callable[[Line | None], object]) -> None:
        """Begin; `take` is given each line, and None at the end."""
        self._take = take
        self._thread.start()

    def done(self) -> None:
        """One of the lines is dealt with."""
        self._slots.release()

    def _read(self) -> None:
        ready: deque[Line] = deque()
        data = b"begin"
        while data:
            try:
                # Not through sys.stdin: its lock would be held when the program ends.
                data = os.read(self._fd, CHUNK)
            except OSError:
                data = b""
            ready.extend(self._cutter.feed(data, end=not data))
            while ready:
                self._slots.acquire()
                self._call(self._take, ready.popleft())
        self._call(self._take, None)
