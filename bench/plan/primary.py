"""Commits of many nodes in PostgreSQL: each node's group commit, the rooms' locks, the cores, the flush."""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from random import Random

from bench.plan.agenda import Agenda, Server
from bench.plan.costs import Costs
from chatroom.store.writer import MAX_BATCH


class Primary:
    """A node commits what has queued while its last commit ran: of several servers that share the rooms,
    for each its own. A room is locked for a whole commit; what is ready when the disk has flushed is
    flushed next, at once."""

    def __init__(
        self, agenda: Agenda, costs: Costs, *, rooms: int, nodes: int, cores: int = 8, shards: int = 1
    ) -> None:
        self._agenda, self._costs = agenda, costs
        self._queues: list[deque[_Draft]] = [deque() for _ in range(nodes * shards)]
        self._at_work = [False] * nodes * shards
        self._shards = [_Shard(agenda, costs, cores) for _ in range(shards)]
        self._locks: list[deque[Callable[[], None]] | None] = [None] * rooms
        self.commits = 0

    @property
    def cpu_busy(self) -> float:
        """Microseconds of CPU that all servers have used."""
        return sum(shard.cores.busy for shard in self._shards)

    def append(self, node: int, room: int, done: Callable[[], None]) -> None:
        """A post came to a node."""
        writer = node * len(self._shards) + room % len(self._shards)
        self._queues[writer].append(_Draft(room, done))
        if not self._at_work[writer]:
            self._commit(writer)

    def _commit(self, writer: int) -> None:
        queue = self._queues[writer]
        self._at_work[writer] = bool(queue)
        if queue:
            batch = [queue.popleft() for _ in range(min(len(queue), MAX_BATCH))]
            self.commits += 1
            self._lock(sorted({draft.room for draft in batch}), partial(self._write, writer, batch))

    def _lock(self, rooms: list[int], then: Callable[[], None]) -> None:
        """One after the other, in one order, as a commit raises their heads."""
        for place, room in enumerate(rooms):
            waiting = self._locks[room]
            if waiting is not None:
                waiting.append(partial(self._lock, rooms[place + 1 :], then))
                return
            self._locks[room] = deque()
        then()

    def _write(self, writer: int, batch: "list[_Draft]") -> None:
        shard = self._shards[writer % len(self._shards)]
        shard.commit(len(batch), partial(self._done, writer, batch))

    def _done(self, writer: int, batch: "list[_Draft]") -> None:
        for room in {draft.room for draft in batch}:
            waiting = self._locks[room]
            if waiting:
                waiting.popleft()()
            else:
                self._locks[room] = None
        for draft in batch:
            draft.done()
        self._commit(writer)


@dataclass(frozen=True)
class _Draft:
    room: int
    done: Callable[[], None]


class _Shard:
    """One PostgreSQL server: its cores, and its log, which is flushed for all that wait for it."""

    def __init__(self, agenda: Agenda, costs: Costs, cores: int) -> None:
        self._agenda, self._costs = agenda, costs
        self.cores = Server(agenda, cores)
        self._ready: list[Callable[[], None]] = []
        self._flushing = False

    def commit(self, events: int, then: Callable[[], None]) -> None:
        costs = self._costs
        cpu = costs.commit_cpu_us + events * costs.commit_event_cpu_us
        # The node's own part, for each event.
        apart = max(0.0, events * (costs.commit_event_us - costs.commit_event_cpu_us))
        self.cores.do(cpu, lambda: self._agenda.at(self._agenda.now + apart, partial(self._wait, then)))

    def _wait(self, then: Callable[[], None]) -> None:
        self._ready.append(then)
        if not self._flushing:
            self._flush()

    def _flush(self) -> None:
        ready, self._ready = self._ready, []
        self._flushing = bool(ready)
        if ready:
            # What of a commit's time is no CPU: the disk, and the way there and back.
            rest = max(0.0, self._costs.commit_us - self._costs.commit_cpu_us)
            self._agenda.at(self._agenda.now + rest, partial(self._flushed, ready))

    def _flushed(self, ready: Iterable[Callable[[], None]]) -> None:
        for then in ready:
            then()
        self._flush()


def commits_a_second(
    writers: int, rooms: int, costs: Costs, *, cores: int = 8, seconds: float = 2.0
) -> float:
    """What so many nodes do that each have the next post when the last one is committed."""
    agenda = Agenda()
    primary = Primary(agenda, costs, rooms=rooms, nodes=writers, cores=cores)

    def again(writer: int) -> None:
        if agenda.now < seconds * 1e6:
            primary.append(writer, writer % rooms, partial(again, writer))

    for writer in range(writers):
        again(writer)
    agenda.run()
    return primary.commits / seconds


@dataclass(frozen=True)
class Load:
    """Posts at random, `rate` a second on the average, by many nodes to so many rooms."""

    rate: float
    rooms: int
    nodes: int
    cores: int = 8
    shards: int = 1
    seconds: float = 2.0


@dataclass(frozen=True)
class Committed:
    p50_ms: float
    p99_ms: float
    posts_a_second: float
    """Acknowledged; less than the load's where that is too much."""
    events_a_commit: float
    cores_busy: float


def run(load: Load, costs: Costs, seed: int = 1) -> Committed:
    """What comes of it; the same for the same seed."""
    agenda, random = Agenda(), Random(seed)
    primary = Primary(agenda, costs, rooms=load.rooms, nodes=load.nodes, cores=load.cores, shards=load.shards)
    took: list[float] = []
    when, posts = 0.0, 0

    def post(begun: float) -> None:
        node, room = random.randrange(load.nodes), random.randrange(load.rooms)
        primary.append(node, room, lambda: took.append(agenda.now - begun))

    while (when := when + random.expovariate(load.rate) * 1e6) < load.seconds * 1e6:
        agenda.at(when, partial(post, when))
        posts += 1
    agenda.run()
    took.sort()
    span = max(agenda.now, load.seconds * 1e6)
    return Committed(
        p50_ms=took[len(took) // 2] / 1e3,
        p99_ms=took[len(took) * 99 // 100] / 1e3,
        posts_a_second=posts / span * 1e6,
        events_a_commit=posts / primary.commits,
        cores_busy=primary.cpu_busy / span,
    )
