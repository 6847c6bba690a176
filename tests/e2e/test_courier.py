"""The courier's process: which requests it makes, and what it says of those that come to nothing."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .receivers import Answer, Got, Receiver, free_port


class Courier:
    """One at work."""

    def __init__(self, *allowed: str, seconds: float = 2, **env: str) -> None:
        import os

        self.process = subprocess.Popen(
            [sys.executable, "-m", "chatroom.doors.courierprocess", str(seconds), *allowed],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **env},
        )

    def send(self, *urls: str, body: bytes = b"{}", **headers: str) -> dict[int, dict[str, Any]]:
        """Have a request made to each, and wait for all outcomes."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        for number, url in enumerate(urls):
            parcel = [url, {"webhook-id": "msg_1", **headers}, b64encode(body).decode()]
            self.process.stdin.write(json.dumps([number, parcel]).encode() + b"\n")
        self.process.stdin.flush()
        found = {}
        for _ in urls:
            number, (status, answer, after, problem) = json.loads(self.process.stdout.readline())
            found[number] = {
                "status": status,
                "body": b64decode(answer),
                "retry_after": after,
                "problem": problem,
            }
        return dict(sorted(found.items()))

    def end(self) -> int:
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(timeout=30)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.go()


@pytest.fixture(scope="module")
def courier() -> Iterator[Courier]:
    made = Courier("127.0.0.0/8")
    yield made
    assert made.end() == 0


@pytest.fixture(scope="module")
def strict() -> Iterator[Courier]:
    made = Courier()
    yield made
    assert made.end() == 0


def test_a_request_is_made_as_it_is_asked_for(courier, receiver):
    receiver.answer = lambda _got: Answer(201, b'{"text": "hi"}')
    (outcome,) = courier.send(receiver.url + "?a=b%20c", body="hellö".encode()).values()
    assert outcome == {"status": 201, "body": b'{"text": "hi"}', "retry_after": None, "problem": ""}
    (got,) = receiver.got
    assert (got.path, got.headers["webhook-id"], got.body) == ("/hook?a=b%20c", "msg_1", "hellö".encode())


def test_a_connection_is_used_again_and_a_closed_one_is_no_harm(courier, receiver):
    for _ in range(3):
        assert courier.send(receiver.url)[0]["status"] == 200
    assert receiver.connections == 1


def test_a_name_is_looked_up(courier, receiver):
    assert courier.send(receiver.url.replace("127.0.0.1", "localhost"))[0]["status"] == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", "169.254.169.254", "127.1"])
def test_a_private_address_is_refused_before_anything_is_sent(strict, receiver, host):
    outcome = strict.send(receiver.url.replace("127.0.0.1", host))[0]
    assert outcome["status"] is None
    assert "no public address" in outcome["problem"]
    assert receiver.connections == 0


def test_a_redirect_is_not_followed(courier, receiver):
    other = Receiver()
    receiver.answer = lambda _got: Answer(302, b"", (("Location", other.url),))
    assert courier.send(receiver.url)[0]["status"] == 302
    assert other.connections == 0
    other.go()


def test_a_receiver_that_is_away_hangs_or_hangs_up_is_told_of(courier, receiver):
    hang = threading.Event()
    receiver.answer = lambda _got: (hang.wait(30), Answer())[1]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        threading.Thread(target=lambda: silent.accept()[0].close(), daemon=True).start()
        closing = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        outcomes = courier.send(f"http://127.0.0.1:{free_port()}/", receiver.url, closing)
    hang.set()
    assert [outcome["status"] for outcome in outcomes.values()] == [None] * 3
    assert "refused" in outcomes[0]["problem"]
    assert outcomes[1]["problem"] == "there was no answer within 2 s"
    assert outcomes[2]["problem"]


def test_a_body_that_never_ends_is_cut_off(courier):
    with socket.create_server(("127.0.0.1", 0)) as endless:

        def answer() -> None:
            connection, _ = endless.accept()
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    connection.sendall(b"x" * 4096)
            except OSError:
                pass

        threading.Thread(target=answer, daemon=True).start()
        outcome = courier.send(f"http://127.0.0.1:{endless.getsockname()[1]}/")[0]
    assert (outcome["status"], outcome["body"]) == (200, b"")


@pytest.mark.parametrize(
    ("raw", "seconds"), [("120", 120), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("soon", None), ("-1", None)]
)
def test_retry_after_is_read(courier, receiver, raw, seconds):
    receiver.answer = lambda _got: Answer(503, b"", (("Retry-After", raw),))
    outcome = courier.send(receiver.url)[0]
    assert (outcome["status"], outcome["retry_after"]) == (503, seconds)


def test_cookies_are_not_kept(courier, receiver):
    receiver.answer = lambda _got: Answer(200, b"", (("Set-Cookie", "a=b"),))
    for _ in range(2):
        courier.send(receiver.url)
    assert "cookie" not in receiver.got[1].headers


def test_a_certificate_is_verified(courier, pem: Path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    receiver = Receiver()
    assert receiver._server is not None
    receiver._server.socket = context.wrap_socket(receiver._server.socket, server_side=True)
    url = receiver.url.replace("http://127.0.0.1", "https://localhost")
    assert "certificate verify failed" in courier.send(url)[0]["problem"]
    trusting = Courier("127.0.0.0/8", "::1", SSL_CERT_FILE=str(pem))
    right, wrong = trusting.send(url, url.replace("localhost", "127.0.0.2")).values()
    assert (right["status"], right["problem"]) == (200, "")
    assert wrong["status"] is None
    assert trusting.end() == 0
    receiver.go()


def test_it_ends_with_the_server_whatever_hangs(receiver):
    hang = threading.Event()
    receiver.answer = lambda _got: (hang.wait(30), Answer())[1]
    courier = Courier("127.0.0.1", seconds=60)
    assert courier.process.stdin is not None
    courier.process.stdin.write(json.dumps([1, [receiver.url, {}, ""]]).encode() + b"\n")
    courier.process.stdin.flush()
    receiver.wait_for(lambda got: isinstance(got[0], Got) if got else False)
    assert courier.end() == 0
    hang.set()
