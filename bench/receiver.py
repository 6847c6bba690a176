"""Takes webhooks: as little of an HTTP server as one client needs, in a process of its own.

    python -m bench.receiver CORE

Prints its port, then whenever it is asked by a line on its standard input how many requests it has
answered. It ends with that input.
"""

import os
import re
import select
import socket
import subprocess
import sys

from bench.servers import ROOT

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
_HEAD = re.compile(rb"(?i)content-length: *(\d+)")


class Receiver:
    """One at work."""

    def __init__(self, core: int) -> None:
        command = [sys.executable, "-m", "bench.receiver", str(core)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.url = f"http://127.0.0.1:{self._line()}/"

    def count(self) -> int:
        """How many requests it has answered so far."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        return int(self._line())

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


class _Connection:
    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._rest = b""

    def answer(self) -> int:
        """Answer what has come; how many requests that were, -1 at the end."""
        try:
            data = self.socket.recv(65536)
        except BlockingIOError:
            return 0
        except OSError:
            return -1
        if not data:
            return -1
        self._rest += data
        count = 0
        while (end := self._rest.find(b"\r\n\r\n")) >= 0:
            found = _HEAD.search(self._rest, 0, end)
            size = end + 4 + (int(found[1]) if found else 0)
            if len(self._rest) < size:
                break
            self._rest = self._rest[size:]
            count += 1
        if count:
            self.socket.sendall(_ANSWER * count)
        return count


def main() -> None:
    os.sched_setaffinity(0, {int(sys.argv[1])})
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(listener.getsockname()[1], flush=True)
    poll = select.epoll()
    for fd in (0, listener.fileno()):
        poll.register(fd, select.EPOLLIN)
    connections: dict[int, _Connection] = {}
    answered = 0
    while True:
        for fd, _event in poll.poll():
            if fd == 0:
                if not os.read(0, 4096):
                    return
                print(answered, flush=True)
            elif fd == listener.fileno():
                connected = listener.accept()[0]
                connected.setblocking(False)
                connections[connected.fileno()] = _Connection(connected)
                poll.register(connected.fileno(), select.EPOLLIN)
            elif (count := connections[fd].answer()) < 0:
                connections.pop(fd).socket.close()
            else:
                answered += count


if __name__ == "__main__":
    main()
