"""`chatroom send`, `tail`, `who`, `rooms` and the rest against a real server."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chatroom.certificate import make

from .clients import JsonClient
from .commands import PATIENCE, Shell, administer
from .conftest import Start, servers
from .server import TLS, Server

CHECKOUT = Path(__file__).parents[2]
LINES = 900
PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests here that leave it running: so many commands take their time."""
    for start in servers(tmp_path_factory.mktemp("commands")):
        yield start("--no-limits")


@pytest.fixture
def shell(room: Server, tmp_path: Path) -> Shell:
    return Shell(tmp_path / "config", room.url)


def test_a_message_is_sent_and_shown(shell: Shell) -> None:
    assert shell.done("send", "--room", "cmd-one", "--name", "Zoe", "hello\nall") == ""
    shown = shell.done("tail", "--room", "cmd-one", "--no-follow")
    assert shown.splitlines()[0].endswith("<Zoe> hello")
    assert shown.splitlines()[1] == "    all"
    (event,) = shell.events("cmd-one")
    assert (event["type"], event["text"], event["by"]["name"]) == ("message", "hello\nall", "Zoe")


def test_lines_are_sent_in_their_order_without_the_empty_ones(shell: Shell) -> None:
    answers = shell.done("send", "--room", "cmd-lines", "--json", stdin="one\n\ntwo\r\nthree\xe9")
    assert [json.loads(line)["seq"] for line in answers.splitlines()] == [1, 2, 3]
    assert shell.texts("cmd-lines") == ["one", "two", "three\xe9"]


def test_what_is_no_utf8_is_sent_as_well_as_it_can_be(shell: Shell) -> None:
    shell.done("send", "--room", "cmd-bytes", stdin=b"caf\xe9\n\x00\n")
    assert shell.texts("cmd-bytes") == ["caf\ufffd", "\ufffd"]


def test_a_line_that_is_too_long_is_named_and_what_was_before_is_sent(shell: Shell) -> None:
    long = "x" * 8001
    said = shell.failed(1, "send", "--room", "cmd-long", stdin=f"one\n{long}\nthree\n")
    assert said == "chatroom: line 2 is longer than 8000 characters: --split sends it in pieces"
    assert shell.texts("cmd-long") == ["one"]
    shell.done("send", "--room", "cmd-long", "--split", stdin=f"{long}\nthree\n")
    assert shell.texts("cmd-long")[1:] == ["x" * 8000, "x", "three"]
    assert "the message is longer" in shell.failed(1, "send", "--room", "cmd-long", long)


def test_more_than_a_page_is_shown_from_the_place_that_is_asked_for(shell: Shell) -> None:
    shell.done("send", "--room", "cmd-pages", stdin="".join(f"{number}\n" for number in range(1, 1301)))
    assert shell.texts("cmd-pages") == [str(number) for number in range(1, 1301)]
    newest = shell.done("tail", "--room", "cmd-pages", "--no-follow", "--json", "-n", "700")
    assert [json.loads(line)["seq"] for line in newest.splitlines()] == list(range(601, 1301))
    assert shell.done("tail", "--room", "cmd-pages", "--no-follow", "-n", "0") == ""
    assert len(shell.done("tail", "--room", "cmd-pages", "--no-follow").splitlines()) == 10
    assert shell.done("tail", "--room", "cmd-pages", "--no-follow", "--since", "1300") == ""


def test_edits_and_deletions_are_shown_and_nothing_paints_the_terminal(shell: Shell, room: Server) -> None:
    with JsonClient(room.ws, "Painter") as client:
        client.join("cmd-deeds")
        client.post("\x1b[31mred", room="cmd-deeds")
        client.post("two", room="cmd-deeds")
        client.ask("edit", room="cmd-deeds", seq=1, text="\x1b[0mplain")
        client.ask("delete", room="cmd-deeds", seq=2)
        client.ask("react", room="cmd-deeds", seq=1, emoji="👍", on=True)
    shown = shell.done("tail", "--room", "cmd-deeds", "--no-follow")
    assert "\x1b" not in shown
    said = [line.partition("Painter")[2] for line in shown.splitlines()]
    assert said == [
        "> \ufffd[0mplain",
        "> (deleted)",
        " edited message 1: \ufffd[0mplain",
        " deleted message 2",
        " put 👍 on message 1",
    ]


def test_who_is_there_and_which_rooms_there_are(shell: Shell, room: Server) -> None:
    with JsonClient(room.ws, "Visitor") as client:
        client.join("cmd-who")
        assert shell.done("who", "--room", "cmd-who").split()[:5] == [
            "NAME",
            "KIND",
            "ID",
            "Visitor",
            "guest",
        ]
        (user,) = json.loads(shell.done("who", "--room", "cmd-who", "--json"))
        assert user == client.me["user"]
        listed = {one["name"]: one for one in json.loads(shell.done("rooms", "--json"))}
        assert listed["cmd-who"]["count"] == 1
        assert "cmd-who" in shell.done("rooms")


def test_a_direct_message_reaches_its_reader(shell: Shell, room: Server) -> None:
    with JsonClient(room.ws, "Reader") as client:
        shell.done("send", "--to", "Reader", "psst")
        assert client.event()["text"] == "psst"


@pytest.mark.parametrize(
    ("status", "words", "said"),
    [
        (2, ["send", "--url", "chat.example", "x"], "is no server's URL"),
        (2, ["send", "--url", "http://a:b@localhost", "x"], "--key"),
        (2, ["send", "--profile", "work", "x"], "there is no profile work"),
        (2, ["send", ""], "an empty message is none"),
        (2, ["send", "--room", "a", "--to", "b", "x"], "not allowed with"),
        (2, ["tail", "--since", "-1"], "a number from 0"),
        (3, ["send", "--url", "http://nowhere.invalid", "x"], "no host called nowhere.invalid"),
        (4, ["send", "--key", "ck_wrong", "x"], "check --key"),
        (4, ["send", "--room", "two words", "x"], "a room's name is"),
        (4, ["tail", "--room", "two words"], "a room's name is"),
        (4, ["send", "--to", "nobody-is-called-that", "x"], "nobody-is-called-that"),
    ],
)
def test_a_mistake_is_one_sentence_and_a_status(
    shell: Shell, status: int, words: list[str], said: str
) -> None:
    assert said in shell.failed(status, *words)


def test_a_refused_line_is_named(shell: Shell) -> None:
    assert shell.failed(4, "send", "--room", "two words", stdin="one\n").startswith(
        "chatroom: line 1: a room"
    )


def test_a_server_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        said = Shell(tmp_path).failed(3, "tail", "--url", f"http://127.0.0.1:{port}")
    assert (
        said
        == f"chatroom: nothing listens at 127.0.0.1:{port}; is the server running, and is the port right?"
    )


def test_what_is_no_chatroom_server_is_said_so(shell: Shell, room: Server) -> None:
    said = shell.failed(3, "who", "--url", room.ws.replace("/ws", "/elsewhere"))
    assert "there is no chatroom server at" in said
    said = shell.failed(3, "who", "--url", room.url.replace("http", "https"))
    assert "does not speak TLS" in said


@pytest.fixture
def running() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Programs that are ended when the test ends."""
    begun: list[subprocess.Popen[bytes]] = []
    yield begun
    for one in begun:
        one.kill()
        one.wait(timeout=PATIENCE)


def test_no_line_is_lost_or_doubled_when_the_server_is_killed(
    server: Start, tmp_path: Path, running: list[subprocess.Popen[bytes]]
) -> None:
    one = server("--no-limits")
    shell = Shell(tmp_path / "config", one.url)
    output = tmp_path / "tail"
    shell.done("send", "--room", "ops", "0")
    with output.open("wb") as file:
        tail = shell.begin("tail", "--room", "ops", "--since", "0", "--json", stdout=file)
    running.append(tail)
    generator = f"for number in range(1, {LINES}): print('line', number, flush=True)"
    lines = subprocess.Popen([sys.executable, "-c", generator], stdout=subprocess.PIPE)
    send = shell.begin("send", "--room", "ops", stdin=lines.stdout)
    running += [lines, send]

    def told() -> list[str]:
        return [
            json.loads(line)["text"]
            for line in output.read_text().splitlines(keepends=True)
            if line[-1] == "\n"
        ]

    for enough in (LINES // 4, LINES // 2):
        one.wait_for(lambda enough=enough: len(told()) > enough)
        one.kill()
        one.start()
    assert send.wait(timeout=PATIENCE) == 0
    wanted = ["0", *(f"line {number}" for number in range(1, LINES))]
    assert shell.texts("ops") == wanted
    one.wait_for(lambda: len(told()) >= LINES)
    tail.send_signal(signal.SIGINT)
    assert tail.wait(timeout=PATIENCE) == 130
    assert told() == wanted


def test_who_interrupts_is_told_what_was_not_acknowledged(
    server: Start, tmp_path: Path, running: list[subprocess.Popen[bytes]]
) -> None:
    one = server("--no-limits")
    shell = Shell(tmp_path, one.url)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    send = shell.begin("send", "--json", **pipes)
    running.append(send)
    assert send.stdin is not None
    assert send.stdout is not None
    assert send.stderr is not None
    send.stdin.write(b"one\n")
    send.stdin.flush()
    assert json.loads(send.stdout.readline())["seq"] == 1
    one.kill()
    assert b"trying again" in send.stderr.readline()
    send.stdin.write(b"two\nthree\n")
    send.stdin.close()
    # Whether the lines have been read by now, nobody can see from here; that it ends, and how, is seen.
    send.send_signal(signal.SIGINT)
    assert send.wait(timeout=PATIENCE) == 130
    assert send.stderr.read().decode().startswith("chatroom: interrupted; ")


def test_the_examples_on_the_page_work(room: Server, tmp_path: Path) -> None:
    page = (CHECKOUT / "docs/command-line.md").read_text()
    examples = re.findall(r"```sh\n(.*?)\n```", page, re.DOTALL)
    assert len(examples) == 13
    administer(room, "user", "add", "Ana", "--password-stdin", stdin=PASSWORD + "\n")
    (tmp_path / "key").write_text(administer(room, "key", "add", "doc-bot", "--can", "publish:ops"))
    (tmp_path / "app.log").write_text("started\n")
    shell = Shell(tmp_path / "config", room.url)
    shell.env["PATH"] = f"{Path(sys.executable).parent}:{shell.env['PATH']}"
    for example in examples:
        # As they stand, these go on for ever, ask for a password, or are about somebody else's server.
        command = example.replace("tail -f", "cat").replace("chatroom tail", "chatroom tail --no-follow")
        command = command.replace("https://chat.example", room.url).replace(" Ana", " Ana --password-stdin")
        command = command.replace("http://localhost:9000", room.url)
        data = room.data if "chatroom backup" in command else "restored"
        command = re.sub(r"chatroom (backup|restore) ", rf"chatroom \1 --data {data} ", command)
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=shell.env, input=f"{PASSWORD}\n",
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stderr)
    assert shell.texts("ops")[:2] == ["the backup is done", "started"]


def test_clients_begin_anew_in_a_log_that_was_restored(server: Start, tmp_path: Path) -> None:
    one = server("--no-limits")
    shell = Shell(tmp_path / "config", one.url)
    copy = str(tmp_path / "copy")
    shell.done("send", "one")
    administer(one, "backup", copy)
    with JsonClient(one.ws, "Reader") as client:
        client.post("two")
        place = {"since": client.join(room="lobby")["room"]["head"], "epoch": client.me["epoch"]}
    assert "stop it" in shell.failed(1, "restore", copy, "--data", str(one.data))
    one.stop()
    administer(one, "restore", copy)
    one.start()
    with JsonClient(one.ws, "Reader") as client:
        reply = client.join(**place)
        assert (reply["recovered"], reply["room"]["head"]) == (False, 1)
        assert [event["text"] for event in reply["events"]] == ["one"]


def test_who_is_told_to_waits_for_a_server(
    server: Start, tmp_path: Path, running: list[subprocess.Popen[bytes]]
) -> None:
    one = server("--no-limits")
    one.kill()
    shell = Shell(tmp_path, one.url)
    send = shell.begin("send", "--wait", "early", stderr=subprocess.PIPE)
    running.append(send)
    assert send.stderr is not None
    assert b"trying again" in send.stderr.readline()
    one.start()
    assert send.wait(timeout=PATIENCE) == 0
    assert shell.texts("lobby") == ["early"]


def test_a_certificate_is_checked(server: Start, tmp_path: Path) -> None:
    wrong = make(["other.example"], datetime.now(UTC)).decode()
    good = make(["localhost", "127.0.0.1"], datetime.now(UTC)).decode()
    ca = tmp_path / "ca.pem"
    for pem, name, said in ((wrong, "wrong", "its certificate is for another name"), (good, "good", None)):
        one = server("--no-limits", name=name, files={"key.pem": pem}, endpoints=(TLS,))
        ca.write_text(pem)
        shell = Shell(tmp_path, f"https://127.0.0.1:{one.port}")
        if said is None:
            assert "not signed by an authority" in shell.failed(3, "send", "x")
            shell.done("send", "--ca", str(ca), "x")
            shell.done("send", "--url", f"https://localhost:{one.port}", "--ca", str(ca), "x")
        else:
            assert said in shell.failed(3, "send", "--ca", str(ca), "x")
        shell.done("send", "--insecure", "x")
    ca.write_text("nothing")
    assert "holds no certificate" in shell.failed(2, "send", "--ca", str(ca), "x")
    assert "cannot be read" in shell.failed(2, "send", "--ca", str(tmp_path / "none"), "x")
