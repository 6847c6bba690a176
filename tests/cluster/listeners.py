"""Who listens to a room as an event stream, over plain HTTP, and believes nothing either."""

from __future__ import annotations

import asyncio
import json
from contextlib import closing
from urllib.parse import urlsplit

from .members import Reader

CONNECTING = 20


class Listener(Reader):
    """A guest with a stream of `room`, whom nobody sees. They come back with the last id they had."""

    def __init__(self, name: str, url: str, room: str) -> None:
        super().__init__(name, url, room)
        self._place = ""

    async def visit(self) -> None:
        """See `Reader.visit`."""
        parts = urlsplit(self.url)
        connecting = asyncio.open_connection(parts.hostname, parts.port)
        reader, writer = await asyncio.wait_for(connecting, CONNECTING)
        with closing(writer):
            fields = [f"Host: {parts.netloc}", *([f"Last-Event-ID: {self._place}"] if self._place else [])]
            request = [f"GET /events?room={self.room}&since=0 HTTP/1.1", *fields, "", ""]
            writer.write("\r\n".join(request).encode())
            status = await reader.readline()
            if b" 200 " not in status:
                self.turned_away += 1
                if status and b" 50" not in status:
                    self.fault(f"not let in: {status!r}")
                return
            while (await reader.readline()).strip():
                pass
            self.joins += 1
            self.inside = True
            while await self._event(reader):
                pass

    async def _event(self, reader: asyncio.StreamReader) -> bool:
        """Read the next one; False where the stream ends. A half one counts for nothing."""
        fields: dict[str, str] = {}
        while line := await reader.readline():
            if line == b"\n":
                self._told(fields)
                return True
            name, _, value = line.decode().rstrip("\n").partition(": ")
            fields[name] = value
        return False

    def _told(self, fields: dict[str, str]) -> None:
        self._place = fields.get("id", self._place)
        if fields.get("event") == "reset":
            self.fault(f"not recovered from {self._place} on")
        told = json.loads(fields["data"]) if "data" in fields and "event" not in fields else {}
        if "seq" in told:
            self.follows(told)
