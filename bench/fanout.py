"""One poster, many members: every post to the last of them, in a closed loop or paced.

The receiving loop is what decides whether the load keeps up with a server, so it does as little
as it can for each delivery: one recv, a look at the frame's head, a few list operations. Every
connection's frames are counted one by one. The poster, every fiftieth member and the last are
`watched`: their frames are parsed in full and compared with what was posted.
"""

import gc
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.accounting import Cost, Meter
from bench.dialects import Dialect
from bench.frames import CLOSE, FIN, PING, PONG, TEXT, Frame, client_frame, event_bounds, frame_bounds
from bench.frames import server_frame_size as wire_size
from bench.members import Crowd, Member, ServerError

_WATCH_EACH = 50
_PATIENCE = 30.0

# After nothing came, look again for this long before sleeping in the kernel. Waking a sleeper
# costs the sender, which is the server: without this the figures of a fast server would depend on
# how often the load happens to doze off.
_SPIN = 0.0002


@dataclass(frozen=True)
class Fanout:
    """What one run showed. Times in seconds, latencies from post to last receiver."""

    posts: int
    deliveries: int
    wire_bytes: float
    """Bytes of one delivery on the wire, measured; the mean where they vary (compressed)."""
    cost: Cost
    load_busy: float
    """Share of the time that the load had something to do."""
    latencies: list[float] = field(repr=False)
    strange: int
    """Messages that were no deliveries."""


class Loop:
    """Posts into a settled crowd and counts what comes back. `poster`: where it is none of them."""

    def __init__(self, crowd: Crowd, dialect: Dialect, poster: Member | None = None) -> None:
        self._crowd = crowd
        self._dialect = dialect
        self._poster = poster or crowd.members[0]
        self._apart = -1 if poster is None else poster.socket.fileno()
        self._stream = crowd.place.stream
        self._bounds = event_bounds if self._stream else frame_bounds
        self._head = ord("i") if self._stream else FIN | TEXT
        if poster is not None:
            crowd.take_in(poster)
        self._buffer = bytearray(1 << 18)
        self._view = memoryview(self._buffer)
        top = max(crowd.by_fd) + 1
        self._receive: list[Callable[..., int]] = [len] * top
        if poster is not None:
            self._receive[self._apart] = _receiver(poster)
        self._heard = [0] * top
        self._watched: dict[int, Member] = {}
        self._carry: dict[int, bytes] = {}
        for number, member in enumerate(crowd.members):
            self._receive[member.socket.fileno()] = _receiver(member)
            if number % _WATCH_EACH == 0 or member is crowd.members[-1]:
                self._watched[member.socket.fileno()] = member
        self._slow = set(self._watched)
        self._hearers = len(crowd) - (0 if dialect.echoes or poster else 1)
        # How many members have heard 0, 1, 2, … posts. The last of them has heard post number
        # `_done` when nobody is left there.
        self._tally = [self._hearers]
        self._due: list[float] = []
        self._latencies: list[float] = []
        self._done = 0
        self._idle = 0.0
        self._strange = 0
        self._sampled = 0
        self._sampled_bytes = 0
        self._size = 0
        self._last_byte = self._length_at = 0
        self._last = b""

    def calibrate(self) -> None:
        """Agree with the server on the size of a delivery."""
        listener = self._crowd.members[-1]

        def exchange(payload: bytes) -> bytes:
            self._poster.send(client_frame(payload))
            until = time.monotonic() + _PATIENCE
            while time.monotonic() < until:
                for frame in listener.drain():
                    if frame.opcode == TEXT and b'"type":"presence"' not in frame.payload:
                        return frame.payload
                time.sleep(0.002)
            raise ServerError("no delivery of the first post")

        self._dialect.calibrate(exchange)
        self._crowd.settle()
        if self._dialect.alike and not self._crowd.place.deflate:
            self._size = self._dialect.size if self._stream else wire_size(self._dialect.size)
            # Of a stream's event, the letter that it begins with is all there is to know it by.
            self._last_byte = self._head if self._stream else self._dialect.size & 0xFF
            self._length_at = 0 if self._stream else 3 if self._size > 127 else 1
            self._last = bytes((self._last_byte,))

    def run(self, pids: list[int], *, seconds: float, window: int = 1, rate: float | None = None) -> Fanout:
        """Post for `seconds`, `window` posts on the way at a time or `rate` a second."""
        first = len(self._due)
        self._latencies, self._idle, self._strange = [], 0.0, 0
        self._sampled = self._sampled_bytes = 0
        gc.collect()
        gc.disable()
        try:
            meter = Meter(pids)
            began = time.perf_counter()
            if rate is None:
                self._closed(window, began + seconds)
            else:
                self._paced(rate, began, seconds)
            self._until_done(len(self._due))
            cost = meter.read()
        finally:
            gc.enable()
        posts = len(self._due) - first
        return Fanout(
            posts=posts,
            deliveries=posts * self._hearers,
            wire_bytes=self._sampled_bytes / self._sampled,
            cost=cost,
            load_busy=1 - self._idle / cost.wall,
            latencies=self._latencies,
            strange=self._strange,
        )

    def _closed(self, window: int, until: float) -> None:
        while time.perf_counter() < until:
            posted = len(self._due)
            if posted - self._done < window:
                self._post(self._done + window - posted, time.perf_counter())
            self._turn(_PATIENCE)

    def _paced(self, rate: float, began: float, seconds: float) -> None:
        """Latency counts from when a post was due, not from when a late load sent it."""
        for number in range(int(rate * seconds)):
            due = began + number / rate
            while (wait := due - time.perf_counter()) > 0:
                self._turn(wait, must=False)
            self._post(1, due)

    def _until_done(self, posted: int) -> None:
        while self._done < posted:
            self._turn(_PATIENCE)

    def _post(self, count: int, due: float) -> None:
        """Send `count` posts as one write: what a client with several at hand would do."""
        frames = b""
        for _ in range(count):
            frames += client_frame(self._dialect.post(len(self._due)))
            self._tally.append(0)
            self._due.append(due)
        self._poster.send(frames)

    def _turn(self, timeout: float, *, must: bool = True) -> None:
        """Wait for readable members, at most `timeout`, and receive from each."""
        poll = self._crowd.epoll.poll
        ready = poll(0, 4096)
        if not ready:
            began = time.perf_counter()
            while not ready and time.perf_counter() - began < min(_SPIN, timeout):
                ready = poll(0, 4096)
            if not ready and timeout > _SPIN:
                ready = poll(timeout - _SPIN, 4096)
            self._idle += time.perf_counter() - began
            if not ready and must:
                raise ServerError(f"no delivery for {timeout:.0f} s")
        try:
            self._take(ready)
        except IndexError:
            raise ServerError("a member heard more than was posted") from None

    def _take(self, ready: list[tuple[int, int]]) -> None:
        buffer, receive, heard = self._buffer, self._receive, self._heard
        tally, slow, size, last_byte = self._tally, self._slow, self._size, self._last_byte
        head, length_at, done = self._head, self._length_at, self._done
        for fd, _ in ready:
            got = receive[fd](buffer)
            plain = got == size and buffer[0] == head and buffer[length_at] == last_byte
            hits = 1 if plain and fd not in slow else self._count(fd, got)
            if not hits:
                continue
            had = heard[fd]
            heard[fd] = had + hits
            tally[had] -= 1
            tally[had + hits] += 1
            while not tally[done]:
                self._latencies.append(time.perf_counter() - self._due[done])
                done += 1
        self._done = done

    def _count(self, fd: int, got: int) -> int:
        """Deliveries in what came, where it is not exactly one of them."""
        if got < 0 or (fd == self._apart and got):
            return 0
        if got == 0:
            raise ServerError("the server closed a connection")
        if got == len(self._buffer):
            raise ServerError("a member's backlog is larger than the load's buffer")
        if fd in self._watched:
            return self._watch(fd, got)
        if self._size and fd not in self._carry and self._all_alike(got):
            return got // self._size
        data: bytearray | bytes = self._carry.pop(fd, b"") + self._view[:got]
        start = hits = 0
        while (bounds := self._bounds(data, start)) is not None:
            begin, end = bounds
            if self._stream:
                hits += b"data: " in data[begin:end]
            elif data[start] & 0x0F == TEXT and self._size in (0, end - start):
                hits += 1
            else:
                self._other(fd, Frame(data[start] & 0x0F, bytes(data[begin:end]), end - start))
            start = end
        self._slow.discard(fd)
        if start < len(data):
            self._carry[fd] = bytes(data[start:])
            self._slow.add(fd)
        return hits

    def _all_alike(self, got: int) -> bool:
        """Whether the buffer holds whole deliveries and nothing else."""
        count, rest = divmod(got, self._size)
        if rest:
            return False
        heads = self._buffer[0 : got : self._size]
        lengths = self._buffer[self._length_at : got : self._size]
        return heads == bytes((self._head,)) * count and lengths == self._last * count

    def _watch(self, fd: int, got: int) -> int:
        member = self._watched[fd]
        hits = 0
        for frame in member.reader.feed(self._view[:got]):
            if frame.opcode != TEXT:
                self._other(fd, frame)
            elif self._hears(member) and self._dialect.hears(frame.payload, self._heard[fd] + hits):
                hits += 1
                self._sampled += 1
                self._sampled_bytes += frame.size
            elif member is not self._poster or b'"type":"ok"' not in frame.payload:
                self._other(fd, frame)
        return hits

    def _hears(self, member: Member) -> bool:
        return member is not self._poster or self._dialect.echoes

    def _other(self, fd: int, frame: Frame) -> None:
        if frame.opcode == CLOSE:
            raise ServerError(f"the server closed a connection: {frame.payload!r}")
        if frame.opcode == PING:
            self._crowd.by_fd[fd].send(client_frame(frame.payload, PONG))
        else:
            self._strange += 1


def _receiver(member: Member) -> Callable[..., int]:
    """recv_into, made to give -1 where there is nothing (yet), and to empty a TLS record."""
    into = member.socket.recv_into
    if not isinstance(member.socket, ssl.SSLSocket):
        return into

    def tls_into(buffer: bytearray) -> int:
        got = 0
        view = memoryview(buffer)
        while got < len(buffer):
            try:
                more = into(view[got:])
            except ssl.SSLWantReadError:
                return got or -1
            if not more:
                return got
            got += more
        return got

    return tls_into
