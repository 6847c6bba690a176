"""chatroom.v1 without WebSockets: POST for what is said, a stream for what is heard."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.domain.limits import Limits
from chatroom.doors import sessions
from chatroom.doors.cookies import NAME

from ..wire.event_reading import EventReader, Told
from .premises import Caller, Premises
from .rawframes import Answer
from .test_streams import UNBOUND, asking

OWN = {"Origin": "http://chat.example"}


def posting(premises: Premises, path: str, body: bytes = b"", **headers: str) -> Answer:
    """The answer to one POST on a connection of its own."""
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    request = asking(path, "POST", **{name.replace("-", "_"): value for name, value in fields.items()})
    return premises.call(request + body).answer()


class Fallback:
    """A client whose network breaks WebSockets."""

    def __init__(self, premises: Premises, **headers: str) -> None:
        self.premises = premises
        answer = posting(premises, "/session", b"{}", **headers)
        assert answer.status == 201, answer
        self.secret = json.loads(answer.body)["session"]
        self.stream = premises.call(asking(f"/session/{self.secret}/events"))
        self.opened = self.stream.answer()
        self.reader = EventReader()
        self.stream._taken = b""
        self.told: list[Told] = []

    def say(self, *requests: dict[str, Any]) -> int:
        """Send requests in one body; the status."""
        body = requests[0] if len(requests) == 1 else list(requests)
        return posting(self.premises, f"/session/{self.secret}", json.dumps(body).encode()).status

    def hear(self) -> list[dict[str, Any]]:
        """What was told since it was asked for last."""
        self.told += self.reader.read(self.stream.took())
        told, self.told = self.told, []
        return [one.json | ({} if one.event == "message" else {"event": one.event}) for one in told]


@pytest.fixture
def premises() -> Premises:
    return Premises()


def test_all_of_chatroom_v1_goes_by_post_and_comes_as_a_stream(premises: Premises) -> None:
    one, bob = Fallback(premises), premises.chatter("Bob")
    assert one.opened.status == 200
    assert one.opened.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert one.say({"type": "hello", "id": 1, "name": "Ana"}) == 202
    assert one.say({"type": "join", "id": 2, "room": "lobby"}, {"type": "ping", "id": 3}) == 202
    welcome, joined, pong = one.hear()
    assert (welcome["type"], welcome["id"], welcome["user"]["name"]) == ("welcome", 1, "Ana")
    assert (joined["id"], joined["recovered"], pong["type"]) == (2, False, "pong")
    bob.ask("join", room="lobby")
    bob.ask("post", room="lobby", text="hello")
    one.say({"type": "post", "id": 4, "room": "lobby", "text": "hi"})
    premises.pass_time(1)
    heard = one.hear()
    assert [told["text"] for told in heard if told["type"] == "message"] == ["hello", "hi"]
    assert [told["seq"] for told in heard if told["type"] == "ok"] == [2]
    assert [told["text"] for told in bob.heard() if told["type"] == "message"] == ["hello", "hi"]


def test_what_is_no_request_is_answered_on_the_stream(premises: Premises) -> None:
    one = Fallback(premises)
    for body in (b"{", b"3", b'{"type":"no","id":1}', b'["x"]', b""):
        assert posting(premises, f"/session/{one.secret}", body).status == 202
    assert [told["code"] for told in one.hear()] == [
        "bad_json",
        "bad_request",
        "unknown_type",
        "bad_request",
        "bad_json",
    ]
    answer = posting(premises, f"/session/{one.secret}", b'[{"type":"ping"}')
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, "bad_json")


def test_a_session_ends_with_its_stream(premises: Premises) -> None:
    one = Fallback(premises)
    one.say({"type": "hello", "name": "Ana"})
    one.stream.vanish()
    assert one.say({"type": "ping"}) == 404
    assert premises.call(asking(f"/session/{one.secret}/events")).answer().status == 404
    premises.pass_time(60)
    assert premises.empty()


def test_a_session_has_one_stream(premises: Premises) -> None:
    one = Fallback(premises)
    assert premises.call(asking(f"/session/{one.secret}/events")).answer().status == 409
    assert one.say({"type": "hello"}) == 202


def test_a_session_whose_stream_does_not_come_is_none(premises: Premises) -> None:
    secret = json.loads(posting(premises, "/session").body)["session"]
    premises.pass_time(sessions.PATIENCE + 1)
    assert premises.call(asking(f"/session/{secret}/events")).answer().status == 404


def test_only_so_many_sessions_may_wait(premises: Premises, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST_WAITING", 2)
    assert [posting(premises, "/session").status for _ in range(3)] == [201, 201, 503]


def test_who_says_no_hello_is_shown_out_with_a_close_code() -> None:
    premises = Premises(Limits(hello_timeout=10, connections_per_address=0))
    one = Fallback(premises)
    premises.pass_time(11)
    assert one.hear() == [{"code": 4401, "reason": "no hello in time", "event": "close"}]
    assert one.stream.gone


def test_a_server_that_stops_says_so_as_to_a_websocket(premises: Premises) -> None:
    one = Fallback(premises)
    one.say({"type": "hello", "name": "Ana"})
    premises.websocket.close_all("the server is restarting", 1.5)
    premises.pass_time(0)
    _welcome, closing, close = one.hear()
    assert (closing["type"], closing["reconnect_after"]) == ("closing", 1.5)
    assert close["code"] == 4000
    assert one.stream.gone


@pytest.mark.parametrize(
    ("origin", "status"), [("https://site.example", 201), ("https://evil.example", 403), (None, 201)]
)
def test_pages_of_named_origins_may_connect_and_no_others(origin: str | None, status: int) -> None:
    premises = Premises(UNBOUND, "https://site.example")
    headers = {} if origin is None else {"Origin": origin}
    answer = posting(premises, "/session", **headers)
    assert answer.status == status
    assert answer.headers.get("access-control-allow-origin") == (origin if status == 201 else None)


@pytest.mark.parametrize(("headers", "known"), [(OWN, True), ({}, False), ({"Origin": "null"}, False)])
def test_a_login_counts_for_this_servers_own_pages(headers: dict[str, str], known: bool) -> None:
    premises = Premises(UNBOUND, "null")
    token = premises.account("Ana")
    one = Fallback(premises, Cookie=f"{NAME}={token}", **headers)
    one.say({"type": "hello"})
    (welcome,) = one.hear()
    assert (welcome["user"]["kind"] == "user") is known


def test_a_request_may_be_as_long_as_a_websockets_message(premises: Premises) -> None:
    small = Premises(Limits(message_bytes=1000, connections_per_address=0))
    one = Fallback(small)
    one.say({"type": "hello", "x": "y" * 900}, {"type": "hello", "x": "y" * 1000})
    assert [told.get("code") for told in one.hear()] == [None, "too_long"]
    assert posting(premises, "/session/x", b"[" + b" " * 300_000 + b"]").status == 413


def test_too_many_connections_from_an_address_are_refused() -> None:
    premises = Premises(Limits(connections_per_address=1))
    Fallback(premises)
    caller = Caller(premises, "192.0.2.1")
    caller.send(asking("/session/x/events"))
    assert caller.answer().status == 429


@given(st.binary(max_size=200))
def test_garbage_is_never_a_mistake_of_the_servers(body: bytes) -> None:
    premises = Premises()
    one = Fallback(premises)
    assert posting(premises, f"/session/{one.secret}", body).status in (202, 400)
    assert all(told["code"] != "internal" for told in one.hear())
