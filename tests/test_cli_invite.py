"""`chatroom invite`."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from chatroom import tokens
from chatroom.domain.accounts import Invitation, RoomRecord
from chatroom.store import invitations, rooms

from .commandline import Shell

DAY = 86_400_000


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch) -> Iterator[Shell]:
    made = Shell(tmp_path, capsys, monkeypatch)
    yield made
    made.database.close()


def kept(shell: Shell, link: str) -> Invitation | None:
    token = link.partition("#invite=")[2]
    assert tokens.kind(token) == "invitation"
    found: Invitation | None = shell.asked(
        invitations.invitation, tokens.digest(token), int(time.time() * 1000)
    )
    return found


def test_a_link_is_made_and_printed_alone(shell):
    link = shell.done("invite")
    assert link.startswith("http://localhost:9000/#invite=ci_")
    assert "Good once until" in shell.err
    made = kept(shell, link)
    assert (made.role, made.uses, made.room, made.by) == ("member", 1, None, "command line")
    assert abs(made.until - time.time() * 1000 - 7 * DAY) < 600_000
    (deed,) = shell.deeds()
    assert (deed.by, deed.what, deed.detail) == ("command line", "invite", "member, for 1")


def test_a_link_is_for_whom_and_as_long_as_is_said(shell):
    with shell.database.writing() as connection:
        rooms.create_room(connection, RoomRecord("den", "Den"), [])
    words = [
        "--role",
        "owner",
        "--uses",
        "20",
        "--days",
        "1",
        "--room",
        "Den",
        "--url",
        "https://chat.example/",
    ]
    link = shell.done("invite", *words)
    assert link.startswith("https://chat.example/#invite=ci_")
    assert "20 times" in shell.err
    made = kept(shell, link)
    assert (made.role, made.uses, made.room) == ("owner", 20, "den")
    assert abs(made.until - time.time() * 1000 - DAY) < 600_000


def test_a_room_that_is_not_there_is_said_so(shell):
    assert "no room den" in shell.refused("invite", "--room", "den")


@pytest.mark.parametrize(
    "words",
    [
        ["--role", "guest"],
        ["--uses", "0"],
        ["--uses", "x"],
        ["--days", "0"],
        ["--days", "366"],
        ["--url", "chat.example"],
        ["--url", "javascript:alert(1)"],
        ["--url", "https://"],
        ["--url", "https://[x"],
        ["--url", "https://chat.example/?a=b"],
    ],
)
def test_a_value_that_is_none_is_refused(shell, words):
    assert words[0] in shell.misused("invite", *words)
