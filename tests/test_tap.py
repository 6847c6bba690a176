"""Putting the server together: what is refused before it starts, and whose folder it is."""

from __future__ import annotations

import os
import sys
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.python.usage import Options as TwistdOptions

from chatroom import tap
from chatroom.options import Options
from chatroom.store.opening import Unusable


def options(*argv: str, twistd: dict[str, Any] | None = None) -> Options:
    """As twistd makes them; `twistd` are its own."""
    made = Options()
    made.parent = TwistdOptions()
    made.parent.update(twistd or {})
    made.parseOptions(list(argv))
    return made


@pytest.fixture
def data(tmp_path: Path) -> str:
    """The option that names a folder that is not there yet."""
    return f"--data={tmp_path / 'data'}"


def mistake(*argv: str) -> str:
    """The line that the program ends with."""
    with pytest.raises(SystemExit) as ended:
        tap.makeService(options(*argv))
    said = str(ended.value.code)
    assert "\n" not in said
    return said.removeprefix("chatroom: ")


def test_a_server_is_one_service(data: str) -> None:
    service = tap.makeService(options(data, "--endpoint=tcp:0"))
    assert isinstance(service, MultiService)
    assert [type(part).__name__ for part in service] == ["Running", "Listeners", "FirstOwner"]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--origin=nonsense", "--origin takes an origin such as https://example.org "),
        ("--origin=", "--origin takes an origin such as https://example.org "),
        ("--origin=https://example.org/path", "--origin takes an origin such as https://example.org "),
        ("--endpoint=nonsense:1", "--endpoint 'nonsense:1': there is no kind of endpoint "),
        ("--endpoint=ssl:1:privateKey=none.pem", "there is no file none.pem; "),
        ("--metrics=nonsense:1", "--metrics 'nonsense:1': there is no kind of endpoint "),
        ("--metrics=tcp:x", "--metrics 'tcp:x': a port is a number up to 65535, as in tcp:9000"),
        ("--metrics=", "--metrics '': there is no kind of endpoint "),
        ("--store=mysql://localhost/chat", "--store: the log is kept in SQLite or PostgreSQL, not in mysql"),
        ("--store=:memory:", "--store takes a URL such as sqlite:////var/lib/"),
        ("--store=nonsense", "--store takes a URL such as sqlite:////var/lib/"),
        ("--store=sqlite://", "--store: a log that nothing is lost from needs a file"),
        ("--store=sqlite:///:memory:", "--store: a log that nothing is lost from needs a file"),
        ("--store=sqlite+aiosqlite:///x.db", "--store takes sqlite:///FILE and nothing around it, not "),
        ("--store=sqlite://host/x.db", "--store takes sqlite:///FILE and nothing around it, not "),
        ("--store=sqlite:///x.db?mode=ro", "--store takes sqlite:///FILE and nothing around it, not "),
        ("--store=sqlite:////nonexistent/x.db", "there is no folder /nonexistent for the database: make it"),
        ("--store=sqlite:////dev", "/dev cannot be written: "),
    ],
)
def test_what_cannot_be_used_is_one_line(data: str, option: str, said: str) -> None:
    assert mistake(data, option).startswith(said)


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("/dev/null", "/dev/null is a file: --data takes a folder"),
        ("/dev/null/x", "the data folder /dev/null/x cannot be written (Not a directory): "),
        ("/proc/x", "the data folder /proc/x cannot be written ("),
        ("x" * 300, "the data folder "),
    ],
)
def test_a_folder_that_cannot_be_used_is_one_line(folder: str, said: str) -> None:
    assert mistake(f"--data={folder}").startswith(said)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "chatroom.sqlite3").write_text("a letter to my aunt, rather long, " * 20)
    said = mistake(f"--data={tmp_path}")
    assert said.startswith(f"{tmp_path / 'chatroom.sqlite3'} is damaged (")
    assert "put a backup in its place, or move it away to start an empty one" in said


def test_a_folder_is_one_servers_at_a_time(tmp_path: Path) -> None:
    lock = tap.take_data(tmp_path)
    os.write(lock, b"4711\n")
    with pytest.raises(Unusable) as unusable:
        tap.take_data(tmp_path)
    assert str(unusable.value) == (
        f"another chatroom server (process 4711) works on {tmp_path}: stop it, or name another with --data"
    )
    os.close(lock)
    os.close(tap.take_data(tmp_path))
    assert (tmp_path / "lock").read_text() == "", "the next one writes itself there when it starts"


def test_a_database_elsewhere_is_one_servers_at_a_time(tmp_path: Path) -> None:
    store = f"--store=sqlite:///{tmp_path / 'log.db'}"
    tap.makeService(options(f"--data={tmp_path / 'one'}", store))
    said = mistake(f"--data={tmp_path / 'two'}", store)
    assert said.startswith("another chatroom server (process ")
    assert said.endswith(f"works on {tmp_path / 'log.db'}: stop it, or name another with --store")


def test_a_database_elsewhere_is_one_servers_at_a_time_too(tmp_path: Path) -> None:
    store = f"--store=sqlite:///{tmp_path / 'log.db'}"
    tap.makeService(options(f"--data={tmp_path / 'one'}", store))
    assert mistake(f"--data={tmp_path / 'other'}", store) == (
        f"another chatroom server (process ?) works on {tmp_path / 'log.db'}: stop it, or name another"
        " with --store"
    )


def test_a_lock_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "log.db.lock").mkdir()
    said = mistake(f"--data={tmp_path / 'data'}", f"--store=sqlite:///{tmp_path / 'log.db'}")
    assert said.startswith(f"{tmp_path / 'log.db.lock'} cannot be written (Is a directory): ")


def test_a_new_folder_is_its_users_only(tmp_path: Path) -> None:
    os.close(tap.take_data(tmp_path / "a" / "b"))
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_under_uid_everything_made_so_far_is_given_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, tuple[int, int]] = {}
    monkeypatch.setattr(os, "chown", lambda path, uid, gid: given.update({str(path): (uid, gid)}))
    store = tmp_path / "elsewhere.db"
    argv = (f"--data={tmp_path / 'data'}", f"--store=sqlite:///{store}")
    tap.makeService(options(*argv, twistd={"uid": 33, "gid": None}))
    assert (
        given.items()
        >= {
            str(tmp_path / "data"): (33, -1),
            str(tmp_path / "data" / "lock"): (33, -1),
            str(store): (33, -1),
        }.items()
    )
    given.clear()
    tap.makeService(options(f"--data={tmp_path / 'other'}", twistd={"uid": None, "gid": None}))
    assert given == {}


class Core:
    """A core that nobody has an account with."""

    async def start(self) -> None:
        """Nothing is kept."""

    def pause(self) -> None:
        """Nobody is told anything."""

    async def stop(self) -> None:
        """Nothing is left to be done."""


class Store:
    """A store that takes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def start(self) -> None:
        self.told.append("start")

    def hurry(self) -> None:
        self.told.append("hurry")

    async def stop(self) -> None:
        self.told.append("stop")


class Leaving:
    """The connections, which are gone once the test says so."""

    def __init__(self) -> None:
        self.gone: Deferred[None] = Deferred()

    async def close(self) -> None:
        await self.gone


class TestRunning:
    """Starting and stopping what is not a port."""

    @pytest.fixture(autouse=True)
    def _this_process_stays_as_it_is(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tap, "gc", SimpleNamespace(**dict.fromkeys(("collect", "freeze"), lambda: None)))
        monkeypatch.setattr(tap.gc, "set_threshold", lambda *_thresholds: None, raising=False)

    def make(self, folder: Path) -> tuple[tap.Running, Store, Leaving]:
        store, leaving = Store(), Leaving()
        core: Any = Core()
        passwords: Any = SimpleNamespace(start=lambda: None, stop=lambda: None)
        courier: Any = SimpleNamespace(stop=lambda: None)
        locks = [tap.take_data(folder)]
        running = tap.Running(store, core, passwords, courier, leaving, locks)  # type: ignore[arg-type]
        running.startService()
        return running, store, leaving

    def test_it_starts_the_store_and_says_whose_the_folder_is(self, tmp_path: Path) -> None:
        _running, store, _leaving = self.make(tmp_path)
        assert store.told == ["start"]
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"

    def test_it_opens_as_many_files_as_it_may(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        limits: list[tuple[int, int]] = []
        monkeypatch.setattr(tap.resource, "getrlimit", lambda _what: (100, 900))
        monkeypatch.setattr(tap.resource, "setrlimit", lambda _what, limit: limits.append(limit))
        self.make(tmp_path)
        assert limits == [(900, 900)]

    def test_it_waits_for_leave_to_be_taken_and_then_for_the_disk(self, tmp_path: Path) -> None:
        running, store, leaving = self.make(tmp_path)
        stopped = running.stopService()
        assert store.told == ["start"]
        leaving.gone.callback(None)
        assert store.told == ["start", "hurry", "stop"]
        assert stopped.called
        os.close(tap.take_data(tmp_path))


class TestRefusing:
    """What becomes of a port that cannot be had."""

    def refuse(self, twistd: dict[str, Any]) -> None:
        refuse = tap._refuser(options(twistd=twistd))
        with pytest.raises(SystemExit) as ended:
            refuse("cannot listen")
        assert ended.value.code == 1

    def test_in_the_foreground_it_is_told_past_the_log(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = StringIO()
        monkeypatch.setattr(sys, "__stderr__", said)
        pidfile = tmp_path / "twistd.pid"
        pidfile.write_text("1")
        self.refuse({"nodaemon": True, "pidfile": str(pidfile)})
        assert said.getvalue() == "chatroom: cannot listen\n"
        assert not pidfile.exists()

    def test_a_daemon_tells_its_waiting_parent(self, tmp_path: Path) -> None:
        reading, writing = os.pipe()
        pidfile = tmp_path / "twistd.pid"
        self.refuse({"nodaemon": False, "pidfile": str(pidfile), "statusPipe": writing})
        assert os.read(reading, 100) == b"1 cannot listen"
        os.close(reading)
        os.close(writing)
