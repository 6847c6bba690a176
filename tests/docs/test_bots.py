"""Every example in docs/bots.md is run, and answered as it says."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..core.house import House
from ..e2e.conftest import servers
from ..e2e.server import Server
from .console import answers, examples

PAGE = (Path(__file__).parents[2] / "docs/bots.md").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    for start in servers(tmp_path_factory.mktemp("bots")):
        yield start()


def test_the_commands_are_answered_as_the_page_says(server: Server) -> None:
    assert answers(PAGE, server) == examples(PAGE)


def test_the_requests_over_a_websocket_are_answered() -> None:
    house = House()
    token = house.key("publish:ops", "read:ops")
    bot = house.json(token=token)
    requests = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    assert len(requests) >= 4
    for request in requests[1:]:
        kind = request.pop("type")
        bot.does(kind, **{name: value for name, value in request.items() if name != "id"})
    assert requests[0]["type"] == "hello"
    (message,) = [event for event in house.log("ops") if hasattr(event, "reactions")]
    assert "resolved" in message.text
