"""The HTTP API of a real server, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path

import pytest

from .clients import PATIENCE, JsonClient, careless
from .conftest import servers
from .server import ON_LOOPBACK, TLS, Server
from .test_administration import given

PATH = "/api/v1/rooms/{}/messages"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, pem: Path) -> Iterator[Server]:
    """A server with and without TLS."""
    for start in servers(tmp_path_factory.mktemp("api")):
        yield start("--no-limits", files={"key.pem": pem.read_text()}, endpoints=(ON_LOOPBACK, TLS))


@pytest.fixture(scope="module")
def key(both: Server) -> str:
    return given(both, "key", "add", "sensor", "--can", "publish:*", "--can", "read:*")


def connection(server: Server, scheme: str) -> HTTPConnection:
    port = dict(server.ports)[scheme]
    if scheme == "https":
        return HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=careless())
    return HTTPConnection("127.0.0.1", port, timeout=PATIENCE)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_program_publishes_and_reads_on_one_connection(both: Server, key: str, scheme: str) -> None:
    # http.client sends a head and its body apart.
    asking = connection(both, scheme)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    with JsonClient(both.ws, "Ana") as ana:
        ana.join(scheme)
        for number in range(1, 21):
            asking.request("POST", PATH.format(scheme), json.dumps({"text": str(number)}), headers)
            answer = asking.getresponse()
            assert (answer.status, json.loads(answer.read())["seq"]) == (201, number)
            assert ana.event()["text"] == str(number)
        asking.request("GET", PATH.format(scheme) + "?after=18", headers=headers)
        events = json.loads(asking.getresponse().read())["events"]
        assert [event["text"] for event in events] == ["19", "20"]
        asking.request("POST", PATH.format(scheme), '{"text": "21"}', headers)
        answer = asking.getresponse()
        assert (answer.status, json.loads(answer.read())["seq"]) == (201, 21)
    asking.close()


def test_a_revoked_key_is_good_for_nothing_at_once(both: Server) -> None:
    key = given(both, "key", "add", "bell", "--can", "publish:lobby")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def status() -> int:
        asking = connection(both, "http")
        asking.request("POST", PATH.format("lobby"), '{"text": "x"}', headers)
        found = asking.getresponse().status
        asking.close()
        return found

    assert status() == 201
    given(both, "key", "revoke", "bell")
    both.wait_for(lambda: status() == 401)
    assert key not in both.log
