"""The `chatroom` command, in this process and once as a program."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatroom import certificate
from chatroom.cli import PARTS, main, parser


def test_cert_makes_a_pem_that_the_server_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key.pem"
    assert main(["cert", str(path), "--host", "chat.example", "--host", "10.0.0.7"]) == 0
    certificate.check(path, path, datetime.now(UTC))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"{path}: good for chat.example, 10.0.0.7, localhost")


def test_cert_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key.pem"
    path.write_text("precious")
    assert main(["cert", str(path)]) == 1
    assert path.read_text() == "precious"
    assert capsys.readouterr().err == (
        f"chatroom: {path} is there already; move it away, or name another file\n"
    )


def test_cert_into_a_folder_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "no" / "key.pem"
    assert main(["cert", str(path)]) == 1
    assert capsys.readouterr().err == f"chatroom: {path} cannot be written: No such file or directory\n"


def test_cert_for_what_is_no_host_makes_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "key.pem"
    assert main(["cert", str(path), "--host", "two words"]) == 1
    assert not path.exists()
    assert capsys.readouterr().err == (
        "chatroom: --host: 'two words' is neither a host name nor an address\n"
    )


@pytest.mark.parametrize("days", ["0", "-1", "x", "1.5", "36501", ""])
def test_days_are_a_number_of_days(tmp_path: Path, days: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cert", str(tmp_path / "key.pem"), f"--days={days}"])
    assert ended.value.code == 2
    assert "argument --days: a number of days from 1 to 36500" in capsys.readouterr().err


def test_no_command_is_answered_with_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_help_says_how_the_server_is_started_and_what_a_pem_is_for() -> None:
    run = [sys.executable, "-m", "chatroom.cli"]
    said = subprocess.run([*run, "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert "twistd -n chatroom" in said.stdout
    assert "make a self-signed certificate for development" in said.stdout
    said = subprocess.run([*run, "cert", "--help"], capture_output=True, text=True, timeout=60, check=True)
    assert "twistd -n chatroom --endpoint ssl:9443:privateKey=FILE" in said.stdout


def test_the_help_of_a_word_says_what_its_module_says() -> None:
    for word, part in PARTS.items():
        (alone,) = [line for line in parser(word).format_help().splitlines() if line.split()[:1] == [word]]
        assert alone in parser("").format_help().splitlines()
        assert part.what in " ".join(parser(word).format_help().split())


def test_a_command_loads_nothing_of_the_others() -> None:
    program = "import sys; from chatroom.cli import parser; parser('cert'); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    ).stdout.split()
    assert "chatroom.cli" in loaded
    assert not {"sqlalchemy", "twisted.internet", "autobahn"} & set(loaded)
