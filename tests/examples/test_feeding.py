"""The examples that feed a room: devices on a TCP port, and a database's triggers."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from .. import postgresql
from .conftest import EXAMPLES, Place
from .test_examples import free_port, running

READER = EXAMPLES / "reader/reader.py"
RELAY = EXAMPLES / "postgresql/relay.py"


def wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line == "ready\n":
            return
    pytest.fail(f"it ended with {process.wait(timeout=20)}")


def told(device: socket.socket, count: int) -> list[bytes]:
    """So many lines that a device is sent."""
    with device.makefile("rb") as lines:
        return [lines.readline() for _ in range(count)]


def test_what_a_device_sends_is_kept_in_order(place: Place) -> None:
    port = free_port()
    command = [sys.executable, READER, "listen", f"tcp:{port}:interface=127.0.0.1", "door"]
    with place.listener("door") as listener, running(command, place.environment) as process:
        wait_until_ready(process)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as device:
            # In pieces, with other line ends, something that is no UTF-8, and nothing.
            device.sendall(b"finger 0")
            device.sendall(b"7\r\nfinger 12\n\n\xff\x00\nfinger 9\n")
            assert told(device, 4) == [b"ok\n"] * 4
            address = "{}:{}".format(*device.getsockname())
        events = [listener.event("message") for _ in range(4)]
    assert [event["text"] for event in events] == ["finger 07", "finger 12", "\ufffd\ufffd", "finger 9"]
    assert {event["data"]["device"] for event in events} == {address}
    assert {event["by"]["name"] for event in events} == {"examples"}


def test_a_device_that_waits_to_be_called_is_called_again_when_it_hangs_up(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0)) as device, place.listener("gate") as listener:
        device.settimeout(60)
        port = device.getsockname()[1]
        command = [sys.executable, READER, "connect", f"tcp:127.0.0.1:{port}", "gate"]
        with running(command, place.environment):
            for text in ("first", "second"):
                line, _address = device.accept()
                with line:
                    line.settimeout(20)
                    line.sendall(f"{text}\n".encode())
                    assert told(line, 1) == [b"ok\n"]
        assert [listener.event("message")["text"] for _ in range(2)] == ["first", "second"]


@pytest.fixture
def shop() -> Iterator[str]:
    """A database with the example's tables."""
    name = postgresql.server().database()
    postgresql.server().execute((EXAMPLES / "postgresql/outbox.sql").read_text(), name)
    yield name
    postgresql.server().drop(name)


def test_what_is_committed_is_published_once_and_in_order(place: Place, shop: str) -> None:
    def order(number: int, state: str) -> str:
        return f"INSERT INTO orders VALUES ({number}, 'Ana', '{state}')"

    execute = postgresql.server().execute
    command = [sys.executable, RELAY, postgresql.server().url(shop)]
    with place.listener("orders") as listener:
        execute(order(1, "new"), shop)
        with running(command, place.environment) as process:
            wait_until_ready(process)
            execute(f"BEGIN; {order(2, 'new')}; ROLLBACK", shop)
            execute("UPDATE orders SET state = 'paid'", shop)
            told = [listener.event("message") for _ in range(2)]
        execute(f"{order(3, 'new')}; {order(4, 'new')}", shop)
        with running(command, place.environment):
            told += [listener.event("message") for _ in range(2)]
            execute("UPDATE orders SET state = 'sent' WHERE id = 1", shop)
            told.append(listener.event("message"))
    states = [(event["data"]["order"], event["data"]["state"]) for event in told]
    assert states == [(1, "new"), (1, "paid"), (3, "new"), (4, "new"), (1, "sent")]
    assert told[0]["text"] == "order 1 of Ana is new"
    assert [event["seq"] for event in told] == [1, 2, 3, 4, 5]
