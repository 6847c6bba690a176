"""Servers under test, as child processes on free loopback ports."""

import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from chatroom.certificate import write_own

from .checkout import CHECKOUT, environment

# Twisted logs this for each port it listens on. Port 0 on the command line and the number from this
# line, and no other process can take the port in between.
LISTENING = re.compile(r"(?P<tls>\(TLS\))? starting on (?P<port>\d+)$")

# The suite's largest message is 16 MiB, and comes back in one piece: sizes that no chat room should
# allow, and so off by default.
LIMITS = ("--limit", "message_bytes=16777216", "--limit", "backlog_bytes=33554432")

START_SECONDS = 60
STOP_SECONDS = 10

PLAIN = "plain"
TLS = "tls"
TRANSPORTS = (PLAIN, TLS)


class TesteeError(Exception):
    """The server under test did not start."""


@contextmanager
def chatroom(folder: Path) -> Iterator[Mapping[str, str]]:
    """The real server with its echo, for the time of the block.

    Yields the echo's URL for each transport: {"plain": "ws://...", "tls": "wss://..."}.
    folder: an empty folder of the caller's, for the server's data, key and log.
    TesteeError with the end of its log when it does not come up.
    """
    certificate = write_own(folder / "key.pem", "localhost", "127.0.0.1")
    twistd = Path(sys.executable).with_name("twistd")
    argv = [
        *(str(twistd), "-n", "--pidfile=", "chatroom", "--compliance", "--no-limits", *LIMITS),
        *("--data", str(folder / "data")),
        *("--endpoint", "tcp:0:interface=127.0.0.1"),
        *("--endpoint", f"ssl:0:privateKey={certificate}:interface=127.0.0.1"),
    ]
    with process(argv, folder / "server.log", _chatroom_url, len(TRANSPORTS)) as urls:
        yield urls


def _chatroom_url(line: str) -> tuple[str, str] | None:
    found = LISTENING.search(line)
    if found is None:
        return None
    if found["tls"]:
        return TLS, f"wss://127.0.0.1:{found['port']}/echo"
    return PLAIN, f"ws://127.0.0.1:{found['port']}/echo"


@contextmanager
def process(
    argv: Sequence[str],
    log: Path,
    announced: Callable[[str], tuple[str, str] | None],
    expected: int,
) -> Iterator[Mapping[str, str]]:
    """Run a server for the time of the block, yielding the URLs it announced, by name.

    announced: reads a line of output; a name and a URL where the line announces one.
    expected: how many names to wait for. TesteeError when the process ends before it announced
    them, or after START_SECONDS.
    """
    server = subprocess.Popen(
        argv,
        cwd=CHECKOUT,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_copy, args=(server, log, lines), daemon=True)
    reader.start()
    try:
        yield _wait(lines, log, announced, expected)
    finally:
        _stop(server)
        reader.join(STOP_SECONDS)


def _copy(server: "subprocess.Popen[str]", log: Path, lines: "queue.Queue[str | None]") -> None:
    # Reads on after the start: a server whose output nobody takes stands still.
    assert server.stdout is not None
    with server.stdout, log.open("w", encoding="utf-8") as file:
        for line in server.stdout:
            file.write(line)
            file.flush()
            lines.put(line.rstrip())
    lines.put(None)


def _wait(
    lines: "queue.Queue[str | None]",
    log: Path,
    announced: Callable[[str], tuple[str, str] | None],
    expected: int,
) -> dict[str, str]:
    urls: dict[str, str] = {}
    while len(urls) < expected:
        try:
            line = lines.get(timeout=START_SECONDS)
        except queue.Empty:
            raise TesteeError(f"not listening after {START_SECONDS} s: {_end_of(log)}") from None
        if line is None:
            raise TesteeError(f"ended at its start: {_end_of(log)}")
        found = announced(line)
        if found is not None:
            urls[found[0]] = found[1]
    return urls


def _end_of(log: Path) -> str:
    return "\n" + log.read_text(encoding="utf-8")[-2000:]


def _stop(server: "subprocess.Popen[str]") -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
