"""What things cost, by name: from the benchmark's results, and from what was measured for the plan."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

RESULTS = "results.json"
"""What `python -m bench` measured."""

MEASURED = "plan.json"
"""What `python -m bench.plan --measure` measured, and what was assumed."""

_FIGURES = {
    "alone_us": ("fanout", "window 1", "cpu_us"),
    "joined_us": ("fanout", "window 8", "cpu_us"),
    "paced_us": ("large", "16,000 members, 2 posts/s", "cpu_us"),
    "wire_bytes": ("fanout", "window 1", "wire_bytes"),
    "post_us": ("durable", "50 posters, window 1", "cpu_us"),
    "accept_us": ("accept", "all", "cpu_us"),
    "accept_tls_us": ("accept-tls", "all", "cpu_us"),
    "connection_kib": ("accept", "all", "rss_kib"),
    "connection_tls_kib": ("accept-tls", "all", "rss_kib"),
}
WRITERS = 8

_JOINED = 8
"""So many posts leave as one write in the scenario's window 8."""

ASSUMED = {
    "hop_us": 250.0,
    "headers_bytes": 66.0,
    "socket_kib": 4.0,
}
"""Not measured: a network hop within a data centre; the heads of Ethernet, IP and TCP of a packet; what
the kernel keeps of an idle connection."""


@dataclass(frozen=True)
class Costs:
    """CPU microseconds (`commit_us` and `hop_us`: of time), bytes, and KiB, as the names end."""

    write_us: float
    """One write to one member of a large room that is told now and then."""
    event_us: float
    """Each event in that write."""
    wire_bytes: float
    post_us: float
    """A post on the node of its author: received, committed, acknowledged."""
    accept_us: float
    """A connection with hello and join."""
    accept_tls_us: float
    connection_kib: float
    connection_tls_kib: float
    bus_message_bytes: float
    bus_heard_us: float
    """A bus message with one event, on the node that hears it."""
    moved_us: float
    """The news that somebody came, on a node to which another one told of 16,000 people in that room."""
    beat_room_bytes: float
    beat_made_us: float
    """Each room in a beat, on the node that makes it; the next, on each that hears it."""
    beat_heard_us: float
    redis_publish_us: float
    """A PUBLISH, and each subscriber more."""
    redis_subscriber_us: float
    commit_us: float
    """The time of a commit to one room in PostgreSQL, and of each event in it."""
    commit_event_us: float
    commit_cpu_us: float
    """PostgreSQL's CPU for them."""
    commit_event_cpu_us: float
    head_us: float
    """PostgreSQL's CPU for each room whose head is asked for."""
    one_room_commits: float
    """Commits a second by WRITERS at once, each with one event: all to one room, and each to its own."""
    own_rooms_commits: float
    hop_us: float
    headers_bytes: float
    socket_kib: float

    def told_us(self, members: int, events: int = 1) -> float:
        """So many members are given so many events, each member all of them in one write."""
        return members * (self.write_us + events * self.event_us)

    @property
    def delivered_bytes(self) -> float:
        """One delivery on the network."""
        return self.wire_bytes + self.headers_bytes


def read(folder: Path) -> Costs:
    """The costs in docs/performance."""
    figures = figures_in(folder)
    plan = json.loads((folder / MEASURED).read_text())
    return made(figures, {**plan["measured"], **plan["assumed"]})


def when(folder: Path) -> str:
    """When the plan's own costs were measured, and beside how much other work: that is what to believe."""
    found = json.loads((folder / MEASURED).read_text())["when"]
    busy = "busy: figures to be doubted" if found["load"] > found["cores"] / 2 else "quiet"
    return (
        f"Those of `{MEASURED}` are of {found['date']}, begun with a load of {found['load']} on "
        f"{found['cores']} cores, which is {busy}.\n"
    )


def figures_in(folder: Path) -> dict[str, Any]:
    """The benchmark's figures, by scenario, server, measure and name."""
    figures: dict[str, Any] = json.loads((folder / RESULTS).read_text())["figures"]
    return figures


def made(figures: Mapping[str, Any], rest: Mapping[str, float]) -> Costs:
    """The costs that follow from a benchmark's figures, and the rest."""
    found = dict(rest)
    for name, (scenario, measure, figure) in _FIGURES.items():
        found[name] = figures[scenario]["chatroom"][measure][figure]["median"]
    # alone = write + event, joined = write / 8 + event.
    found["event_us"] = (_JOINED * found["joined_us"] - found["alone_us"]) / (_JOINED - 1)
    found["write_us"] = found["paced_us"] - found["event_us"]
    return Costs(**{field.name: found[field.name] for field in fields(Costs)})
