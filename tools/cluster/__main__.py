"""The command that `make cluster` runs."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

from .cluster import AGAIN, Cluster
from .place import Mistake, Place
from .servers import store


def say(line: str) -> None:
    """Print a line, at once."""
    print(line, flush=True)


def main() -> None:
    """Start a cluster, and keep it until Ctrl-C."""
    place = _place()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    lock, cluster = None, None
    try:
        place.check_ports()
        lock = place.take()
        new = "" if (place.folder / "postgresql").exists() else ", on a new database"
        say(f"Starting PostgreSQL, Redis, {len(place.nodes)} nodes and HAProxy in {place.folder}{new} …")
        cluster = Cluster(place, say)
        cluster.start()
        say(_told(place, cluster))
        cluster.watch()
    except Mistake as mistake:
        sys.exit(f"make cluster: {mistake}")
    except KeyboardInterrupt:
        say("\nEnding …")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if cluster is not None:
            cluster.end()
        if lock is not None:
            os.close(lock)
    say(f"Everything has ended. The data is in {place.folder}, for the next time.")


def _place() -> Place:
    parser = argparse.ArgumentParser(
        prog="make cluster", description="A cluster of chatroom servers on this machine, for trying."
    )
    parser.add_argument("--port", type=int, default=9000, help="the page's; the others follow it [9000]")
    parser.add_argument("--data", type=Path, default=Path("cluster-data"), help="the folder [cluster-data]")
    asked = parser.parse_args()
    if not 1024 <= asked.port <= 65000:
        parser.error("--port is a number from 1024 to 65000")
    return Place(asked.port, asked.data)


def _told(place: Place, cluster: Cluster) -> str:
    """Where everything is, and what to do with it."""
    rows = [(part.name, part.address, f"pid {part.pid}") for part in cluster.parts]
    where = "\n".join(f"  {name:<12}{address:<18}{pid}" for name, address, pid in rows)
    node, (database, bus) = cluster.nodes[0], cluster.engines
    chatroom = Path(sys.executable).with_name("chatroom")
    owner = f"PGPASSFILE={shlex.quote(str(place.folder / 'pgpass'))} {chatroom} user add ana --role owner"
    return f"""
{where}

Open http://localhost:{place.port} in two tabs, and talk: each page says which node serves it.
HAProxy's view of the nodes is at http://localhost:{place.statistics}, the logs are in {place.folder / "log"}.

  kill -9 {node.pid:<10}{node.name} dies: its pages come back on another node, and miss nothing
  kill -9 {bus.pid:<10}Redis dies: what is said reaches the other nodes all the same, within a second
  kill -9 {database.pid:<10}PostgreSQL dies: what is said waits until it is back, and nobody is disconnected

Whatever dies is started again after {AGAIN:.0f} seconds, as a supervisor would. To own the rooms:

  {owner} --store {store(place)}

Ctrl-C ends everything.
"""


def _interrupt(_number: int, _frame: Any) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
