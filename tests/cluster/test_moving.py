"""The database moves to its replica, and the nodes are restarted one after the other, under load."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from .cluster import Cluster, running
from .converging import converge, flows, settled, until
from .faults import nobody_is_disconnected, posts_are_refused
from .load import Load


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One whose database has a replica, which has what is acknowledged."""
    with running(tmp_path_factory.mktemp("cluster"), "--drain=3", replica=True) as cluster:
        yield cluster


def test_the_nodes_are_restarted_one_after_the_other(cluster: Cluster, load: Load):
    settled(cluster, load)
    for number, node in enumerate(cluster.nodes):
        came = sum(member.joins for member in load.pinned[number])
        assert node.stop() == -signal.SIGTERM
        node.start()
        until(lambda number=number: number in cluster.haproxy.up(), what="HAProxy takes it back", load=load)
        until(lambda number=number: all(one.inside for one in load.pinned[number]), what="all are back")
        assert sum(member.joins for member in load.pinned[number]) >= came + len(load.pinned[number])
        flows(load, 30)
    converge(cluster, load)


def test_the_replica_takes_over_from_a_primary_that_is_killed(cluster: Cluster, load: Load):
    settled(cluster, load)
    assert cluster.replica is not None
    with nobody_is_disconnected(load):
        cluster.postgresql.kill()
        posts_are_refused(load, 0, 1, 2)
        cluster.replica.promote()
        flows(load, 30)
        converge(cluster, load)
