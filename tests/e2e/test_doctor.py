"""`chatroom doctor` and `chatroom completion`, as programs."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import shtab

from chatroom.certificate import make
from chatroom.cli import PARTS
from chatroom.terminal import FILES, FOLDERS

from .commands import PATIENCE, Shell
from .conftest import Start, servers
from .server import TLS, Server


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests here that leave it running: so many commands take their time."""
    for start in servers(tmp_path_factory.mktemp("commands")):
        yield start("--no-limits")


@pytest.fixture
def shell(room: Server, tmp_path: Path) -> Shell:
    return Shell(tmp_path / "config", room.url)


def troubles(status: int, shell: Shell, *words: str) -> str:
    """What the doctor finds wrong, and says about it."""
    said = shell.give("doctor", *words)
    assert said.returncode == status, said.stdout + said.stderr
    found = re.findall(r"^!   .*\n    .*$", said.stdout, re.MULTILINE)
    assert len(found) == said.stdout.count("!   ")
    return "\n".join(found)


def test_a_server_that_is_well_is_said_to_be(shell: Shell) -> None:
    said = shell.done("doctor", "--name", "Doc")
    assert said.startswith("ws://127.0.0.1:")
    assert "WebSockets come through" in said
    assert "knows us as Doc (guest)" in said
    assert re.search(r"clock and ours differ by \d\.\d s", said)
    assert "!  " not in said


def test_whoever_is_not_let_in_is_told_so_at_the_end(shell: Shell) -> None:
    said = shell.give("doctor", "--key", "ck_wrong")
    assert (said.returncode, "WebSockets come through" in said.stdout) == (4, True)
    assert "check --key" in said.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1", "is the server running"),
        ("http://nowhere.invalid", "look at the spelling"),
        ("ws://{host}/elsewhere", "is the path right?"),
        ("https://{host}", "its URL begins with http:"),
    ],
)
def test_what_is_wrong_on_the_way_is_found(shell: Shell, room: Server, url: str, said: str) -> None:
    assert said in troubles(3, shell, "--url", url.format(host=f"127.0.0.1:{room.port}"))


def test_a_certificate_is_looked_at(server: Start, tmp_path: Path) -> None:
    pem = make(["localhost"], datetime.now(UTC), 5).decode()
    one = server("--no-limits", files={"key.pem": pem}, endpoints=(TLS,))
    (tmp_path / "ca.pem").write_text(pem)
    shell = Shell(tmp_path, f"https://localhost:{one.port}")
    assert "--ca FILE" in troubles(3, shell)
    trusted = troubles(0, shell, "--ca", str(tmp_path / "ca.pem"))
    assert re.search(r"good for [45] days, until .*\n    renew it", trusted)
    assert trusted.count("!") == 1
    by_address = f"https://127.0.0.1:{one.port}"
    said = troubles(3, shell, "--url", by_address, "--ca", str(tmp_path / "ca.pem"))
    assert "use a name that it is for" in said
    assert "believes it all the same" in troubles(0, shell, "--insecure")


def test_a_name_that_the_server_does_not_know_is_found(server: Start, tmp_path: Path) -> None:
    one = server("--no-limits", "--host", "chat.example")
    # Short for 127.0.0.1, and no name that the server knows.
    assert "start it with --host NAME" in troubles(3, Shell(tmp_path, f"http://127.1:{one.port}"))


class Proxy(BaseHTTPRequestHandler):
    """One that does not know of WebSockets."""

    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: Any, **_kw: Any) -> None:
        """Nothing."""


@pytest.fixture
def proxy() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever).start()
        yield proxy
        proxy.shutdown()


@pytest.mark.parametrize(("status", "said"), [(200, "docs/proxies.md"), (502, "its server does not")])
def test_a_proxy_in_the_way_is_found(
    proxy: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, said: str
) -> None:
    monkeypatch.setattr(Proxy, "status", status)
    assert said in troubles(3, Shell(tmp_path, f"http://127.0.0.1:{proxy.server_port}"))


COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
$(complete -p chatroom | sed 's/.*-F \\([^ ]*\\).*/\\1/') chatroom "${COMP_WORDS[COMP_CWORD]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What bash is given to complete the commands."""
    folder = tmp_path_factory.mktemp("completion")
    path = folder / "chatroom.bash"
    path.write_text(Shell(folder).done("completion", "bash"))
    return path


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["chatroom", "comp"], {"completion"}),
        (["chatroom", ""], set(PARTS)),
        (["chatroom", "key", ""], {"add", "list", "revoke"}),
        (["chatroom", "tail", "--si"], {"--since"}),
        (["chatroom", "completion", ""], {"bash", "zsh"}),
        (["chatroom", "cert", "/et"], {"/etc"}),
    ],
)
def test_bash_completes(script: Path, words: list[str], offered: set[str]) -> None:
    run = ["bash", "--norc", "-c", COMPLETE, "bash", str(script), *words]
    done = subprocess.run(run, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stderr == ""
    assert offered <= set(done.stdout.split())


def test_files_are_completed_as_shtab_does_it() -> None:
    for shell in ("bash", "zsh"):
        assert (shtab.FILE[shell], shtab.DIRECTORY[shell]) == (FILES[shell], FOLDERS[shell])


def test_zsh_is_given_a_function_of_its_own(tmp_path: Path) -> None:
    assert Shell(tmp_path).done("completion", "zsh").startswith("#compdef chatroom\n")
