"""What docs/events.md shows does what it says: in a shell, in PHP, and in a browser."""

from __future__ import annotations

import json
import os
import re
import selectors
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ..e2e.clients import PATIENCE, JsonClient
from ..e2e.conftest import servers
from ..e2e.server import Server

PAGE = (Path(__file__).parents[2] / "docs/events.md").read_text()
HOST = "https://chat.example.org"


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    for start in servers(tmp_path_factory.mktemp("events")):
        yield start("--no-limits")


@pytest.fixture
def sensor(server: Server) -> Iterator[JsonClient]:
    with JsonClient(server.ws, "sensor") as sensor:
        yield sensor


class Shown:
    """What a program prints, as it comes."""

    def __init__(self, *command: str) -> None:
        if shutil.which(command[0]) is None:
            reason = f"{command[0]} is not on the PATH: tools/system-packages test would install it"
            if os.environ.get("CHATROOM_REQUIRE_ALL"):
                pytest.fail(reason)
            pytest.skip(reason)
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.text = ""

    def until(self, pattern: str) -> str:
        """All of it, as soon as that is there."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + PATIENCE
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not re.search(pattern, self.text):
                assert selector.select(deadline - time.monotonic()), f"no {pattern!r}: {self.text}"
                piece = os.read(self.process.stdout.fileno(), 65536)
                assert piece, f"ended: {self.text}"
                self.text += piece.decode()
        return self.text


@contextmanager
def shown(*command: str) -> Iterator[Shown]:
    program = Shown(*command)
    try:
        yield program
    finally:
        program.process.kill()
        program.process.communicate()


def lines_of(stream: str) -> list[str]:
    """What each line of a stream is, without what is different each time."""
    kinds = [re.sub(r"\d+$", "N", line) if line.startswith("retry") else line for line in stream.split("\n")]
    return [re.sub(r"^(id: )\S+:\d+", r"\1E:N", line).partition("{")[0] for line in kinds]


def test_curl_shows_what_the_page_shows(server: Server, sensor: JsonClient) -> None:
    live, again = examples("sh")
    (expected,) = re.findall(r"```\n(id: .*?)```", PAGE, re.DOTALL)
    with shown("curl", "-s", *live.replace(HOST, server.url).split()[1:]) as curl:
        curl.until(r"retry: \d+\n\n")
        sensor.post("23.5 degrees", room="ops")
        printed = curl.until(r"data: .*\n\n")
    assert lines_of(printed.rstrip()) == lines_of(expected.rstrip())
    first, told = json.loads(expected.split("data: ")[1]), json.loads(printed.split("data: ")[1])
    assert (told["type"], told["text"], list(told)) == (first["type"], first["text"], list(first))

    last = re.findall(r"id: (\S+)", printed)[0]
    command = re.sub(r"x92\w+:41", last, again).replace(HOST, server.url)
    with shown("bash", "-c", f"exec {command}") as curl:
        assert '"text":"23.5 degrees"' in curl.until(r"data: .*\n\n")


def test_php_reads_it_with_what_it_has(server: Server, sensor: JsonClient, tmp_path: Path) -> None:
    (code,) = examples("php")
    script = tmp_path / "listen.php"
    script.write_text(
        f"<?php\n{code}".replace(f"{HOST}/events?room=ops", f"{server.url}/events?room=php&since=0")
    )
    sensor.post("23.5 degrees", room="php")
    with shown("php", "-d", "output_buffering=0", "-d", "implicit_flush=1", str(script)) as php:
        php.until("23.5 degrees\n")
        sensor.post("24 degrees", room="php")
        php.until("24 degrees\n")


def test_the_sessions_that_the_page_describes_are_there(server: Server) -> None:
    made = subprocess.run(
        ["curl", "-s", "-X", "POST", f"{server.url}/session"], capture_output=True, check=True, timeout=30
    )
    session = f"{server.url}/session/{json.loads(made.stdout)['session']}"
    with shown("curl", "-sN", f"{session}/events") as stream:
        stream.until(":\n\n")
        body = '[{"type":"hello","name":"Ana"},{"type":"ping"}]'
        subprocess.run(
            ["curl", "-s", "-d", body, "-H", "Content-Type: application/json", session],
            capture_output=True,
            check=True,
            timeout=30,
        )
        assert '"type":"welcome"' in stream.until('"type":"pong"')
