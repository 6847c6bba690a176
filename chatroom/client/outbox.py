"""Posts that are written and not acknowledged yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from chatroom.client.errors import ClientError, Disconnected, Refused
from chatroom.domain.commands import Delete, Edit, Post
from chatroom.domain.replies import Posted

Writing = Post | Edit | Delete
"""What is kept in order, and sent again with its key."""

PAUSE = 1.0
"""Seconds to wait at least where the server asks for patience: it closes the connection of whom it has
to refuse too often."""


@dataclass(eq=False)
class _Item:
    writing: Writing
    done: Deferred[Posted] = field(default_factory=Deferred)


@dataclass(eq=False)
class _Lane:
    """What goes to one room, or to one user: one after the other, so that it stays in its order even
    when one of them has to be sent again."""

    items: deque[_Item] = field(default_factory=deque)
    busy: bool = False


class Outbox:
    """At most `capacity` writings; more wait until there is room. Each is sent until the server has
    answered, with the same key, so that it is there once; each is answered once.

    `send` asks the server, and fails with Disconnected where there is no answer; `ready` is whether
    there is a connection.
    """

    _log = Logger()

    def __init__(
        self,
        send: Callable[[Writing], Deferred[Posted]],
        ready: Callable[[], bool],
        clock: IReactorTime,
        capacity: int,
    ) -> None:
        self._send = send
        self._ready = ready
        self._clock = clock
        self._capacity = capacity
        self._lanes: dict[tuple[str, str | None], _Lane] = {}
        self._count = 0
        self._queue: deque[Deferred[None]] = deque()
        self._over: ClientError | None = None

    def __len__(self) -> int:
        """How many are not acknowledged."""
        return self._count

    async def put(self, writing: Writing) -> Posted:
        """Send one; the server's answer. Raises Refused, and what `end` was given."""
        while self._over is None and self._count >= self._capacity:
            room: Deferred[None] = Deferred()
            self._queue.append(room)
            await room
        if self._over is not None:
            raise self._over
        item = _Item(writing)
        lane = self._lanes.setdefault(_lane_of(writing), _Lane())
        lane.items.append(item)
        self._count += 1
        self._pump(lane)
        return await item.done

    def pump(self) -> None:
        """There is a connection: send what waits."""
        for lane in list(self._lanes.values()):
            self._pump(lane)

    def end(self, error: ClientError) -> None:
        """Nothing is sent any more."""
        self._over = error
        lanes, self._lanes = self._lanes, {}
        self._count = 0
        for lane in lanes.values():
            for item in lane.items:
                if not item.done.called:
                    item.done.errback(error)
        queue, self._queue = self._queue, deque()
        for room in queue:
            room.callback(None)

    def _pump(self, lane: _Lane) -> None:
        if lane.busy or not lane.items or self._over is not None or not self._ready():
            return
        lane.busy = True
        Deferred.fromCoroutine(self._dispatch(lane)).addErrback(
            lambda failure: self._log.failure("sending failed", failure)
        )

    async def _dispatch(self, lane: _Lane) -> None:
        pause = 0.0
        item = lane.items[0]
        try:
            answer = await self._send(item.writing)
        except Disconnected as error:
            # A message that made the server hang up would do so again at every connection.
            if error.too_long:
                self._settle(lane, Refused("too_long", "the message is too long"))
        except Refused as error:
            if error.temporary:
                pause = max(PAUSE, error.retry_after or 0)
            else:
                self._settle(lane, error)
        except ClientError:
            pass  # the client has ended, and `end` sees to the rest
        else:
            self._settle(lane, answer)
        if pause:
            self._clock.callLater(pause, self._resume, lane)
        else:
            self._resume(lane)

    def _resume(self, lane: _Lane) -> None:
        lane.busy = False
        self._pump(lane)

    def _settle(self, lane: _Lane, result: Posted | Refused) -> None:
        if self._over is not None:
            return
        item = lane.items.popleft()
        self._count -= 1
        if not lane.items:
            self._lanes = {name: one for name, one in self._lanes.items() if one is not lane}
        while self._queue:
            waiting = self._queue.popleft()
            if not waiting.called:
                waiting.callback(None)
                break
        if item.done.called:
            return  # cancelled: nobody wants to know
        if isinstance(result, Refused):
            item.done.errback(result)
        else:
            item.done.callback(result)


def _lane_of(writing: Writing) -> tuple[str, str | None]:
    return writing.room, writing.to if isinstance(writing, Post) else None
