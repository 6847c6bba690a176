"""The HTTP API for who runs the server: rooms, users, bans; and several messages at once."""

from __future__ import annotations

import json

import pytest

from chatroom.domain.limits import limited

from ..core.house import PASSWORD
from .programs import Office, Program


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def rooms(office: Office) -> Program:
    return office.program("manage:rooms")


@pytest.fixture
def users(office: Office) -> Program:
    return office.program("manage:users")


class TestRooms:
    """Making and setting them."""

    def test_a_room_is_made_shown_and_set(self, office: Office, rooms: Program) -> None:
        found = rooms.ask("POST", "/rooms", {"room": "news", "kind": "announcement", "title": "News"})
        assert found.status == 201
        made = json.loads(found.body)
        assert (made["name"], made["kind"], made["title"], made["role"]) == (
            "news",
            "announcement",
            "News",
            "owner",
        )
        assert rooms.done("PATCH", "/rooms/news", {"topic": "what is new"}) == {"room": "news", "seq": 1}
        office.chatter("Ana").ask("join", room="news")
        shown = rooms.done("GET", "/rooms/news")
        assert (shown["topic"], shown["head"], shown["count"]) == ("what is new", 1, 1)
        assert "read" not in shown

    def test_a_room_is_made_once(self, rooms: Program) -> None:
        rooms.done("POST", "/rooms", {"room": "news"})
        assert rooms.wrong("POST", "/rooms", {"room": "NEWS"}) == (409, "conflict")

    @pytest.mark.parametrize("room", ["a b", "@x", "~x", ""])
    def test_a_name_that_is_none_makes_none(self, rooms: Program, room: str) -> None:
        assert rooms.wrong("POST", "/rooms", {"room": room}) == (400, "bad_request")

    def test_nothing_to_set_is_nothing(self, rooms: Program) -> None:
        assert rooms.wrong("PATCH", "/rooms/lobby", {}) == (400, "bad_request")

    def test_rooms_that_nobody_may_see_are_not_there(self, office: Office, rooms: Program) -> None:
        private = office.person("Ana").done("POST", "/rooms", {"room": "den", "kind": "private"})["name"]
        for path in (f"/rooms/{private}", "/rooms/~den-2222222222222222"):
            assert rooms.wrong("GET", path) == (404, "not_found")

    def test_other_keys_run_nothing(self, office: Office, users: Program) -> None:
        for program in (office.program("publish:*", "read:*"), users):
            assert program.wrong("POST", "/rooms", {"room": "x"}) == (403, "forbidden")
            assert program.wrong("PATCH", "/rooms/lobby", {"title": "x"}) == (403, "forbidden")


class TestUsers:
    """Accounts, and who is connected."""

    def test_accounts_come_in_pages(self, office: Office, users: Program) -> None:
        for name in ("Ben", "ana", "Čenda"):
            office.account(name)
        names, path = [], "/users?limit=3"
        while path:
            found = users.done("GET", path)
            names += [one["name"] for one in found["users"]]
            path = f"/users?limit=3&cursor={found['next']}" if "next" in found else ""
        assert sorted(names) == ["Ben", "Bot 1", "ana", "Čenda"]

    def test_an_account_is_made_and_logs_in(self, office: Office, users: Program) -> None:
        wanted = {"name": "Ana", "password": PASSWORD}
        made = users.done("POST", "/users", wanted)
        assert (made["name"], made["role"], made["connections"]) == ("Ana", "member", 0)
        assert office.login("Ana", PASSWORD)
        assert users.wrong("POST", "/users", wanted) == (409, "name_taken")

    @pytest.mark.parametrize(
        ("wanted", "status"),
        [
            ({"name": "Eve", "password": "short"}, 400),
            ({"name": "", "password": PASSWORD}, 400),
            ({"name": "Eve", "password": PASSWORD, "role": "guest"}, 400),
            ({"name": "Eve", "password": PASSWORD, "role": "moderator"}, 403),
            ({"name": "Eve", "password": PASSWORD, "role": "king"}, 400),
        ],
    )
    def test_an_account_that_cannot_be_is_not_made(
        self, office: Office, users: Program, wanted: dict[str, str], status: int
    ) -> None:
        assert users.ask("POST", "/users", wanted).status == status
        assert users.wrong("GET", "/users/Eve") == (404, "not_found")

    def test_a_user_is_shown_by_name_and_by_id(self, office: Office, users: Program) -> None:
        ana = office.member("Ana")
        by_name = users.done("GET", "/users/ana")
        assert by_name == users.done("GET", f"/users/{ana.id}")
        assert by_name == {"id": ana.id, "name": "Ana", "kind": "user", "role": "member", "connections": 1}
        office.chatter("Gus")
        assert users.done("GET", "/users/Gus")["kind"] == "guest"

    def test_roles_are_given_downwards(self, office: Office, users: Program) -> None:
        office.account("Ana")
        office.account("Mo", "moderator")
        boss = office.person("Boss", "owner")
        assert users.wrong("PATCH", "/users/Mo", {"role": "member"}) == (403, "forbidden")
        assert users.wrong("PATCH", "/users/Ana", {"role": "moderator"}) == (403, "forbidden")
        assert users.done("PATCH", "/users/Ana", {"role": "member"})["role"] == "member"
        assert boss.done("PATCH", "/users/Ana", {"role": "moderator"})["role"] == "moderator"
        assert users.done("GET", "/users/Ana")["role"] == "moderator"
        assert boss.wrong("PATCH", "/users/Ana", {"role": "guest"}) == (400, "bad_request")

    def test_a_guest_has_no_role_to_change(self, office: Office, users: Program) -> None:
        office.chatter("Gus")
        assert users.wrong("PATCH", "/users/Gus", {"role": "member"}) == (404, "not_found")

    def test_who_is_disconnected_is_told_not_to_come_back_by_itself(
        self, office: Office, users: Program
    ) -> None:
        ana, mo = office.member("Ana"), office.member("Mo", "moderator")
        assert users.done("POST", "/users/Ana/disconnect") == {"connections": 1}
        assert ana.closed == 4403
        assert users.wrong("POST", "/users/Mo/disconnect") == (403, "forbidden")
        assert mo.closed is None
        assert users.wrong("POST", "/users/Eve/disconnect") == (404, "not_found")

    def test_what_is_done_is_in_the_audit_log(self, office: Office, users: Program) -> None:
        office.account("Ana")
        users.done("PATCH", "/users/Ana", {"role": "member"})
        users.done("POST", "/users/Ana/disconnect")
        users.done("POST", "/users", {"name": "Ben", "password": PASSWORD})
        deeds = [deed.what for deed in office.registry._deeds]
        assert deeds == ["user.role", "disconnect", "user.add"]

    def test_people_who_run_nothing_may_not(self, office: Office, rooms: Program) -> None:
        for program in (office.person("Ana"), office.program("publish:*", "read:*"), rooms):
            for method, path, body in (
                ("GET", "/users", None),
                ("GET", "/users/Ana", None),
                ("POST", "/users", {"name": "Eve", "password": PASSWORD}),
                ("PATCH", "/users/Ana", {"role": "member"}),
                ("POST", "/users/Ana/disconnect", None),
                ("GET", "/bans", None),
                ("POST", "/bans", {"user": "Ana"}),
                ("DELETE", "/bans/Ana", None),
            ):
                assert program.wrong(method, path, body) == (403, "forbidden")


class TestBans:
    """Keeping somebody out."""

    def test_a_user_is_kept_out_and_let_in_again(self, office: Office, users: Program) -> None:
        ana = office.member("Ana")
        assert users.ask("POST", "/bans", {"user": "Ana", "reason": "spam"}).status == 204
        assert ana.closed == 4403
        (ban,) = users.done("GET", "/bans")["bans"]
        assert (ban["subject"], ban["reason"], ban["user"]["name"]) == (ana.id, "spam", "Ana")
        assert users.ask("DELETE", "/bans/Ana").status == 204
        assert users.done("GET", "/bans") == {"bans": []}
        assert users.wrong("DELETE", "/bans/Ana") == (404, "not_found")

    def test_so_is_an_address(self, users: Program) -> None:
        for address in ("198.51.100.7", "2001:db8::1"):
            users.done("POST", "/bans", {"address": address})
        first = users.done("GET", "/bans?limit=1")
        assert first["bans"][0]["subject"] == "address:198.51.100.7"
        rest = users.done("GET", f"/bans?cursor={first['next']}")
        assert [ban["subject"] for ban in rest["bans"]] == ["address:2001:0db8:0000:0000::/64"]
        assert users.ask("DELETE", "/bans/address:198.51.100.7").status == 204
        assert users.ask("DELETE", "/bans/address:2001:db8::1").status == 204
        assert users.done("GET", "/bans") == {"bans": []}

    @pytest.mark.parametrize("wanted", [{}, {"user": "Ana", "address": "192.0.2.9"}, {"address": "x"}])
    def test_a_ban_of_nobody_is_none(self, office: Office, users: Program, wanted: dict[str, str]) -> None:
        office.account("Ana")
        assert users.wrong("POST", "/bans", wanted) == (400, "bad_request")


class TestSeveralMessages:
    """POST /messages."""

    def test_they_are_published_in_their_order(self, office: Office) -> None:
        program = office.program("publish:*", "direct:*")
        ana = office.member("Ana")
        wanted = [
            {"room": "lobby", "text": "1", "key": "a"},
            {"to": "Ana", "text": "psst"},
            {"room": "other", "text": "2", "as": "Cron"},
            {"room": "lobby", "text": "3"},
            {"room": "lobby", "text": "1", "key": "a"},
        ]
        results = program.done("POST", "/messages", {"messages": wanted})["results"]
        assert [(one["room"][0], one["seq"]) for one in results] == [
            ("l", 1),
            ("@", 1),
            ("o", 1),
            ("l", 2),
            ("l", 1),
        ]
        assert [event.text for event in office.log()] == ["1", "3"]
        assert office.log("other")[0].by.name == "Cron"
        assert [event["text"] for event in ana.events("message")] == ["psst"]

    def test_one_that_cannot_be_published_keeps_no_other_back(self, office: Office) -> None:
        office.account("Ana")
        program = office.program("publish:lobby")
        wanted = [
            {"room": "a/b", "text": "x"},
            {"room": "other", "text": "x"},
            {"to": "Ana", "text": "x"},
            {"text": "x"},
            {"room": "lobby", "text": "x", "as": "Ana"},
            {"room": "lobby", "text": "good"},
        ]
        results = program.done("POST", "/messages", {"messages": wanted})["results"]
        codes = [one.get("error", {}).get("code") for one in results]
        assert codes == ["bad_request", "forbidden", "forbidden", "bad_request", "name_taken", None]

    @pytest.mark.parametrize("count", [0, 101])
    def test_they_are_from_one_to_a_hundred(self, office: Office, count: int) -> None:
        program = office.program("publish:*")
        wanted = [{"room": "lobby", "text": "x"}] * count
        assert program.wrong("POST", "/messages", {"messages": wanted}) == (400, "bad_request")

    def test_they_may_be_long(self, office: Office) -> None:
        program = office.program("publish:*")
        wanted = [{"room": "lobby", "text": "x" * 2000}] * 100
        assert len(program.done("POST", "/messages", {"messages": wanted})["results"]) == 100

    def test_each_counts_for_the_rate(self) -> None:
        office = Office(limited(["posts_per_second=2"]))
        program = office.program("publish:*")
        wanted = [{"room": "lobby", "text": "x"}] * 6
        results = program.done("POST", "/messages", {"messages": wanted})["results"]
        assert [one.get("error", {}).get("code") for one in results] == [None] * 4 + ["rate_limited"] * 2
        assert results[-1]["error"]["retry_after"] > 0


WANTED = {"url": "https://example.org/hook", "rooms": ["*"], "events": ["message"], "name": "Relay"}


class TestWebhooks:
    """Who is told by HTTP of what happens here."""

    @pytest.fixture
    def hooks(self, office: Office) -> Program:
        return office.program("manage:webhooks")

    def test_a_webhook_is_added_told_and_removed(self, office: Office, hooks: Program) -> None:
        made = hooks.done("POST", "/webhooks", WANTED)
        assert made["secret"].startswith("whsec_")
        (shown,) = hooks.done("GET", "/webhooks")["webhooks"]
        assert shown == {name: value for name, value in made.items() if name != "secret"}
        office.program("publish:*").publish("hello")
        office.elapse(1)
        assert office.courier.texts() == ["hello"]
        assert hooks.ask("DELETE", f"/webhooks/{made['id']}").status == 204
        assert hooks.done("GET", "/webhooks") == {"webhooks": []}
        assert hooks.wrong("DELETE", f"/webhooks/{made['id']}") == (404, "not_found")

    def test_dead_letters_are_listed_and_told_again(self, hooks: Program) -> None:
        made = hooks.done("POST", "/webhooks", WANTED)
        path = f"/webhooks/{made['id']}"
        assert hooks.done("GET", f"{path}/dead") == {"letters": []}
        assert hooks.done("POST", f"{path}/dead/resend") == {"letters": 0}
        assert hooks.wrong("GET", f"{path}/dead?cursor=eA") == (400, "bad_request")
        assert hooks.wrong("POST", f"{path}/enable") == (409, "conflict")

    @pytest.mark.parametrize(
        "more", [{"url": "ftp://x"}, {"events": []}, {"events": ["tea"]}, {"rooms": []}, {"rooms": ["@x"]}]
    )
    def test_a_webhook_that_cannot_be_is_none(self, hooks: Program, more: dict[str, object]) -> None:
        assert hooks.wrong("POST", "/webhooks", {**WANTED, **more}) == (400, "bad_request")

    def test_other_keys_keep_none(self, office: Office) -> None:
        for program in (office.program("manage:rooms", "publish:*", "read:*"), office.person("Ana")):
            assert program.wrong("POST", "/webhooks", WANTED) == (403, "forbidden")
            assert program.wrong("GET", "/webhooks") == (403, "forbidden")
