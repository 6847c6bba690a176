"""The commands that a page shows, run one after the other against a server."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from ..e2e.server import Server

PROGRAMS = Path(sys.executable).parent
MARK = "--- next ---"

CHANGING = [
    (re.compile(r'"at":\d{13}'), '"at":1700000000000'),
    (re.compile(r"([ub@])[0-9a-f]{24}"), r"\g<1>0123456789abcdef01234567"),
]
"""What is different each time."""


def examples(page: str) -> list[tuple[str, str]]:
    """Each command of a page with what it prints."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", page, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = part.splitlines()
            end = next(n for n, line in enumerate(lines) if not line.endswith("\\"))
            found.append(("\n".join(lines[: end + 1]), "\n".join(lines[end + 1 :])))
    return found


def answers(page: str, server: Server, *before: str) -> list[tuple[str, str]]:
    """Each command of a page with what it printed here, after the commands `before`."""
    environment = {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "URL": server.url,
        "DATA": str(server.data),
        "HOME": str(server.folder),
    }
    commands = [command for command, _told in examples(page)]
    script = "\n".join(["set -e", *before, *(f"{command}\necho; echo '{MARK}'" for command in commands)])
    done = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    printed = done.stdout
    for pattern, instead in CHANGING:
        printed = pattern.sub(instead, printed)
    told = [answer.strip() for answer in printed.split(MARK)][:-1]
    return list(zip(commands, told, strict=True))
