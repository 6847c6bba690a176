"""`chatroom key`."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from chatroom import tokens
from chatroom.store import accounts, logins

from .commandline import Shell


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch) -> Iterator[Shell]:
    made = Shell(tmp_path, capsys, monkeypatch)
    yield made
    made.database.close()


def test_a_key_is_made_and_printed_alone(shell):
    secret = shell.done("key", "add", "sensor", "--can", "publish:lobby", "--can", "read:*")
    assert tokens.kind(secret) == "key"
    assert "shown this once" in shell.err
    key, bot = shell.asked(logins.key, tokens.digest(secret))
    assert (key.name, key.scopes, key.used, key.revoked) == (
        "sensor",
        ("publish:lobby", "read:*"),
        None,
        None,
    )
    assert (bot.id, bot.name, bot.kind, bot.role) == (key.account, "sensor", "bot", "member")
    assert bot.id[0] == "b"
    assert len(bot.id) == 25
    assert shell.asked(accounts.account_named, bot.key) == (bot, None)
    (deed,) = shell.deeds()
    assert (deed.by, deed.what, deed.subject) == ("command line", "key.add", bot.id)


def test_no_file_holds_the_key(shell):
    secret = shell.done("key", "add", "sensor", "--can", "read:*")
    written = b"".join(path.read_bytes() for path in shell.folder.iterdir())
    assert secret.encode() not in written
    assert secret[3:].encode() not in written


@pytest.mark.parametrize(
    ("given", "kept"),
    [("publish:Lobby", "publish:lobby"), ("read:~den-x", "read:~den-x"), ("publish:*", "publish:*")],
)
def test_a_scope_names_a_room_or_all(shell, given, kept):
    secret = shell.done("key", "add", "sensor", "--can", given, "--can", given)
    assert shell.asked(logins.key, tokens.digest(secret))[0].scopes == (kept,)


@pytest.mark.parametrize("scope", ["manage:rooms", "manage:users", "manage:webhooks", "direct:*"])
def test_a_scope_can_be_about_more_than_a_room(shell, scope):
    secret = shell.done("key", "add", "sensor", "--can", scope)
    assert shell.asked(logins.key, tokens.digest(secret))[0].scopes == (scope,)


def test_whom_a_key_may_write_to_is_kept_by_id(shell):
    shell.done("key", "add", "Listener", "--can", "read:*")
    secret = shell.done("key", "add", "sensor", "--can", "direct:listener")
    (scope,) = shell.asked(logins.key, tokens.digest(secret))[0].scopes
    assert scope.startswith("direct:b")
    assert "there is no user Eve" in shell.refused("key", "add", "other", "--can", "direct:Eve")


@pytest.mark.parametrize(
    "scope",
    [
        "",
        "lobby",
        "publish",
        "publish:",
        ":lobby",
        "write:lobby",
        "read:a b",
        "read:a*",
        "read:\x1b",
        "manage:all",
        "direct:",
    ],
)
def test_a_scope_that_is_none_is_refused(shell, scope):
    assert "publish:ROOM, read:ROOM" in shell.misused("key", "add", "sensor", "--can", scope)


def test_a_key_without_scopes_is_refused(shell):
    assert "--can" in shell.misused("key", "add", "sensor")


def test_a_name_has_one_key_at_a_time(shell):
    shell.done("key", "add", "sensor", "--can", "read:*")
    for name in ("sensor", "Sensor"):
        assert "there is a key sensor already" in shell.refused("key", "add", name, "--can", "read:*")
    assert len(shell.listed("key")) == 1


def test_a_key_has_no_users_name(shell):
    shell.user("Ana")
    assert "there is a user Ana already" in shell.refused("key", "add", "ana", "--can", "read:*")
    shell.done("key", "add", "sensor", "--can", "read:*")
    assert "there is a user" in shell.refused("user", "add", "Sensor")


def test_a_revoked_key_is_good_for_nothing(shell):
    secret = shell.done("key", "add", "sensor", "--can", "read:*")
    key = shell.asked(logins.keys)[0]
    before = len(shell.changes())
    shell.done("key", "revoke", "sensor")
    assert shell.err == "sensor is revoked\n"
    assert shell.asked(logins.key, tokens.digest(secret)) is None
    assert [(one.what, one.subject) for one in shell.changes()[before:]] == [("key", key.id)]
    assert shell.deeds()[-1].what == "key.revoke"
    assert "no key sensor" in shell.refused("key", "revoke", "sensor")


def test_after_a_revocation_a_new_key_speaks_for_the_same_bot(shell):
    shell.done("key", "add", "sensor", "--can", "read:*")
    shell.done("key", "revoke", "sensor")
    secret = shell.done("key", "add", "sensor", "--can", "publish:lobby")
    first, second = shell.asked(logins.keys)
    assert first.account == second.account
    assert first.id != second.id
    assert shell.asked(logins.key, tokens.digest(secret))[0] == second


def test_a_key_that_is_not_there_is_not_revoked(shell):
    assert shell.refused("key", "revoke", "sensor") == (
        "there is no key sensor: `chatroom key list` shows those there are"
    )


def test_keys_are_listed_with_what_they_may_and_when_they_were_used(shell):
    secret = shell.done("key", "add", "sensor", "--can", "publish:lobby", "--can", "read:*")
    shell.done("key", "add", "old", "--can", "read:*")
    shell.done("key", "revoke", "old")
    now = int(time.time() * 1000)
    with shell.database.writing() as connection:
        logins.use(connection, [(tokens.digest(secret), now)])
    old, sensor = shell.listed("key")
    assert (sensor["name"], sensor["scopes"]) == ("sensor", ["publish:lobby", "read:*"])
    assert (sensor["used"], sensor["revoked"]) == (now, None)
    assert (old["name"], old["used"]) == ("old", None)
    assert abs(old["revoked"] - now) < 600_000
    heads, *rows = shell.done("key", "list").splitlines()
    assert heads.split("  ")[0] == "NAME"
    assert [row.split()[0] for row in rows] == ["old", "sensor"]
    assert "publish:lobby read:*" in rows[1]
    assert secret not in shell.out
    assert tokens.digest(secret) not in shell.out


def test_a_webhooks_path_has_its_key(shell):
    path = shell.done("key", "add", "grafana", "--can", "publish:alerts", "--hook")
    assert path.startswith("/hooks/ck_")
    key, _bot = shell.asked(logins.key, tokens.digest(path.removeprefix("/hooks/")))
    assert key.scopes == ("publish:alerts",)


@pytest.mark.parametrize("can", [["publish:*"], ["read:alerts"], ["publish:a", "publish:b"]])
def test_a_webhook_publishes_in_one_room(shell, can):
    words = [word for one in can for word in ("--can", one)]
    assert "one room" in shell.refused("key", "add", "grafana", "--hook", *words)
