"""A chatroom.v1 connection's dialogue."""

from __future__ import annotations

import json

import pytest

from chatroom import session as module
from chatroom.domain.errors import CloseCode
from chatroom.domain.limits import Limits

from .house import House, Talker

REQUESTS = [
    {"type": "join", "room": "lobby"},
    {"type": "leave", "room": "lobby"},
    {"type": "post", "room": "lobby", "text": "x"},
    {"type": "edit", "room": "lobby", "seq": 1, "text": "x"},
    {"type": "delete", "room": "lobby", "seq": 1},
    {"type": "typing", "room": "lobby", "on": True},
    {"type": "history", "room": "lobby"},
    {"type": "who", "room": "lobby"},
    {"type": "rooms"},
    {"type": "ping"},
]


@pytest.fixture
def house() -> House:
    return House()


# Hello.


def test_hello_is_answered_with_who_one_is_and_what_holds(house):
    welcome = Talker(house).ask("hello", name=" Ana ")
    assert welcome["type"] == "welcome"
    assert welcome["user"] == {"id": welcome["user"]["id"], "name": "Ana", "kind": "guest"}
    assert welcome["epoch"] == house.store.epoch
    assert welcome["time"] == 1_000_000_000
    assert welcome["limits"] == {name: getattr(house.chat.limits, name) for name in Limits.__struct_fields__}
    assert welcome["token"]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request["type"])
def test_nothing_is_done_before_hello(house, request_):
    fields = {name: value for name, value in request_.items() if name != "type"}
    assert Talker(house).ask(request_["type"], **fields)["code"] == "hello_first"


def test_hello_is_said_once(house):
    talker = house.json("Ana")
    assert talker.ask("hello", name="Bob")["code"] == "conflict"
    talker.ask("post", room="lobby", text="x")
    assert house.log()[0].by.name == "Ana"


def test_who_does_not_say_hello_in_time_is_sent_away(house):
    talker = Talker(house)
    house.clock.advance(house.chat.limits.hello_timeout - 0.1)
    assert talker.outlet.closed is None
    house.clock.advance(2)
    assert talker.outlet.closed[0] == CloseCode.UNIDENTIFIED == 4401
    talker.say("hello", name="Ana")
    assert talker.hear() == []
    assert house.people._names == {}


def test_who_has_said_hello_may_be_silent_for_ever(house):
    talker = house.json("Ana")
    house.clock.advance(100_000)
    assert talker.outlet.closed is None


def test_a_hello_that_is_refused_does_not_stop_the_time(house):
    house.json("Ana")
    talker = Talker(house)
    assert talker.ask("hello", name="Ana")["code"] == "name_taken"
    house.clock.advance(house.chat.limits.hello_timeout + 2)
    assert talker.outlet.closed[0] == 4401


def test_without_that_limit_hello_may_come_late():
    house = House(Limits(hello_timeout=0))
    talker = Talker(house)
    house.clock.advance(100_000)
    assert talker.ask("hello")["type"] == "welcome"


def test_who_goes_before_hello_leaves_no_timer(house):
    talker = Talker(house)
    talker.drop()
    house.clock.advance(100)
    assert talker.outlet.closes == [(1006, "")]
    assert house.empty()


def test_a_taken_name_can_be_followed_by_another(house):
    house.json("Ana")
    talker = Talker(house)
    assert talker.ask("hello", name="ANA")["code"] == "name_taken"
    assert talker.ask("hello", name="Anna")["user"]["name"] == "Anna"


def test_the_token_makes_the_same_user(house):
    first = house.json("Ana")
    again = house.json("Ana", token=first.token)
    assert again.welcome["user"] == first.welcome["user"]
    first.drop()
    again.drop()
    assert house.json("Ana", token=first.token).id == first.id


def test_a_bad_token_is_refused_and_hello_can_be_said_without(house):
    talker = Talker(house)
    assert talker.ask("hello", name="Ana", token="nonsense")["code"] == "bad_token"
    assert talker.ask("hello", name="Ana")["type"] == "welcome"


def test_where_guests_are_not_let_in_the_connection_ends():
    house = House(guests=False)
    talker = Talker(house)
    assert talker.ask("hello", name="Ana")["code"] == "forbidden"
    assert [code for code, _ in talker.outlet.closes] == [4403]
    house.clock.advance(100)
    assert [code for code, _ in talker.outlet.closes] == [4403]


def test_who_is_connected_too_often_is_sent_away():
    house = House(Limits(connections_per_user=1))
    first = house.json("Ana")
    second = Talker(house)
    assert second.ask("hello", name="Ana", token=first.token)["code"] == "rate_limited"
    assert second.outlet.closed[0] == 4429
    second.drop()
    first.drop()
    assert house.empty()


def test_hellos_are_limited_by_address():
    house = House(Limits(hellos_per_minute=6))
    assert Talker(house).ask("hello")["type"] == "welcome"
    late = Talker(house)
    refused = late.ask("hello")
    assert refused["code"] == "rate_limited"
    assert Talker(house, "192.0.2.77").ask("hello")["type"] == "welcome"
    house.clock.advance(refused["retry_after"])
    assert Talker(house).ask("hello")["type"] == "welcome"


def test_who_is_being_sent_away_is_answered_nothing_more():
    house = House(guests=False)
    talker = Talker(house)
    talker.ask("hello")
    talker.hear()
    talker.outlet.closes.clear()
    talker.send(b"{")
    talker.say("ping")
    assert [one["type"] for one in talker.hear()] == ["error"]


# Answers.


@pytest.mark.parametrize("number", ["a", "", 0, -7, 2**53 - 1])
def test_an_answer_carries_the_requests_id(house, number):
    talker = house.json()
    talker.send(json.dumps({"type": "ping", "id": number}).encode())
    talker.send(json.dumps({"type": "leave", "room": "x", "id": number}).encode())
    assert [(one["type"], one["id"]) for one in talker.hear()[-2:]] == [("pong", number), ("error", number)]


def test_a_request_without_an_id_is_answered_without_one(house):
    talker = house.json()
    talker.send(b'{"type":"ping"}')
    assert talker.hear()[-1] == {"type": "pong", "time": house.chat.now()}


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b"[]", "bad_request"),
        (b'"text"', "bad_request"),
        (b"[" * 5_000, "bad_request"),
        (b'{"type":"nope"}', "unknown_type"),
        (b"\xff", "bad_json"),
        (b'{"type":"join"}', "bad_request"),
        (b'{"type":"ping","x":' + b"[" * 100_000, "bad_json"),
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_lives(house, payload, code):
    talker = house.json()
    talker.send(payload)
    assert talker.hear()[-1]["code"] == code
    assert talker.ask("ping")["type"] == "pong"


def test_what_is_no_request_may_come_before_hello(house):
    talker = Talker(house)
    talker.send(b"{")
    assert talker.hear()[-1]["code"] == "bad_json"
    assert talker.ask("hello")["type"] == "welcome"


def test_answers_come_in_the_order_of_the_requests(house):
    talker = house.json("Ana")
    numbers = [talker.say(kind, **more) for _ in range(3) for kind, more in WAITING]
    talker.say("ping")
    assert not any(talker.answered(number) for number in numbers)
    house.settle()
    assert [one["id"] for one in talker.hear() if "id" in one][1:] == [*numbers, numbers[-1] + 1]


WAITING = [
    ("join", {"room": "lobby"}),
    ("history", {"room": "lobby"}),
    ("leave", {"room": "lobby"}),
    ("rooms", {}),
    ("edit", {"room": "lobby", "seq": 1, "text": "x"}),
]


def test_posts_overlap_each_other(house):
    talker = house.json("Ana")
    numbers = [talker.say("post", room="lobby", text=str(n)) for n in range(5)]
    house.store.write()
    house.store.announce()
    assert [talker.answer(number)["seq"] for number in numbers] == [1, 2, 3, 4, 5]


def test_a_post_waits_for_the_join_before_it(house):
    talker = house.json("Ana")
    talker.say("join", room="lobby")
    talker.say("post", room="lobby", text="x")
    house.store.read()
    assert house.store.steps == [house.store.answer]
    house.settle()
    assert [one["seq"] for one in talker.events()] == [1]


def test_a_request_that_needs_no_waiting_is_not_held_up_by_posts(house):
    talker = house.json("Ana")
    number = talker.say("post", room="lobby", text="x")
    assert talker.answer(talker.say("ping"))["type"] == "pong"
    assert not talker.answered(number)


def test_more_requests_than_may_wait_are_refused(house, monkeypatch):
    monkeypatch.setattr(module, "MAX_QUEUED", 3)
    talker = house.json("Ana")
    numbers = [talker.say("history", room="lobby") for _ in range(6)]
    assert [talker.answered(number) for number in numbers] == [False] * 4 + [True] * 2
    assert talker.answer(numbers[-1])["code"] == "rate_limited"
    assert talker.answer(numbers[-1])["retry_after"] > 0
    house.settle()
    assert [talker.answer(number)["type"] for number in numbers] == ["ok"] * 4 + ["error"] * 2


def test_more_bytes_than_may_wait_are_refused(house, monkeypatch):
    monkeypatch.setattr(module, "MAX_QUEUED_BYTES", 10_000)
    talker = house.json("Ana")
    first = talker.say("history", room="lobby")
    numbers = [talker.say("post", room="lobby", text="x" * size) for size in (8_000, 1_500, 1_000, 200)]
    assert [talker.answered(number) for number in (first, *numbers)] == [False, False, False, True, False]
    house.settle()
    answers = [talker.answer(number) for number in numbers]
    assert [answer.get("code", "ok") for answer in answers] == ["ok", "ok", "rate_limited", "ok"]
    assert [len(one.text) for one in house.log()] == [8_000, 1_500, 200]


def test_a_thousand_waiting_requests_are_no_deep_recursion(house):
    talker = house.json("Ana")
    talker.say("history", room="lobby")
    numbers = [talker.say("ping") for _ in range(1000)]
    house.settle()
    assert all(talker.answered(number) for number in numbers)


@pytest.mark.parametrize("kind", ["join", "history", "post", "edit", "rooms"])
@pytest.mark.parametrize("steps", range(4))
def test_who_goes_while_a_request_waits_leaves_nothing(house, logs, kind, steps):
    talker = house.json("Ana")
    talker.ask("post", room="lobby", text="x")
    for _ in range(2):
        talker.say(kind, room="lobby", text="y", seq=1)
    for _ in range(steps):
        for step in house.store.steps[:1]:
            step()
    talker.drop()
    house.settle()
    assert house.empty()
    assert talker.outlet.writes == []
    assert logs.tracebacks() == []


# Limits.


def refusals(talker: Talker, kind: str, times: int, **fields) -> list[dict]:
    answers = [talker.ask(kind, **fields) for _ in range(times)]
    return [answer for answer in answers if answer.get("code") == "rate_limited"]


def test_posts_are_limited_in_bursts_and_over_time():
    house = House(Limits(posts_per_second=2))
    talker = house.json("Ana")
    refused = refusals(talker, "post", 6, room="lobby", text="x")
    assert len(refused) == 2
    assert len(house.log()) == 4
    house.clock.advance(refused[0]["retry_after"])
    assert not refusals(talker, "post", 1, room="lobby", text="x")


def test_edits_and_deletions_count_as_posts():
    house = House(Limits(posts_per_second=1))
    talker = house.json("Ana")
    talker.ask("post", room="lobby", text="x")
    talker.ask("edit", room="lobby", seq=1, text="y")
    assert refusals(talker, "delete", 1, room="lobby", seq=1)
    assert not refusals(talker, "history", 1, room="lobby")


def test_other_requests_are_limited_for_themselves():
    house = House(Limits(requests_per_second=3))
    talker = house.json("Ana")
    assert len(refusals(talker, "ping", 10)) == 4
    assert not refusals(talker, "post", 1, room="lobby", text="x")


def test_what_is_no_request_counts_as_one():
    house = House(Limits(requests_per_second=3))
    talker = house.json("Ana")
    for _ in range(10):
        talker.send(b'{"type":"nope"}')
    codes = [one["code"] for one in talker.hear() if one["type"] == "error"]
    assert codes == ["unknown_type"] * 6 + ["rate_limited"] * 4


def test_one_connections_rate_is_not_anothers():
    house = House(Limits(requests_per_second=3))
    first, second = house.json(), house.json()
    assert refusals(first, "ping", 10)
    assert not refusals(second, "ping", 5)


# Faults of ours.


def test_a_mistake_of_the_server_is_logged_and_answered_and_the_connection_lives(house, logs, monkeypatch):
    talker = house.json("Ana")
    with monkeypatch.context() as broken:
        broken.setattr(house.hub, "room", lambda _name: 1 / 0)
        assert talker.ask("who", room="lobby")["code"] == "internal"
    (traceback,) = logs.tracebacks()
    assert "ZeroDivisionError" in traceback
    assert talker.ask("who", room="lobby")["type"] == "ok"


def test_a_mistake_does_not_hold_up_what_waits_behind_it(house, monkeypatch):
    talker = house.json("Ana")
    monkeypatch.setattr(house.hub, "loaded", lambda *_arguments: 1 / 0)
    join = talker.say("join", room="lobby")
    ping = talker.say("ping")
    house.settle()
    assert talker.answer(join)["code"] == "internal"
    assert talker.answer(ping)["type"] == "pong"
    talker.drop()
    assert house.empty()
