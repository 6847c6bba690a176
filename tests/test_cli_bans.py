"""`chatroom ban`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from chatroom.domain.accounts import Membership, RoomRecord, Sanction
from chatroom.store import moderation, rooms

from .commandline import Shell

GUEST = "g" + "0a" * 12
HOUR = 3_600_000


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch) -> Iterator[Shell]:
    made = Shell(tmp_path, capsys, monkeypatch)
    yield made
    made.database.close()


def sanctions(shell: Shell) -> list[Sanction]:
    return list(shell.asked(moderation.sanctions, int(time.time() * 1000)))


def test_a_user_is_banned_from_the_whole_server(shell):
    ana = shell.user("Ana")
    shell.done("ban", "add", "ana", "--reason", "spam")
    assert shell.err == "ana is banned from this server for good\n"
    (ban,) = sanctions(shell)
    assert (ban.standing, ban.room, ban.subject, ban.by) == ("ban", "", ana, "command line")
    assert (ban.until, ban.reason) == (None, "spam")
    assert abs(ban.at - time.time() * 1000) < 600_000
    assert [(one.what, one.subject) for one in shell.changes(1)] == [("sanction", f" {ana}")]
    deed = shell.deeds()[-1]
    assert (deed.by, deed.what, deed.room, deed.subject, deed.detail) == (
        "command line",
        "ban",
        "",
        ana,
        "spam",
    )


def test_a_user_is_banned_from_a_room_and_loses_their_place_there(shell):
    ana = shell.user("Ana")
    with shell.database.writing() as connection:
        place = Membership("den", ana, "Ana", "moderator", "user")
        rooms.create_room(connection, RoomRecord("den", "Den"), [place])
    shell.done("ban", "add", ana, "--room", "Den")
    assert [(one.room, one.subject) for one in sanctions(shell)] == [("den", ana)]
    assert shell.asked(rooms.memberships, "den") == []
    assert shell.deeds()[-1].what == "room.ban"


@pytest.mark.parametrize(
    ("given", "subject"),
    [
        ("192.0.2.7", "address:192.0.2.7"),
        ("192.0.2.7/32", "address:192.0.2.7"),
        ("::ffff:192.0.2.7", "address:192.0.2.7"),
        ("2001:db8::7", "address:2001:0db8:0000:0000::/64"),
        ("2001:db8::/64", "address:2001:0db8:0000:0000::/64"),
        (GUEST, GUEST),
    ],
)
def test_an_address_or_a_guest_is_banned(shell, given, subject):
    shell.done("ban", "add", given)
    assert [one.subject for one in sanctions(shell)] == [subject]
    shell.done("ban", "lift", given)
    assert sanctions(shell) == []


@pytest.mark.parametrize("given", ["192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "2001:db8::/65"])
def test_a_whole_network_is_refused(shell, given):
    assert "one by one" in shell.refused("ban", "add", given)
    assert sanctions(shell) == []


def test_an_address_is_banned_from_no_single_room(shell):
    assert "--room" in shell.refused("ban", "add", "192.0.2.7", "--room", "den")


@pytest.mark.parametrize("given", ["Bob", "192.0.2.256", "g123", ""])
def test_who_is_not_there_is_said_so(shell, given):
    assert "there is no user" in shell.refused("ban", "add", given)


@pytest.mark.parametrize(("given", "hours"), [("30m", 0.5), ("12h", 12), ("2d", 48), ("4w", 4 * 7 * 24)])
def test_a_ban_lasts_so_long(shell, given, hours):
    shell.user("Ana")
    shell.done("ban", "add", "Ana", "--until", given)
    (ban,) = sanctions(shell)
    assert abs(ban.until - ban.at - hours * HOUR) < 60_000
    assert "until 20" in shell.err


@pytest.mark.parametrize(
    "given", ["2099-01-31", "2099-01-31 18:00", "2099-01-31T18:00+02:00", "2099-01-31T18:00Z"]
)
def test_a_ban_lasts_until_a_time(shell, given):
    shell.user("Ana")
    shell.done("ban", "add", "Ana", "--until", given)
    wanted = datetime.fromisoformat(given).astimezone(UTC)
    assert sanctions(shell)[0].until == int(wanted.timestamp() * 1000)


@pytest.mark.parametrize(
    "given", ["", "2", "d", "2x", "0d", "-2d", "2020-01-31", "999999w", "tomorrow", "2099-13-01"]
)
def test_a_time_that_is_none_is_refused(shell, given):
    shell.user("Ana")
    assert "--until" in shell.misused("ban", "add", "Ana", f"--until={given}")
    assert sanctions(shell) == []


def test_a_ban_takes_the_place_of_the_one_before(shell):
    shell.user("Ana")
    shell.done("ban", "add", "Ana", "--until", "2d")
    shell.done("ban", "add", "Ana", "--reason", "again")
    assert [(one.until, one.reason) for one in sanctions(shell)] == [(None, "again")]


def test_bans_are_listed(shell):
    ana = shell.user("Ana")
    shell.done("ban", "add", "Ana", "--room", "den", "--until", "2d", "--reason", "spam")
    shell.done("ban", "add", "192.0.2.7")
    shell.done("ban", "add", GUEST)
    with shell.database.writing() as connection:
        moderation.impose(connection, Sanction("mute", "", ana, int(time.time() * 1000), ana))
    found = {(one["standing"], one["subject"]): one for one in shell.listed("ban")}
    assert set(found) == {("ban", ana), ("ban", "address:192.0.2.7"), ("ban", GUEST), ("mute", ana)}
    assert (found["ban", ana]["name"], found["ban", ana]["reason"]) == ("Ana", "spam")
    assert found["ban", GUEST]["name"] is None
    heads, *rows = shell.done("ban", "list").splitlines()
    assert heads.split() == ["WHO", "WHAT", "WHERE", "UNTIL", "SINCE", "REASON"]
    assert sorted(row.split()[:3] for row in rows) == sorted(
        [
            ["192.0.2.7", "ban", "everywhere"],
            [GUEST, "ban", "everywhere"],
            ["Ana", "ban", "den"],
            ["Ana", "mute", "everywhere"],
        ]
    )


def test_somebody_is_let_in_again(shell):
    ana = shell.user("Ana")
    shell.done("ban", "add", "Ana")
    shell.done("ban", "add", "Ana", "--room", "den")
    shell.done("ban", "lift", "Ana")
    assert shell.err == "Ana is free again\n"
    assert [one.room for one in sanctions(shell)] == ["den"]
    assert shell.changes()[-1].subject == f" {ana}"
    assert shell.deeds()[-1].what == "unban"
    shell.done("ban", "lift", "Ana", "--room", "DEN")
    assert sanctions(shell) == []
    assert shell.deeds()[-1].what == "room.unban"


def test_lifting_lets_somebody_speak_again_too(shell):
    ana = shell.user("Ana")
    with shell.database.writing() as connection:
        moderation.impose(connection, Sanction("mute", "", ana, int(time.time() * 1000), ana))
    shell.done("ban", "lift", "Ana")
    assert sanctions(shell) == []
    assert shell.deeds()[-1].what == "unmute"


def test_who_is_not_banned_is_said_so(shell):
    shell.user("Ana")
    shell.done("ban", "add", "Ana", "--room", "den")
    assert "neither banned nor muted on the whole server" in shell.refused("ban", "lift", "Ana")
    assert "in attic" in shell.refused("ban", "lift", "Ana", "--room", "attic")
