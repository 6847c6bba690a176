"""Event streams at the door: who may listen, what they get, and how it ends."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from chatroom.domain.limits import Limits
from chatroom.doors.channel import WebChannel
from chatroom.doors.cookies import NAME
from chatroom.doors.stream import Stream, _watch

from ..wire.event_reading import EventReader, Told
from .premises import Caller, Premises

UNBOUND = Limits(connections_per_address=0, connections=0, hellos_per_minute=0)
KEPT = b"GET /healthz HTTP/1.1\r\nHost: chat.example\r\n\r\n"


def asking(path: str = "/events", method: str = "GET", **headers: str) -> bytes:
    """A listener's request; `_` in a header's name stands for `-`."""
    fields = {"Host": "chat.example", **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode()


class Listening:
    """Somebody who listens."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.reader = EventReader()
        self.head, _, rest = caller.took().partition(b"\r\n\r\n")
        self.told = self.reader.read(rest)

    @property
    def status(self) -> int:
        return int(self.head[9:12])

    def field(self, name: str) -> str | None:
        """A header field of the answer."""
        for line in self.head.decode().split("\r\n")[1:]:
            if line.lower().startswith(name.lower() + ": "):
                return line.partition(": ")[2]
        return None

    def heard(self) -> list[Told]:
        """What has come since it was asked for last."""
        told, self.told = self.told + self.reader.read(self.caller.took()), []
        return told

    def texts(self) -> list[str]:
        return [one.json["text"] for one in self.heard() if one.json["type"] == "message"]


def listen(premises: Premises, path: str = "/events", method: str = "GET", **headers: str) -> Listening:
    return Listening(premises.call(asking(path, method, **headers)))


def refused(premises: Premises, *request: bytes) -> tuple[int, dict[str, Any]]:
    """The status and the error with which a request is refused, and the connection ended."""
    caller = premises.call(*request)
    answer = caller.answer()
    premises.pass_time(0)
    assert caller.gone
    assert answer.headers["content-type"] == "application/json"
    return answer.status, json.loads(answer.body)["error"]


@pytest.fixture
def premises() -> Premises:
    return Premises()


@pytest.mark.parametrize("path", ["/events", "/events?room=lobby", "/api/v1/rooms/lobby/events"])
def test_a_room_is_heard_live_by_whoever_asks(premises: Premises, path: str) -> None:
    stream = listen(premises, path)
    assert stream.status == 200
    assert stream.field("content-type") == "text/event-stream; charset=utf-8"
    assert stream.field("connection") == "close"
    assert stream.field("cache-control") == "no-store, no-transform"
    assert stream.field("content-length") is None
    ana = premises.chatter("Ana")
    ana.ask("post", room="lobby", text="hello")
    ana.ask("post", room="other", text="not here")
    assert stream.texts() == ["hello"]
    assert stream.reader.last == "epoch-1:1"


def test_a_rooms_name_may_be_written_in_percent(premises: Premises) -> None:
    streams = [
        listen(premises, path) for path in ("/api/v1/rooms/sal%C3%A3o/events", "/events?room=sal%C3%A3o")
    ]
    premises.chatter("Ana").ask("post", room="salão", text="hello")
    assert [one.texts() for one in streams] == [["hello"], ["hello"]]


def test_the_events_id_in_the_header_counts_for_more_than_the_one_in_the_url(premises: Premises) -> None:
    ana = premises.chatter("Ana")
    for number in range(1, 6):
        ana.ask("post", room="lobby", text=str(number))
    assert listen(premises, "/events?since=2").texts() == ["3", "4", "5"]
    assert listen(premises, "/events?since=2", Last_Event_ID="epoch-1:4").texts() == ["5"]
    assert listen(premises, "/events?since=epoch-1:3", Last_Event_ID="").texts() == ["4", "5"]
    anew = listen(premises, Last_Event_ID="other:4")
    assert [one.event for one in anew.heard()] == ["reset", *["message"] * 5]


def test_a_connection_that_was_kept_alive_becomes_a_stream(premises: Premises) -> None:
    caller = premises.call(KEPT)
    assert caller.answer().status == 200
    assert isinstance(caller.protocol, WebChannel)
    caller.send(asking())
    assert isinstance(caller.protocol, Stream)
    stream = Listening(caller)
    premises.chatter("Ana").ask("post", room="lobby", text="hello")
    assert stream.texts() == ["hello"]


def test_what_comes_behind_the_request_is_not_heard(premises: Premises) -> None:
    stream = Listening(premises.call(asking() + KEPT))
    stream.caller.send(KEPT, b"\0" * 100_000)
    premises.chatter("Ana").ask("post", room="lobby", text="hello")
    assert stream.texts() == ["hello"]


def test_half_a_request_is_no_listener(premises: Premises) -> None:
    half = Premises(Limits(handshake_timeout=10))
    caller = half.call(asking()[:-2])
    half.pass_time(13)
    assert caller.answer().status == 408
    assert caller.gone


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        ("/events?since=x", {}, 400, "bad_request"),
        ("/events", {"Last_Event_ID": "nonsense"}, 400, "bad_request"),
        ("/events?room=%00", {}, 400, "bad_request"),
        ("/api/v1/rooms/%ff/events", {}, 400, "bad_request"),
        ("/events?room=~plans-xxxxxxxxxxxxxxxxxxxxxx", {}, 404, "not_found"),
        ("/events", {"Authorization": "Bearer nonsense"}, 401, "bad_token"),
        ("/events", {"Authorization": "bearer ck_" + "x" * 43}, 401, "bad_token"),
        ("/events", {"Origin": "https://evil.example"}, 403, "forbidden"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_json(
    premises: Premises, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    found, error = refused(premises, asking(path, **headers))
    assert (found, error["code"]) == (status, code)
    assert error["message"]


def test_a_stream_is_only_heard(premises: Premises) -> None:
    answer = premises.call(asking(method="POST", Content_Length="0")).answer()
    assert (answer.status, answer.headers["allow"]) == (405, "GET, OPTIONS")
    assert json.loads(answer.body)["error"]["code"] == "unsupported"


def test_who_asks_for_another_server_is_told_so() -> None:
    premises = Premises(called=("other.example",))
    assert refused(premises, asking())[0] == 421


def test_where_guests_are_not_let_in_a_key_is_asked_for() -> None:
    premises = Premises(guests=False)
    caller = premises.call(asking())
    answer = caller.answer()
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="chatroom"'
    assert listen(premises, Authorization=f"Bearer {premises.key('read:*')}").status == 200


def test_a_proxys_own_authorization_is_not_ours(premises: Premises) -> None:
    assert listen(premises, Authorization="Basic dXNlcjpwYXNz").status == 200


@pytest.mark.parametrize(
    ("headers", "known"),
    [
        ({"Sec_Fetch_Site": "same-origin"}, True),
        ({"Origin": "http://chat.example"}, True),
        ({"Origin": "http://chat.example", "Sec_Fetch_Site": "same-origin"}, True),
        ({"Sec_Fetch_Site": "same-site"}, False),
        ({"Sec_Fetch_Site": "cross-site"}, False),
        ({"Origin": "https://site.example"}, False),
        ({}, False),
    ],
)
def test_a_login_counts_for_this_servers_own_pages(headers: dict[str, str], known: bool) -> None:
    premises = Premises(UNBOUND, "https://site.example", guests=False)
    token = premises.account("Ana")
    stream = listen(premises, Cookie=f"{NAME}={token}", **headers)
    assert stream.status == (200 if known else 401)


def test_pages_of_named_origins_may_listen_and_no_others() -> None:
    premises = Premises(UNBOUND, "https://site.example")
    stream = listen(premises, Origin="https://site.example")
    assert stream.status == 200
    assert stream.field("access-control-allow-origin") == "https://site.example"
    assert stream.field("access-control-allow-credentials") is None
    assert stream.field("vary") == "Origin"
    foreign = listen(premises, Origin="https://evil.example")
    assert foreign.status == 403
    assert foreign.field("access-control-allow-origin") is None


def test_a_browser_may_ask_beforehand_whether_a_page_may_ask() -> None:
    premises = Premises(UNBOUND, "https://site.example")
    asked = {"Access_Control_Request_Headers": "authorization"}
    answer = listen(premises, method="OPTIONS", Origin="https://site.example", **asked)
    assert answer.status == 204
    assert answer.field("access-control-allow-origin") == "https://site.example"
    assert "authorization" in (answer.field("access-control-allow-headers") or "")
    assert listen(premises, method="OPTIONS", Origin="https://evil.example").status == 403


def test_a_heartbeat_shows_that_the_stream_is_alive() -> None:
    premises = Premises(Limits(ping_interval=25, connections_per_address=0))
    stream = listen(premises)
    premises.pass_time(60)
    stream.heard()
    assert stream.reader.comments == 2


def test_a_server_that_stops_says_when_to_come_back(premises: Premises) -> None:
    stream = listen(premises)
    premises.chatter("Ana").ask("post", room="lobby", text="last words")
    premises.websocket.close_all("the server is restarting", 1.5)
    premises.pass_time(0)
    said, closing = stream.heard()
    assert said.json["text"] == "last words"
    assert closing.event == "closing"
    assert closing.json["reason"] == "the server is restarting"
    assert stream.reader.retry == 1500
    assert stream.caller.gone
    assert stream.reader.last == "epoch-1:1"
    assert not [one for one in premises.websocket.open if isinstance(one, Stream)]


def test_who_is_still_asked_who_they_are_when_the_server_stops_may_come_back(premises: Premises) -> None:
    token = premises.account("Ana")
    caller = Caller(premises, "192.0.2.1")
    caller.protocol.dataReceived(asking(Authorization=f"Bearer {token}"))
    premises.websocket.close_all("the server is restarting", 1.5)
    answer = caller.answer()
    assert answer.status == 503
    premises.pass_time(10)
    assert caller.gone


def test_a_revoked_key_ends_the_stream_and_is_refused_from_then_on(premises: Premises) -> None:
    key = premises.key("read:lobby")
    stream = listen(premises, Authorization=f"Bearer {key}")
    premises.registry.revoke_key("key 1", premises.now)
    premises.look()
    premises.pass_time(0)
    (closing,) = stream.heard()
    assert (closing.event, closing.json["code"]) == ("closing", "bad_token")
    assert stream.caller.gone
    assert refused(premises, asking(Authorization=f"Bearer {key}"))[0] == 401


def test_too_many_connections_from_an_address_are_refused() -> None:
    premises = Premises(Limits(connections_per_address=2))
    streams = [listen(premises) for _ in range(3)]
    assert [one.status for one in streams] == [200, 200, 429]
    streams[0].caller.vanish()
    premises.pass_time(0)
    assert listen(premises).status == 200


def test_too_many_hellos_from_an_address_are_refused() -> None:
    premises = Premises(Limits(hellos_per_minute=6, connections_per_address=0))
    assert listen(premises).status == 200
    status, error = refused(premises, asking())
    assert (status, error["code"]) == (429, "rate_limited")
    assert error["retry_after"] > 0


def test_behind_a_proxy_a_listeners_own_address_counts() -> None:
    premises = Premises(Limits(connections_per_address=1), trusting=("192.0.2.1",))
    statuses = [listen(premises, X_Forwarded_For=client).status for client in ("203.0.113.1", "203.0.113.2")]
    assert statuses == [200, 200]
    assert listen(premises, X_Forwarded_For="203.0.113.1").status == 429


def test_nothing_is_left_of_who_is_gone(premises: Premises) -> None:
    stream = listen(premises)
    listen(premises, "/events?since=x")
    stream.caller.vanish()
    premises.pass_time(10)
    assert premises.empty()
    assert not premises.websocket.open
    assert premises.admission.connections == 0


def test_the_kernel_ends_who_does_not_take_anything() -> None:
    with socket.socket() as connected:
        _watch(connected, Limits(ping_interval=25, ping_timeout=20))
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 45_000
    near, far = socket.socketpair()
    with near, far:
        _watch(near, Limits())
    _watch(None, Limits())
