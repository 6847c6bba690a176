"""Where the parts of a cluster are: their ports, and their files in one folder."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import socket
from pathlib import Path

HOST = "127.0.0.1"
BALANCER = Path(__file__).parents[2] / "examples/haproxy/haproxy.cfg"
"""How HAProxy is set up, on the ports from 9000 on."""

_USUAL = 9000
_STATISTICS, _POSTGRESQL, _REDIS = 10, 32, 79
"""How far behind the page's port they are."""


class Mistake(Exception):
    """What somebody at the keyboard can mend; the message says how."""


class Place:
    """`port` is the page's, the others follow it. `folder` is made where it is not there."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        self.folder = folder.absolute()
        names = re.findall(r"server (\w+) 127\.0\.0\.1:(\d+)\n", BALANCER.read_text())
        self.nodes = {name: self._at(int(usual) - _USUAL) for name, usual in names}
        self.statistics = self._at(_STATISTICS)
        self.postgresql = self._at(_POSTGRESQL)
        self.redis = self._at(_REDIS)

    def _at(self, distance: int) -> int:
        return self.port + distance

    def take(self) -> int:
        """Make the folder, and have it for this process alone: an open file that holds it. Raises
        Mistake."""
        try:
            self.folder.mkdir(exist_ok=True)
            # The user that PostgreSQL runs as passes through.
            self.folder.chmod(0o711)
            (self.folder / "log").mkdir(mode=0o700, exist_ok=True)
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise Mistake(
                f"{error.filename} cannot be written ({error.strerror}): name another folder with --data"
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise Mistake(
                f"another cluster runs in {self.folder}: end it, or name another folder with --data"
            ) from None
        return lock

    def check_ports(self) -> None:
        """Raise Mistake where another program listens on one."""
        wanted = {
            self.port: "the page",
            **{port: name for name, port in self.nodes.items()},
            self.statistics: "HAProxy's statistics",
            self.postgresql: "PostgreSQL",
            self.redis: "Redis",
        }
        for port, what in wanted.items():
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((HOST, port))
                    probe.listen()
                except OSError as error:
                    raise Mistake(
                        f"port {port}, for {what}, cannot be had ({error.strerror}): end what listens there,"
                        ' or choose other ports: make cluster ARGS="--port 9100"'
                    ) from None

    def log(self, name: str) -> Path:
        """What a part writes."""
        return self.folder / "log" / f"{name.lower()}.log"

    def secret(self, name: str, form: str = "{}") -> Path:
        """A file with a password, in that form; made the first time, and for nobody else to read."""
        path = self.folder / name
        if not path.exists():
            made = path.with_suffix(".new")
            with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(form.format(secrets.token_urlsafe(24)) + "\n")
            made.rename(path)
        return path

    def private(self, name: str, text: str) -> Path:
        """A file with that text, which nobody else may read."""
        path = self.folder / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(text)
        return path

    def balancing(self) -> str:
        """HAProxy's configuration, on the ports of this place."""
        return re.sub(
            r"127\.0\.0\.1:(\d+)",
            lambda found: f"{HOST}:{self._at(int(found[1]) - _USUAL)}",
            BALANCER.read_text(),
        )
