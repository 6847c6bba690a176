"""What a bot may do with its key, over the same protocol as everybody: that, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from chatroom.domain import scopes
from chatroom.domain.commands import AnyCommand

from .house import House, Talker

FIELDS: dict[str, dict[str, Any]] = {
    "post": {"room": "ops", "text": "x"},
    "edit": {"room": "ops", "seq": 1, "text": "y"},
    "delete": {"room": "ops", "seq": 1},
    "react": {"room": "ops", "seq": 1, "emoji": "👍"},
    "typing": {"room": "ops", "on": True},
    "read": {"room": "ops", "seq": 1},
    "report": {"room": "ops", "seq": 1},
    "purge": {"user": "Ana", "room": "ops"},
    "room.create": {"room": "den"},
    "room.set": {"room": "ops", "title": "x"},
    "room.role": {"room": "ops", "user": "Ana", "role": "member"},
    "ban": {"user": "Ana"},
    "mute": {"user": "Ana"},
    "report.close": {"report": 1},
    "password": {"old": "x" * 10, "new": "y" * 10},
    "account.delete": {"password": "x" * 10},
    "search": {"room": "ops", "query": "x"},
}
ALWAYS = {"hello", "login", "ping", "rooms"}


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def bot(house) -> Talker:
    return house.json(token=house.key("publish:ops", "read:ops"))


@pytest.fixture
def ana(house) -> Talker:
    talker = house.json("Ana")
    talker.does("join", room="ops")
    return talker


def test_an_alert_becomes_resolved(house, bot, ana):
    assert bot.welcome["user"]["kind"] == "bot"
    seq = bot.does("post", room="ops", text="db1: disk full", key="disk-db1")["seq"]
    bot.does("react", room="ops", seq=seq, emoji="🔥")
    bot.does("edit", room="ops", seq=seq, text="db1: disk full (resolved)")
    bot.does("react", room="ops", seq=seq, emoji="🔥", on=False)
    bot.does("react", room="ops", seq=seq, emoji="✅")
    house.elapse(1)
    assert [event["type"] for event in ana.hear() if "seq" in event and "by" in event] == [
        "message", "reaction", "edited", "reaction", "reaction",
    ]  # fmt: skip
    (message,) = [one for one in bot.does("history", room="ops")["events"] if one["type"] == "message"]
    assert message["text"] == "db1: disk full (resolved)"
    assert message["reactions"] == [{"emoji": "✅", "by": [bot.id], "count": 1}]


def test_a_bot_changes_what_it_has_said_itself_alone(bot, ana):
    ana.does("post", room="ops", text="mine")
    assert bot.fails("edit", room="ops", seq=1, text="yours") == "forbidden"
    assert bot.fails("delete", room="ops", seq=1) == "forbidden"
    seq = bot.does("post", room="ops", text="x")["seq"]
    assert ana.fails("edit", room="ops", seq=seq, text="y") == "forbidden"
    bot.does("delete", room="ops", seq=seq)


def test_a_bot_with_another_key_is_the_same_bot(house, bot):
    seq = bot.does("post", room="ops", text="x")["seq"]
    other = house.json(token=house.key("publish:ops", account=bot.id))
    other.does("edit", room="ops", seq=seq, text="y")


def test_a_bot_reads_where_it_may(house, bot, ana):
    ana.does("post", room="ops", text="x")
    ana.does("post", room="den", text="x")
    bot.does("join", room="ops")
    assert len(bot.does("history", room="ops")["events"]) == 1
    for request in ("join", "history", "who"):
        assert bot.fails(request, room="den") == "forbidden"
    ana.does("post", room="ops", text="y")
    house.elapse(1)
    assert [event["text"] for event in bot.events("message")] == ["y"]


def test_who_publishes_does_not_read_by_that(house, ana):
    deaf = house.json(token=house.key("publish:ops"))
    deaf.does("post", room="ops", text="x")
    for request in ("join", "history", "who"):
        assert deaf.fails(request, room="ops") == "forbidden"
    house.elapse(1)
    assert deaf.events() == []


@pytest.mark.parametrize("scope", ["publish:ops", "read:ops"])
def test_a_key_is_good_for_what_it_says_and_for_nothing_else(house, ana, scope):
    ana.does("post", room="ops", text="x")
    bot = house.json(token=house.key(scope))
    allowed = set()
    for command in AnyCommand.__args__:
        request = str(command.__struct_config__.tag)
        fields = FIELDS.get(request, {"room": "ops", "user": "Ana"})
        if request not in ALWAYS and bot.ask(request, **fields)["type"] != "error":
            allowed.add(request)
    wanted = {request for request, of in scopes.SCOPES.items() if scope.split(":")[0] in of}
    # The message there is not its own, and typing is for who has joined.
    assert allowed == wanted - {"edit", "delete", "typing"}


def test_a_revoked_key_ends_what_its_bot_does(house, bot):
    (key,) = [key for key in house.registry._keys.values() if key.account == bot.id]
    house.registry.revoke_key(key.name, house.now)
    house.look()
    assert bot.closed == 4401
