"""Many rooms and many connections: what every node tells every other, and asks of the database."""

from dataclasses import dataclass

from bench.plan.costs import Costs
from chatroom.neighbours import LOOK, LOOK_ANYWAY
from chatroom.roster import BEAT, REPEATS, TURNS


@dataclass(frozen=True)
class Rooms:
    """So many rooms whose members come to any of the nodes."""

    rooms: int
    members: int
    """Of each room."""
    nodes: int
    posts: float
    """A second, in all rooms together."""
    stay: float = 600.0
    """Seconds that a member stays, on the average."""

    @property
    def spread(self) -> float:
        """On so many nodes a room has members, on the average."""
        return self.nodes * (1 - (1 - 1 / self.nodes) ** self.members)

    @property
    def a_node(self) -> float:
        """So many rooms have members on a node."""
        return self.rooms * self.spread / self.nodes


@dataclass(frozen=True)
class Traffic:
    """Shares of one core, and what Redis sends for it in Gbit/s."""

    redis_busy: float
    redis_gbit: float
    node_busy: float


def beats(load: Rooms, costs: Costs) -> Traffic:
    """Every node tells all: of the rooms in which somebody came or went lately, and of others in turn."""
    moves = load.rooms * load.members * 2 / load.stay / load.nodes
    return _named(load, costs, load.a_node / BEAT / TURNS + min(moves * REPEATS, load.a_node / BEAT))


def whole_beats(load: Rooms, costs: Costs) -> Traffic:
    """The same if every beat named every room."""
    return _named(load, costs, load.a_node / BEAT)


def _named(load: Rooms, costs: Costs, rooms: float) -> Traffic:
    """Every node tells all of so many rooms a second, in a beat each BEAT seconds."""
    beats_a_second = load.nodes / BEAT
    redis = beats_a_second * (costs.redis_publish_us + costs.redis_subscriber_us * load.nodes)
    heard = load.nodes * rooms * costs.beat_heard_us
    bits = load.nodes * load.nodes * rooms * costs.beat_room_bytes * 8
    return Traffic(redis / 1e6, bits / 1e9, (rooms * costs.beat_made_us + heard) / 1e6)


def posts(load: Rooms, costs: Costs) -> Traffic:
    """Every post goes to the nodes on which its room has members, by Redis."""
    # The author's own node listens too.
    redis = load.posts * (costs.redis_publish_us + costs.redis_subscriber_us * load.spread)
    deliveries = load.posts * load.members * (costs.write_us + costs.event_us)
    node = load.posts * costs.post_us + load.posts * load.spread * costs.bus_heard_us + deliveries
    bits = load.posts * load.spread * costs.bus_message_bytes * 8
    return Traffic(redis / 1e6, bits / 1e9, node / load.nodes / 1e6)


def heads(load: Rooms, costs: Costs, *, up: bool) -> float:
    """PostgreSQL's cores for the nodes that look whether they have missed something."""
    return load.nodes * load.a_node / (LOOK_ANYWAY if up else LOOK) * costs.head_us / 1e6


@dataclass(frozen=True)
class Connections:
    """So many connections in all, so many on each node."""

    connections: int
    a_node: int

    @property
    def nodes(self) -> int:
        return -(-self.connections // self.a_node)


@dataclass(frozen=True)
class Held:
    """What that takes; GiB of a node, seconds of CPU on each."""

    memory_gib: float
    after_one_dies: float
    """Seconds until the others have taken in a dead node's connections: their CPU's whole time."""
    after_all_start: float


def held(load: Connections, costs: Costs, *, tls: bool) -> Held:
    """Coming in again costs what it costs; the clients spread it over a longer time by themselves."""
    accept = costs.accept_tls_us if tls else costs.accept_us
    kib = (costs.connection_tls_kib if tls else costs.connection_kib) + costs.socket_kib
    whole = load.a_node * accept / 1e6
    return Held(load.a_node * kib / 2**20, whole / max(1, load.nodes - 1), whole)
