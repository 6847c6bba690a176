"""The README's shell example publishes, on a server as its readers have it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..e2e.clients import JsonClient
from ..e2e.conftest import servers
from ..e2e.server import Server

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    for start in servers(tmp_path_factory.mktemp("readme")):
        yield start()


def test_any_program_can_publish(server: Server) -> None:
    (example,) = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    script = (
        example.replace(".venv/bin/chatroom", str(Path(sys.executable).with_name("chatroom")))
        .replace("http://localhost:9000", server.url)
        .replace("chatroom-data", str(server.data))
    )
    with JsonClient(server.ws, "Ana") as ana:
        ana.join()
        ran = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=240, check=True)
        assert json.loads(ran.stdout)["room"] == "lobby"
        heard = ana.event()
    assert (heard["by"]["name"], heard["text"]) == ("door", "the door is open")
