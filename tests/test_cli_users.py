"""`chatroom user`."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatroom import passwords, tokens
from chatroom.cli import main
from chatroom.domain.accounts import Login
from chatroom.domain.events import Message
from chatroom.domain.model import By
from chatroom.store import accounts, logins, opening
from chatroom.store.commit import commit

from .commandline import PASSWORD, Shell, terminal

PROGRAM = Path(sys.executable).with_name("chatroom")


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch) -> Iterator[Shell]:
    # What a password is hashed for takes a third of a second each time.
    monkeypatch.setattr(passwords, "hashed", lambda password: f"hash of {password}")
    made = Shell(tmp_path, capsys, monkeypatch)
    yield made
    made.database.close()


def log_in(shell: Shell, user: str) -> None:
    now = int(time.time() * 1000)
    login = Login("l1", user, "Firefox", "192.0.2.7", now, now, now + 60_000)
    with shell.database.writing() as connection:
        logins.open_login(connection, login, tokens.digest("token"))


def test_an_account_is_made_and_its_id_printed(shell):
    made = shell.done("user", "add", "Ana", "--role", "owner", "--password-stdin", stdin=f"{PASSWORD}\n")
    assert shell.err == "Ana can log in now, as owner\n"
    account, digest = shell.asked(accounts.account_named, "ana")
    assert (account.id, account.name, account.role, account.kind) == (made, "Ana", "owner", "user")
    assert abs(account.created - time.time() * 1000) < 600_000
    assert digest == f"hash of {PASSWORD}"
    assert [(one.what, one.subject) for one in shell.changes()] == [("account", made)]
    (deed,) = shell.deeds()
    assert (deed.by, deed.what, deed.subject, deed.detail) == ("command line", "account.add", made, "owner")


def test_a_password_is_asked_for_twice(shell, monkeypatch):
    typed = terminal(monkeypatch, PASSWORD, PASSWORD)
    shell.done("user", "add", "Ana")
    assert typed.asked == ["Password for Ana: ", "Once more: "]
    assert shell.asked(accounts.account_named, "ana")[1] == f"hash of {PASSWORD}"


def test_two_passwords_that_differ_make_no_account(shell, monkeypatch):
    terminal(monkeypatch, PASSWORD, "another sentence")
    assert "not the same" in shell.refused("user", "add", "Ana")
    assert shell.asked(accounts.accounts) == []


@pytest.mark.parametrize(
    ("stdin", "said"),
    [
        ("short\n", "at least 8"),
        ("", "at least 8"),
        ("x" * 1100, "at most 1024"),
        ("ana\n", "at least 8"),
        ("password1\n", "tried first"),
        (b"\xff\xfe secret secret\n", "not UTF-8"),
    ],
)
def test_a_password_that_will_not_do_makes_no_account(shell, stdin, said):
    assert said in shell.refused("user", "add", "Ana", "--password-stdin", stdin=stdin)
    assert shell.asked(accounts.accounts) == []
    assert shell.deeds() == []


def test_only_the_first_line_is_the_password(shell):
    shell.done("user", "add", "Ana", "--password-stdin", stdin=f"{PASSWORD}\r\nmore\n")
    assert shell.asked(accounts.account_named, "ana")[1] == f"hash of {PASSWORD}"


@pytest.mark.parametrize("name", ["Ana", "ANA", " ana "])
def test_a_name_that_is_taken_is_refused_before_a_password_is_asked_for(shell, name, monkeypatch):
    shell.user("Ana")
    typed = terminal(monkeypatch)
    assert "there is a user" in shell.refused("user", "add", name)
    assert typed.asked == []
    assert len(shell.asked(accounts.accounts)) == 1


@pytest.mark.parametrize("name", ["", " ", "x" * 33, "a\x1bb", "a\u202eb"])
def test_a_name_that_is_none_is_refused(shell, name):
    shell.refused("user", "add", name, "--password-stdin", stdin=PASSWORD)


def test_what_is_no_text_is_refused(shell):
    shell.user("Ana")
    for words in ("user role \udcff owner", "user add \udcff", "key revoke \udcff", "ban lift \udcff"):
        shell.refused(*words.split())


@pytest.mark.parametrize("words", [["add", "Bob", "--role", "king"], ["role", "Ana", "guest"], ["add"], []])
def test_a_command_that_is_none_is_answered_with_how_it_is_given(shell, words):
    assert "chatroom user" in shell.misused("user", *words)


def test_users_are_listed(shell):
    ana, bob = shell.user("Ana", "owner"), shell.user("bob")
    shell.done("key", "add", "sensor", "--can", "read:*")
    table = [line.split() for line in shell.done("user", "list").splitlines()]
    assert table[0] == ["NAME", "ROLE", "KIND", "CREATED", "ID"]
    assert [(row[0], row[1], row[2], row[-1]) for row in table[1:3]] == [
        ("Ana", "owner", "user", ana),
        ("bob", "member", "user", bob),
    ]
    found = shell.listed("user")
    kinds = {one["name"]: one["kind"] for one in found}
    assert kinds == {"Ana": "user", "bob": "user", "sensor": "bot"}
    assert set(found[0]) == {"id", "name", "kind", "role", "created"}


def test_nobody_is_a_list_too(shell):
    assert shell.listed("user") == []
    assert shell.done("user", "list").split() == ["NAME", "ROLE", "KIND", "CREATED", "ID"]


def test_more_users_than_one_page_are_listed(shell, monkeypatch):
    monkeypatch.setattr("chatroom.administration.users._PAGE", 2)
    for number in range(5):
        shell.user(f"user{number}")
    assert [one["name"] for one in shell.listed("user")] == [f"user{number}" for number in range(5)]


def test_a_role_is_given_by_name_or_id(shell):
    ana = shell.user("Ana")
    shell.done("user", "role", "ana", "moderator")
    assert shell.asked(accounts.account, ana).role == "moderator"
    shell.done("user", "role", ana, "owner")
    assert shell.asked(accounts.account, ana).role == "owner"
    assert shell.err == "Ana is owner now\n"
    assert [(one.what, one.detail) for one in shell.deeds()[1:]] == [
        ("account.role", "moderator"),
        ("account.role", "owner"),
    ]


@pytest.mark.parametrize(
    "words", [["role", "Bob", "owner"], ["password", "Bob", "--password-stdin"], ["delete", "Bob"]]
)
def test_who_is_not_there_is_said_so(shell, words):
    shell.user("Ana")
    assert shell.refused("user", *words) == "there is no user Bob: `chatroom user list` shows who is there"


def test_a_new_password_logs_out_everywhere(shell):
    ana = shell.user("Ana")
    log_in(shell, ana)
    shell.done("user", "password", "Ana", "--password-stdin", stdin="another sentence\n")
    assert shell.asked(accounts.account_named, "ana")[1] == "hash of another sentence"
    assert shell.asked(logins.logins, ana) == []
    assert [(one.what, one.subject) for one in shell.changes(1)] == [("account", ana), ("login", "l1")]
    assert shell.deeds()[-1].what == "password"


def test_a_bot_has_no_password(shell):
    shell.done("key", "add", "sensor", "--can", "read:*")
    said = shell.refused("user", "password", "sensor", "--password-stdin", stdin=PASSWORD)
    assert "chatroom key" in said


def test_a_deleted_users_messages_stay_without_the_name(shell):
    ana = shell.user("Ana")
    log_in(shell, ana)
    with shell.database.writing() as connection:
        commit(connection, [Message(room="lobby", at=1, by=By(ana, "Ana"), text="hello")])
    shell.done("user", "delete", "Ana")
    assert shell.err.splitlines()[0] == "Ana is deleted"
    assert shell.asked(accounts.account_named, "ana") is None
    connection = sqlite3.connect(shell.folder / "chatroom.sqlite3")
    assert connection.execute("SELECT name, text FROM event JOIN message USING (room, seq)").fetchall() == [
        ("deleted", "hello")
    ]
    connection.close()
    assert shell.deeds()[-1].what == "account.delete"


@pytest.mark.parametrize(("answer", "deleted"), [("Ana\n", True), ("no\n", False), ("", False)])
def test_at_a_terminal_a_deletion_is_asked_about(shell, answer, deleted):
    shell.user("Ana")
    status = shell.give("user", "delete", "Ana", stdin=answer, typed=True)
    assert (status == 0) is deleted
    assert "Type the name again" in shell.err
    assert (shell.asked(accounts.account_named, "ana") is None) is deleted


def test_a_server_without_an_owner_is_remarked(shell):
    shell.user("Ana", "owner")
    shell.done("user", "role", "Ana", "member")
    assert "no owner" in shell.err
    shell.done("user", "role", "Ana", "owner")
    assert "no owner" not in shell.err
    shell.done("user", "delete", "Ana", "--yes")
    assert "no owner" in shell.err


# The database.


def test_a_database_that_is_not_there_is_not_made(tmp_path, capsys):
    assert main(["user", "list", "--data", str(tmp_path / "none")]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"chatroom: there is no database {tmp_path / 'none' / 'chatroom.sqlite3'}: start")
    assert "--data" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ["key", "add", "door", "--can", "publish:lobby"],
        ["room", "create", "news", "--kind", "announcement"],
        ["invite"],
    ],
)
def test_what_is_set_up_before_the_first_start_makes_the_database(tmp_path, capsys, command):
    folder = tmp_path / "data"
    assert main([*command, "--data", str(folder)]) == 0
    assert f"a new database was made: {folder / 'chatroom.sqlite3'}\n" in capsys.readouterr().err
    assert folder.stat().st_mode & 0o777 == 0o700
    assert main(["user", "list", "--data", str(folder)]) == 0


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["invite", "--data", str(tmp_path / "file" / "data")]) == 1
    assert "cannot be made" in capsys.readouterr().err


def test_a_database_is_named_by_its_url_too(shell, tmp_path, capsys):
    shell.user("Ana")
    assert main(["user", "list", "--store", f"sqlite:///{tmp_path / 'chatroom.sqlite3'}"]) == 0
    assert "Ana" in capsys.readouterr().out
    assert main(["user", "list", "--store", "mysql://x/y"]) == 1
    assert capsys.readouterr().err.startswith("chatroom: --store")


def test_what_is_no_database_is_said_so(tmp_path, capsys):
    (tmp_path / "chatroom.sqlite3").write_bytes(b"This is a text, and rather a long one. " * 100)
    assert main(["user", "list", "--data", str(tmp_path)]) == 1
    assert "is damaged" in capsys.readouterr().err


def test_a_database_that_another_program_holds_is_said_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.02)
    shell = Shell(tmp_path, capsys, monkeypatch)
    other = sqlite3.connect(tmp_path / "chatroom.sqlite3", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        assert "locked by another program" in shell.refused("key", "add", "sensor", "--can", "read:*")
    finally:
        other.close()
    shell.done("key", "add", "sensor", "--can", "read:*")


# The program.


def test_the_program_works_beside_a_server_that_runs(tmp_path, capsys, monkeypatch):
    shell = Shell(tmp_path, capsys, monkeypatch)
    run = {"capture_output": True, "text": True, "timeout": 120, "check": False, "cwd": tmp_path}
    data = ["--data", str(tmp_path)]
    made = subprocess.run(
        [PROGRAM, "user", "add", "Ana", "--password-stdin", *data], input=f"{PASSWORD}\n", **run
    )
    assert (made.returncode, made.stderr) == (0, "Ana can log in now, as member\n")
    account, digest = shell.asked(accounts.account_named, "ana")
    assert account.id == made.stdout.strip()
    assert passwords.matches(digest, PASSWORD)
    assert [one.subject for one in shell.changes()] == [account.id]


def test_the_program_without_a_terminal_says_how_a_password_is_given(tmp_path, capsys, monkeypatch):
    Shell(tmp_path, capsys, monkeypatch)
    made = subprocess.run(
        [PROGRAM, "user", "add", "Ana", "--data", str(tmp_path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        start_new_session=True,
    )
    assert (made.returncode, made.stdout) == (1, "")
    assert made.stderr.splitlines()[-1].endswith("give it with --password-stdin")


def test_the_program_ends_quietly_when_nobody_reads_on(tmp_path, capsys, monkeypatch):
    shell = Shell(tmp_path, capsys, monkeypatch)
    shell.done("key", "add", "sensor", "--can", "read:*")
    with subprocess.Popen(
        [PROGRAM, "key", "list", "--data", str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as program:
        program.stdout.close()
        assert program.stderr.read() == b""
