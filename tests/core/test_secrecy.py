"""Whether there is a private room is told to nobody who has no place in it: not in words, not in bytes,
not in what is looked up before the answer."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from chatroom.domain import names
from chatroom.domain.accounts import RoomRecord
from chatroom.domain.errors import Forbidden
from chatroom.domain.model import Role

from ..store.memory import MemoryStore
from ..store.memory_registry import MemoryRegistry
from .house import House, Talker, made
from .site import JWT, FakeSite, Told

SECRET = "~plans-secretsecretsecr"
NOWHERE = "~plans-nowherenowherenowh"

ASKED: dict[str, dict[str, Any]] = {
    "join": {},
    "leave": {},
    "post": {"text": "x"},
    "edit": {"seq": 1, "text": "x"},
    "delete": {"seq": 1},
    "typing": {"on": True},
    "read": {"seq": 1},
    "history": {},
    "who": {},
    "room.create": {},
    "room.set": {"title": "x"},
    "room.invite": {"user": "Ana"},
    "room.kick": {"user": "Ana"},
    "room.ban": {"user": "Ana"},
    "room.mute": {"user": "Ana"},
    "room.role": {"user": "Ana", "role": "member"},
    "purge": {"user": "Ana"},
    "report": {"seq": 1},
}
"""Every request that takes a room."""


class Counting(MemoryRegistry):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.calls: Counter[str] = Counter()

    def _ask(self, call: Any) -> Any:
        self.calls[call.__closure__[1].cell_contents.__name__] += 1
        return super()._ask(call)


class Scene:
    """Ana's and Bob's private room and direct room, with something said in each, and a stranger."""

    def __init__(self, stranger: str) -> None:
        site = FakeSite()
        site.known[JWT] = Told(role="owner", rooms=("lobby", "plans"))
        self.registry = Counting()
        self.house = House(registry=self.registry, site=site)
        self.ana, self.bob = self.house.member("Ana"), self.house.member("Bob")
        self.registry.create_room(RoomRecord(SECRET, "The plans", "private"), [])
        self.house.place(SECRET, self.ana.id, "owner")
        self.house.place(SECRET, self.bob.id)
        self.direct = self.ana.does("post", to="Bob", text="nobody knows of us")["room"]
        for talker in (self.ana, self.bob):
            talker.does("join", room=SECRET)
        self.ana.does("post", room=SECRET, text="the plan")
        self.ana.does("report", room=SECRET, seq=1)
        self.stranger = self._stranger(stranger)

    def _stranger(self, which: str) -> Talker:
        if which == "guest":
            return self.house.json("Eve")
        if which == "site":
            return self.house.json(token=JWT)
        if which == "key":
            return self.house.json(token=self.house.key("publish:*", "read:*"))
        roles: dict[str, Role] = {"member": "member", "moderator": "moderator", "owner": "owner"}
        return self.house.member("Eve", roles[which])

    def told(self, asked: str, room: str) -> tuple[bytes, Counter[str]]:
        """The answer, byte for byte but for the room's name, and what was looked up for it."""
        self.stranger.outlet.read()
        self.registry.calls.clear()
        self.stranger.say(asked, room=room, **ASKED[asked])
        self.house.settle()
        (frame,) = self.stranger.outlet.read()
        answer = json.loads(frame.payload)
        answer.pop("id")
        return json.dumps(answer).replace(room, "ROOM").encode(), Counter(self.registry.calls)


STRANGERS = ["guest", "member", "moderator", "owner", "site", "key"]


@pytest.mark.parametrize("asked", [asked for asked in ASKED if asked != "room.create"])
@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_room_one_is_not_in_and_none_at_all_are_the_same(stranger, asked):
    scene = Scene(stranger)
    for room in (NOWHERE, names.direct_name("u1", "u3")):
        scene.told(asked, room)  # what is looked up once for a user is by now
    pairs = [(SECRET, NOWHERE), (scene.direct, names.direct_name("u1", "u2"))]
    for real, unreal in pairs:
        assert scene.told(asked, real) == scene.told(asked, unreal)
    cold = [Scene(stranger).told(asked, room) for room in (SECRET, NOWHERE)]
    assert cold[0] == cold[1]


@pytest.mark.parametrize("stranger", ["guest", "member", "owner"])
def test_the_answer_is_not_found(stranger):
    scene = Scene(stranger)
    for asked in ASKED:
        if asked != "room.create":
            assert scene.stranger.fails(asked, room=SECRET, **ASKED[asked]) == "not_found"


def test_making_a_room_of_a_private_rooms_name_makes_another_one():
    scene = Scene("member")
    for room in (SECRET, NOWHERE):
        name = scene.stranger.does("room.create", room=room, kind="private")["room"]["name"]
        assert name.startswith("~plans-")
        assert name not in (SECRET, NOWHERE)
    for room in (scene.direct, names.direct_name("u1", "u2")):
        assert scene.stranger.fails("room.create", room=room) == "bad_request"


@pytest.mark.parametrize("stranger", STRANGERS)
def test_nothing_of_it_is_in_what_a_stranger_is_told_of_the_server(stranger):
    scene = Scene(stranger)
    scene.stranger.does("join", room="lobby")
    scene.ana.does("join", room="lobby")
    scene.ana.does("typing", room=SECRET, on=True)
    scene.ana.does("post", room=SECRET, text="more")
    scene.ana.does("read", room=SECRET, seq=2)
    scene.house.elapse(2)
    for asked in ("rooms", "reports", "audit", "sessions"):
        scene.stranger.ask(asked)
    heard = [one for one in scene.stranger.hear() if one["type"] != "ok" or "rooms" in one]
    told = json.dumps(heard)
    for words in (SECRET, scene.direct, "The plans", "the plan", "nobody knows of us"):
        assert words not in told


@pytest.mark.parametrize("stranger", ["guest", "member", "site", "key"])
def test_reports_and_the_audit_log_are_for_moderators(stranger):
    scene = Scene(stranger)
    assert scene.stranger.fails("reports") == "forbidden"
    assert scene.stranger.fails("audit") == "forbidden"


def test_who_is_not_in_a_public_room_is_told_so():
    house = House()
    ana, bob = house.json("Ana"), house.json("Bob")
    ana.does("join", room="lobby")
    for room in ("lobby", "elsewhere"):
        assert bob.fails("leave", room=room) == "not_found"
        assert bob.fails("typing", room=room, on=True) == "not_found"
    assert bob.does("who", room="lobby")["count"] == 1
    assert bob.does("history", room="lobby")["events"] == []
    assert bob.fails("report", room="lobby", seq=1) == "not_found"
    assert ana.events("typing") == []


# What lets in, but not everywhere.


@pytest.mark.parametrize(
    ("scopes", "may", "may_not"),
    [
        (("publish:lobby",), ["post"], ["join", "history", "who", "read"]),
        (("read:lobby",), ["join", "history", "who", "read", "leave"], ["post"]),
        (("read:*", "publish:*"), ["join", "history", "who", "read", "post", "leave"], []),
        (("read:other", "publish:other"), [], ["join", "history", "who", "read", "post"]),
        ((), [], ["join", "history", "who", "read", "post"]),
    ],
)
def test_a_key_may_what_its_scopes_say(scopes, may, may_not):
    house = House()
    key = house.json(token=house.key(*scopes))
    for asked in may:
        key.does(asked, room="lobby", **ASKED[asked])
    for asked in may_not:
        assert key.fails(asked, room="lobby", **ASKED[asked]) == "forbidden"


@pytest.mark.parametrize("role", ["member", "moderator", "owner"])
def test_a_key_runs_nothing_whatever_its_accounts_role(role):
    house = House()
    owner = house.member("Olga", role)
    house.json("Vic").does("post", room="lobby", text="x")
    house.place("lobby", owner.id, "owner")
    key = house.json(token=house.key("publish:*", "read:*", account=owner.id))
    for asked in (
        "room.set",
        "room.invite",
        "room.kick",
        "room.ban",
        "room.mute",
        "room.role",
        "purge",
        "report",
    ):
        fields = ASKED[asked] | ({"user": "Vic"} if "user" in ASKED[asked] else {})
        assert key.fails(asked, room="lobby", **fields) == "forbidden"
    assert key.fails("room.create", room="new") == "forbidden"
    assert key.fails("delete", room="lobby", seq=1) == "forbidden"
    for asked, more in (("ban", {"user": "Vic"}), ("mute", {"user": "Vic"}), ("purge", {"user": "Vic"})):
        assert key.fails(asked, **more) == "forbidden"
    for asked in ("reports", "audit", "report.close"):
        assert key.fails(asked, **({"report": 1} if "." in asked else {})) == "forbidden"
    assert house.core.rights.banned("", house.known("Vic").id) is None


@pytest.mark.parametrize("scope", ["read:{}", "publish:{}"])
def test_a_private_room_that_a_key_names_lets_it_in(scope):
    house = House()
    room = made(house.member("Olga"), "den", kind="private")
    key = house.json(token=house.key(scope.format(room)))
    if scope.startswith("read"):
        assert key.does("join", room=room)["room"]["kind"] == "private"
        assert key.fails("post", room=room, text="x") == "forbidden"
    else:
        assert key.does("post", room=room, text="x")["seq"] == 1
        assert key.fails("join", room=room) == "forbidden"
    other = house.json(token=house.key("read:*", "publish:*"))
    assert other.fails("join", room=room) == other.fails("post", room=room, text="x") == "not_found"


def test_an_announcement_room_that_a_key_names_takes_its_announcements():
    house = House()
    made(house.member("Olga"), "news", kind="announcement")
    assert house.json(token=house.key("publish:*")).fails("post", room="news", text="x") == "forbidden"
    key = house.json(token=house.key("publish:news"))
    assert key.does("post", room="news", text="x")["seq"] == 1
    assert key.does("edit", room="news", seq=1, text="y")["seq"] == 2
    assert key.fails("room.set", room="news", topic="x") == "forbidden"


def test_a_key_that_runs_rooms_runs_those_that_the_server_runs():
    house = House(creators="moderators")
    private = made(house.member("Olga", "owner"), "den", kind="private")
    key = house.json(token=house.key("manage:rooms"))
    assert made(key, "news") == "news"
    assert key.does("room.set", room="lobby", topic="x")["seq"] == 1
    assert key.fails("room.set", room=private, topic="x") == "not_found"
    assert [room["name"] for room in key.does("rooms")["rooms"]] == ["lobby", "news"]
    assert key.fails("join", room="news") == key.fails("post", room="news", text="x") == "forbidden"
    assert key.fails("room.kick", room="news", user="Olga") == "forbidden"


def test_a_key_that_runs_users_bans_those_below_moderators():
    house = House()
    member, moderator = house.member("Ana"), house.member("Mo", "moderator")
    key = house.json(token=house.key("manage:users"))
    key.does("ban", user="Ana")
    assert member.closed == 4403
    assert key.fails("ban", user="Mo") == "forbidden"
    assert moderator.closed is None
    assert key.fails("mute", user="Ana") == key.fails("purge", user="Ana") == "forbidden"


def test_a_key_lists_what_it_may_read():
    house = House()
    ana = house.member("Ana")
    for room in ("one", "two"):
        ana.does("post", room=room, text="x")
    private = ana.does("room.create", room="three", kind="private")["room"]["name"]

    def listed(*scopes: str) -> list[str]:
        key = house.json(token=house.key(*scopes, account=ana.id))
        return [room["name"] for room in key.does("rooms")["rooms"]]

    assert listed("read:one", "publish:two") == ["one"]
    assert listed(f"read:{private}") == [private]
    assert listed("read:*") == ["one", "two", private]
    assert listed("publish:*") == []


def site_user(**claims: Any) -> tuple[House, Talker]:
    site = FakeSite()
    site.known[JWT] = Told(**claims)
    house = House(site=site)
    house.registry.create_room(RoomRecord("~club-x", "The club", "private"), [])
    gil = house.json("Gil")
    for room in ("news", "news-sport", "lobby"):
        gil.does("post", room=room, text="x")
    return house, house.json(token=JWT)


def test_a_sites_user_is_let_into_the_rooms_that_it_says():
    _house, sue = site_user(rooms=("news*", "~club-x"))
    for room in ("news", "news-sport", "newsroom", "~club-x"):
        sue.does("join", room=room)
    for room in ("lobby", "new"):
        assert sue.fails("join", room=room) == "forbidden"
    assert sue.fails("room.create", room="lobby2") == "forbidden"
    assert sue.does("room.create", room="news-local")["room"]["role"] == "owner"
    assert [room["name"] for room in sue.does("rooms")["rooms"]] == [
        "news",
        "news-local",
        "news-sport",
        "newsroom",
        "~club-x",
    ]


def test_a_private_room_that_a_site_names_must_be_there():
    _house, sue = site_user(rooms=("~club-y", "*"))
    assert sue.fails("join", room="~club-y") == "not_found"
    assert sue.fails("join", room="~club-x") == "not_found"
    sue.does("join", room="lobby")


def test_how_private_rooms_begin_lets_nobody_in():
    _house, sue = site_user(rooms=("~club*",))
    assert sue.fails("join", room="~club-x") == "not_found"
    assert sue.does("rooms")["rooms"] == []


def test_a_sites_user_writes_to_one_user_wherever_they_are_let_in():
    house, sue = site_user(rooms=("news",))
    gus = house.json("Gus")
    sue.does("post", to="Gus", text="hello")
    assert [one["text"] for one in gus.events()] == ["hello"]


@pytest.mark.parametrize(("rooms", "may"), [(("news",), False), (("news", "*"), True), (None, True)])
def test_a_sites_moderator_of_some_rooms_is_none_of_the_server(rooms, may):
    house, sue = site_user(rooms=rooms, role="moderator")
    gus = house.json("Gus")
    answers = [
        sue.ask("mute", user="Gus"),
        sue.ask("reports"),
        sue.ask("audit"),
        sue.ask("purge", user="Gus"),
        sue.ask("ban", user="Gus"),
    ]
    assert {answer.get("code") for answer in answers} == {None if may else "forbidden"}
    assert gus.closed == (4403 if may else None)
    # In the room they are let into, they moderate.
    sue.does("room.set", room="news", topic="x")


def test_places_of_a_site_do_not_outlast_its_token():
    house, sue = site_user(rooms=("~club-x",))
    (member,) = house.people.connections(sue.id)
    assert house.done(house.core.rights.stays(member.principal, "~club-x"))
    assert not house.done(house.core.rights.stays(member.principal._replace(rooms=None), "~club-x"))
    with pytest.raises(Forbidden):
        house.core.rights.check_creation(member.principal, "anything")


def test_who_is_invited_hears_of_it_only_where_what_let_them_in_is_good_for_the_room():
    site = FakeSite()
    house = House(site=site)
    site.known = {"a.l.l": Told(), "so.m.e": Told(rooms=("den",))}
    ana, wide, narrow = house.json("Ana"), house.json(token="a.l.l"), house.json(token="so.m.e")
    room = made(ana, kind="private")
    ana.does("room.invite", room=room, user="Sue")
    assert [one["change"] for one in wide.events("member")] == ["invited"]
    assert room not in json.dumps(narrow.hear())
