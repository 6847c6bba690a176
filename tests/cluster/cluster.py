"""Several nodes of one server as people run them: HAProxy in front, PostgreSQL and Redis behind."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import ports, postgresql, redis
from ..e2e.server import Server
from .haproxy import HAProxy, needed

NODES = 3

_BUS = re.compile(r"the bus at \S+ (cannot be used|is connected)")

Way = Callable[[int, str], str]
"""Where node `number` finds the engine that is at `url`: something may be between them."""


def straight(_number: int, url: str) -> str:
    """Nothing is between them."""
    return url


class Node(Server):
    """One node, on a port that it keeps. As its supervisor does, `start` brings it back."""

    def __init__(self, folder: Path, *options: str, **settings: Any) -> None:
        super().__init__(folder, *options, **settings)
        self.ports = [("http", ports.unused())]

    def pause(self) -> None:
        """Stand still, with every connection open."""
        self.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Go on."""
        self.signal(signal.SIGCONT)

    @property
    def bus_is_up(self) -> bool:
        """Whether that is the last that it said of the bus."""
        said = _BUS.findall(self.log)
        return bool(said) and said[-1] == "is connected"

    @property
    def bus_was_lost(self) -> int:
        """How many times it said that the bus cannot be used."""
        return _BUS.findall(self.log).count("cannot be used")


class Cluster:
    """Three nodes, what is behind them and what is in front.

    `store` and `bus` are each node's way to the database and to Redis; `settings` is what else a node's
    Server is given, by its number. With `replica` the database has one, and its URL names both.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        store: Way = straight,
        bus: Way = straight,
        replica: bool = False,
        settings: Callable[[int], dict[str, Any]] = lambda _number: {},
    ) -> None:
        needed()
        self.redis = redis.server()
        self.postgresql = postgresql.another()
        self.replica = self.postgresql.replica() if replica else None
        self.postgresql.execute("CREATE DATABASE chat TEMPLATE template0")
        self.nodes = [
            Node(
                folder / f"node{number}",
                f"--store={store(number, self.database())}",
                f"--bus={bus(number, self.redis.url)}",
                "--no-limits",
                "--trusted-proxy=127.0.0.1",
                *options,
                **settings(number),
            )
            for number in range(NODES)
        ]
        self.haproxy = HAProxy([node.port for node in self.nodes])

    def database(self) -> str:
        """The URL of the database: of whichever server takes writes, where there are two."""
        if self.replica is None:
            return self.postgresql.url("chat")
        where, _, name = self.postgresql.url("chat").rpartition("/")
        user = where[: where.index("@")]
        hosts = "&".join(f"host=127.0.0.1:{one.port}" for one in (self.postgresql, self.replica))
        return f"{user}@/{name}?{hosts}&target_session_attrs=read-write"

    def start(self) -> Cluster:
        """Start all nodes at once, on a database that none of them has seen, then HAProxy."""
        with ThreadPoolExecutor(NODES) as pool:
            list(pool.map(Node.start, self.nodes))
        self.haproxy.start()
        return self

    def kept(self) -> dict[tuple[str, int], tuple[str, str | None, str]]:
        """The log, as it is in the database that takes writes: author's name, key and text of each event,
        by room and seq."""
        rows = self.primary.execute(
            "SELECT room, seq, name, key, text FROM event LEFT JOIN message USING (room, seq)", "chat"
        )
        return {(room, seq): (name, key, text) for room, seq, name, key, text in rows}

    @property
    def primary(self) -> postgresql.Server:
        """The database server that takes writes."""
        if self.replica is not None and not self.postgresql.running:
            return self.replica
        return self.postgresql

    def end(self) -> None:
        """Let nothing be left of it. The nodes have logged nothing that they should not."""
        self.haproxy.end()
        for node in self.nodes:
            node.clear_away()
        self.redis.end()
        for server in (self.replica, self.postgresql):
            if server is not None:
                server.stop(signal.SIGQUIT)
        for node in self.nodes:
            assert "Traceback" not in node.log, node.log
            assert "Unhandled" not in node.log, node.log


@contextmanager
def running(folder: Path, *options: str, **ways: Any) -> Iterator[Cluster]:
    """A cluster, started; nothing is left of it afterwards."""
    cluster = Cluster(folder, *options, **ways)
    try:
        yield cluster.start()
    finally:
        cluster.end()
