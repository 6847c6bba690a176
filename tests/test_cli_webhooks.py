"""`chatroom webhook`."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import insert

from chatroom.administration import webhooks as desk
from chatroom.domain.webhooks import Letter, Progress
from chatroom.store import accounts, tables, webhooks

from .commandline import Shell

URL = "https://example.org/chat?token=t0ken"


@pytest.fixture
def shell(tmp_path, capsys, monkeypatch) -> Iterator[Shell]:
    made = Shell(tmp_path, capsys, monkeypatch)
    yield made
    made.database.close()


def add(shell: Shell, *words: str) -> str:
    return shell.done("webhook", "add", URL, "--room", "*", "--event", "message", *words)


def dead(shell: Shell, hook: str, *letters: Letter) -> None:
    with shell.database.writing() as connection:
        webhooks.keep(connection, Progress({}, dead=letters))


def letter(hook: str, seq: int = 7) -> Letter:
    return Letter(0, hook, "lobby", 0, 1_000, seq, None, 86_401_000, "it answered 500")


def test_a_webhook_is_made_and_its_secret_printed_alone(shell):
    secret = add(shell)
    assert secret.startswith("whsec_")
    assert "shown this once" in shell.err
    (hook,) = shell.asked(webhooks.webhooks)
    assert (hook.name, hook.url, hook.rooms, hook.events, hook.secret) == (
        "example.org",
        URL,
        ("*",),
        ("message",),
        secret,
    )
    bot = shell.asked(accounts.account, hook.account)
    assert (bot.name, bot.kind, bot.role) == ("example.org", "bot", "member")
    (deed,) = shell.deeds()
    assert (deed.by, deed.what, deed.subject) == ("command line", "webhook.add", hook.id)
    # A URL may have a secret of its own in it.
    assert deed.detail == "example.org: message of * to example.org"
    assert ("webhook", hook.id) in [(one.what, one.subject) for one in shell.changes()]


def test_as_json_it_says_all_of_it(shell):
    made = json.loads(add(shell, "--json", "--name", "Otto", "--room", "Lobby"))
    assert made["secret"].startswith("whsec_")
    assert (made["name"], made["rooms"], made["events"]) == ("Otto", ["*", "lobby"], ["message"])
    assert made["id"] == shell.asked(webhooks.webhooks)[0].id


def test_it_speaks_for_a_bot_that_is_there_but_for_no_user(shell):
    shell.done("key", "add", "Otto", "--can", "read:*")
    add(shell, "--name", "otto")
    (hook,) = shell.asked(webhooks.webhooks)
    assert shell.asked(accounts.account, hook.account).name == "Otto"
    shell.user("Ana")
    words = ("webhook", "add", URL, "--room", "*", "--event", "message", "--name", "ana")
    assert "there is a user Ana already" in shell.refused(*words)


def test_a_list_says_no_secret(shell):
    secret = add(shell)
    add(shell, "--name", "Otto")
    (first, _second) = shell.listed("webhook")
    dead(shell, first["id"], letter(first["id"]))
    (first, second) = shell.listed("webhook")
    assert (first["url"], first["disabled"], first["dead"], second["dead"]) == (URL, None, 1, 0)
    shown = shell.done("webhook", "list")
    assert secret not in shown + json.dumps([first, second])
    assert "works" in shown


def test_a_list_shows_whom_much_waits_for(shell, monkeypatch):
    add(shell)
    with shell.database.writing() as connection:
        connection.execute(insert(tables.room).values(name="lobby", title="Lobby", kind="public", head=2))
        values = {"room": "lobby", "seq": 1, "at": 1_000, "kind": "message", "author": "u1", "name": "Ana"}
        connection.execute(insert(tables.event).values(values))
    (told,) = shell.listed("webhook")
    assert (told["late"], told["since"]) == (1, 1_000)
    assert "waits since 1970" in shell.done("webhook", "list")
    assert ": 1 room" in shell.out
    monkeypatch.setattr(desk, "now", lambda: 30_000)
    assert "works" in shell.done("webhook", "list"), "it may be on its way"


def test_dead_letters_are_listed_and_sent_again(shell):
    add(shell)
    (hook,) = shell.asked(webhooks.webhooks)
    dead(shell, hook.id, letter(hook.id, 7), letter(hook.id, 8))
    found = json.loads(shell.done("webhook", "dead", "example.org", "--json"))
    assert [(one["room"], one["seq"], one["reason"]) for one in found] == [
        ("lobby", 7, "it answered 500"),
        ("lobby", 8, "it answered 500"),
    ]
    assert "it answered 500" in shell.done("webhook", "dead", hook.id)
    shell.done("webhook", "resend", hook.id, str(found[1]["letter"]))
    assert "1 letter again" in shell.err
    assert [one.seq for one in shell.asked(webhooks.letters, hook.id, "lobby", 0, 10)] == [8]
    shell.done("webhook", "resend", hook.id)
    assert json.loads(shell.done("webhook", "dead", hook.id, "--json")) == []
    assert "no dead letter 99" in shell.refused("webhook", "resend", hook.id, "99")


def test_one_that_is_disabled_is_enabled(shell):
    add(shell)
    (hook,) = shell.asked(webhooks.webhooks)
    assert "is not disabled" in shell.refused("webhook", "enable", hook.id)
    with shell.database.writing() as connection:
        webhooks.set_webhook(connection, hook.id, 1_000, "it answered 410")
    assert "disabled" in shell.done("webhook", "list")
    assert "it answered 410" in shell.out
    shell.done("webhook", "enable", hook.id)
    assert shell.asked(webhooks.webhooks)[0].disabled is None
    assert shell.deeds()[-1].what == "webhook.enable"


def test_one_is_removed_with_its_letters(shell):
    add(shell)
    (hook,) = shell.asked(webhooks.webhooks)
    dead(shell, hook.id, letter(hook.id))
    shell.done("webhook", "remove", "Example.org")
    assert shell.listed("webhook") == []
    assert shell.deeds()[-1].what == "webhook.remove"


def test_two_of_one_name_are_told_apart_by_their_ids(shell):
    add(shell)
    add(shell)
    assert "several webhooks" in shell.refused("webhook", "remove", "example.org")
    shell.done("webhook", "remove", shell.listed("webhook")[0]["id"])
    assert len(shell.listed("webhook")) == 1
    assert "there is no webhook nobody" in shell.refused("webhook", "remove", "nobody")


@pytest.mark.parametrize(
    "words",
    [
        ("ftp://example.org/", "--room", "*", "--event", "message"),
        (URL, "--event", "message"),
        (URL, "--room", "a b", "--event", "message"),
        (URL, "--room", "*", "--event", "message", "--name", " "),
    ],
)
def test_what_is_no_webhook_is_refused(shell, words):
    shell.refused("webhook", "add", *words)
    assert shell.listed("webhook") == []


def test_an_event_is_one_of_those_there_are(shell):
    assert "--event" in shell.misused("webhook", "add", URL, "--room", "*", "--event", "shout")


def test_of_http_it_warns(shell):
    shell.done("webhook", "add", "http://example.org/", "--room", "*", "--event", "message")
    assert "use https" in shell.err
