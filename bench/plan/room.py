"""One room on many nodes, post by post: the commit, the bus or a relay tree, and each node's fan-out."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from random import Random
from statistics import quantiles

from bench.plan.agenda import Agenda, Server
from bench.plan.costs import Costs
from bench.plan.primary import Primary

_SAMPLES = 4
"""So many members of each node, of each post."""


@dataclass(frozen=True)
class Room:
    """So many members, spread evenly, and `rate` posts a second: at random times, or one like the other."""

    members: int
    members_a_node: int
    rate: float
    posts: int = 200
    regular: bool = False
    branches: int = 0
    """How many nodes each relay of a tree tells; 0: no tree, Redis tells every node."""

    @property
    def nodes(self) -> int:
        return -(-self.members // self.members_a_node)


@dataclass(frozen=True)
class Outcome:
    """Latencies in milliseconds, from the post to a member; shares of one core."""

    p50_ms: float
    p99_ms: float
    last_ms: float
    """The mean until the last member has it."""
    committed_p50_ms: float
    node_busy: float
    """Of the busiest node."""
    redis_busy: float
    events_a_commit: float
    gbit_a_second: float
    """What all nodes send to members."""


class _Node:
    """Tells its members what came while it told them what was before, in one write each."""

    def __init__(
        self, agenda: Agenda, costs: Costs, members: int, told: Callable[[int, float, float], None]
    ) -> None:
        self._agenda, self._costs, self._members, self._told = agenda, costs, members, told
        self._waiting: list[int] = []
        self._extra = 0.0
        self._telling = False
        self.busy = 0.0

    def work(self, cost: float) -> None:
        """Something else is done between two rows."""
        self._extra += cost
        self.busy += cost

    def tell(self, post: int) -> None:
        self._waiting.append(post)
        if not self._telling:
            self._next()

    def _next(self) -> None:
        self._telling = bool(self._waiting)
        if self._telling:
            posts, self._waiting = self._waiting, []
            writing = self._costs.told_us(self._members, len(posts))
            begins, ends = self._agenda.now + self._extra, self._agenda.now + self._extra + writing
            self._extra = 0.0
            self.busy += writing
            for post in posts:
                self._told(post, begins, ends)
            self._agenda.at(ends, self._next)


class _Run:
    def __init__(self, room: Room, costs: Costs, seed: int) -> None:
        self._room, self._costs, self._random = room, costs, Random(seed)
        self._agenda = Agenda()
        self._redis = Server(self._agenda)
        self._primary = Primary(self._agenda, costs, rooms=1, nodes=room.nodes)
        self._nodes = [_Node(self._agenda, costs, room.members_a_node, self._told) for _ in range(room.nodes)]
        self._relays: dict[int, Server] = {}
        self._posted: list[float] = []
        self._last: list[float] = []
        self._committed: list[float] = []
        self._latencies: list[float] = []

    def run(self) -> Outcome:
        when = 0.0
        for number in range(self._room.posts):
            pause = 1 if self._room.regular else self._random.expovariate(1)
            when += pause / self._room.rate * 1e6
            self._posted.append(when)
            self._last.append(when)
            self._agenda.at(when, partial(self._post, number, self._random.randrange(self._room.nodes)))
        self._agenda.run()
        span = max(self._last) - self._posted[0]
        cuts = quantiles(self._latencies, n=100)
        bits = self._room.members * self._room.posts * self._costs.delivered_bytes * 8
        return Outcome(
            p50_ms=cuts[49] / 1e3,
            p99_ms=cuts[98] / 1e3,
            last_ms=sum(map(float.__sub__, self._last, self._posted)) / self._room.posts / 1e3,
            committed_p50_ms=sorted(self._committed)[len(self._committed) // 2] / 1e3,
            node_busy=max(node.busy for node in self._nodes) / span,
            redis_busy=self._redis.busy / span,
            events_a_commit=self._room.posts / self._primary.commits,
            gbit_a_second=bits / span / 1e3,
        )

    def _post(self, number: int, at: int) -> None:
        self._nodes[at].work(self._costs.post_us)
        self._primary.append(at, 0, partial(self._done, number, at))

    def _done(self, number: int, at: int) -> None:
        self._committed.append(self._agenda.now - self._posted[number])
        self._nodes[at].tell(number)
        others = [node for node in range(self._room.nodes) if node != at]
        if not others:
            return
        # Redis is the root: it tells all, or the first relays.
        first = others[: self._room.branches] if self._room.branches else others
        publish, each = self._costs.redis_publish_us, self._costs.redis_subscriber_us
        begins = self._redis.do(publish + each * len(first), lambda: None)
        for place, node in enumerate(first):
            when = begins + publish + each * (place + 1) + 2 * self._costs.hop_us
            self._agenda.at(when, partial(self._heard, number, others, place, node))

    def _heard(self, number: int, others: list[int], place: int, node: int) -> None:
        """On a relay, the nodes below it come before its members."""
        self._nodes[node].work(self._costs.bus_heard_us)
        branches = self._room.branches
        below = range((place + 1) * branches, min((place + 2) * branches, len(others))) if branches else ()
        if below:
            relay = self._relays.setdefault(node, Server(self._agenda))
            cost = self._costs.write_us + self._costs.event_us
            begins = relay.do(cost * len(below), lambda: None)
            self._nodes[node].work(cost * len(below))
            for turn, next_place in enumerate(below):
                when = begins + cost * (turn + 1) + self._costs.hop_us
                self._agenda.at(when, partial(self._heard, number, others, next_place, others[next_place]))
        self._nodes[node].tell(number)

    def _told(self, post: int, begins: float, ends: float) -> None:
        self._last[post] = max(self._last[post], ends)
        self._latencies += (self._random.uniform(begins, ends) - self._posted[post] for _ in range(_SAMPLES))


def run(room: Room, costs: Costs, seed: int = 1) -> Outcome:
    """What comes of it; the same for the same seed."""
    return _Run(room, costs, seed).run()
