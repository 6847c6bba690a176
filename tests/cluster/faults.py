"""What shows that a fault is really there, and what it must not do to anybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..e2e.clients import JsonClient
from .cluster import Cluster
from .converging import until
from .load import Load
from .members import Member


@contextmanager
def nobody_is_disconnected(load: Load) -> Iterator[None]:
    """Neither engine is a reason to disconnect anybody."""
    before = {member.name: member.joins for member in load.readers}
    yield
    now = {member.name: member.joins for member in load.readers}
    assert now == before, "somebody was disconnected"


@contextmanager
def nodes_keep_theirs(load: Load, *nodes: int) -> Iterator[None]:
    """Whoever is connected to these nodes directly stays so."""
    mine = [member for node in nodes for member in load.pinned[node]]
    before = {member.name: member.joins for member in mine}
    yield
    now = {member.name: member.joins for member in mine}
    assert now == before, "somebody was disconnected"


@contextmanager
def the_bus_is_lost(cluster: Cluster, load: Load, *nodes: int) -> Iterator[None]:
    """What is done within costs these nodes the bus, and they see it."""
    chosen = [cluster.nodes[number] for number in nodes]
    before = [node.bus_was_lost for node in chosen]
    yield
    until(
        lambda: all(node.bus_was_lost > lost for node, lost in zip(chosen, before, strict=True)),
        what="the nodes see that the bus is lost",
        load=load,
    )


def the_bus_comes_back(cluster: Cluster, load: Load) -> None:
    """All nodes are on the bus again."""
    until(lambda: all(node.bus_is_up for node in cluster.nodes), what="the bus is back", load=load)


def posts_are_refused(load: Load, *nodes: int) -> None:
    """At these nodes nothing can be said now, and who says something is told to try again."""
    for number in nodes:
        listener = load.pinned[number][0]

        def refused(listener: Member = listener) -> bool:
            answer = load.ask(listener, "post", room=listener.room, text="may be kept")
            return answer is not None and answer.get("code") == "unavailable"

        until(refused, what=f"posts are refused at node {number}", load=load)


def hears(bystander: JsonClient, name: str, state: str) -> None:
    """The next that they are told of somebody."""
    news = list(bystander.gather(lambda told: told["user"]["name"] == name, "presence"))
    assert news[-1]["state"] == state
