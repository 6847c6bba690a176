"""A Redis and a PostgreSQL of their own, for what the plan measures of them."""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from bench.servers import free_port

_PATIENCE = 30.0
_PR_SET_PDEATHSIG = 1


@contextmanager
def redis() -> Iterator[tuple[int, int]]:
    """A Redis that keeps nothing; its process and its port."""
    port = free_port()
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    with tempfile.TemporaryDirectory(prefix="bench-redis-") as folder, _running(command, folder) as pid:
        _until(lambda: socket.create_connection(("127.0.0.1", port)).close())
        yield pid, port


@contextmanager
def postgresql(scratch: Path) -> Iterator[tuple[int, str]]:
    """A PostgreSQL as it comes, on the disk that is measured; its first process and an address."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[4]))
    port, them = free_port(), _user()
    with tempfile.TemporaryDirectory(prefix="bench-postgresql-", dir=scratch) as folder:
        if them:
            os.chown(folder, them["user"], them["group"])
        data = f"{folder}/data"
        initdb = [str(programs / "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        subprocess.run(initdb, cwd=folder, check=True, capture_output=True, **them)
        command = [str(programs / "postgres"), "-D", data, "-p", str(port), "-k", folder, "-h", "127.0.0.1"]
        with _running(command, folder, **them) as pid:
            url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            _until(lambda: psycopg.connect(url).close())
            yield pid, url


def _user() -> dict[str, Any]:
    """PostgreSQL does not run as root."""
    if os.getuid():
        return {}
    them = pwd.getpwnam("postgres")
    return {"user": them.pw_uid, "group": them.pw_gid, "extra_groups": []}


@contextmanager
def _running(command: list[str], folder: str, **how: Any) -> Iterator[int]:
    if shutil.which(command[0]) is None:
        raise SystemExit(f"{command[0]} is not installed: tools/system-packages test")
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),
        **how,
    )
    try:
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(_PATIENCE)


def _until(tried: Callable[[], object]) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        with suppress(psycopg.OperationalError, OSError):
            tried()
            return
        time.sleep(0.05)
    raise SystemExit("an engine did not start")
