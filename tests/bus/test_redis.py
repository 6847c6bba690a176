"""The bus over a Redis that is killed, that hangs, that wants to know who is there; and its URL."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.logger import LogLevel

from chatroom.options import Options

from .. import redis
from ..cable import Cable
from ..logs import Logs
from .ends import OverRedis

pytest.importorskip("hiredis")

from chatroom.bus import redis as adapter


@pytest.fixture
def ends() -> Iterator[OverRedis]:
    server = redis.server()
    made = OverRedis(server)
    yield made
    made.close()
    server.end()


def test_it_mends_itself_when_redis_was_killed_and_listens_to_what_it_did(ends):
    one, two = ends.more(), ends.more()
    two.listen("a")
    ends.settle(one, two)
    ends.at.signal(signal.SIGKILL)
    ends.wait(lambda: not one.up and not two.up)
    one.publish("a", b"lost")
    two.listen("b")
    ends.at.start()
    ends.wait(lambda: one.up and two.up)
    assert (ends.mended[one], ends.mended[two]) == (2, 2)
    # What one says may be there before Redis has read what the other wants to hear.
    ends.settle(one, two)
    one.publish("a", b"a")
    one.publish("b", b"b")
    ends.settle(one, two)
    assert ends.told(two) == [("a", b"a"), ("b", b"b")]


def test_a_redis_that_hangs_is_given_up_and_taken_again(ends, monkeypatch):
    monkeypatch.setattr(adapter, "PING", 0.1)
    monkeypatch.setattr(adapter, "SILENCE", 0.5)
    monkeypatch.setattr(adapter, "BACKLOG", 1_000_000)
    one = ends.more()
    one.listen("a")
    ends.settle(one)
    ends.at.signal(signal.SIGSTOP)
    for _ in range(200):
        one.publish("a", b"x" * 100_000)
    assert one._line._size <= 1_000_000
    ends.wait(lambda: not one.up)
    ends.at.signal(signal.SIGCONT)
    ends.wait(lambda: one.up)
    ends.settle(one)


def test_a_redis_that_takes_connections_and_says_nothing_is_tried_until_it_does(monkeypatch):
    monkeypatch.setattr(adapter, "PING", 0.1)
    monkeypatch.setattr(adapter, "SILENCE", 0.5)
    server = redis.server()
    with Cable(server.port) as cable, Logs() as logs:
        cable.hold("down")
        ends = OverRedis(server, f"redis://127.0.0.1:{cable.port}")
        end = ends.end()
        ends.heard[end] = []
        end.start("server")
        ends.wait(lambda: cable.held >= 2)
        assert not end.up
        cable.release()
        ends.wait(lambda: end.up)
        assert len(logs.of(LogLevel.error)) == 1
        ends.close()
    server.end()


def test_a_connection_that_redis_ends_is_made_again_and_what_was_lost_is_asked_for(ends):
    one = ends.more()
    one.listen("a")
    ends.settle(one)
    with socket.create_connection(("127.0.0.1", ends.at.port)) as other:
        # As it does where a client reads too slowly (client-output-buffer-limit), or is to be gone.
        other.sendall(b"CLIENT KILL TYPE pubsub\r\n")
        ends.wait(lambda: ends.mended[one] == 2)
    ends.settle(one)
    one.publish("a", b"after")
    ends.settle(one)
    assert ends.told(one) == [("a", b"after")]


def test_a_node_that_stood_still_keeps_its_connection(ends, monkeypatch):
    one = ends.more()
    one.listen("a")
    ends.settle(one)
    line = one._line
    # Its clock alone goes on.
    line._heard -= 10 * adapter.SILENCE
    line._checked -= 10 * adapter.SILENCE
    line._timer.cancel()
    line._check()
    assert one.up
    line._heard -= 10 * adapter.SILENCE
    line._timer.cancel()
    line._check()
    assert not one.up


def test_a_wrong_password_is_said_once_and_tried_again():
    server = redis.server("--port", "{port}", "--requirepass", "secret")
    ends = OverRedis(server, server.url.replace("//", "//default:wrong@"))
    bus = ends.end()
    with Logs() as logs:
        bus.start("server")
        ends.wait(lambda: bus._down)
        ends.wait(lambda: bus._tries > 2)
    said = [one for one in logs.of(LogLevel.error) if "WRONGPASS" in one]
    assert len(said) == 1
    assert "secret" not in said[0]
    assert "wrong" not in said[0]
    assert not bus.up
    ends.heard[bus] = []
    ends.close()
    server.end()


def test_over_tls_as_a_user_that_may_do_nothing_else(tmp_path, monkeypatch):
    pem = tmp_path / "key.pem"
    subprocess.run([sys.executable, "-m", "chatroom.cli", "cert", str(pem)], check=True, timeout=60)
    allowed = ["+hello", "+ping", "+publish", "+subscribe", "+unsubscribe"]
    server = redis.server(
        *("--port", "0", "--tls-port", "{port}", "--tls-auth-clients", "no"),
        *("--tls-cert-file", str(pem), "--tls-key-file", str(pem)),
        *("--user", "chat", "on", ">s3cret", "resetchannels", "&chatroom:*", "-@all", *allowed),
    )
    (tmp_path / "password").write_text("s3cret\n")
    where = f"rediss://chat@localhost:{server.port}?ca={pem}&password-file={tmp_path / 'password'}"
    ends = OverRedis(server, where)
    # Twisted's TLS gathers small writes until the global reactor's next turn, which does not run here.
    monkeypatch.setattr("twisted.protocols.tls._get_default_clock", lambda: ends._reactor)
    one, two = ends.more(), ends.more()
    two.listen("a")
    ends.settle(one, two)
    one.publish("a", b"a")
    ends.settle(one, two)
    assert ends.told(two) == [("a", b"a")]
    ends.close()

    stranger = OverRedis(server, f"rediss://chat:s3cret@localhost:{server.port}")
    bus = stranger.end()
    bus.start("server")
    stranger.wait(lambda: bus._down)
    assert not bus.up
    stranger.heard[bus] = []
    stranger.close()
    server.end()


# The URL.


def test_a_place_has_what_its_url_says_and_shows_nothing_secret():
    found = adapter.place("redis://ana:p%40ss@[::1]:7000")
    assert found == adapter.Place("::1", 7000, "ana", "p@ss")
    assert str(found) == "redis://[::1]:7000"
    assert adapter.place("redis://:word@example.org").password == "word"
    assert adapter.place("rediss://example.org") == adapter.Place("example.org", 6379, tls=True)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("example.org:6379", "redis://127.0.0.1:6379"),
        ("http://example.org", "redis://127.0.0.1:6379"),
        ("redis://", "redis://127.0.0.1:6379"),
        ("redis://host:port", "redis://127.0.0.1:6379"),
        ("redis://host/3", "redis://127.0.0.1:6379"),
        ("redis://host?db=3", "'db'"),
        ("redis://ana@host", "without a password"),
        ("redis://host?ca=x.pem", "rediss://"),
        ("redis://host?password-file=/nowhere/at/all", "cannot be read"),
        ("rediss://host?ca=/nowhere/at/all", "cannot be read"),
        ("rediss://host?ca=" + __file__, "no certificate"),
    ],
)
def test_what_is_wrong_with_a_url_is_said_in_a_line(url: str, said: str):
    with pytest.raises(SystemExit) as ended:
        Options().parseOptions(["--store", "postgresql://host/chat", "--bus", url])
    assert said in str(ended.value)
    assert str(ended.value).startswith("chatroom: --bus")
    assert "\n" not in str(ended.value)


def test_a_bus_without_a_database_that_is_shared_is_a_mistake(tmp_path: Path):
    for more in ([], ["--store", f"sqlite:///{tmp_path}/log"]):
        with pytest.raises(SystemExit, match="--store postgresql://"):
            Options().parseOptions(["--bus", "redis://host", *more])
