"""The nodes, and HAProxy in front of them."""

from __future__ import annotations

import sys
import urllib.request
from pathlib import Path
from urllib.parse import quote

from .engines import DATABASE, USER, program
from .part import Part
from .place import HOST, Place

TWISTD = Path(sys.executable).with_name("twistd")


def store(place: Place) -> str:
    """The database's URL; its password is in the file `pgpass`."""
    return f"postgresql://{USER}@{HOST}:{place.postgresql}/{DATABASE}"


def node(place: Place, name: str) -> Part:
    """One chatroom server."""
    port, password = place.nodes[name], place.folder / "redis.password"
    bus = f"redis://{USER}@{HOST}:{place.redis}?password-file={quote(str(password))}"
    options = [
        f"--node={name}",
        f"--endpoint=tcp:{port}:interface={HOST}",
        f"--trusted-proxy={HOST}",
        f"--store={store(place)}",
        f"--bus={bus}",
    ]
    return Part(
        name,
        f"{HOST}:{port}",
        [TWISTD, "-n", "--pidfile=", "chatroom", *options],
        lambda: _ready(port),
        place.log(name),
        folder=place.folder,
        environment={"PGPASSFILE": str(place.folder / "pgpass")},
    )


def balancer(place: Place) -> Part:
    """HAProxy. Raises Mistake."""
    haproxy = program("haproxy", "haproxy")
    settings = place.private("haproxy.cfg", place.balancing())
    return Part(
        "HAProxy",
        f"{HOST}:{place.port}",
        [haproxy, "-db", "-f", settings],
        lambda: _ready(place.port),
        place.log("HAProxy"),
        folder=place.folder,
    )


def _ready(port: int) -> bool:
    """Whether a server says that it is ready, or one does through HAProxy."""
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
