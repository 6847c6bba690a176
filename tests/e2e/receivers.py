"""Receivers of webhooks: a real HTTP server in a thread, which answers as the test says."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from .clients import PATIENCE


class Got(NamedTuple):
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def text(self) -> str:
        return str(self.told["data"]["text"])


class Answer(NamedTuple):
    """What is answered."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


class Receiver:
    """`answer` gives each request's answer, in a thread of its own; the port is kept when it goes away
    and comes back."""

    def __init__(self) -> None:
        self.got: list[Got] = []
        self.answer: Callable[[Got], Answer] = lambda _got: Answer()
        self._changed = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.connections = 0
        self.come()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def come(self) -> None:
        """Listen, from now on."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                receiver.connections += 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                got = Got(self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                with receiver._changed:
                    receiver.got.append(got)
                    receiver._changed.notify_all()
                answer = receiver.answer(got)
                try:
                    self.send_response(answer.status)
                    for name, value in answer.headers:
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(answer.body)))
                    self.end_headers()
                    self.wfile.write(answer.body)
                except OSError:
                    pass  # nobody waits for it any more

            def log_message(self, *_arguments: object) -> None:
                """Nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, *_arguments: object) -> None:
                """Connections are cut."""

        self._server = Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def go(self) -> None:
        """Be away: connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def wait_for(self, condition: Callable[[list[Got]], object], seconds: float = 3 * PATIENCE) -> None:
        """Wait until `condition` holds of what came."""
        deadline = time.monotonic() + seconds
        with self._changed:
            while not condition(self.got):
                left = deadline - time.monotonic()
                assert left > 0, f"it has not come; what has: {[got.body for got in self.got]}"
                self._changed.wait(left)

    def texts(self) -> list[str]:
        """The texts that came."""
        return [got.text for got in self.got]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
