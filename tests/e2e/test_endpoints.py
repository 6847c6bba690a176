"""Where a server listens, and where it keeps its log."""

from __future__ import annotations

import re
import socket
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from .clients import JsonClient, get
from .conftest import Start

_METRICS = re.compile(r"metrics are at http://localhost:(\d+)/metrics")

AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)  # where the first socket is, by sd_listen_fds(3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="chatroom.socket")
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_a_unix_socket(server: Start, tmp_path: Path) -> None:
    path = str(tmp_path / "chat.sock")
    one = server(endpoints=(f"unix:{path}",))
    assert get("http://chat.example", "/healthz", unix=path).status == 200
    with (
        JsonClient("ws://chat.example/ws", "Ana", unix=path, origin="http://chat.example") as ana,
        JsonClient("ws://chat.example/ws", "Ben", unix=path) as ben,
    ):
        ana.join()
        ben.join()
        ana.post("over a file")
        assert ben.event()["text"] == "over a file"
    one.kill()
    # What a crash leaves behind is no obstacle.
    one.start()
    assert get("http://chat.example", "/healthz", unix=path).status == 200


def test_a_socket_that_systemd_hands_over(server: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        one = server(
            endpoints=("systemd:domain=INET:index=0",),
            through=(sys.executable, "-c", AS_SYSTEMD, str(listening.fileno())),
            fds=(listening.fileno(),),
        )
    assert get(f"http://127.0.0.1:{port}", "/healthz").status == 200
    with JsonClient(f"ws://127.0.0.1:{port}/ws", "Ana") as ana:
        ana.join()
        assert ana.post("started on demand") == 1
    one.kill()


def test_ipv6(server: Start) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"this machine has no ::1: {error}")
    one = server(endpoints=(r"tcp:0:interface=\:\:1", "tcp6:0"), host="[::1]")
    for _scheme, port in one.ports:
        assert get(f"http://[::1]:{port}", "/healthz").status == 200
        with JsonClient(f"ws://[::1]:{port}/ws", "Ana", origin=f"http://[::1]:{port}") as ana:
            ana.join()
            ana.post("six")


def test_metrics_are_on_a_port_of_their_own(server: Start) -> None:
    one = server("--metrics=tcp:0:interface=127.0.0.1")
    one.wait_for(lambda: _METRICS.search(one.log))
    (port,) = _METRICS.findall(one.log)
    url = f"http://127.0.0.1:{port}"
    with JsonClient(one.ws, "Ana") as ana:
        ana.join()
        ana.post("counted")
        told = get(url, "/metrics")
    assert told.status == 200
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    series = {
        sample.name: sample.value
        for family in text_string_to_metric_families(told.body.decode())
        for sample in family.samples
    }
    assert series["chatroom_live_connections"] == 1
    assert series["chatroom_commit_events_sum"] == 1
    assert series["process_open_fds"] > 5
    assert get(url, "/healthz").status == 200
    one.wait_for(lambda: get(url, "/readyz").status == 200)
    assert get(url, "/").status == 404
    assert get(one.url, "/metrics").status == 404


def test_the_log_is_where_store_says(server: Start, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    one = server(f"--store=sqlite:///{elsewhere}/log.db")
    with JsonClient(one.ws, "Ana") as ana:
        ana.join()
        ana.post("kept elsewhere")
    assert [file.name for file in one.data.iterdir()] == ["lock"]
    with closing(sqlite3.connect(elsewhere / "log.db")) as database:
        assert database.execute("select text from message").fetchall() == [("kept elsewhere",)]
    assert (elsewhere / "log.db").stat().st_mode & 0o077 == 0


def test_a_relative_store_is_the_same_file_after_rundir(server: Start, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    one = server("--store=sqlite:///log.db", twistd=(f"--rundir={tmp_path}/run",))
    with JsonClient(one.ws, "Ana") as ana:
        ana.join()
        ana.post("kept")
    assert (one.folder / "log.db").exists()
    assert list((tmp_path / "run").iterdir()) == []
