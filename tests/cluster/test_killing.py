"""kill -9 of what a cluster is made of, under load: nothing that was acknowledged is lost or doubled."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from ..e2e.clients import JsonClient
from .cluster import Cluster, running
from .converging import converge, flows, reach, settled, until
from .faults import (
    hears,
    nobody_is_disconnected,
    nodes_keep_theirs,
    posts_are_refused,
    the_bus_comes_back,
    the_bus_is_lost,
)
from .load import ROOMS, Load


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for all faults: each is mended, and what was said before is looked at again after the next."""
    with running(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def test_a_node_is_killed_and_started_again(cluster: Cluster, load: Load):
    settled(cluster, load)
    one, *others = cluster.nodes
    with JsonClient(others[0].ws, "Bystander") as bystander:
        bystander.join(ROOMS[0])
        passer = JsonClient(one.ws, "Passer-by")
        passer.join(ROOMS[0])
        hears(bystander, "Passer-by", "online")
        came = [member.joins for member in load.by_haproxy]
        one.kill()
        until(lambda: 0 not in cluster.haproxy.up(), what="HAProxy sees it", load=load)
        until(lambda: all(member.inside for member in load.by_haproxy), what="all are elsewhere", load=load)
        assert [member.joins for member in load.by_haproxy] != came
        flows(load, 30)
        reach(load, 1, 2)
        assert not any(member.inside for member in load.pinned[0])
        one.start()
        until(lambda: 0 in cluster.haproxy.up(), what="HAProxy takes it back", load=load)
        # Who does not come back goes offline once the node's lease ends: nobody said goodbye for them.
        hears(bystander, "Passer-by", "offline")
    converge(cluster, load)


def test_redis_is_killed_and_started_again(cluster: Cluster, load: Load):
    settled(cluster, load)
    with nobody_is_disconnected(load):
        with the_bus_is_lost(cluster, load, 0, 1, 2):
            cluster.redis.signal(signal.SIGKILL)
        flows(load, 30)
        reach(load, 0, 1, 2)
        cluster.redis.start()
        the_bus_comes_back(cluster, load)
        converge(cluster, load)


def test_postgresql_is_killed_and_started_again(cluster: Cluster, load: Load):
    settled(cluster, load)
    with nobody_is_disconnected(load):
        cluster.postgresql.kill()
        posts_are_refused(load, 0, 1, 2)
        cluster.postgresql.start()
        flows(load, 30)
        converge(cluster, load)


def test_a_node_redis_and_postgresql_are_killed_together(cluster: Cluster, load: Load):
    settled(cluster, load)
    with nodes_keep_theirs(load, 0, 2):
        with the_bus_is_lost(cluster, load, 0, 2):
            cluster.redis.signal(signal.SIGKILL)
            cluster.postgresql.kill()
            cluster.nodes[1].kill()
        posts_are_refused(load, 0, 2)
        cluster.redis.start()
        cluster.postgresql.start()
        cluster.nodes[1].start()
        flows(load, 30)
        the_bus_comes_back(cluster, load)
        converge(cluster, load)
