"""Every example in docs/http-api.md is run, and answered as it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..e2e.conftest import servers
from ..e2e.server import Server

PAGE = (Path(__file__).parents[2] / "docs/http-api.md").read_text()
PROGRAMS = Path(sys.executable).parent
MARK = "--- next ---"

CHANGING = [
    (re.compile(r'"at":\d{13}'), '"at":1700000000000'),
    (re.compile(r"([ub@])[0-9a-f]{24}"), r"\g<1>0123456789abcdef01234567"),
]
"""What is different each time."""


def examples() -> list[tuple[str, str]]:
    """Each command of the page with what it prints."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, told = part, ""
            lines = part.splitlines()
            end = next(n for n, line in enumerate(lines) if not line.endswith("\\"))
            command, told = "\n".join(lines[: end + 1]), "\n".join(lines[end + 1 :])
            found.append((command, told))
    return found


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    for start in servers(tmp_path_factory.mktemp("api")):
        yield start()


def test_the_examples_are_answered_as_the_page_says(server: Server) -> None:
    environment = {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "URL": server.url,
        "DATA": str(server.data),
        "HOME": str(server.folder),
    }
    commands = [command for command, _told in examples()]
    add = 'echo "correct horse battery" | chatroom user add Ana --password-stdin --data "$DATA" >/dev/null'
    script = "\n".join(["set -e", add, *(f"{command}\necho; echo '{MARK}'" for command in commands)])
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout
    for pattern, instead in CHANGING:
        printed = pattern.sub(instead, printed)
    answers = [answer.strip() for answer in printed.split(MARK)][:-1]
    for (command, told), answer in zip(examples(), answers, strict=True):
        assert (command, answer) == (command, told)


def test_the_page_names_every_scope() -> None:
    from chatroom.domain import scopes

    for one in re.findall(r"(?:publish|read|direct|manage):\w+", scopes.FORMS):
        assert f"`{one}`" in PAGE
