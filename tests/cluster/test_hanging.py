"""What hangs, is cut off or loses its memory, under load, with the clock of one node a minute ahead."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ..cable import Cable
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

CUT, AHEAD = 1, 2
"""The node at the end of the cables, and the one whose clock is AHEAD_BY seconds ahead of the others'."""

AHEAD_BY = 60
_CLOCK = f"""
import time
real = time.time
time.time = lambda: real() + {AHEAD_BY}
"""


class Cables:
    """What is between one node and the engines."""

    def __init__(self) -> None:
        self.made: dict[str, Cable] = {}

    def to(self, name: str) -> Callable[[int, str], str]:
        """The way to an engine: of that one node by a cable, which has that name."""

        def way(number: int, url: str) -> str:
            if number != CUT:
                return url
            before, _, after = url.rpartition("127.0.0.1:")
            port, slash, rest = after.partition("/")
            cable = self.made[name] = Cable(int(port))
            return f"{before}127.0.0.1:{cable.port}{slash}{rest}"

        return way


@pytest.fixture(scope="module")
def cables() -> Iterator[Cables]:
    made = Cables()
    yield made
    for cable in made.made.values():
        cable.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, cables: Cables) -> Iterator[Cluster]:
    """One for all faults."""
    clock = tmp_path_factory.mktemp("clock")
    (clock / "sitecustomize.py").write_text(_CLOCK)

    def settings(number: int) -> dict[str, object]:
        return {"through": ("env", f"PYTHONPATH={clock}")} if number == AHEAD else {}

    folder = tmp_path_factory.mktemp("cluster")
    with running(folder, store=cables.to("store"), bus=cables.to("bus"), settings=settings) as cluster:
        yield cluster


@contextmanager
def held(cable: Cable) -> Iterator[None]:
    """Nothing comes through meanwhile, and something has tried."""
    before = cable.held
    cable.hold()
    try:
        yield
        assert cable.held > before, "nobody tried"
    finally:
        cable.release()


def tell(redis_port: int, *commands: str) -> None:
    """Give Redis commands; it says OK, or how many."""
    with socket.create_connection(("127.0.0.1", redis_port), 20) as redis:
        for command in commands:
            redis.sendall(f"{command}\r\n".encode())
            assert redis.recv(100)[:1] in (b"+", b":")


def test_a_node_is_cut_off_from_the_database(cluster: Cluster, load: Load, cables: Cables):
    settled(cluster, load)
    with nodes_keep_theirs(load, 0, 1, 2):
        with held(cables.made["store"]):
            posts_are_refused(load, CUT)
            reach(load, 0, 2)
        converge(cluster, load)


def test_a_node_is_cut_off_from_redis(cluster: Cluster, load: Load, cables: Cables):
    settled(cluster, load)
    with nobody_is_disconnected(load):
        with held(cables.made["bus"]):
            with the_bus_is_lost(cluster, load, CUT):
                flows(load, 30)
            reach(load, 0, 1, 2)
        the_bus_comes_back(cluster, load)
        converge(cluster, load)


def test_a_node_is_cut_off_from_both(cluster: Cluster, load: Load, cables: Cables):
    settled(cluster, load)
    with nodes_keep_theirs(load, 0, 1, 2):
        with the_bus_is_lost(cluster, load, CUT):
            for cable in cables.made.values():
                cable.unplug()
        posts_are_refused(load, CUT)
        reach(load, 0, 2)
        for cable in cables.made.values():
            assert cable.refused
            cable.plug_in()
        the_bus_comes_back(cluster, load)
        converge(cluster, load)


def test_redis_hangs_then_forgets_everything_and_everybody(cluster: Cluster, load: Load):
    settled(cluster, load)
    with nobody_is_disconnected(load):
        with the_bus_is_lost(cluster, load, 0, 1, 2):
            cluster.redis.signal(signal.SIGSTOP)
        flows(load, 30)
        reach(load, 0, 1, 2)
        cluster.redis.signal(signal.SIGCONT)
        the_bus_comes_back(cluster, load)
        with the_bus_is_lost(cluster, load, 0, 1, 2):
            tell(cluster.redis.port, "FLUSHALL", "CLIENT KILL TYPE pubsub")
        the_bus_comes_back(cluster, load)
        converge(cluster, load)


def test_the_database_hangs(cluster: Cluster, load: Load):
    settled(cluster, load)
    with nobody_is_disconnected(load):
        cluster.postgresql.pause()
        try:
            posts_are_refused(load, 0, 1, 2)
        finally:
            cluster.postgresql.resume()
        converge(cluster, load)


def test_a_node_hangs_for_longer_than_its_lease(cluster: Cluster, load: Load):
    settled(cluster, load)
    with JsonClient(cluster.nodes[0].ws, "Bystander") as bystander:
        bystander.join(ROOMS[0])
        with JsonClient(cluster.nodes[CUT].ws, "Passer-by") as passer:
            passer.join(ROOMS[0])
            hears(bystander, "Passer-by", "online")
            cluster.nodes[CUT].pause()
            try:
                until(lambda: CUT not in cluster.haproxy.up(), what="HAProxy sees it", load=load)
                hears(bystander, "Passer-by", "offline")
                reach(load, 0, 2)
            finally:
                cluster.nodes[CUT].resume()
            hears(bystander, "Passer-by", "online")
            until(lambda: CUT in cluster.haproxy.up(), what="HAProxy takes it back", load=load)
        hears(bystander, "Passer-by", "offline")
    converge(cluster, load)


def test_a_node_ends_whose_database_hangs(cluster: Cluster, load: Load, cables: Cables):
    settled(cluster, load)
    with nodes_keep_theirs(load, 0, 2):
        with held(cables.made["store"]):
            posts_are_refused(load, CUT)
            assert cluster.nodes[CUT].stop() == -signal.SIGTERM
        cluster.nodes[CUT].start()
        converge(cluster, load)


def test_clocks_that_are_apart_are_nobodys_concern(cluster: Cluster, load: Load):
    settled(cluster, load)
    with nobody_is_disconnected(load), JsonClient(cluster.nodes[0].ws, "Bystander") as bystander:
        bystander.join("clocks")
        with JsonClient(cluster.nodes[AHEAD].ws, "Passer-by") as passer:
            passer.join("clocks")
            hears(bystander, "Passer-by", "online")
            posts = [one.post("what time is it?", "clocks") for one in (passer, bystander, passer)]
            assert posts == [1, 2, 3]
            heard = [bystander.event() for _post in posts]
            assert [event["seq"] for event in heard] == posts
            apart = heard[0]["at"] - heard[1]["at"]
            assert AHEAD_BY / 2 < apart / 1000 <= AHEAD_BY
            assert bystander.ask("who", room="clocks")["count"] == 2
        with JsonClient(cluster.nodes[0].ws) as again:
            assert again.hello(token=passer.me["token"], name="Passer-by")["user"] == passer.me["user"]
    converge(cluster, load)
