"""Starting and stopping as init systems and people do it."""

from __future__ import annotations

import os
import select
import signal
import socket
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from .clients import JsonClient, PlainClient, get
from .conftest import Start
from .server import TWISTD, Server, run


def test_sigterm_says_when_to_come_back_and_keeps_what_was_acknowledged(server: Start) -> None:
    one = server("--no-limits")
    with JsonClient(one.ws, "Ana") as ana, PlainClient(one.ws) as plain:
        ana.join()
        numbers = [ana.begin("post", room="lobby", text=f"word {number}") for number in range(200)]
        assert ana.reply(numbers[0])["seq"] == 1
        one.signal(signal.SIGTERM)
        farewell = ana.event("closing")
        assert farewell["reconnect_after"] > 0
        assert ana.end() == 4000
        assert plain.end() == 4000
        acknowledged = [ana.reply(number)["seq"] for number in numbers if ana.has_reply(number)]
    _ended_by(one, signal.SIGTERM)
    with closing(sqlite3.connect(one.data / "chatroom.sqlite3")) as database:
        kept = {seq for (seq,) in database.execute("select seq from event")}
    assert set(acknowledged) <= kept
    assert kept == set(range(1, len(kept) + 1))


def test_a_load_balancer_hears_of_the_end_before_members_do(server: Start) -> None:
    one = server("--no-limits", "--drain=9")
    one.wait_for(lambda: get(one.url, "/readyz").status == 200)
    with JsonClient(one.ws, "Ana") as ana:
        ana.join()
        one.signal(signal.SIGTERM)
        one.wait_for(lambda: get(one.url, "/readyz").status == 503)
        # Whoever is here goes on meanwhile, and whoever comes is let in.
        assert ana.post("still here") == 1
        with JsonClient(one.ws, "Bob") as bob:
            assert bob.join()["room"]["head"] == 1
        one.signal(signal.SIGTERM)
        assert ana.event("closing")["reconnect_after"] > 0
        assert ana.end() == 4000
    _ended_by(one, signal.SIGTERM)


def test_a_member_that_does_not_listen_does_not_hold_up_the_end(server: Start) -> None:
    one = server()
    with socket.create_connection(("127.0.0.1", one.port)) as silent:
        silent.sendall(
            b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert silent.recv(12) == b"HTTP/1.1 101"
        one.signal(signal.SIGTERM)
        _ended_by(one, signal.SIGTERM)


def test_ctrl_c_stops_it_too(server: Start) -> None:
    one = server()
    one.signal(signal.SIGINT)
    _ended_by(one, signal.SIGINT)


def test_an_impatient_ctrl_c_shows_no_traceback(server: Start) -> None:
    one = server()
    with PlainClient(one.ws) as plain:
        one.signal(signal.SIGINT)
        assert plain.end() == 4000
        one.signal(signal.SIGINT)
        one.signal(signal.SIGINT)
        assert one.ended() == -signal.SIGINT
    assert "Traceback" not in one.log


def test_sigusr1_rotates_the_log(server: Start, tmp_path: Path) -> None:
    log = tmp_path / "chat.log"
    one = server(twistd=(f"--logfile={log}",), log_file=log)
    one.signal(signal.SIGUSR1)
    one.wait_for(lambda: Path(f"{log}.1").exists())
    assert get(one.url, "/healthz").status == 200
    one.signal(signal.SIGTERM)
    _ended_by(one, signal.SIGTERM)
    assert "starting up" in Path(f"{log}.1").read_text()


def test_a_second_server_on_the_same_folder_is_refused(server: Start, tmp_path: Path) -> None:
    one = server()
    second = run("--endpoint=tcp:0:interface=127.0.0.1", f"--data={one.data}", folder=tmp_path)
    assert (second.returncode, second.stdout) == (1, "")
    assert second.stderr == (
        f"chatroom: another chatroom server (process {one.pid}) works on {one.data}: stop it, or name"
        " another with --data\n"
    )
    one.kill()
    one.start()


def _ended_by(one: Server, which: signal.Signals) -> None:
    """It stopped in good order; twistd then passes the signal on to itself, for whoever started it."""
    assert one.ended() == -which
    assert "Server Shut Down." in one.log


class TestDaemon:
    """`twistd chatroom`, without -n."""

    @pytest.fixture
    def daemon(self, tmp_path: Path) -> Server:
        """Not started; its pidfile and log are in its folder."""
        server = Server(tmp_path)
        server.log_file = tmp_path / "twistd.log"
        return server

    def test_it_runs_behind_and_is_stopped_by_its_pidfile(self, daemon: Server) -> None:
        started = _daemonize(daemon, "tcp:0:interface=127.0.0.1")
        pid = int((daemon.folder / "twistd.pid").read_text())
        try:
            assert (started.returncode, started.stdout, started.stderr) == (0, "", "")
            daemon.read_ports()
            assert get(daemon.url, "/healthz").status == 200
            assert int((daemon.data / "lock").read_text()) == pid
            # Nobody else may read what is said.
            assert (daemon.data / "chatroom.sqlite3").stat().st_mode & 0o077 == 0
        finally:
            os.kill(pid, signal.SIGTERM)
            _wait_for_end(pid)
        assert not (daemon.folder / "twistd.pid").exists()

    def test_a_port_in_use_is_one_clear_line(self, daemon: Server) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            started = _daemonize(daemon, endpoint)
        assert (started.returncode, started.stdout) == (1, "")
        assert f"cannot listen on {endpoint}: another program listens there" in started.stderr
        assert started.stderr.count("\n") == 2, "twistd adds where the log is"
        assert daemon.log.count(f"cannot listen on {endpoint}: another program") == 1
        assert "Traceback" not in started.stderr + daemon.log
        assert not (daemon.folder / "twistd.pid").exists()


def test_a_port_in_use_is_one_clear_line_in_the_foreground(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        ended = subprocess.run(
            [str(TWISTD), "-n", "chatroom", f"--endpoint={endpoint}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert ended.returncode == 1
    assert ended.stderr == (
        f"chatroom: cannot listen on {endpoint}: another program listens there; end it, or choose another"
        " endpoint\n"
    )
    assert "Traceback" not in ended.stdout
    assert not (tmp_path / "twistd.pid").exists()


def _daemonize(daemon: Server, endpoint: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(TWISTD), "chatroom", f"--endpoint={endpoint}", f"--data={daemon.data}"],
        cwd=daemon.folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


def _wait_for_end(pid: int) -> None:
    """Wait for a process that is no child of ours."""
    handle = os.pidfd_open(pid)
    try:
        assert select.select([handle], [], [], 30)[0], "the daemon did not end"
    finally:
        os.close(handle)
