"""A proxy as some networks have it: HTTP goes through, WebSockets do not."""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress

_UPGRADE = re.compile(rb"^upgrade:\s*websocket", re.IGNORECASE | re.MULTILINE)
_REFUSAL = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class BreakingProxy:
    """Passes bytes on to `port` of this machine, but for requests that ask for a WebSocket.

    `refused`: how many those were.
    """

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self.refused = 0
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """End every connection, and take no more."""
        for one in (self._door, *self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._door.accept()
                self._open.add(client)
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        try:
            with client, socket.create_connection(self._target) as server:
                self._open.add(server)
                threading.Thread(target=_pump, args=(server, client), daemon=True).start()
                while data := client.recv(65536):
                    if _UPGRADE.search(data):
                        self.refused += 1
                        client.sendall(_REFUSAL)
                        break
                    server.sendall(data)
        except OSError:
            pass  # one of them is gone, and so is the other


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)
