"""Logging in and out from the command line, against a real server; and the file that keeps it."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from .commands import Shell, administer
from .conftest import servers
from .server import Server

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests here."""
    for start in servers(tmp_path_factory.mktemp("commands")):
        yield start("--no-limits")


def test_who_logs_in_is_known_from_then_on(room: Server, tmp_path: Path) -> None:
    administer(room, "user", "add", "Lena", "--password-stdin", stdin=PASSWORD + "\n")
    shell = Shell(tmp_path / "config")
    login = ["login", room.url, "Lena", "--password-stdin"]
    assert "password" in shell.failed(4, *login, stdin="wrong password\n")
    assert not (shell.home / "chatroom").exists()
    shell.done(*login, stdin=f"{PASSWORD}\n")
    file = shell.home / "chatroom" / "config.toml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert PASSWORD not in file.read_text()
    shell.done("send", "--room", "cmd-login", "it is me")
    assert shell.events("cmd-login")[0]["by"]["name"] == "Lena"
    # The token is that server's alone.
    assert "nothing listens" in shell.failed(3, "send", "--url", "http://127.0.0.1:1", "x")
    assert "`chatroom login` makes one" in shell.failed(2, "send", "--profile", "other", "x")


def test_who_logs_out_is_known_no_more(room: Server, tmp_path: Path) -> None:
    administer(room, "user", "add", "Mira", "--password-stdin", stdin=PASSWORD + "\n")
    shell = Shell(tmp_path / "config")
    assert "there is no profile" in shell.failed(2, "logout")
    for profile in ("one", "two", "three"):
        login = ["login", room.url, "Mira", "--password-stdin", "--profile", profile]
        shell.done(*login, stdin=f"{PASSWORD}\n")
    file = shell.home / "chatroom" / "config.toml"
    kept = file.read_text()
    assert "called four; there are: one, three, two" in shell.failed(2, "logout", "--profile", "four")
    shell.done("logout", "--profile", "two")
    assert 'default = "one"' in file.read_text()
    assert "[profiles.two]" not in file.read_text()
    shell.done("logout", f"{room.url}/")
    assert "profiles" not in file.read_text()
    assert "default" not in file.read_text()
    # What a copy of the file would let in is not let in any more, and to end it again does no harm.
    file.write_text(kept)
    assert "log in again" in shell.failed(4, "send", "--room", "cmd-logout", "still me?")
    shell.done("logout")
    assert "[profiles.two]" in file.read_text()


def test_a_server_that_is_not_there_is_forgotten_where_that_is_asked_for(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "config")
    file = shell.home / "chatroom" / "config.toml"
    file.parent.mkdir(parents=True)
    for secret in ('token = "cl_x"', 'key = "ck_x"'):
        file.write_text(f'default = "gone"\n[profiles.gone]\nurl = "http://127.0.0.1:1"\n{secret}\n')
        file.chmod(0o600)
        if "token" in secret:
            assert "nothing listens" in shell.failed(3, "logout")
            assert "[profiles.gone]" in file.read_text()
        shell.done("logout", *(["--forget"] if "token" in secret else []))
        assert "gone" not in file.read_text()


def test_a_program_logs_in_with_its_key_and_its_file_keeps_its_comments(room: Server, tmp_path: Path) -> None:
    key = administer(room, "key", "add", "cmd-bot", "--can", "publish:cmd-key")
    shell = Shell(tmp_path / "config")
    file = shell.home / "chatroom" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("# mine\n")
    file.chmod(0o644)
    said = shell.give("login", room.url, "--key-stdin", "--profile", "bot", stdin=f"{key}\n")
    assert said.returncode == 0
    assert f"chmod 600 {file}" in said.stderr
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith("# mine\n")
    shell.done("send", "--profile", "bot", "--room", "cmd-key", "beep")
    assert "publish" in shell.failed(4, "send", "--profile", "bot", "--room", "cmd-other", "beep")
    shell.env["CHATROOM_KEY"] = key
    shell.done("send", "--url", room.url, "--room", "cmd-key", "boop")


@pytest.mark.parametrize("wrong", ["url = ", "[profiles.a]\nurl = 1", "[profiles.a]\ncolour = 'red'"])
def test_a_file_that_is_wrong_is_said_so_and_left_alone(tmp_path: Path, wrong: str) -> None:
    file = tmp_path / "chatroom" / "config.toml"
    file.parent.mkdir()
    file.write_text(wrong)
    file.chmod(0o600)
    assert f"{file} is not as it should be" in Shell(tmp_path).failed(1, "who")
    assert file.read_text() == wrong
