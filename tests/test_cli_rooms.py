"""`chatroom room`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chatroom.domain.accounts import Membership, RoomRecord
from chatroom.domain.events import Message
from chatroom.domain.model import By
from chatroom.store import rooms
from chatroom.store.commit import commit

from .commandline import Shell


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch) -> Iterator[Shell]:
    made = Shell(tmp_path, capsys, monkeypatch)
    yield made
    made.database.close()


def post(shell: Shell, room: str) -> None:
    with shell.database.writing() as connection:
        commit(connection, [Message(room=room, at=1, by=By("g1", "Ana"), text="hello")])


def test_a_room_is_made_and_its_name_printed(shell):
    assert shell.done("room", "create", "Den", "--title", "The Den", "--topic", "Bears") == "den"
    assert shell.asked(rooms.room, "den") == RoomRecord("den", "The Den", "public", "Bears")
    assert [(one.what, one.subject) for one in shell.changes()] == [("room", "den")]
    (deed,) = shell.deeds()
    assert (deed.by, deed.what, deed.room) == ("command line", "room.create", "den")


def test_a_room_without_a_title_is_called_as_it_was_named(shell):
    shell.done("room", "create", "News", "--kind", "announcement")
    assert shell.asked(rooms.room, "news") == RoomRecord("news", "News", "announcement")


def test_a_private_rooms_name_cannot_be_guessed_and_its_owner_is_in_it(shell):
    ana = shell.user("Ana")
    name, other = (
        shell.done("room", "create", "Den", "--kind", "private", "--owner", "ana") for _ in range(2)
    )
    assert name.startswith("~den-")
    assert len(name) >= len("~den-") + 16
    assert name != other
    assert shell.asked(rooms.room, name).kind == "private"
    assert shell.asked(rooms.memberships, name) == [Membership(name, ana, "Ana", "owner", "user")]


def test_a_private_room_needs_an_owner(shell):
    assert "--owner" in shell.refused("room", "create", "den", "--kind", "private")
    assert "no user Bob" in shell.refused("room", "create", "den", "--kind", "private", "--owner", "Bob")
    assert shell.listed("room") == []


def test_a_room_that_is_there_is_not_made_again(shell):
    post(shell, "den")
    assert shell.refused("room", "create", "den") == (
        "there is a room den already: `chatroom room set` changes it"
    )
    assert shell.deeds() == []


@pytest.mark.parametrize("name", ["", "a b", "~den", "@" + "0" * 24, "x" * 65, "\x1b"])
def test_a_name_that_is_none_is_refused(shell, name):
    assert "a room's name" in shell.refused("room", "create", name)


def test_rooms_are_listed_without_the_direct_ones(shell):
    shell.user("Ana")
    post(shell, "lobby")
    private = shell.done("room", "create", "den", "--kind", "private", "--owner", "Ana")
    with shell.database.writing() as connection:
        rooms.create_room(connection, RoomRecord("@" + "0" * 24, "", "direct"), [])
    found = shell.listed("room")
    assert [(one["name"], one["kind"], one["head"]) for one in found] == [
        ("lobby", "public", 1),
        (private, "private", 0),
    ]
    assert set(found[0]) == set(RoomRecord.__struct_fields__)
    heads, *rows = shell.done("room", "list").splitlines()
    assert heads.split() == ["ROOM", "KIND", "EVENTS", "SLOW", "TITLE", "TOPIC"]
    assert [row.split()[:4] for row in rows] == [
        ["lobby", "public", "1", "0"],
        [private, "private", "0", "0"],
    ]


def test_a_listing_paints_nothing_on_the_terminal(shell):
    with shell.database.writing() as connection:
        rooms.create_room(connection, RoomRecord("den", "\x1b[31mred\u202e", topic="a\nb"), [])
    heads, row = shell.done("room", "list").splitlines()
    assert heads.startswith("ROOM")
    assert row.split() == ["den", "public", "0", "0", "\ufffd[31mred\ufffd", "a\ufffdb"]


@pytest.mark.parametrize(
    ("words", "record"),
    [
        (["--title", "The Den"], RoomRecord("den", "The Den", topic="Bears")),
        (["--topic", ""], RoomRecord("den", "Den")),
        (["--slow", "2.5"], RoomRecord("den", "Den", topic="Bears", slow=2.5)),
        (["--slow", "0", "--topic", "Wolves"], RoomRecord("den", "Den", topic="Wolves")),
    ],
)
def test_a_room_is_changed_in_what_is_said_and_no_more(shell, words, record):
    shell.done("room", "create", "Den", "--topic", "Bears")
    shell.done("room", "set", "DEN", *words)
    assert shell.err == "den is changed\n"
    assert shell.asked(rooms.room, "den") == record
    assert [(one.what, one.subject) for one in shell.changes(1)] == [("room", "den")]
    assert shell.deeds()[-1].what == "room.set"


def test_a_change_needs_a_room_and_something_to_change(shell):
    assert "no room den" in shell.refused("room", "set", "den", "--title", "x")
    shell.done("room", "create", "den")
    assert "--title, --topic or --slow" in shell.refused("room", "set", "den")
    assert "at least one character" in shell.refused("room", "set", "den", "--title", "")


@pytest.mark.parametrize(
    "words",
    [
        ["--slow", "-1"],
        ["--slow", "86401"],
        ["--slow", "nan"],
        ["--slow", "x"],
        ["--title", "x" * 101],
        ["--topic", "x" * 1001],
        ["--topic", "a\x07b"],
    ],
)
def test_a_value_that_is_none_is_refused(shell, words):
    shell.done("room", "create", "den")
    assert words[0] in shell.misused("room", "set", "den", *words)
