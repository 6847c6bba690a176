"""A cable that a test can pull: a TCP proxy in front of a server on this machine, in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from contextlib import suppress
from threading import Thread
from typing import Any, Literal

PATIENCE = 20
"""Seconds that nothing here should ever take."""

Way = Literal["up", "down"]
"""From those who connect to the server, or back."""


class Cable:
    """What comes to `port` goes to the server on `target`, and back, unless it is held, delayed or refused.

    What is held is lost to nobody: both ends' TCP has it acknowledged, as from a peer that is halted.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.waiting = 0
        """How many pieces are held now."""
        self.held = 0
        """How many pieces were held ever: whether a fault has bitten."""
        self.refused = 0
        """How many connections were cut."""
        self.delay = 0.0
        """Seconds that each piece takes."""
        self._open: dict[Way, asyncio.Event] = {}
        self._ends: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="cable", daemon=True)
        self._thread.start()
        self._do(self._listen())

    def hold(self, *ways: Way) -> None:
        """Carry nothing any more, on those ways or on both. Who connects is let in, and not answered."""
        self._call(lambda: [self._open[way].clear() for way in ways or ("up", "down")])

    def release(self) -> None:
        """Carry what is held, and go on."""
        self._call(lambda: [opened.set() for opened in self._open.values()])

    def cut(self) -> None:
        """Reset all connections."""
        self._call(self._reset)

    def unplug(self) -> None:
        """Reset all connections, and refuse new ones."""
        self._do(self._refuse())

    def plug_in(self) -> None:
        """Take new ones again, and carry."""
        self._do(self._listen())
        self.release()

    def close(self) -> None:
        """Be gone."""
        if not self._loop.is_closed():
            self._do(self._refuse())
            self._do(self._end())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(PATIENCE)
            self._loop.close()

    def __enter__(self) -> Cable:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    # On the cable's thread.

    async def _listen(self) -> None:
        if not self._open:
            self._open = {"up": asyncio.Event(), "down": asyncio.Event()}
            for opened in self._open.values():
                opened.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)

    async def _refuse(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._reset()

    async def _end(self) -> None:
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)

    def _reset(self) -> None:
        for end in list(self._ends):
            self.refused += 1
            # Without lingering, it is reset and not just ended.
            end.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
            )
            end.transport.abort()

    async def _carry(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        try:
            far, on = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            back.transport.abort()
            return
        self._ends |= {back, on}
        for way, source, sink in (("up", near, on), ("down", far, back)):
            pump = self._loop.create_task(self._pump(way, source, sink))  # type: ignore[arg-type]
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, way: Way, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await source.read(65_536):
                await self._pass(way)
                sink.write(piece)
                await sink.drain()
            await self._pass(way)
        self._ends.discard(sink)
        sink.close()

    async def _pass(self, way: Way) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        if not self._open[way].is_set():
            self.waiting += 1
            self.held += 1
            await self._open[way].wait()
            self.waiting -= 1

    # On the test's.

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def _call(self, work: Callable[[], object]) -> None:
        async def call() -> None:
            work()

        self._do(call())
