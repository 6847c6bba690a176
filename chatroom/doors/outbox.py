"""The only writer of a connection's transport: at once when idle, bounded when the reader is slow.

Twisted's own `write` buffers and waits for the reactor to find the socket writable, which costs
three to four times the CPU of handing the bytes to the kernel straight away. That is safe only
when nobody else writes, so everything goes through here, Autobahn's own frames too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IPullProducer, IPushProducer
from zope.interface import implementer

from chatroom.domain.ports import Clock

CHUNK = 128 * 1024
"""About how much one system call is given; also what Twisted gives it."""


class Tick:
    """The outboxes that something was sent to: flushed together, each with one system call.

    `unready`: those past which nothing may be written to their sockets. Who is not in it has sent
    all it was given, and takes more.
    """

    __slots__ = ("_clock", "_marked", "_scheduled", "unready")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._marked: list[Outbox] = []
        self._scheduled = False
        self.unready: set[Outbox] = set()

    def mark(self, outbox: Outbox) -> None:
        """Flush `outbox` when this turn of the reactor ends, or at the next `flush`."""
        self._marked.append(outbox)
        self.unready.add(outbox)
        if not self._scheduled:
            self._scheduled = True
            self._clock.callLater(0, self._end)

    def flush(self) -> None:
        """Write what was sent."""
        marked, self._marked = self._marked, []
        for outbox in marked:
            outbox.flush()

    def _end(self) -> None:
        self._scheduled = False
        self.flush()


def _nothing() -> None:
    """What is called when the backlog of a lost connection overflows."""


class Outbox:
    """What leaves on one connection, in order, in whole frames.

    `limit` bounds in bytes what waits for a slow reader (0: nothing does); past it `overflow` is
    called, once, and all that waited is dropped: it is in the log. What the transport has begun to
    send is always finished, so the peer never sees half a frame.
    """

    __slots__ = (
        "_backlog",
        "_finished",
        "_held",
        "_limit",
        "_overflow",
        "_pending",
        "_sealed",
        "_transport",
        "_waiting",
        "busy",
        "overflowed",
        "tick",
    )

    def __init__(self, transport: Any, tick: Tick, limit: int, overflow: Callable[[], None]) -> None:
        self._transport = transport
        self.tick = tick
        self._limit = limit
        self._overflow = overflow
        self._pending: list[bytes] = []
        # Made when first needed: most connections never have a backlog.
        self._backlog: deque[bytes] | None = None
        self._held = 0
        self._waiting = 0
        self._finished = False
        self._sealed = False
        self.busy = False
        self.overflowed = False

    @property
    def waiting(self) -> int:
        """How many bytes wait for the reader, as far as is known here."""
        return self._waiting + self._held

    @property
    def behind(self) -> bool:
        """Whether the reader has not taken yet what was sent, in this tick too; not once this is sealed."""
        self.flush()
        return self.busy and not self._sealed

    def send(self, frames: bytes) -> None:
        """Whole frames, together with what else is sent in this tick."""
        if self._sealed:
            return
        if not self._pending:
            self.tick.mark(self)
        self._pending.append(frames)

    def write(self, frames: bytes) -> None:
        """Whole frames, now, or after what was sent in this tick."""
        if self._sealed:
            return
        if self._pending:
            self._pending.append(frames)
        elif self.busy:
            self._queue(frames)
        else:
            self._put(frames)

    def flush(self) -> None:
        """Write what was sent in this tick."""
        if self._pending:
            pending, self._pending = self._pending, []
            self.write(b"".join(pending))
            self._settle()

    def control(self, frames: bytes) -> None:
        """The protocol's own bytes: handshake, ping, pong, close.

        They are bounded as all else is, or who sends pings and reads no pongs would fill the
        memory. Past the bound one thing more is taken, which is the close frame that says so.
        """
        overflowed = self.overflowed
        self.flush()
        if not self.busy:
            self._put(frames)
        elif not self.overflowed:
            self._queue(frames)
        elif overflowed:
            self._enqueue(frames)

    def seal(self) -> None:
        """The close frame has been written: from now on nothing is taken but `control`."""
        self._sealed = True
        self.tick.unready.add(self)

    def lost(self) -> None:
        """The connection is gone: let go of everything, so that memory need not wait for the
        garbage collector."""
        self._finished = self._sealed = True
        self.tick.unready.discard(self)
        self._backlog = None
        self._pending = []
        self._overflow = _nothing

    def finish(self) -> None:
        """Close the connection once everything has left."""
        self.flush()
        self.seal()
        self._finished = True
        if not self.busy:
            self._end()

    def _settle(self) -> None:
        if not (self.busy or self._pending or self._sealed):
            self.tick.unready.discard(self)

    def _queue(self, frames: bytes) -> None:
        if self.overflowed or self._finished:
            return
        if 0 < self._limit < self.waiting + len(frames):
            self.overflowed = True
            self._backlog = None
            self._waiting = 0
            self._overflow()
            return
        self._enqueue(frames)

    def _enqueue(self, frames: bytes) -> None:
        if self._backlog is None:
            self._backlog = deque()
        self._backlog.append(frames)
        self._waiting += len(frames)

    def _next(self) -> bytes:
        """About a CHUNK of whole frames from the backlog; empty where there is none."""
        backlog = self._backlog
        if not backlog:
            self._backlog = None
            return b""
        chosen, size = [], 0
        while backlog and size < CHUNK:
            chosen.append(backlog.popleft())
            size += len(chosen[-1])
        self._waiting -= size
        return b"".join(chosen)

    def _put(self, frames: bytes) -> None:
        raise NotImplementedError

    def _end(self) -> None:
        raise NotImplementedError


@implementer(IPullProducer)
class DirectOutbox(Outbox):
    """For a socket: the kernel gets the bytes at once, and Twisted only what the kernel will not take.

    While Twisted has a rest, the outbox is busy: it is then a pull producer, which the transport
    asks for more when, and only when, it has nothing left. `pristine`: nothing has been written to
    the transport before; else the first write goes behind that.
    """

    __slots__ = ("_handed", "_used", "socket")

    def __init__(
        self,
        transport: Any,
        tick: Tick,
        limit: int,
        overflow: Callable[[], None],
        *,
        pristine: bool = True,
    ) -> None:
        super().__init__(transport, tick, limit, overflow)
        self.socket: Any = transport.getHandle()
        self._handed = False
        self._used = not pristine
        if self._used:
            tick.unready.add(self)

    def take_over(self, rest: bytes) -> None:
        """What the socket did not take of whole frames, written to it while this was not `unready`."""
        if not self._sealed:
            self._hand_over(rest)

    def _put(self, frames: bytes) -> None:
        taken = 0
        if not self._used:
            try:
                taken = self.socket.send(frames)
            except OSError:
                # Full, interrupted, or gone: Twisted will find out, and say so.
                pass
        if taken != len(frames):
            self._hand_over(frames[taken:])

    def _hand_over(self, rest: bytes) -> None:
        self._held = len(rest)
        self._transport.write(rest)
        if not self.busy:
            self.busy = True
            self.tick.unready.add(self)
            # Registering calls resumeProducing at once, which is not yet a sign of anything.
            self._handed = True
            self._transport.registerProducer(self, False)
            self._handed = False

    def resumeProducing(self) -> None:
        """The transport has nothing left: go on from the backlog."""
        if self._handed:
            return
        self._held = 0
        self._used = False
        while frames := self._next():
            self._put(frames)
            if self._held:
                return
        self.busy = False
        self._settle()
        self._transport.unregisterProducer()
        if self._finished:
            self._end()

    def stopProducing(self) -> None:
        """The connection is gone."""
        self._backlog = None
        self._finished = True

    def _end(self) -> None:
        self._transport.loseConnection()


@implementer(IPushProducer)
class BufferedOutbox(Outbox):
    """For any transport (TLS): it takes all, and says when to pause because its buffer is full."""

    __slots__ = ()

    def __init__(self, transport: Any, tick: Tick, limit: int, overflow: Callable[[], None]) -> None:
        super().__init__(transport, tick, limit, overflow)
        transport.registerProducer(self, True)

    def _put(self, frames: bytes) -> None:
        self._transport.write(frames)

    def pauseProducing(self) -> None:
        """The transport has enough."""
        self.busy = True

    def resumeProducing(self) -> None:
        """The transport can take more."""
        self.busy = False
        while not self.busy and (frames := self._next()):
            self._put(frames)
        if self._finished and not self.busy:
            self._end()

    def stopProducing(self) -> None:
        """The connection is gone."""
        self._backlog = None
        self._finished = True

    def _end(self) -> None:
        self._transport.unregisterProducer()
        self._transport.loseConnection()
