"""What it takes to be compared: how a server is started and how it is spoken to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.dialects import Dialect
from bench.members import Place
from bench.texts import Data, Text, repeated


@dataclass(frozen=True)
class Setting:
    """What a contestant is started with."""

    port: int
    directory: Path
    """Its own, empty, on the disk that is measured. With `tls`, `key.pem` in it is key and certificate."""
    size: int = 128
    """Payload bytes of a delivery."""
    tls: bool = False
    deflate: bool = False
    text: Text = repeated
    data: Data | None = None
    room: str = "lobby"
    webhooks: bool = False
    """Whether it tells webhooks on this machine."""
    store: str = ""
    """Where the PostgreSQL is that it keeps everything in; empty: it keeps it itself."""
    bus: str = ""
    """Where the Redis is that it hears other nodes by; empty: it is alone."""


@dataclass(frozen=True)
class Contestant:
    name: str
    label: str
    does: str
    """What it does for each post, and what it leaves out: printed beside its figures."""
    command: Callable[[Setting], list[str]]
    dialect: Callable[[Setting], Dialect]
    lacking: Callable[[], str | None] = lambda: None
    """Why it cannot take part here; None if it can."""
    path: str = "/"
    events: str = ""
    """Where its server-sent events are, if it is those that are measured."""
    publish: str = ""
    """Where messages are published by HTTP, if it is that that is measured."""
    engines: tuple[str, ...] = ()
    """What it is started with, of `bench.engines`."""
    nodes: int = 1
    """How many of it are one server; they share the engines."""
    kind: str = "peer"
    """`ours`, `peer` or `floor`: its colour in a plot."""

    def place(self, setting: Setting, dialect: Dialect) -> Place:
        return Place(
            port=setting.port,
            path=self.path,
            subprotocol=dialect.subprotocol,
            upgrade=dialect.upgrade,
            tls=setting.tls,
            deflate=setting.deflate,
        )
