"""A PostgreSQL server for the tests: one a test session, on a port of its own, in a temporary folder."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from . import ports

PATIENCE = 60
"""Seconds that a server may take to start or to end, on a busy machine."""

PASSWORD = "a password for tests"
SETTINGS = {
    # The tests are about what is committed, not about what a power cut leaves of it.
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "120",
    "listen_addresses": "127.0.0.1",
    "log_min_messages": "fatal",
    # A replica looks for its primary so often.
    "wal_retrieve_retry_interval": "200ms",
}
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)

_REPLICA = "replica"

_numbers = count(1)
_made: list[Server] = []


class NotStarted(Exception):
    """The server ended, or does not answer; the message is what it wrote."""


class Server:
    """A PostgreSQL server, which can be ended and started again. As root, another user runs it."""

    def __init__(self, programs: Path, primary: Server | None = None) -> None:
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="chatroom-postgresql-"))
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._user: dict[str, Any] = {}
        if os.getuid() == 0:
            them = pwd.getpwnam("postgres")
            os.chown(self.folder, them.pw_uid, them.pw_gid)
            self._user = {"user": them.pw_uid, "group": them.pw_gid, "extra_groups": []}
        if primary is None:
            self._begin()
        else:
            self._copy(primary)

    @property
    def running(self) -> bool:
        """Whether it was started and not ended since."""
        return self._process is not None

    def url(self, database: str = "postgres", user: str = f"postgres:{PASSWORD.replace(' ', '%20')}") -> str:
        """Where a database is."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start, on the port of the last time, and wait until it answers."""
        if not self.port:
            self.port = ports.unused()
        deadline = time.monotonic() + PATIENCE
        self._launch()
        while not self._answers():
            if time.monotonic() > deadline:
                raise NotStarted(self._log())
            assert self._process is not None
            if self._process.poll() is not None:
                # What is left of one that was killed lets go of its memory only now.
                if "shared memory" not in self._log():
                    raise NotStarted(self._log())
                self._launch()
            time.sleep(0.05)

    def _launch(self) -> None:
        settings = {**SETTINGS, "port": self.port, "unix_socket_directories": self.folder}
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self._programs / "postgres",
                    *("-D", self.folder / "data"),
                    *[f"--{name}={value}" for name, value in settings.items()],
                ],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_us,
                **self._user,
            )

    def _log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def stop(self, how: int = signal.SIGINT) -> None:
        """End it; its clients lose their connections."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE)
            self._process = None

    def kill(self) -> None:
        """End it and all of its processes, as a power cut does."""
        assert self._process is not None
        self._signal(signal.SIGKILL)
        self._process.wait(PATIENCE)
        self._process = None

    def pause(self) -> None:
        """Have all of its processes stand still, with every connection open."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children")
        # The first is sent first: it makes no more of the others then.
        before = children.read_text().split()
        self._process.send_signal(number)
        rest = children.read_text().split() if number == signal.SIGSTOP else before
        for child in rest:
            with suppress(ProcessLookupError):
                os.kill(int(child), number)

    def replica(self) -> Server:
        """Another server that follows this one, running: what is committed here from now on is there too
        before it is acknowledged."""
        made = Server(self._programs, self)
        _made.append(made)
        made.start()
        self.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{_REPLICA}'")
        self.execute("SELECT pg_reload_conf()")
        wait_for(lambda: self.execute("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"))
        return made

    def promote(self) -> None:
        """Let a replica be a primary."""
        self.execute("SELECT pg_promote()")

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run a statement; the rows that it gives."""
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def database(self, like: str = "template0") -> str:
        """A new database's name; it is a copy of `like`."""
        name = f"test{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        return name

    def drop(self, database: str) -> None:
        """Take a database away, whoever is connected to it."""
        self.execute(f"DROP DATABASE {database} WITH (FORCE)")

    def _begin(self) -> None:
        password = self.folder / "password"
        password.write_text(PASSWORD)
        self._run(
            "initdb",
            "--no-sync",
            "--encoding=UTF8",
            # Not C: what depends on the order of texts must not depend on this.
            *("--locale=C.UTF-8", f"--pgdata={self.folder / 'data'}", "--username=postgres"),
            *("--auth=scram-sha-256", f"--pwfile={password}"),
        )

    def _copy(self, primary: Server) -> None:
        self._run(
            *("pg_basebackup", f"--pgdata={self.folder / 'data'}", "--write-recovery-conf", "--no-sync"),
            *("--checkpoint=fast", f"--dbname={primary.url()}?application_name={_REPLICA}"),
        )

    def _answers(self) -> bool:
        import psycopg

        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            **self._user,
        )
        if done.returncode:
            raise NotStarted(done.stderr)


def server() -> Server:
    """This session's server, running. Skips the test where PostgreSQL is not installed; fails it under
    CHATROOM_REQUIRE_ALL."""
    missing = _missing()
    if missing:
        if os.environ.get("CHATROOM_REQUIRE_ALL"):
            pytest.fail(missing)
        pytest.skip(missing)
    return _server()


def another() -> Server:
    """A server of a test's own, running."""
    server()
    programs = _programs()
    assert programs is not None
    made = Server(programs)
    _made.append(made)
    made.start()
    return made


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it has not come to that"
        time.sleep(0.02)


@cache
def migrated() -> str:
    """The name of a database that is as the server makes it, to make copies of."""
    from chatroom.store.opening import open_engines

    name = server().database()
    for engine in open_engines(server().url(name)):
        engine.dispose()
    return name


@cache
def _server() -> Server:
    programs = _programs()
    assert programs is not None
    made = Server(programs)
    _made.append(made)
    made.start()
    return made


def end_all() -> None:
    """End every server that was started here, and take its folder away."""
    while _made:
        made = _made.pop()
        made.stop()
        shutil.rmtree(made.folder, ignore_errors=True)


@cache
def _programs() -> Path | None:
    """Where initdb and postgres are: of several versions, the newest."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    return Path(on_path).resolve().parent if on_path else None


def _missing() -> str:
    if _programs() is None:
        return "PostgreSQL is not installed: tools/system-packages test"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "psycopg is not installed: pip install 'chatroom[postgres]'"
    return ""


def _end_with_us() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
