"""The servers that are compared."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench import engines
from bench.contestant import Contestant, Setting
from bench.dialects import Json, NumberedEvents, Unheard, Verbatim
from bench.engines import POSTGRESQL, REDIS
from bench.peers.contestants import PEERS
from bench.servers import ROOT

BEFORE = "CHATROOM_BENCH_BEFORE"
"""The environment variable with the path of an earlier checkout (the option --before)."""

BENCH = Path(__file__).resolve().parent


def _chatroom(setting: Setting) -> list[str]:
    endpoint = f"tcp:{setting.port}:interface=127.0.0.1:backlog=4096"
    if setting.tls:
        key = setting.directory / "key.pem"
        endpoint = f"ssl:{setting.port}:interface=127.0.0.1:backlog=4096:privateKey={key}"
    twistd = Path(sys.executable).parent / "twistd"
    return [
        *(str(twistd), "--nodaemon", "--pidfile=", "--reactor=epoll", "chatroom"),
        *("--endpoint", endpoint, "--data", str(setting.directory / "data"), "--no-limits"),
        *(("--webhook-allow", "127.0.0.1") if setting.webhooks else ()),
        *(("--store", setting.store) if setting.store else ()),
        *(("--bus", setting.bus) if setting.bus else ()),
    ]


def _chatroom_before(setting: Setting) -> list[str]:
    """The same command, with another checkout's modules in front of this one's."""
    return ["env", f"PYTHONPATH={os.environ[BEFORE]}", *_chatroom(setting)]


def _chatroom_lacking() -> str | None:
    if not (Path(sys.executable).parent / "twistd").exists():
        return "no twistd beside this Python"
    if not (ROOT / "chatroom" / "tap.py").exists():
        return "no server in this checkout"
    return None


def _nodes(name: str, label: str, *given: str, nodes: int = 1) -> Contestant:
    """chatroom, with these engines, as so many nodes."""
    kept = "in PostgreSQL" + (", and connected by Redis" if REDIS in given else "")
    return Contestant(
        name=name,
        label=label,
        does=f"commits every post, acknowledges it, delivers it as a numbered JSON event; kept {kept}",
        command=_chatroom,
        dialect=lambda setting: Json(setting.size, setting.room, setting.text, setting.data),
        lacking=lambda: _chatroom_lacking() or engines.lacking(given),
        path="/ws",
        engines=given,
        nodes=nodes,
        kind="ours",
    )


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


def _verbatim(setting: Setting) -> Verbatim:
    return Verbatim(setting.size, echoes=True, text=setting.text)


CONTESTANTS = (
    Contestant(
        name="chatroom",
        label="chatroom",
        does="commits every post to disk, acknowledges it, delivers it as a numbered JSON event",
        command=_chatroom,
        dialect=lambda setting: Json(setting.size, setting.room, setting.text, setting.data),
        lacking=_chatroom_lacking,
        path="/ws",
        kind="ours",
    ),
    Contestant(
        name="chatroom-plain",
        label="chatroom, plain members",
        does="commits every post to disk; to plain members delivers the bare text",
        command=_chatroom,
        dialect=lambda setting: Verbatim(setting.size, echoes=False),
        lacking=_chatroom_lacking,
        path="/ws",
        kind="ours",
    ),
    Contestant(
        name="chatroom-events",
        label="chatroom, server-sent events",
        does="commits every post to disk, acknowledges it, delivers it as a numbered server-sent event",
        command=_chatroom,
        dialect=lambda setting: NumberedEvents(Json(setting.size, setting.room, setting.text)),
        lacking=_chatroom_lacking,
        path="/ws",
        events="/events?room=lobby",
        kind="ours",
    ),
    Contestant(
        name="chatroom-publish",
        label="chatroom, published by HTTP",
        does="commits every message to disk and answers with its place in the log",
        command=_chatroom,
        dialect=lambda setting: Json(setting.size, setting.room, setting.text),
        lacking=_chatroom_lacking,
        path="/ws",
        publish="/api/v1/rooms/lobby/messages",
        kind="ours",
    ),
    Contestant(
        name="chatroom-before",
        label="chatroom, an earlier one",
        does="does what chatroom does, as it was in the checkout that --before names",
        command=_chatroom_before,
        dialect=lambda setting: Json(setting.size, setting.room, setting.text, setting.data),
        lacking=lambda: None if os.environ.get(BEFORE) else "no --before was given",
        path="/ws",
        kind="ours",
    ),
    _nodes("chatroom-postgresql", "chatroom on PostgreSQL", POSTGRESQL),
    _nodes("chatroom-bus", "chatroom, PostgreSQL and Redis", POSTGRESQL, REDIS),
    _nodes("chatroom-two", "chatroom, two nodes", POSTGRESQL, REDIS, nodes=2),
    *PEERS,
    Contestant(
        name="autobahn",
        label="Autobahn, sendMessage",
        does="keeps no log and acknowledges nothing",
        command=_autobahn(),
        dialect=_verbatim,
    ),
    Contestant(
        name="autobahn-prepared",
        label="Autobahn, prepared",
        does="keeps no log and acknowledges nothing",
        command=_autobahn("--prepared"),
        dialect=_verbatim,
    ),
    Contestant(
        name="autobahn-echo",
        label="Autobahn, echo",
        does="sends each message back to who sent it; keeps no log",
        command=_autobahn("--echo"),
        dialect=_verbatim,
    ),
    Contestant(
        name="floor",
        label="floor: send(2) in C",
        does="sends the same number of bytes to the same number of sockets and does nothing else",
        command=_floor,
        dialect=lambda setting: Unheard(setting.size, echoes=True),
        lacking=lambda: None if shutil.which("cc") else "no C compiler",
        kind="floor",
    ),
)

BY_NAME = {contestant.name: contestant for contestant in CONTESTANTS}
