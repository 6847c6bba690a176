"""What /metrics says: every number that this server can tell of itself, as Prometheus reads it.

Nothing is counted here. The parts count what they do anyway or once a room and tick, and are asked when
somebody asks. docs/metrics.md says of each number what to do when it moves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from importlib.metadata import version
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.utils import floatToGoString

from chatroom.counts import Distribution
from chatroom.domain.errors import Internal
from chatroom.house import House
from chatroom.lag import Lag


class Writing(Protocol):
    """What is known of writing to the logs (`store.writer`)."""

    seconds: Distribution
    """How long commits took."""
    batches: Distribution
    """How many events they had."""
    failures: int
    """How many the database did not take."""

    @property
    def up(self) -> bool:
        """Whether the last one worked."""

    @property
    def waiting(self) -> int:
        """How many events are on their way."""


class Node(NamedTuple):
    """What is asked. `live` says how many WebSockets and event streams are open."""

    house: House
    writer: Writing
    live: Callable[[], int]
    lag: Lag


Numbers = Mapping[tuple[str, ...], float]
"""Values by those of the labels."""

Value = float | Numbers | Distribution | None
"""None where there is no such thing here."""


class Said(NamedTuple):
    """One metric: its name without `_total`, its labels if any, and what it means."""

    kind: str
    name: str
    help: str
    read: Callable[[Node], Value]
    labels: tuple[str, ...] = ()

    def family(self, node: Node) -> Metric | None:
        """What it is now."""
        value = self.read(node)
        if value is None:
            return None
        if isinstance(value, Distribution):
            return _histogram(self, value)
        made = (CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily)(
            self.name, self.help, labels=self.labels
        )
        for labels, number in value.items() if isinstance(value, Mapping) else [((), value)]:
            made.add_metric(labels, number)
        return made


def _histogram(said: Said, value: Distribution) -> Metric:
    buckets = [(floatToGoString(bound), count) for bound, count in value.cumulative()]
    return HistogramMetricFamily(said.name, said.help, buckets=buckets, sum_value=value.sum)


def _by_class(statuses: Mapping[int, int]) -> Numbers:
    found: dict[tuple[str, ...], float] = {(f"{first}xx",): 0 for first in range(1, 6)}
    for status, count in statuses.items():
        found[(f"{status // 100}xx",)] += count
    return found


def _written(node: Node) -> Numbers:
    kinds = node.house.chat.attendance.written
    # Prometheus sees no growth in what was not there before.
    found: dict[tuple[str, ...], float] = {("message",): 0}
    return found | {(str(kind.__struct_config__.tag),): count for kind, count in kinds.items()}


def _refused(node: Node) -> Numbers:
    return {labels: float(count) for labels, count in node.house.chat.counts.refused.items()}


def _faults(node: Node) -> float:
    counts = node.house.chat.counts
    internal = sum(count for (_request, code), count in counts.refused.items() if code == Internal.code)
    return internal + counts.answered[HTTPStatus.INTERNAL_SERVER_ERROR]


def _turned_away(node: Node) -> Numbers:
    return {(str(status),): count for status, count in node.house.admission.turned_away.items()}


def _passwords(node: Node) -> Numbers:
    attempts = node.house.attempts
    return {("wrong",): attempts.wrong, ("put_off",): attempts.put_off}


def _bus_up(node: Node) -> Value:
    return None if node.house.neighbours is None else float(node.house.neighbours.bus_up)


def _nodes(node: Node) -> Value:
    return None if node.house.neighbours is None else node.house.neighbours.roster.nodes


def _taken(node: Node) -> Value:
    return None if node.house.neighbours is None else node.house.neighbours.taken


def _filled(node: Node) -> Value:
    return None if node.house.neighbours is None else node.house.neighbours.ordering.filled


def _expired(node: Node) -> Value:
    return None if node.house.neighbours is None else node.house.neighbours.roster.expired


def _leads(node: Node) -> Value:
    return None if node.house.webhooks is None else float(node.house.webhooks.leads)


def _webhooks(node: Node) -> Value:
    return None if node.house.webhooks is None else node.house.webhooks.count


def _untold(node: Node) -> Value:
    return None if node.house.webhooks is None else node.house.webhooks.waiting


def _outcomes(node: Node) -> Value:
    if node.house.webhooks is None:
        return None
    outcomes = node.house.webhooks.outcomes
    return {(word,): outcomes.get(word, 0) for word in ("told", "failed", "dead")}


METRICS = (
    Said(
        "gauge",
        "chatroom_build_info",
        "Always 1; the version that runs is a label.",
        lambda _node: {(version("chatroom"),): 1},
        ("version",),
    ),
    Said(
        "gauge",
        "chatroom_ready",
        "Whether people should be sent here, as /readyz says: 0 while the server starts or stops.",
        lambda node: float(node.house.readiness.state == "ready"),
    ),
    Said(
        "gauge",
        "chatroom_connections",
        "Connections that are open, whatever they carry.",
        lambda node: node.house.admission.connections,
    ),
    Said(
        "gauge",
        "chatroom_connections_limit",
        "How many may be open (--limit connections); 0 for any number.",
        lambda node: node.house.admission.limits.connections,
    ),
    Said(
        "gauge",
        "chatroom_live_connections",
        "WebSockets and event streams that are open.",
        lambda node: node.live(),
    ),
    Said(
        "counter",
        "chatroom_connections_refused",
        "Connections that ended before their request was read, by the HTTP status that they were told.",
        _turned_away,
        ("status",),
    ),
    Said(
        "gauge",
        "chatroom_users",
        "Users who are connected to this node, each once.",
        lambda node: node.house.people.online,
    ),
    Said(
        "gauge",
        "chatroom_rooms",
        "Rooms that somebody on this node is in.",
        lambda node: len(node.house.hub.rooms()),
    ),
    Said(
        "gauge",
        "chatroom_members",
        "Places taken in rooms: each connection of this node once in each room that it is in.",
        lambda node: node.house.hub.places,
    ),
    Said(
        "counter",
        "chatroom_events_written",
        "Events that this node has put into the rooms' logs, by their type: posts are message.",
        _written,
        ("type",),
    ),
    Said(
        "counter",
        "chatroom_requests_refused",
        "Requests that were answered with an error, by their type (none: not understood) and its code.",
        _refused,
        ("request", "code"),
    ),
    Said(
        "counter",
        "chatroom_faults",
        "Requests that failed by a fault of the server's own, on connections and over HTTP.",
        _faults,
    ),
    Said(
        "counter",
        "chatroom_deliveries",
        "Events told to members, each once for each connection that it was for.",
        lambda node: node.house.hub.told.events,
    ),
    Said(
        "counter",
        "chatroom_delivered_bytes",
        "What these had to be sent, before any encryption.",
        lambda node: node.house.hub.told.octets,
    ),
    Said(
        "counter",
        "chatroom_slow_readers",
        "Connections that were cut because they did not read what they were sent (4008); they resume.",
        lambda node: node.house.chat.counts.slow,
    ),
    Said(
        "gauge",
        "chatroom_store_up",
        "Whether the database can be used: 0 while commits fail, or the looks for changes twice a second.",
        lambda node: float(node.writer.up and node.house.changes.up),
    ),
    Said(
        "gauge",
        "chatroom_waiting_events",
        "Events on their way to the database; their authors wait for them.",
        lambda node: node.writer.waiting,
    ),
    Said(
        "histogram",
        "chatroom_commit_seconds",
        "How long a commit took, as far as it worked.",
        lambda node: node.writer.seconds,
    ),
    Said(
        "histogram",
        "chatroom_commit_events",
        "How many events one commit had.",
        lambda node: node.writer.batches,
    ),
    Said(
        "counter",
        "chatroom_commit_failures",
        "Commits that the database did not take.",
        lambda node: node.writer.failures,
    ),
    Said(
        "gauge",
        "chatroom_bus_up",
        "Whether the bus between the nodes can be used: 1 or 0. Only with --bus.",
        _bus_up,
    ),
    Said(
        "gauge",
        "chatroom_other_nodes",
        "Other nodes of this server that give signs of life. Only with --bus.",
        _nodes,
    ),
    Said(
        "counter",
        "chatroom_foreign_events",
        "Events of rooms here that other nodes have told of, over the bus. Only with --bus.",
        _taken,
    ),
    Said(
        "counter",
        "chatroom_holes_filled",
        "How often the bus had lost something, which was read from the database. Only with --bus.",
        _filled,
    ),
    Said(
        "counter",
        "chatroom_leases_ended",
        "Other nodes that fell silent, and whose people are offline since. Only with --bus.",
        _expired,
    ),
    Said(
        "gauge",
        "chatroom_webhook_lead",
        "Whether it is this node that tells webhooks: 1 on one of all nodes, 0 on the others.",
        _leads,
    ),
    Said(
        "gauge",
        "chatroom_webhooks",
        "Webhooks that this node tells: none where another has the lead.",
        _webhooks,
    ),
    Said(
        "gauge",
        "chatroom_webhook_rooms_waiting",
        "Rooms that webhooks are still to be told of, all webhooks together.",
        _untold,
    ),
    Said(
        "counter",
        "chatroom_webhook_deliveries",
        "Tries to tell a webhook something: told, failed (tried again later), dead (given up after a day).",
        _outcomes,
        ("outcome",),
    ),
    Said(
        "counter",
        "chatroom_passwords_refused",
        "Passwords that were wrong, or put off: not looked at after too many wrong ones.",
        _passwords,
        ("reason",),
    ),
    Said(
        "counter",
        "chatroom_http_responses",
        "HTTP requests by the class of their answer's status; 1xx: WebSockets that were opened.",
        lambda node: _by_class(node.house.chat.counts.answered),
        ("status",),
    ),
    Said(
        "histogram",
        "chatroom_reactor_lag_seconds",
        "How late timers are called, looked at four times a second: what everything waits for its turn.",
        lambda node: node.lag.seconds,
    ),
)


class Measurements:
    """A registry of one node's metrics, and of its process's."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def collect(self) -> Iterable[Metric]:
        """See `prometheus_client.registry.Collector`."""
        return [family for said in METRICS if (family := said.family(self._node)) is not None]

    def describe(self) -> Iterable[Metric]:
        """As `collect` would, without asking."""
        return [Metric(said.name, said.help, said.kind) for said in METRICS]

    def text(self, accept: str) -> tuple[bytes, str]:
        """All of them, in the format that an Accept header asks for, and what that is called."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type
