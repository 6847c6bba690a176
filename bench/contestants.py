"""The servers that are compared: how each is started and how it is spoken to."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.dialects import Dialect, Json, Unheard, Verbatim
from bench.members import Place
from bench.servers import ROOT

BENCH = Path(__file__).resolve().parent

# What is measured of a contestant besides its fan-out.
ACCEPT = "accept"
DURABLE = "durable"


@dataclass(frozen=True)
class Setting:
    """What a contestant is started with."""

    port: int
    directory: Path
    """Its own, empty, on the disk that is measured."""
    size: int
    """Payload bytes of a delivery."""
    tls: bool = False
    deflate: bool = False


@dataclass(frozen=True)
class Contestant:
    name: str
    label: str
    does: str
    """What it does for each post, and what it leaves out: printed beside its figures."""
    command: Callable[[Setting], list[str]]
    dialect: Callable[[int], Dialect]
    lacking: Callable[[], str | None] = lambda: None
    """Why it cannot take part here; None if it can."""
    path: str = "/"
    measures: frozenset[str] = frozenset({ACCEPT})
    tls: bool = True
    deflate: bool = True

    def place(self, setting: Setting, dialect: Dialect) -> Place:
        return Place(
            port=setting.port,
            path=self.path,
            subprotocol=dialect.subprotocol,
            upgrade=dialect.upgrade,
            tls=setting.tls,
            deflate=setting.deflate,
        )


def _chatroom(setting: Setting) -> list[str]:
    endpoint = f"tcp:{setting.port}:interface=127.0.0.1"
    if setting.tls:
        endpoint = f"ssl:{setting.port}:interface=127.0.0.1:privateKey={setting.directory}/key.pem"
    twistd = Path(sys.executable).parent / "twistd"
    return [
        *(str(twistd), "--nodaemon", "--pidfile=", "--reactor=epoll", "chatroom"),
        *("--endpoint", endpoint, "--data", str(setting.directory / "data"), "--no-limits"),
    ]


def _chatroom_lacking() -> str | None:
    if not (Path(sys.executable).parent / "twistd").exists():
        return "no twistd beside this Python"
    if not (ROOT / "chatroom" / "tap.py").exists():
        return "no server in this checkout"
    return None


def _autobahn(*more: str) -> Callable[[Setting], list[str]]:
    def command(setting: Setting) -> list[str]:
        script = str(BENCH / "peers" / "autobahn_naive.py")
        flags = ["--deflate"] if setting.deflate else []
        flags += ["--tls", str(setting.directory / "key.pem")] if setting.tls else []
        return [sys.executable, script, str(setting.port), *more, *flags]

    return command


def _floor(setting: Setting) -> list[str]:
    """Compiles it first: a binary is no part of the repository."""
    program = setting.directory / "floor"
    source = BENCH / "floor.c"
    subprocess.run(["cc", "-O2", "-o", str(program), str(source)], check=True)
    return [str(program), str(setting.port), str(setting.size)]


CONTESTANTS = (
    Contestant(
        name="chatroom",
        label="chatroom, JSON members",
        does="commits every post to disk, acknowledges it, delivers it as a numbered event",
        command=_chatroom,
        dialect=lambda size: Json(size),
        lacking=_chatroom_lacking,
        path="/ws",
        measures=frozenset({ACCEPT, DURABLE}),
    ),
    Contestant(
        name="chatroom-plain",
        label="chatroom, plain members",
        does="commits every post to disk; to plain members delivers the bare text",
        command=_chatroom,
        dialect=lambda size: Verbatim(size, echoes=False),
        lacking=_chatroom_lacking,
        path="/ws",
    ),
    Contestant(
        name="autobahn",
        label="Autobahn, sendMessage to each",
        does="keeps no log and acknowledges nothing",
        command=_autobahn(),
        dialect=lambda size: Verbatim(size, echoes=True),
    ),
    Contestant(
        name="autobahn-prepared",
        label="Autobahn, prepared message",
        does="keeps no log and acknowledges nothing",
        command=_autobahn("--prepared"),
        dialect=lambda size: Verbatim(size, echoes=True),
        measures=frozenset(),
    ),
    Contestant(
        name="floor",
        label="floor: send(2) in C",
        does="sends the same number of bytes to the same number of sockets and does nothing else",
        command=_floor,
        dialect=lambda size: Unheard(size, echoes=True),
        lacking=lambda: None if shutil.which("cc") else "no C compiler",
        measures=frozenset(),
        tls=False,
        deflate=False,
    ),
)
