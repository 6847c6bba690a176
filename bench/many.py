"""The load for many rooms: in each, the next post when everybody there has the one before."""

import dataclasses
import gc
import time
from dataclasses import dataclass, field

from bench.accounting import Cost, Meter
from bench.contestant import Contestant
from bench.course import Live
from bench.dialects import Json
from bench.frames import client_frame
from bench.joining import greet
from bench.members import Crowd, Member, ServerError

_PATIENCE = 30.0


@dataclass(frozen=True)
class Talk:
    """One run. Latencies in seconds, from a post to the last receiver in its room."""

    posts: int
    deliveries: int
    cost: Cost
    load_busy: float
    latencies: list[float] = field(repr=False)


class _Room:
    def __init__(self, name: str, poster: Member) -> None:
        self.name = name
        self.poster = poster
        self.number = 0
        self.expected = b""
        self.missing = 0
        self.sent = 0.0


class Rooms:
    """`count` rooms of `size` members each; the first of a room is its poster.

    A text names its room and its number, and each member must find exactly that text in what it
    gets next: a delivery that goes astray, comes twice or out of order is noticed.
    """

    def __init__(self, crowd: Crowd, contestant: Contestant, live: Live, count: int, size: int) -> None:
        self._crowd = crowd
        self._contestant = contestant
        self._live = live
        self._size = size
        self._names = [f"room-{number}" for number in range(count)]
        self._room_of: dict[int, _Room] = {}
        self._rooms: list[_Room] = []
        self._carry: dict[int, bytes] = {}
        self._latencies: list[float] = []
        self._width = live.dialect.size

    def fill(self) -> None:
        """Everybody comes, room by room."""
        for name in self._names:
            setting = dataclasses.replace(self._live.setting, room=name)
            dialect = self._contestant.dialect(setting)
            # A server without joining is told the room in the address.
            self._crowd.place = dataclasses.replace(
                self._live.place, path=f"{self._live.place.path}?room={name}"
            )
            members = self._crowd.open(self._size)
            greet(self._crowd, members, dialect)
            room = _Room(name, members[0])
            self._rooms.append(room)
            for member in members:
                self._room_of[member.socket.fileno()] = room
        self._crowd.settle()
        if isinstance(self._live.dialect, Json):
            self._width = self._text_width()

    def _text_width(self) -> int:
        """Of a text that makes an event as long as the peers' deliveries."""
        room = self._rooms[0]
        room.poster.send(self._frame(room.name, "trial---"))
        heard = self._crowd.members[1].await_answer(b"trial---")
        self._crowd.settle()
        return max(24, self._live.dialect.size - len(heard) + len("trial---"))

    def _frame(self, room: str, text: str) -> bytes:
        if isinstance(self._live.dialect, Json):
            post = f'{{"type":"post","id":1,"room":"{room}","text":"{text}"}}'
            return client_frame(post.encode())
        return client_frame(text.encode())

    def run(self, pids: list[int], seconds: float) -> Talk:
        self._latencies = []
        idle = 0.0
        gc.disable()
        try:
            meter = Meter(pids)
            until = time.perf_counter() + seconds
            talking = len(self._rooms)
            for room in self._rooms:
                self._post(room)
            while talking:
                began = time.perf_counter()
                ready = self._crowd.epoll.poll(_PATIENCE, 8192)
                now = time.perf_counter()
                idle += now - began
                if not ready:
                    raise ServerError(f"no delivery for {_PATIENCE:.0f} s")
                for room in self._take(ready, now):
                    if now < until:
                        self._post(room)
                    else:
                        talking -= 1
            cost = meter.read()
        finally:
            gc.enable()
        posts = len(self._latencies)
        return Talk(posts, posts * self._size, cost, 1 - idle / cost.wall, self._latencies)

    def _post(self, room: _Room) -> None:
        room.number += 1
        text = f"{room.name}-{room.number:08d}-"
        room.expected = text.encode()
        room.missing = self._size
        room.sent = time.perf_counter()
        room.poster.send(self._frame(room.name, text.ljust(self._width, "x")))

    def _take(self, ready: list[tuple[int, int]], now: float) -> list[_Room]:
        """Receive from each; the rooms whose last member has heard now."""
        finished = []
        for fd, _ in ready:
            data = self._crowd.by_fd[fd].receive_all()
            room = self._room_of[fd]
            if room.expected not in data:
                # An acknowledgement, a ping or half a frame.
                data = self._carry.pop(fd, b"") + data
                if room.expected not in data:
                    self._carry[fd] = data[-400:]
                    continue
            if data.count(room.expected) > 1:
                raise ServerError(f"{room.name} heard a post twice")
            room.missing -= 1
            if not room.missing:
                self._latencies.append(now - room.sent)
                finished.append(room)
        return finished
