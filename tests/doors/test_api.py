"""The HTTP API: publishing and reading, by whoever shows a key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatroom.domain.limits import limited

from .programs import Office, Program, refusal

ROOM = "/rooms/lobby/messages"


@pytest.fixture(params=[True, False], ids=["short way", "long way"])
def office(request: pytest.FixtureRequest) -> Office:
    return Office(publishing=request.param)


@pytest.fixture
def program(office: Office) -> Program:
    return office.program("publish:*", "read:*")


class TestPublishing:
    """POST /rooms/{room}/messages."""

    def test_what_is_published_is_told_to_all_who_are_in_the_room(
        self, office: Office, program: Program
    ) -> None:
        ana = office.chatter("Ana")
        ana.ask("join", room="lobby")
        found = program.ask("POST", ROOM, {"text": "hello", "data": {"n": 1}})
        posted = json.loads(found.body)
        assert (found.status, posted) == (201, {"room": "lobby", "seq": 1, "at": office.now})
        (event,) = [one for one in ana.heard() if one["type"] == "message"]
        assert (event["text"], event["data"], event["by"]["name"]) == ("hello", {"n": 1}, "Bot 1")

    def test_a_request_sent_again_with_its_key_publishes_nothing(
        self, office: Office, program: Program
    ) -> None:
        first = program.ask("POST", ROOM, {"text": "once"}, Idempotency_Key="order-17")
        office.elapse(1)
        for key in ("order-17", '"order-17"'):
            again = program.ask("POST", ROOM, {"text": "once"}, Idempotency_Key=key)
            assert (first.status, again.status, again.body) == (201, 200, first.body)
        assert len(office.log()) == 1

    def test_an_answer_answers_a_message(self, office: Office, program: Program) -> None:
        program.publish("what?")
        program.publish("that", reply_to=1)
        assert office.log()[1].reply_to == 1

    def test_a_message_can_have_a_name_of_its_own(self, office: Office, program: Program) -> None:
        program.publish("up", **{"as": "Grafana"})
        assert office.log()[0].by.name == "Grafana"
        program.publish("down")
        assert [event.by.name for event in office.log()] == ["Grafana", "Bot 1"]
        assert len({event.by.id for event in office.log()}) == 1

    def test_but_nobody_elses(self, office: Office, program: Program) -> None:
        office.account("Ana")
        office.chatter("Ben")
        for name in ("Ana", "ANA", "ben"):
            assert program.wrong("POST", ROOM, {"text": "x", "as": name}) == (409, "name_taken")
        assert program.wrong("POST", ROOM, {"text": "x", "as": "\u202e"}) == (400, "bad_request")
        assert program.publish("x", **{"as": "Bot 1"})["seq"] == 1

    def test_people_speak_under_their_own_names(self, office: Office) -> None:
        ana = office.person("Ana")
        assert ana.publish("hello")["seq"] == 1
        assert ana.wrong("POST", ROOM, {"text": "x", "as": "Eve"}) == (403, "forbidden")

    @pytest.mark.parametrize("room", ["caf%C3%A9", "a.b-c_d", "LOBBY", "%D1%87%D0%B0%D1%82"])
    def test_rooms_are_called_whatever_rooms_are_called(self, program: Program, room: str) -> None:
        assert program.publish("x", room)["seq"] == 1

    @pytest.mark.parametrize("room", ["a%20b", "%00", "x" * 65, "%F0%9F%99%82"])
    def test_and_nothing_else(self, program: Program, room: str) -> None:
        assert program.wrong("POST", f"/rooms/{room}/messages", {"text": "x"}) == (400, "bad_request")

    @pytest.mark.parametrize("room", ["%FF", "a%2Fb", ""])
    def test_what_is_no_part_of_a_path_leads_nowhere(self, program: Program, room: str) -> None:
        assert program.wrong("POST", f"/rooms/{room}/messages", {"text": "x"}) == (404, "not_found")


class TestDirectMessages:
    """POST /users/{name}/messages."""

    def test_a_message_reaches_one_user(self, office: Office) -> None:
        ana = office.member("Ana")
        program = office.program("direct:*")
        posted = program.done("POST", "/users/Ana/messages", {"text": "psst"})
        assert posted["room"].startswith("@")
        assert [event["text"] for event in ana.events("message")] == ["psst"]
        again = program.done("POST", f"/users/{ana.id}/messages", {"text": "psst"})
        assert (again["room"], again["seq"]) == (posted["room"], 2)

    def test_nobody_is_nobody(self, office: Office) -> None:
        program = office.program("direct:*")
        assert program.wrong("POST", "/users/Eve/messages", {"text": "x"}) == (404, "not_found")


class TestReading:
    """GET /rooms/{room}/messages, and lists."""

    def test_the_log_is_read_forwards_and_backwards(self, program: Program) -> None:
        for number in range(5):
            program.publish(str(number))

        def read(query: str) -> tuple[list[int], bool, int | None]:
            found = program.done("GET", f"{ROOM}?{query}")
            return [event["seq"] for event in found["events"]], found["more"], found.get("next")

        assert read("") == ([1, 2, 3, 4, 5], False, None)
        assert read("limit=2") == ([4, 5], True, 4)
        assert read("limit=2&before=4") == ([2, 3], True, 2)
        assert read("limit=2&after=0") == ([1, 2], True, 2)
        assert read("after=3&limit=2") == ([4, 5], False, None)
        assert read("after=5") == ([], False, None)

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=501",
            "limit=x",
            "after=-1",
            "before=1&after=1",
            "after=%FF",
            "after=9e99",
            "limit=1&limit=2",
            "after=null",
        ],
    )
    def test_a_query_that_is_none_is_refused(self, program: Program, query: str) -> None:
        assert program.wrong("GET", f"{ROOM}?{query}") == (400, "bad_request")

    def test_messages_are_found_by_their_words(self, office: Office, program: Program) -> None:
        for text in ("green tea", "tea", "black tea, no sugar"):
            program.publish(text)
        found = program.done("GET", "/search?query=TEA&limit=2")["messages"]
        assert [message["text"] for message in found] == ["black tea, no sugar", "tea"]
        found = program.done("GET", "/search?query=tea%20green&room=lobby")["messages"]
        assert [message["seq"] for message in found] == [1]
        assert program.wrong("GET", "/search?query=%21") == (400, "bad_request")
        assert program.wrong("GET", "/search") == (400, "bad_request")
        stranger = office.program("read:garden")
        assert stranger.done("GET", "/search?query=tea") == {"messages": []}
        assert stranger.wrong("GET", "/search?query=tea&room=lobby") == (403, "forbidden")

    def test_whoever_has_an_answer_is_told_that_it_is_still_good(self, program: Program) -> None:
        program.publish("x")
        first = program.ask("GET", ROOM)
        again = program.ask("GET", ROOM, If_None_Match=first.headers["etag"])
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
        program.publish("y")
        assert program.ask("GET", ROOM, If_None_Match=first.headers["etag"]).status == 200

    def test_rooms_come_in_pages(self, program: Program) -> None:
        for name in "cab":
            program.publish("x", name)
        names, path = [], "/rooms?limit=2"
        while path:
            found = program.done("GET", path)
            names.append([room["name"] for room in found["rooms"]])
            path = f"/rooms?limit=2&cursor={found['next']}" if "next" in found else ""
        assert names == [["a", "b"], ["c"]]
        assert program.wrong("GET", "/rooms?cursor=%21") == (400, "bad_request")

    def test_members_are_who_is_there(self, office: Office, program: Program) -> None:
        assert program.done("GET", "/rooms/lobby/members") == {"members": [], "count": 0}
        office.chatter("Ana").ask("join", room="lobby")
        found = program.done("GET", "/rooms/lobby/members")
        assert ([one["name"] for one in found["members"]], found["count"]) == (["Ana"], 1)

    def test_reading_leaves_nothing_behind(self, office: Office, program: Program) -> None:
        program.publish("x")
        program.done("GET", ROOM)
        assert office.empty()


class TestChanging:
    """PATCH and DELETE."""

    def test_a_program_changes_what_it_has_said(self, office: Office, program: Program) -> None:
        program.publish("firing")
        assert program.done("PATCH", f"{ROOM}/1", {"text": "resolved"}) == {"room": "lobby", "seq": 2}
        assert program.done("DELETE", f"{ROOM}/1") == {"room": "lobby", "seq": 3}
        assert program.wrong("DELETE", f"{ROOM}/1") == (404, "not_found")
        assert [type(event).__name__ for event in office.log()] == ["Message", "Edited", "Deleted"]

    def test_and_nothing_else(self, office: Office, program: Program) -> None:
        office.program("publish:*").publish("mine")
        assert program.wrong("PATCH", f"{ROOM}/1", {"text": "x"}) == (403, "forbidden")
        assert program.wrong("DELETE", f"{ROOM}/1") == (403, "forbidden")
        assert program.wrong("DELETE", f"{ROOM}/99999999999999999999") == (400, "bad_request")
        assert program.wrong("DELETE", f"{ROOM}/x") == (404, "not_found")

    def test_an_emoji_is_put_under_a_message_and_taken_away(self, office: Office, program: Program) -> None:
        program.publish("done?")
        path = f"{ROOM}/1/reactions/%F0%9F%91%8D"
        assert program.done("PUT", path) == {"room": "lobby", "seq": 2}
        assert program.done("PUT", path) == {"room": "lobby"}
        (message, _reaction) = program.done("GET", ROOM)["events"]
        assert message["reactions"][0]["emoji"] == "\N{THUMBS UP SIGN}"
        assert program.done("DELETE", path) == {"room": "lobby", "seq": 3}
        assert program.wrong("PUT", f"{ROOM}/1/reactions/a%20b") == (400, "bad_request")
        assert program.wrong("PUT", f"{ROOM}/9/reactions/x") == (404, "not_found")


class TestWhoAsks:
    """Keys, other tokens, and none."""

    def test_without_a_key_nothing_is_done(self, office: Office) -> None:
        found = office.anybody().ask("POST", ROOM, {"text": "x"})
        assert refusal(found) == (401, "bad_token")
        assert found.headers["www-authenticate"] == 'Bearer realm="chatroom"'

    @pytest.mark.parametrize(
        "authorization",
        ["Bearer", "Bearer x", "Bearer ck_" + "x" * 43, "Basic eDp5", "ck_x", f"Bearer {'x' * 9000}"],
    )
    def test_a_key_that_is_none_is_refused(self, office: Office, authorization: str) -> None:
        assert office.anybody(Authorization=authorization).wrong("GET", ROOM) == (401, "bad_token")

    def test_guests_have_no_keys(self, office: Office) -> None:
        guest = office.chatter("Ana").ask("ping")
        token = office.json("Ben").token
        assert guest
        assert office.anybody(Authorization=f"Bearer {token}").wrong("GET", ROOM) == (401, "bad_token")

    def test_a_revoked_key_is_good_for_nothing(self, office: Office, program: Program) -> None:
        program.publish("x")
        office.registry.revoke_key("key 1", office.now)
        office.look()
        assert program.wrong("POST", ROOM, {"text": "x"}) == (401, "bad_token")

    def test_a_key_is_looked_up_once_a_minute(self, office: Office, program: Program) -> None:
        lookups: list[Any] = []
        original = office.registry.key
        office.registry.key = lambda *given: (lookups.append(given), original(*given))[1]  # type: ignore[method-assign]
        for _ in range(3):
            program.publish("x")
        assert len(lookups) == 1
        office.pass_time(61)
        program.publish("x")
        assert len(lookups) == 2

    def test_a_cookie_is_nobody(self, office: Office) -> None:
        login = office.account("Ana")
        assert office.anybody(Cookie=f"chatroom={login}").wrong("GET", ROOM) == (401, "bad_token")

    def test_a_scope_that_is_lacking_is_named(self, office: Office) -> None:
        reader = office.program("read:lobby")
        found = reader.ask("POST", ROOM, {"text": "x"})
        assert refusal(found) == (403, "forbidden")
        assert "publish:lobby" in json.loads(found.body)["error"]["message"]
        assert office.program("publish:lobby").wrong("GET", ROOM) == (403, "forbidden")
        assert reader.wrong("GET", "/rooms/other/messages") == (403, "forbidden")


class TestBadInput:
    """Whatever is wrong is said, and the server goes on."""

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"", 400, "bad_json"),
            (b"{", 400, "bad_json"),
            (b"\xff", 400, "bad_json"),
            (b"[]", 400, "bad_request"),
            (b"{}", 400, "bad_request"),
            (b'{"text": 1}', 400, "bad_request"),
            (b'{"text": ""}', 400, "bad_request"),
            (b'{"text": "\\u0000"}', 400, "bad_request"),
            (b'{"text": "x", "data": 1}', 400, "bad_request"),
            (b'{"text": "x", "reply_to": -1}', 400, "bad_request"),
            (b'{"text": "' + b"x" * 8001 + b'"}', 413, "too_long"),
            (b'{"text": "' + b"x" * 65536 + b'"}', 413, "too_long"),
            (b"[" * 5000, 400, "bad_json"),
        ],
    )
    def test_a_body_that_is_none_is_refused(
        self, program: Program, body: bytes, status: int, code: str
    ) -> None:
        found = refusal(program.send("POST", ROOM, body))
        # How deep is too deep is msgspec's affair.
        assert found in ((status, code), (400, "bad_request"))

    def test_another_type_is_refused(self, program: Program) -> None:
        for kind in (None, "text/plain", "application/x-www-form-urlencoded"):
            found = program.wrong("POST", ROOM, {"text": "x"}, Content_Type=kind)
            assert found == (415, "unsupported")
        kind = "application/json; charset=utf-8"
        assert program.done("POST", ROOM, {"text": "x"}, Content_Type=kind)["seq"] == 1

    @pytest.mark.parametrize("key", ["x" * 129, ""])
    def test_an_idempotency_key_that_is_none_is_refused(self, program: Program, key: str) -> None:
        assert program.wrong("POST", ROOM, {"text": "x"}, Idempotency_Key=key) == (400, "bad_request")

    def test_what_is_not_there_is_not_found(self, program: Program) -> None:
        for path in ("/", "/rooms/lobby/", "/nothing", "/rooms//messages", "/rooms/../rooms"):
            assert program.ask("PUT", path, {}).status in (404, 405)
        found = program.ask("PUT", ROOM, {})
        assert refusal(found) == (405, "unsupported")
        assert found.headers["allow"] == "GET, HEAD, POST"

    def test_who_is_too_fast_is_told_when_to_come_back(self) -> None:
        office = Office(limited(["posts_per_second=1"]))
        program = office.program("publish:*")
        program.publish("x")
        program.publish("x")
        found = program.ask("POST", ROOM, {"text": "x"})
        assert refusal(found) == (429, "rate_limited")
        assert found.headers["retry-after"] == "1"

    def test_keys_that_are_made_up_are_metered_by_address(self) -> None:
        office = Office(limited(["requests_per_second_per_address=1"]))
        statuses = {office.anybody(Authorization="Bearer x").ask("GET", ROOM).status for _ in range(4)}
        assert statuses == {401, 429}

    def test_half_a_request_is_none(self, office: Office, program: Program) -> None:
        caller = office.call(program.raw("POST", ROOM, b'{"text": "x"}')[:-5])
        assert caller.took() == b""
        caller.vanish()
        assert office.log() == []

    def test_the_banned_are_out(self, office: Office) -> None:
        ana = office.person("Ana")
        ana.publish("x")
        office.member("Boss", "owner").ask("ban", user="Ana")
        assert ana.wrong("POST", ROOM, {"text": "x"}) == (403, "banned")


class TestOtherOrigins:
    """CORS."""

    def asked(self, office: Office, origin: str, **more: str) -> dict[str, str]:
        program = office.program("publish:*")
        found = program.ask("OPTIONS", ROOM, Origin=origin, Access_Control_Request_Method="POST", **more)
        assert (found.status, found.body) == (204, b"")
        return found.headers

    def test_pages_that_an_option_names_may_ask_and_read(self) -> None:
        office = Office(limited([], unmetered=True), "https://friend.example")
        friend = "https://friend.example"
        asked = self.asked(office, friend)
        assert asked["access-control-allow-origin"] == friend
        assert "Authorization" in asked["access-control-allow-headers"]
        found = office.program("publish:*").ask("POST", ROOM, {"text": "x"}, Origin=friend)
        assert (found.status, found.headers["access-control-allow-origin"]) == (201, friend)
        assert found.headers["cross-origin-resource-policy"] == "cross-origin"
        assert found.headers["vary"] == "Origin"
        refused = office.anybody().ask("POST", ROOM, {"text": "x"}, Origin=friend)
        assert refused.headers["access-control-allow-origin"] == friend

    def test_others_may_not(self, office: Office) -> None:
        for origin in ("https://foe.example", "null"):
            assert "access-control-allow-origin" not in self.asked(office, origin)
            found = office.program("publish:*").ask("POST", ROOM, {"text": "x"}, Origin=origin)
            assert "access-control-allow-origin" not in found.headers
            assert found.headers["cross-origin-resource-policy"] == "same-origin"
            assert "access-control-allow-credentials" not in found.headers
