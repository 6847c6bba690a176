"""Connections that remember what they were told."""

from __future__ import annotations

import json
from typing import Any

from chatroom.domain.ports import Dialect
from chatroom.fanout import OneByOne

from ..wire.frame_reading import Read, frames_in


class FakeOutlet:
    """A `chatroom.domain.ports.Outlet`. Like the real one it is deaf once it is closed."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.behind = False
        self.closes: list[tuple[int, str]] = []
        self.writes: list[bytes] = []

    @property
    def closed(self) -> tuple[int, str] | None:
        """With which code and reason, once it is."""
        return self.closes[0] if self.closes else None

    def write(self, frames: bytes) -> None:
        if not self.closes:
            self.writes.append(frames)

    send = write

    def close(self, code: int, reason: str) -> None:
        self.closes.append((int(code), reason))

    def row(self) -> OneByOne:
        return OneByOne()

    def read(self) -> list[Read]:
        """What came since the last reading."""
        writes, self.writes = self.writes, []
        return frames_in(b"".join(writes))

    def texts(self) -> list[str]:
        """The same, where it is texts."""
        return [frame.payload.decode() for frame in self.read()]

    def objects(self) -> list[dict[str, Any]]:
        """The same, where it is JSON."""
        return [json.loads(text) for text in self.texts()]
