"""Many idle sockets and one string of bytes: the loop over them is C's.

Python's own loop, with its look at each member's outbox, costs half as much again as the kernel's
work; this one a twelfth.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from itertools import repeat
from typing import Any

from chatroom.domain.ports import Outlet
from chatroom.doors.outbox import DirectOutbox, Tick


class DirectRow:
    """Outlets with a DirectOutbox. `send` is their sockets' method.

    A socket is written to past its outbox, so only while that is idle. Who is not is in the tick's
    `unready`, mostly few: they are looked up there, and nobody else is looked at.
    """

    __slots__ = ("_send", "_sockets", "_tick")

    def __init__(self, tick: Tick, send: Callable[[Any, bytes], int] = socket.socket.send) -> None:
        self._tick = tick
        self._send = send
        self._sockets: dict[DirectOutbox, Any] = {}

    def __len__(self) -> int:
        return len(self._sockets)

    def __contains__(self, outlet: object) -> bool:
        return _outbox(outlet) in self._sockets

    def add(self, outlet: Outlet) -> bool:
        """See `Row.add`."""
        outbox = _outbox(outlet)
        if outbox is None or outbox.tick is not self._tick:
            return False
        self._sockets[outbox] = outbox.socket
        return True

    def discard(self, outlet: Outlet) -> None:
        """See `Row.discard`."""
        outbox = _outbox(outlet)
        if outbox is not None:
            self._sockets.pop(outbox, None)

    def write(self, frames: bytes, but: Collection[Outlet] = ()) -> None:
        """See `Row.write`."""
        idle = self._sockets
        unready = idle.keys() & self._tick.unready
        left_out = {outbox for outlet in but if (outbox := _outbox(outlet)) is not None}
        if unready or left_out:
            idle = idle.copy()
            for outbox in unready | left_out:
                idle.pop(outbox, None)
        self._write_idle(idle, frames)
        for outbox in unready - left_out:
            outbox.write(frames)

    def _write_idle(self, idle: dict[DirectOutbox, Any], frames: bytes) -> None:
        size, taken = len(frames), list[int]()
        rest = iter(idle.values())
        while len(taken) < len(idle):
            try:
                taken.extend(map(self._send, rest, repeat(frames)))
            except OSError:
                # What came before it is in `taken`, and `rest` goes on behind it.
                taken.append(0)
        if taken.count(size) == len(taken):
            return
        for outbox, count in list(zip(idle, taken, strict=True)):
            if count != size:
                outbox.take_over(frames[count:])


def _outbox(outlet: object) -> DirectOutbox | None:
    outbox = getattr(outlet, "outbox", None)
    return outbox if isinstance(outbox, DirectOutbox) else None
