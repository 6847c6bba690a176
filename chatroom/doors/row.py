"""Many idle sockets and one string of bytes: the loop over them is C's.

Python's own loop, with its look at each member's outbox, costs a third as much again as the
kernel's work; this one a tenth.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection
from itertools import islice, repeat
from typing import Any, ClassVar

from chatroom.domain.ports import Outlet
from chatroom.doors.outbox import DirectOutbox, Tick


class DirectRow:
    """Outlets with a DirectOutbox. `send` is their sockets' method.

    A socket is written to past its outbox, so only while that is idle. Who is not is in the tick's
    `unready`, mostly few: they are looked up there, and nobody else is looked at. Sockets, not their
    numbers: a number may be somebody else's once a socket is closed, and write(2) costs more.
    """

    __slots__ = ("_outboxes", "_places", "_send", "_sockets", "_tick")

    kind: ClassVar[type[Any]] = DirectOutbox
    """What their outboxes are."""

    def __init__(self, tick: Tick, send: Callable[[Any, bytes], int] = socket.socket.send) -> None:
        self._tick = tick
        self._send = send
        self._outboxes: list[Any] = []
        self._sockets: list[Any] = []
        self._places: dict[Any, int] = {}

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, outlet: object) -> bool:
        return self._outbox(outlet) in self._places

    def add(self, outlet: Outlet) -> bool:
        """See `Row.add`."""
        outbox = self._outbox(outlet)
        if outbox is None or outbox.tick is not self._tick:
            return False
        if outbox not in self._places:
            self._places[outbox] = len(self._places)
            self._outboxes.append(outbox)
            self._sockets.append(outbox.socket)
        return True

    def discard(self, outlet: Outlet) -> None:
        """See `Row.discard`."""
        outbox = self._outbox(outlet)
        if outbox is None or outbox not in self._places:
            return
        place = self._places.pop(outbox)
        last, connected = self._outboxes.pop(), self._sockets.pop()
        if last is not outbox:
            self._places[last] = place
            self._outboxes[place] = last
            self._sockets[place] = connected

    def write(self, frames: bytes, but: Collection[Outlet] = ()) -> None:
        """See `Row.write`."""
        if not (but or self._tick.unready):
            self._write_idle(frames, [])
            return
        places = self._places
        unready = places.keys() & self._tick.unready
        left_out = {outbox for outlet in but if (outbox := self._outbox(outlet)) in places}
        self._write_idle(frames, sorted(places[outbox] for outbox in unready | left_out))
        for outbox in unready - left_out:
            outbox.write(frames)

    def _write_idle(self, frames: bytes, skipped: list[int]) -> None:
        """To all but those in the places `skipped`, in their order: that is how they lie in the
        kernel's memory, and a random one is a sixth dearer."""
        size, taken = len(frames), list[int]()
        rest = iter(self._sockets)
        for stop in (*skipped, len(self._sockets)):
            while (left := stop - len(taken)) > 0:
                try:
                    taken.extend(map(self._send, islice(rest, left), repeat(frames)))
                except OSError:
                    # What came before it is in `taken`, and `rest` goes on behind it.
                    taken.append(0)
            if next(rest, None) is not None:
                taken.append(size)
        if taken.count(size) == len(taken):
            return
        for place, count in enumerate(taken):
            if count != size:
                self._outboxes[place].take_over(frames[count:])

    def _outbox(self, outlet: object) -> Any:
        outbox = getattr(outlet, "outbox", None)
        return outbox if isinstance(outbox, self.kind) else None
