"""Mistakes on the command line, as a person meets them: one line each, that says how to mend it.

Here is one of each kind, in processes of their own; all others are in tests/test_options.py and
tests/test_tap.py.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from .server import run

MISTAKES: dict[str, str] = {
    "--limit foo": "--limit takes name=value with one of these names: message_bytes, .*; not 'foo'",
    "--app sala": "--app is module:Class, as in --app sala:Sala, not 'sala'",
    "--endpoint nonsense:1": "--endpoint 'nonsense:1': there is no kind of endpoint called 'nonsense'; .*",
    "--data /dev/null": "/dev/null is a file: --data takes a folder",
    "extra words": "'extra' is no option; twistd chatroom --help shows them",
}


def test_help_and_version(tmp_path: Path) -> None:
    helped = run("--help", folder=tmp_path)
    assert (helped.returncode, helped.stderr) == (0, "")
    said = " ".join(helped.stdout.split())
    assert "With no options: a room for everybody at http://localhost:9000" in said
    assert "--endpoint= Where to listen, as a Twisted endpoint string; repeatable." in said
    assert "--guests= Whether people without an account are let in: yes or no. [default: yes]" in said
    version = run("--version", folder=tmp_path)
    assert (version.returncode, version.stderr) == (0, "")
    assert re.fullmatch(r"chatroom \d+\.\d+\S*\n", version.stdout)
    assert list(tmp_path.iterdir()) == [], "nothing was made"


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CompletedProcess[str]]:
    """What each comes to; they are made side by side."""
    folder = tmp_path_factory.mktemp("mistakes")
    with ThreadPoolExecutor(3) as pool:
        return dict(pool.map(lambda typed: (typed, run(*typed.split(), folder=folder, timeout=60)), MISTAKES))


@pytest.mark.parametrize("typed", MISTAKES)
def test_a_mistake_is_explained_in_one_line(ends: dict[str, CompletedProcess[str]], typed: str) -> None:
    ended = ends[typed]
    assert (ended.returncode, ended.stdout) == (1, "")
    lines = ended.stderr.splitlines()
    assert len(lines) == 1, ended.stderr
    assert re.fullmatch(f"chatroom: {MISTAKES[typed]}", lines[0]), lines[0]
