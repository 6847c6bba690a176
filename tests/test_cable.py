"""The cable, with which other tests test."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from .cable import PATIENCE, Cable
from .postgresql import wait_for


@pytest.fixture
def cable() -> Iterator[Cable]:
    """To a server that says what it is told."""
    server = socket.create_server(("127.0.0.1", 0))

    def echo(connection: socket.socket) -> None:
        with connection:
            try:
                while said := connection.recv(1000):
                    connection.sendall(said)
            except OSError:
                pass

    def serve() -> None:
        try:
            while True:
                Thread(target=echo, args=(server.accept()[0],), daemon=True).start()
        except OSError:
            pass

    Thread(target=serve, daemon=True).start()
    with Cable(server.getsockname()[1]) as made:
        yield made
    server.shutdown(socket.SHUT_RDWR)
    server.close()


def connected(cable: Cable) -> socket.socket:
    return socket.create_connection(("127.0.0.1", cable.port), PATIENCE)


def asked(connection: socket.socket, what: bytes) -> bytes:
    connection.sendall(what)
    return connection.recv(1000)


def test_what_is_held_comes_once_it_is_released(cable):
    with connected(cable) as connection:
        assert asked(connection, b"one") == b"one"
        cable.hold("down")
        connection.sendall(b"two")
        wait_for(lambda: cable.waiting)
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1000)
        connection.settimeout(PATIENCE)
        cable.release()
        assert connection.recv(1000) == b"two"
        assert (cable.waiting, cable.held) == (0, 1)


def test_who_connects_while_it_holds_is_let_in_and_not_answered(cable):
    cable.hold()
    with connected(cable) as connection:
        connection.sendall(b"hello")
        wait_for(lambda: cable.waiting)
        cable.release()
        assert connection.recv(1000) == b"hello"


def test_an_unplugged_cable_refuses_until_it_is_plugged_in(cable):
    with connected(cable) as connection:
        assert asked(connection, b"one") == b"one"
        cable.unplug()
        with pytest.raises(ConnectionResetError):
            connection.recv(1000)
    with pytest.raises(ConnectionRefusedError):
        connected(cable)
    cable.plug_in()
    with connected(cable) as connection:
        assert asked(connection, b"two") == b"two"


def test_what_is_delayed_comes_later(cable):
    cable.delay = 0.01
    with connected(cable) as connection:
        assert asked(connection, b"one") == b"one"


def test_cutting_ends_all_connections(cable):
    with connected(cable) as one, connected(cable) as other:
        for connection in (one, other):
            assert asked(connection, b"one") == b"one"
        cable.cut()
        for connection in (one, other):
            with pytest.raises(ConnectionResetError):
                connection.recv(1000)
    with connected(cable) as connection:
        assert asked(connection, b"two") == b"two"
