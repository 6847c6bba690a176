"""How each peer is started and spoken to. `python -m bench.peers` installs them."""

import shutil
from collections.abc import Callable
from pathlib import Path

from bench.contestant import Contestant, Setting
from bench.dialects import Events, SocketIo, Verbatim, Wamp
from bench.peers.places import CROSSBAR, HERE, NODE_MODULES, PYTHON, nchan_module, why_not

NO_LOG = "keeps no log and acknowledges nothing"


def _verbatim(setting: Setting) -> Verbatim:
    return Verbatim(setting.size, echoes=True, text=setting.text)


def _flags(setting: Setting) -> list[str]:
    flags = ["--deflate"] if setting.deflate else []
    return [*flags, "--tls", str(setting.directory / "key.pem")] if setting.tls else flags


def _python(script: str) -> Callable[[Setting], list[str]]:
    return lambda setting: [
        str(PYTHON / "bin" / "python"),
        str(HERE / script),
        str(setting.port),
        *_flags(setting),
    ]


def _node(script: str) -> Callable[[Setting], list[str]]:
    """Node looks for packages beside the script, so a script that is elsewhere is told where."""
    return lambda setting: [
        *("env", f"NODE_PATH={NODE_MODULES}", "node"),
        str(HERE / script),
        str(setting.port),
        *_flags(setting),
    ]


def _module(name: str) -> Callable[[], str | None]:
    """Whether a package is in the peers' own Python environment."""

    def lacking() -> str | None:
        found = any((PYTHON / "lib").glob(f"python3*/site-packages/{name}/__init__.py"))
        return None if found else why_not(name)

    return lacking


def _package(name: str) -> Callable[[], str | None]:
    def lacking() -> str | None:
        if not shutil.which("node"):
            return "no node"
        return None if (NODE_MODULES / name / "package.json").exists() else why_not(name)

    return lacking


def _nginx(setting: Setting) -> list[str]:
    """Writes its configuration from the template beside this file."""
    key = setting.directory / "key.pem"
    tls = f"ssl_certificate {key}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;"
    text = (HERE / "nchan.conf").read_text()
    for word, value in {
        "@module@": str(nchan_module()),
        "@port@": str(setting.port),
        "@ssl@": "ssl" if setting.tls else "",
        "@tls@": tls if setting.tls else "",
    }.items():
        text = text.replace(word, value)
    configuration = setting.directory / "nginx.conf"
    configuration.write_text(text)
    return [_nginx_program(), "-p", str(setting.directory), "-c", str(configuration)]


def _nginx_program() -> str:
    return shutil.which("nginx") or "/usr/sbin/nginx"


def _nginx_lacking() -> str | None:
    if Path(_nginx_program()).exists() and nchan_module():
        return None
    return why_not("nchan")


def _crossbar(setting: Setting) -> list[str]:
    text = (HERE / "crossbar.json").read_text().replace('"@port@"', str(setting.port))
    (setting.directory / "config.json").write_text(text)
    program = str(CROSSBAR / "bin" / "crossbar")
    return [program, "start", "--cbdir", str(setting.directory), "--loglevel", "error"]


def _crossbar_lacking() -> str | None:
    return None if (CROSSBAR / "bin" / "crossbar").exists() else why_not("crossbar")


PEERS = (
    Contestant(
        name="nchan",
        label="nginx + nchan",
        does="C, one worker process; keeps the last 100 messages in memory and acknowledges nothing",
        command=_nginx,
        dialect=_verbatim,
        lacking=_nginx_lacking,
    ),
    Contestant(
        name="nchan-events",
        label="nginx + nchan, EventSource",
        does="C, one worker process; keeps the last 100 messages in memory and acknowledges nothing",
        command=_nginx,
        dialect=lambda setting: Events(_verbatim(setting)),
        lacking=_nginx_lacking,
        events="/events",
    ),
    Contestant(
        name="nchan-publish",
        label="nginx + nchan, published by HTTP",
        does="C, one worker process; keeps the last 100 messages in memory",
        command=_nginx,
        dialect=_verbatim,
        lacking=_nginx_lacking,
        publish="/publish",
    ),
    Contestant(
        name="uwebsockets",
        label="uWebSockets (socketify)",
        does=f"C++ under Python; {NO_LOG}",
        command=_python("uwebsockets.py"),
        dialect=_verbatim,
        lacking=_module("socketify"),
    ),
    Contestant(
        name="picows",
        label="picows + uvloop",
        does=f"Cython and C under Python; {NO_LOG}",
        command=_python("picows_broadcast.py"),
        dialect=_verbatim,
        lacking=_module("picows"),
    ),
    Contestant(
        name="ws",
        label="ws on Node",
        does=NO_LOG,
        command=_node("ws_broadcast.js"),
        dialect=_verbatim,
        lacking=_package("ws"),
    ),
    Contestant(
        name="socketio",
        label="Socket.IO on Node",
        does=f"WebSocket transport only; {NO_LOG}",
        command=_node("socketio_broadcast.js"),
        dialect=lambda setting: SocketIo(setting.size, text=setting.text),
        lacking=_package("socket.io"),
        path="/socket.io/?EIO=4&transport=websocket",
    ),
    Contestant(
        name="websockets",
        label="websockets",
        does=f"asyncio, its own `broadcast`; {NO_LOG}",
        command=_python("websockets_broadcast.py"),
        dialect=_verbatim,
        lacking=_module("websockets"),
    ),
    Contestant(
        name="crossbar",
        label="Crossbar (WAMP, JSON)",
        does=f"one router process and its controller; {NO_LOG}",
        command=_crossbar,
        dialect=lambda setting: Wamp(setting.size, text=setting.text),
        lacking=_crossbar_lacking,
    ),
)
