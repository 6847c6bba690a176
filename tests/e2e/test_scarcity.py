"""A server that runs out of something goes on, and recovers by itself."""

from __future__ import annotations

import resource
import socket
import sys
import time

from .clients import PATIENCE, Json, JsonClient, get
from .conftest import Start
from .server import Server

ROOM_ON_DISK = 400_000
TEXT = "x" * 8_000
DESCRIPTORS = 80

FEW_DESCRIPTORS = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[1])))
os.execv(sys.argv[2], sys.argv[2:])
"""


def test_with_a_full_disk_posts_are_refused_until_there_is_room(server: Start) -> None:
    one = server("--no-limits")
    with JsonClient(one.ws, "Ana") as ana, JsonClient(one.ws, "Ben") as ben:
        ana.join()
        ben.join()
        _, hard = resource.prlimit(one.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (ROOM_ON_DISK, hard))
        kept, refused = _post_until_refused(ana)
        assert refused["code"] == "unavailable"
        assert refused["retry_after"] > 0
        # Everybody stays, and what needs no disk goes on.
        assert ben.ask("who", room="lobby")["count"] == 2
        assert [ben.event()["seq"] for _ in kept] == kept
        resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (hard, hard))
        # The refused one was not kept: with its key it is the next.
        assert _post_until_kept(ana, f"key {len(kept)}") == len(kept) + 1
        assert ben.event()["seq"] == len(kept) + 1
    one.kill()
    one.start()
    with JsonClient(one.ws, "Eva") as eva:
        assert [event["seq"] for event in eva.missed(0, eva.me["epoch"])] == [*kept, len(kept) + 1]


def test_more_connections_than_file_descriptors(server: Start) -> None:
    one = server(through=(sys.executable, "-c", FEW_DESCRIPTORS, str(DESCRIPTORS)))
    with JsonClient(one.ws, "Ana") as ana:
        ana.join()
        assert ana.post("before") == 1
        crowd = [_connected(one) for _ in range(2 * DESCRIPTORS)]
        assert ana.ask("ping")["type"] == "pong"
        assert ana.post("meanwhile") == 2
        for connection in crowd:
            connection.close()
        assert get(one.url, "/healthz").status == 200
        with JsonClient(one.ws, "Ben") as ben:
            ben.join()
            assert ben.post("after") == 3


def _connected(one: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", one.port), timeout=PATIENCE)


def _post_until_refused(ana: JsonClient) -> tuple[list[int], Json]:
    kept: list[int] = []
    for number in range(1_000):
        reply = ana.ask("post", room="lobby", text=TEXT, key=f"key {number}")
        if reply["type"] == "error":
            return kept, reply
        kept.append(reply["seq"])
    raise AssertionError("the disk is larger than that")


def _post_until_kept(ana: JsonClient, key: str) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        reply = ana.ask("post", room="lobby", text=TEXT, key=key)
        if reply["type"] == "ok":
            return int(reply["seq"])
    raise AssertionError("the server does not recover")
