"""Events from several nodes, told in the order of each room's log: none left out, none twice.

A node is told of its own commits by its store and of the others' by the bus, which may lose, double and
reorder. An event that does not follow on what members were told waits; what is missing before it is read
from the store. So that nothing is missed after which nothing comes, the heads of the live rooms are
looked at now and then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.domain.errors import ChatError
from chatroom.domain.events import Event
from chatroom.domain.model import Seq
from chatroom.domain.ports import Clock, Committed, Origin, Store, Timer
from chatroom.gate import Gate
from chatroom.hub import Hub, LiveRoom

PATIENCE = 0.05
"""Seconds until what is missing is read from the store: mostly it is on its way already."""

RETRY = 1.0
"""Seconds until it is read again where the store could not."""

PAGE = 500
"""So many events are read at once."""

MOST = 1_000
"""So many events of other nodes wait in one room; the store has them all."""

STUCK = 30.0
"""Seconds after which a reading that was not answered is not waited for."""

_Pair = tuple[Event, Origin]


class Ordering:
    """What is to be told in each live room and cannot be told yet. `tell` is given the rest, in order."""

    _log = Logger()

    def __init__(self, store: Store, hub: Hub, clock: Clock, tell: Callable[[Committed], None]) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._tell = tell
        self._waiting: dict[str, dict[int, _Pair]] = {}
        self._timers: dict[str, Timer] = {}
        self._reading: dict[str, float] = {}
        self._reaching: dict[str, Gate] = {}
        self._asked: float | None = None
        self._own: dict[str, list[_Pair]] = {}
        self._shorter: set[str] = set()
        self.filled = 0
        """How many times something was missing, and was read from the store."""

    def writing(self, draft: Event, origin: Origin) -> None:
        """`origin`, which is not told of its own events, is about to append this one: it may be read from
        the store before the store tells of it."""
        own = self._own.setdefault(draft.room, [])
        own.append((draft, origin))
        del own[:-MOST]

    def refused(self, draft: Event, origin: Origin) -> None:
        """It could not be appended: should it be in the log all the same, that is news to `origin` too."""
        own = self._own.get(draft.room, [])
        own[:] = [pair for pair in own if pair[0] is not draft or pair[1] is not origin]

    def take(self, committed: Committed) -> None:
        """These are in the logs; tell of those whose turn it is."""
        ready: list[_Pair] = []
        ordered = sorted(committed, key=lambda pair: (pair[0].room, pair[0].seq))
        for name, pairs in groupby(ordered, key=lambda pair: pair[0].room):
            room = self._hub.room(name)
            if room is None:
                ready += pairs
            else:
                self._keep(room, pairs)
                ready += self._ripe(room)
        if ready:
            self._tell(ready)

    def loaded(self, room: LiveRoom) -> None:
        """A room's tail is read: what came meanwhile follows."""
        if room.name in self._waiting:
            ready = self._ripe(room)
            if ready:
                self._tell(ready)

    def forget(self, room: LiveRoom) -> None:
        """Nobody is in that room any more."""
        self._waiting.pop(room.name, None)
        self._own.pop(room.name, None)
        timer = self._timers.pop(room.name, None)
        if timer is not None:
            timer.cancel()

    async def look(self, names: Iterable[str] | None = None) -> bool:
        """Compare what members were told with the heads of the logs, of those rooms or of all, and read
        what is missing. Where the store cannot be asked, nothing happens, and False comes back."""
        rooms = self._hub.rooms() if names is None else filter(None, map(self._hub.room, names))
        wanted = {room.name: room.head for room in rooms if not room.loading}
        if not wanted:
            return True
        if self._recent(self._asked):
            return False
        self._asked = started = self._clock.seconds()
        try:
            heads = await self._store.heads(wanted)
        except ChatError:
            return False
        finally:
            if self._asked == started:
                self._asked = None
        for name, head in heads.items():
            if head < wanted[name]:
                self._went_back(name, wanted[name], head)
            room = self._hub.room(name)
            if room is not None and not room.loading and room.head < head:
                await self._fill(name)
        return True

    def _went_back(self, name: str, told: int, head: int) -> None:
        """What members were told is not in the log any more."""
        if name not in self._shorter:
            self._shorter.add(name)
            self._log.critical(
                "the log of room {room} went back from event {told} to {head}: its database has lost what was"
                " acknowledged. Stop all servers, run `chatroom epoch`, and start them",
                room=name,
                told=told,
                head=head,
            )

    async def reach(self, room: LiveRoom, seq: Seq) -> None:
        """Tell of what comes up to `seq`, as far as the log goes: somebody was told of it on another node,
        and comes in here. Raises Unavailable."""
        under_way = self._reaching.get(room.name)
        if under_way is not None and room.head < seq:
            await under_way.passed()
        if room.head >= seq:
            return
        read = self._reaching[room.name] = Gate()
        try:
            await self._read_on(room.name)
        finally:
            if self._reaching.get(room.name) is read:
                del self._reaching[room.name]
            read.open()

    def stop(self) -> None:
        """Read no more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _keep(self, room: LiveRoom, pairs: Iterable[_Pair]) -> None:
        waiting = self._waiting.setdefault(room.name, {})
        for event, origin in pairs:
            if event.seq > room.head or room.loading:
                held = waiting.get(event.seq)
                if held is None or held[1] is None:
                    waiting[event.seq] = event, self._origin(event, origin)

    def _origin(self, event: Event, origin: Origin) -> Origin:
        own = self._own.get(event.room)
        for index, (draft, author) in enumerate(own or ()):
            if own is not None and draft.at == event.at and _same(draft, event):
                del own[index]
                return author
        return origin

    def _ripe(self, room: LiveRoom) -> list[_Pair]:
        """What follows on what was told, taken out of what waits."""
        if room.loading:
            return []
        waiting = self._waiting[room.name]
        for seq in [seq for seq in waiting if seq <= room.head]:
            del waiting[seq]
        ready: list[_Pair] = []
        seq = room.head + 1
        while (pair := waiting.pop(seq, None)) is not None:
            ready.append(pair)
            seq += 1
        if not waiting:
            del self._waiting[room.name]
        else:
            if len(waiting) > MOST:
                for far in sorted(waiting)[MOST:]:
                    if waiting[far][1] is None:
                        del waiting[far]
            self._fill_later(room.name, PATIENCE)
        return ready

    def _fill_later(self, name: str, delay: float) -> None:
        if name not in self._timers:
            self._timers[name] = self._clock.callLater(delay, self._due, name)

    def _due(self, name: str) -> None:
        del self._timers[name]
        if name in self._waiting:
            Deferred.fromCoroutine(self._fill(name)).addErrback(
                lambda failure: self._log.failure("what is missing cannot be read", failure)
            )

    async def _fill(self, name: str) -> None:
        """Read on from what was told."""
        if self._recent(self._reading.get(name)):
            return
        self._reading[name] = started = self._clock.seconds()
        try:
            await self._read_on(name)
        except ChatError:
            if self._hub.room(name) is not None:
                self._fill_later(name, RETRY)
        finally:
            if self._reading.get(name) == started:
                del self._reading[name]

    async def _read_on(self, name: str) -> None:
        while True:
            room = self._hub.room(name)
            if room is None or room.loading:
                return
            page = await self._store.after(name, room.head, PAGE)
            if self._hub.room(name) is not room:
                return
            self.filled += any(event.seq > room.head for event in page.events)
            self.take([(event, None) for event in page.events])
            if not page.more:
                return

    def _recent(self, started: float | None) -> bool:
        return started is not None and self._clock.seconds() - started < STUCK


def _same(draft: Event, event: Event) -> bool:
    """Whether `event` is what became of a draft; what it says may have been changed since."""
    return type(draft) is type(event) and draft.by.id == event.by.id and draft.key == event.key
