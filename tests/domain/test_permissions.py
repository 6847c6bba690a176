"""Who may do what: docs/permissions.md, the rules and the whole core say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from chatroom.domain import names, rules, scopes
from chatroom.domain.accounts import Membership, RoomRecord
from chatroom.domain.commands import AnyCommand
from chatroom.domain.errors import ChatError, Forbidden
from chatroom.domain.events import Message
from chatroom.domain.model import By, Role, RoomKind

from ..core.house import PASSWORD, House, Talker

PAGE = (Path(__file__).parents[2] / "docs/permissions.md").read_text()
KINDS: tuple[RoomKind, ...] = get_args(RoomKind)
ROLES: tuple[Role | None, ...] = (None, "guest", "member", "moderator", "owner")
COMMANDS = {str(command.__struct_config__.tag) for command in AnyCommand.__args__}


def table(name: str) -> dict[str, list[str]]:
    """What is asked for, and the cells beside it, of a table of the page."""
    found = re.search(rf"<!-- table {name} -->\n(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert found is not None
    lines = [line.strip() for line in found[1].splitlines()]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1:] for row in rows if row[0].startswith("`")}


def request(asked: str) -> str:
    """The request's name."""
    return asked.split("`")[1]


ROOMS = {
    asked: dict(zip(("public", "announcement", "private", "direct"), cells, strict=True))
    for asked, cells in table("rooms").items()
}
SERVER = {asked: cells[0] for asked, cells in table("server").items()}

SCOPES = {
    request(asked): tuple(one.strip("`").removesuffix(":ROOM") for one in cells[0].split(", "))
    for asked, cells in table("scopes").items()
}
BY_HTTP = {"invite", "users", "user.add", "user.role", "disconnect", "bans", "webhooks"}
"""Requests that are none of chatroom.v1."""

RULE = {"`delete`, of somebody else's": "delete any", "`purge`, with a `room`": "delete any"}
"""By which rule a row of the page is checked, where that has another name than the request."""


def rule_of(asked: str) -> str:
    return RULE.get(asked, request(asked))


def expected(role: Role | None, least: str) -> str:
    """What somebody of that role is answered."""
    if role is None:
        return "not_found"
    return "ok" if least != "-" and rules.RANK[role] >= rules.RANK[least] else "forbidden"  # type: ignore[index]


def test_every_request_is_in_one_of_the_tables():
    assert {request(asked) for asked in [*ROOMS, *SERVER]} == COMMANDS | BY_HTTP


def test_the_page_has_the_rules_and_nothing_else():
    told = {
        rule_of(asked): {k: None if v == "-" else v for k, v in row.items()} for asked, row in ROOMS.items()
    }
    assert told == {asked: dict(least) for asked, least in rules.LEAST.items()}
    elsewhere = {"hello", "login", "post", "room.create"}
    server = {request(asked): least for asked, least in SERVER.items()}
    assert {asked: least for asked, least in server.items() if asked not in elsewhere} == rules.SERVER


def test_the_page_has_the_scopes_and_nothing_else():
    assert scopes.SCOPES == SCOPES


@pytest.mark.parametrize("asked", ROOMS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
def test_the_rules_answer_as_the_page_says(asked, kind, role):
    code = "ok"
    try:
        rules.check(rule_of(asked), kind, role)
    except ChatError as error:
        code = error.code
    assert code == expected(role, ROOMS[asked][kind])


@pytest.mark.parametrize("asked", rules.SERVER)
@pytest.mark.parametrize("role", ROLES[1:])
def test_the_rules_of_the_server_answer_as_the_page_says(asked, role):
    code = "ok"
    try:
        rules.check_server(asked, role)
    except Forbidden as error:
        code = error.code
    assert code == expected(role, SERVER[f"`{asked}`"])


# The same through everything but the doors and the disk.


class Scene:
    """A room of a kind, somebody who may or may not do something there, and Vic, to whom it is done."""

    def __init__(self, kind: RoomKind, role: Role | None, *, on_server: Role | None = None) -> None:
        self.house = House()
        self.vic = self.house.json("Vic")
        self.who = self._somebody(kind, role, on_server)
        self.room = self._room(kind)
        if kind in ("private", "direct"):
            self.house.place(self.room, self.vic.id, "member")
        if role is not None and on_server is None:
            self.house.place(self.room, self.who.id, role)
        self._say(self.who)
        self._say(self.vic)

    def _somebody(self, kind: RoomKind, role: Role | None, on_server: Role | None) -> Talker:
        if role == "guest" and kind in ("public", "announcement"):
            return self.house.json("Who")
        return self.house.member("Who", on_server or "member")

    def _room(self, kind: RoomKind) -> str:
        name = {"private": "~plans-secret", "direct": names.direct_name(self.who.id, self.vic.id)}.get(
            kind, "den"
        )
        others = [Membership(name, "u" + "0" * 24, "Boss", "owner")] if kind != "direct" else []
        self.house.registry.create_room(RoomRecord(name, name, kind), others)
        self.house.look()
        return name

    def _say(self, author: Talker) -> None:
        by = By(author.id, author.welcome["user"]["name"])
        self.house.store.append(Message(room=self.room, at=1, by=by, text="x"))
        self.house.settle()

    def fields(self, asked: str) -> dict[str, Any]:
        """What goes with a request."""
        more: dict[str, Any] = {
            "read": {"seq": 1},
            "search": {"query": "x"},
            "report": {"seq": 2},
            "post": {"text": "x"},
            "edit": {"seq": 1, "text": "y"},
            "delete": {"seq": 2 if "else" in asked else 1},
            "react": {"seq": 2, "emoji": "👍"},
            "typing": {"on": True},
            "purge": {"user": self.vic.id},
            "room.set": {"topic": "x"},
            "room.role": {"user": self.vic.id, "role": "moderator"},
        }
        if asked in ("`room.invite`", "`room.kick`", "`room.ban`", "`room.mute`"):
            more[request(asked)] = {"user": self.vic.id}
        return {"room": self.room, **more.get(request(asked), {})}

    def ask(self, asked: str) -> str:
        """Make the request; ok, or the error's code."""
        if asked in ("`leave`", "`typing`"):
            self.who.ask("join", room=self.room)
        answer = self.who.ask(request(asked), **self.fields(asked))
        return "ok" if answer["type"] != "error" else str(answer["code"])


def scenes() -> Iterator[tuple[RoomKind, Role | None, Role | None]]:
    for kind in KINDS:
        for role in ROLES:
            if kind in ("private", "direct") or role not in (None, "member"):
                yield kind, role, None
        if kind in ("private", "direct"):
            yield kind, None, "owner"
        else:
            for role in ROLES[2:]:
                yield kind, role, role


@pytest.mark.parametrize(("kind", "role", "on_server"), list(scenes()))
def test_in_a_room_somebody_is_answered_as_the_page_says(kind, role, on_server):
    wrong = {}
    for asked, least in ROOMS.items():
        code = Scene(kind, role, on_server=on_server).ask(asked)
        if code != expected(role, least[kind]):
            wrong[asked] = code
    assert wrong == {}


def ask_server(asked: str, role: Role) -> str:
    """Make a request that is about no one room as somebody with that role on the server."""
    house = House()
    vic = house.json("Vic")
    vic.ask("post", room="lobby", text="x")
    vic.ask("report", room="lobby", seq=1)
    token = house.json("Who").token if role == "guest" else house.account("Who", role)
    who = Talker(house) if asked in ("`hello`", "`login`") else house.json(token=token)
    fields: dict[str, dict[str, Any]] = {
        "`hello`": {"token": token},
        "`login`": {"name": "Who", "password": PASSWORD},
        "`post`, with `to`": {"to": "Vic", "text": "x"},
        "`room.create`": {"room": "den"},
        "`session.end`": {},
        "`password`": {"old": PASSWORD, "new": "battery staple"},
        "`account.delete`": {"password": PASSWORD},
        "`ban`": {"user": vic.id},
        "`mute`": {"user": vic.id},
        "`purge`": {"user": vic.id},
        "`report.close`": {"report": 1},
    }
    answer = who.ask(request(asked), **fields.get(asked, {}))
    return "ok" if answer["type"] != "error" else str(answer["code"])


@pytest.mark.parametrize("asked", [asked for asked in SERVER if request(asked) not in BY_HTTP])
@pytest.mark.parametrize("role", ROLES[1:])
def test_on_the_server_somebody_is_answered_as_the_page_says(asked, role):
    code = ask_server(asked, role)
    if (asked, role) == ("`login`", "guest"):
        assert code == "bad_token"  # without an account there is nothing to log in to
    else:
        assert code == expected(role, SERVER[asked])


@pytest.mark.parametrize("role", ROLES[1:])
def test_links_to_sign_up_with_are_made_by_whom_the_page_says(role):
    house = House()
    talker = house.member("Who", role) if role != "guest" else house.json("Who")
    principal = house.people.connections(talker.id)[0].principal
    if expected(role, SERVER["`invite`"]) == "ok":
        assert house.done(house.core.accounts.invite(principal)).startswith("ci_")
    else:
        with pytest.raises(Forbidden):
            house.done(house.core.accounts.invite(principal))


@pytest.mark.parametrize(
    ("creators", "least"), [("everyone", "guest"), ("members", "member"), ("moderators", "moderator")]
)
@pytest.mark.parametrize("role", ROLES[1:])
def test_rooms_are_made_by_whom_the_option_says(creators, least, role):
    house = House(creators=creators)
    who = house.member("Who", role) if role != "guest" else house.json("Who")
    may = rules.RANK[role] >= rules.RANK[least]
    answer = who.ask("room.create", room="den")
    assert answer.get("code") == (None if may else "forbidden")
    # Implicitly only where everybody may.
    for kind, fields in (("join", {}), ("post", {"text": "x"})):
        answer = who.ask(kind, room="cave", **fields)
        assert answer.get("code") == (None if creators == "everyone" else "not_found")
        assert who.ask(kind, room="lobby", **fields)["type"] == "ok"
