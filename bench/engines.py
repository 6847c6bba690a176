"""The engines that nodes share: a PostgreSQL and a Redis, started for a turn and ended with it."""

import contextlib
import os
import pwd
import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.accounting import Spent
from bench.servers import StartError, free_port, running

POSTGRESQL, REDIS = "postgresql", "redis"

_PATIENCE = 60.0


@dataclass(frozen=True)
class Engine:
    """One that runs now: its first process, and the URL that a node finds it by."""

    name: str
    pid: int
    url: str

    def spent(self) -> Spent:
        """The CPU time of all its processes, from now on."""
        return Spent(self.pid)


def lacking(names: Iterable[str]) -> str | None:
    """Why these cannot be had here; None if they can."""
    reasons = [_LACKING[name]() for name in names]
    return "; ".join(filter(None, reasons)) or None


@contextlib.contextmanager
def started(names: Iterable[str], core: int, scratch: Path) -> Iterator[dict[str, Engine]]:
    """Start them on a core, new and empty, with their files below `scratch`; end them after.

    Raises StartError where one does not start.
    """
    with contextlib.ExitStack() as stack:
        yield {name: stack.enter_context(_STARTED[name](core, scratch)) for name in names}


def versions() -> dict[str, str]:
    """Of the engines that are here, by name."""
    places = {POSTGRESQL: _programs() / "postgres", REDIS: Path("redis-server")}
    found = {}
    for name, program in places.items():
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
            if number := re.search(r"\d+(\.\d+)+", said):
                found[name] = number[0]
    return found


@contextlib.contextmanager
def _postgresql(core: int, scratch: Path) -> Iterator[Engine]:
    """All settings are the defaults, but for where it listens: what is acknowledged is on disk."""
    with _folder(scratch) as folder:
        user = _their_user(folder)
        password, port = secrets.token_hex(8), free_port()
        _make_database(folder, password, user)
        command = [str(_programs() / "postgres"), "-D", str(folder / "data"), f"--port={port}"]
        command += ["--listen_addresses=127.0.0.1", f"--unix_socket_directories={folder}"]
        with running(command, port, core, folder, **user) as pids:
            url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
            _await_database(url, folder)
            yield Engine(POSTGRESQL, pids[0], url)


@contextlib.contextmanager
def _redis(core: int, scratch: Path) -> Iterator[Engine]:
    """It keeps nothing on disk: there is nothing to keep."""
    with _folder(scratch) as folder:
        port = free_port()
        command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
        with running([*command, "--dir", str(folder)], port, core, folder) as pids:
            yield Engine(REDIS, pids[0], f"redis://127.0.0.1:{port}")


@contextlib.contextmanager
def _folder(scratch: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="engine-", dir=scratch) as name:
        yield Path(name)


def _make_database(folder: Path, password: str, user: dict[str, Any]) -> None:
    secret = folder / "password"
    secret.write_text(password)
    command = [str(_programs() / "initdb"), "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]
    command += [f"--pgdata={folder / 'data'}", "--username=postgres"]
    command += ["--auth=scram-sha-256", f"--pwfile={secret}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **user)
    if done.returncode:
        raise StartError(done.stderr)


def _await_database(url: str, folder: Path) -> None:
    """It listens before it lets anybody in."""
    import psycopg

    until = time.monotonic() + _PATIENCE
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > until:
                raise StartError(f"{error}\n{(folder / 'server.log').read_text(errors='replace')}") from None
            time.sleep(0.05)
        else:
            return


def _their_user(folder: Path) -> dict[str, Any]:
    """Of root PostgreSQL will not be run: who owns `folder` from now on, as subprocess takes it."""
    if os.getuid() != 0:
        return {}
    them = pwd.getpwnam("postgres")
    os.chown(folder, them.pw_uid, them.pw_gid)
    return {"user": them.pw_uid, "group": them.pw_gid, "extra_groups": []}


def _programs() -> Path:
    """Where initdb and postgres are: of several versions, the newest."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).resolve().parent if on_path else Path("/nonexistent")


def _postgresql_lacking() -> str | None:
    if not (_programs() / "postgres").exists():
        return "PostgreSQL is not installed (tools/system-packages test)"
    return None if find_spec("psycopg") else "psycopg is not installed (pip install 'chatroom[postgres]')"


def _redis_lacking() -> str | None:
    if not shutil.which("redis-server"):
        return "Redis is not installed (tools/system-packages test)"
    return None if find_spec("hiredis") else "hiredis is not installed (pip install 'chatroom[redis]')"


_LACKING: dict[str, Callable[[], str | None]] = {
    POSTGRESQL: _postgresql_lacking,
    REDIS: _redis_lacking,
}
_STARTED: dict[str, Callable[[int, Path], contextlib.AbstractContextManager[Engine]]] = {
    POSTGRESQL: _postgresql,
    REDIS: _redis,
}
