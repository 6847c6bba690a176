"""Server-sent events as a browser reads them (HTML Living Standard, section 9.2.6): an account of its own."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple


class Told(NamedTuple):
    """One event that the page hears of. `id` is the last one at that moment."""

    event: str
    data: str
    id: str

    @property
    def json(self) -> dict[str, Any]:
        """What it says."""
        return dict(json.loads(self.data))


class EventReader:
    """Takes a stream in any pieces. `last` and `retry` are what a browser would come back with."""

    def __init__(self) -> None:
        self.last = ""
        self.retry: int | None = None
        self.comments = 0
        self._rest = ""

    def read(self, piece: bytes) -> list[Told]:
        """The events that are whole now."""
        *blocks, self._rest = re.split(r"\n\n", self._rest + piece.decode())
        return [told for block in blocks if (told := self._block(block)) is not None]

    def _block(self, block: str) -> Told | None:
        event, data = "message", []
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not name:
                self.comments += 1
            elif name == "data":
                data.append(value)
            elif name == "event":
                event = value
            elif name == "id" and "\0" not in value:
                self.last = value
            elif name == "retry" and re.fullmatch(r"[0-9]+", value):
                self.retry = int(value)
        return Told(event, "\n".join(data), self.last) if data else None
