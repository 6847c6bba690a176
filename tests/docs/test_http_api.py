"""Every example in docs/http-api.md is run, and answered as it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..e2e.conftest import servers
from ..e2e.server import Server
from .console import answers, examples

PAGE = (Path(__file__).parents[2] / "docs/http-api.md").read_text()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    for start in servers(tmp_path_factory.mktemp("api")):
        yield start()


def test_the_examples_are_answered_as_the_page_says(server: Server) -> None:
    add = 'echo "correct horse battery" | chatroom user add Ana --password-stdin --data "$DATA" >/dev/null'
    assert answers(PAGE, server, add) == examples(PAGE)


def test_the_page_names_every_scope() -> None:
    from chatroom.domain import scopes

    for one in re.findall(r"(?:publish|read|direct|manage):\w+", scopes.FORMS):
        assert f"`{one}`" in PAGE
