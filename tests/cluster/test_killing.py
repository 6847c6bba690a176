"""kill -9 of what a cluster is made of, under load: nothing that was acknowledged is lost or doubled."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from .cluster import Cluster, running
from .converging import converge, flows, reach, settled, until
from .load import Load, load_on


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One for all faults: each is mended, and what was said before is looked at again after the next."""
    with running(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def load(cluster: Cluster) -> Iterator[Load]:
    """People on it all the time."""
    with load_on(cluster) as load:
        yield load


def test_a_node_is_killed_and_started_again(cluster: Cluster, load: Load):
    settled(cluster, load)
    roaming = sum(one.joins for one in (*load.roaming, *load.authors))
    cluster.nodes[0].kill()
    until(lambda: 0 not in cluster.haproxy.up(), what="HAProxy sees it", load=load)
    until(
        lambda: all(one.inside for one in (*load.roaming, *load.authors)),
        what="all are at another node",
        load=load,
    )
    assert sum(one.joins for one in (*load.roaming, *load.authors)) > roaming
    flows(load, 30)
    reach(load, 1, 2)
    assert not any(one.inside for one in load.pinned[0])
    cluster.nodes[0].start()
    converge(cluster, load)
    until(lambda: 0 in cluster.haproxy.up(), what="HAProxy takes it back", load=load)


def test_redis_is_killed_and_started_again(cluster: Cluster, load: Load):
    settled(cluster, load)
    joins = [one.joins for one in load.members]
    lost = [node.bus_was_lost for node in cluster.nodes]
    cluster.redis.signal(signal.SIGKILL)
    until(
        lambda: all(node.bus_was_lost > before for node, before in zip(cluster.nodes, lost, strict=True)),
        what="the nodes see it",
        load=load,
    )
    flows(load, 30)
    reach(load, 0, 1, 2)
    cluster.redis.start()
    converge(cluster, load)
    assert [one.joins for one in load.members] == joins, "somebody was disconnected"
