"""What webhooks are told: everything, in the order of each room, at least once."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook as Verifier
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel

from chatroom import progress
from chatroom.domain.limits import Limits
from chatroom.domain.webhooks import Outcome
from chatroom.postman import AT_ONCE, IN_ALL, LANES_HOLDING

from ..logs import Logs
from ..store.memory_webhooks import MemoryWebhooks
from .house import made
from .receiving import OK, Telling, post

DOWN = Outcome(None, problem="connection refused")


@pytest.fixture
def house() -> Telling:
    return Telling()


def test_a_message_is_told_as_the_protocol_has_it(house):
    house.hook()
    ana = house.json("Ana")
    ana.does("post", room="lobby", text="hello", key="k", data={"a": 1})
    (told,) = house.courier.told()
    assert told["type"] == "message"
    assert told["timestamp"] == "1970-01-12T13:46:40.000Z"
    assert told["data"] == {
        "type": "message",
        "room": "lobby",
        "seq": 1,
        "at": house.now,
        "by": {"id": ana.id, "name": "Ana"},
        "key": "k",
        "text": "hello",
        "data": {"a": 1},
    }


def test_it_is_signed(house, monkeypatch):
    hook = house.hook()
    post(house, "hellö")
    (parcel,) = house.courier.sent
    assert parcel.headers["content-type"] == "application/json"
    assert parcel.headers["webhook-timestamp"] == str(int(house.clock.seconds()))
    verifier = Verifier(hook.secret)
    # The library looks at the time too, and a test's clock is its own.
    monkeypatch.setattr(Verifier, "_Webhook__verify_timestamp", lambda _self, raw: _moment(float(raw)))
    assert verifier.verify(parcel.body, dict(parcel.headers))["data"]["text"] == "hellö"


def _moment(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def test_only_what_comes_after_it_is_told(house):
    post(house, "before")
    house.hook()
    post(house, "after")
    assert house.courier.texts() == ["after"]


def test_events_are_told_in_the_order_of_their_room(house):
    house.hook("message", "edited", "deleted", "member", "room")
    owner = house.member("Olga", "owner")
    bob = house.member("Bob")
    owner.does("post", room="lobby", text="a")
    owner.does("edit", room="lobby", seq=1, text="b")
    owner.does("room.set", room="lobby", topic="t")
    owner.does("room.kick", room="lobby", user=bob.id)
    owner.does("delete", room="lobby", seq=1)
    assert [one["type"] for one in house.courier.told()] == ["message", "edited", "room", "member", "deleted"]
    assert [one["data"]["seq"] for one in house.courier.told()] == [1, 2, 3, 4, 5]


def test_a_room_is_told_one_after_the_other(house):
    house.hook()
    house.courier.answer = lambda _parcel: None
    post(house, "a", "b", "c")
    assert house.courier.texts() == ["a"]
    house.courier.end()
    assert house.courier.texts() == ["a", "b"]


def test_a_hanging_room_holds_up_no_other(house):
    house.hook()
    house.courier.answer = lambda parcel: None if b'"stuck"' in parcel.body else OK
    post(house, "x", room="stuck")
    post(house, "y", room="free")
    assert house.courier.texts() == ["x", "y"]


def test_a_hanging_receiver_holds_up_no_other_and_no_chat(house):
    slow = house.hook(name="Slow")
    fast = house.hook(name="Fast")
    house.courier.answer = lambda parcel: None if parcel.url == slow.url else OK
    for number in range(2 * AT_ONCE):
        post(house, "x", room=f"room{number}")
    assert len(house.courier.told(slow.url)) == AT_ONCE
    assert len(house.courier.told(fast.url)) == 2 * AT_ONCE


def test_so_many_are_under_way_at_once_but_everybody_has_one(house):
    house.courier.answer = lambda _parcel: None
    hooks = [house.hook(name=f"N{number}") for number in range(IN_ALL // AT_ONCE)]
    for number in range(AT_ONCE):
        post(house, "x", room=f"room{number}")
    assert len(house.courier.sent) == IN_ALL
    hooks += [house.hook(name=f"Late{number}") for number in range(3)]
    for number in range(AT_ONCE):
        post(house, "y", room=f"room{number}")
    assert len(house.courier.sent) == IN_ALL + 3
    assert {one.url for one in house.courier.sent} == {hook.url for hook in hooks}
    while house.courier.hanging:
        assert len(house.courier.hanging) <= IN_ALL + 3
        house.courier.end()
        house.settle()
    assert len(house.courier.sent) == 2 * IN_ALL + 3 * AT_ONCE
    assert house.webhooks.waiting == 0


def test_private_rooms_are_told_only_where_they_are_named(house):
    ana = house.member("Ana")
    den = made(ana, "den", kind="private")
    house.hook(name="All")
    named = house.hook(name="Named", rooms=(den,))
    ana.does("post", room=den, text="psst")
    ana.does("post", room="lobby", text="hello")
    assert house.courier.texts(named.url) == ["psst"]
    assert house.courier.texts("https://All.example.org/") == ["hello"]


def test_direct_messages_are_told_to_whom_they_are_for(house):
    otto = house.hook("direct")
    house.hook("direct", "message", name="Other")
    ana = house.member("Ana")
    ana.does("post", to="Otto", text="to you")
    house.member("Bob").does("post", to=ana.id, text="to her")
    (told,) = house.courier.told()
    assert (told["type"], told["data"]["text"]) == ("direct", "to you")
    assert house.courier.sent[0].url == otto.url
    # Also after a restart, and in a room that was there.
    house.courier.answer = lambda _parcel: DOWN
    ana.does("post", to="Otto", text="and this")
    assert house.again().courier.texts() == ["to you", "and this"]


def test_an_answer_is_said_by_the_bot(house):
    house.hook("mention", "message")
    house.courier.answer = lambda _parcel: Outcome(200, json.dumps({"text": "hi Ana"}).encode())
    ana = house.json("Ana")
    ana.does("join", room="lobby")
    ana.does("post", room="lobby", text="@otto hello")
    house.settle()
    assert [(one["by"]["name"], one["text"]) for one in ana.events()] == [
        ("Ana", "@otto hello"),
        ("Otto", "hi Ana"),
    ]
    # What a bot says is not told to itself.
    assert house.courier.texts() == ["@otto hello"]


def test_an_answer_that_comes_twice_is_said_once(house):
    house.hook()
    house.courier.answer = lambda _parcel: Outcome(200, b'{"text": "once"}')
    post(house, "hello")
    other = house.again()
    other.courier.answer = house.courier.answer
    other.elapse(3600)
    third = other.again()
    assert [event.text for event in third.log()] == ["hello", "once"]


def test_an_answer_in_a_private_room_and_to_a_direct_message(house):
    ana = house.member("Ana")
    den = made(ana, "den", kind="private")
    house.hook("direct", "message", rooms=(den,))
    house.courier.answer = lambda _parcel: Outcome(200, b'{"text": "yes"}')
    ana.does("post", room=den, text="?")
    direct = ana.does("post", to="Otto", text="?")["room"]
    house.settle()
    for room in (den, direct):
        assert [event.text for event in house.log(room)] == ["?", "yes"]


@pytest.mark.parametrize(
    "body",
    [
        b"ok",
        b"",
        b"{}",
        b'{"text": 1}',
        b'{"text": ""}',
        b"\xff",
        b"[]",
        b"[" * 60_000,
        b'{"text":"\\u0000"}',
    ],
)
def test_what_is_no_answer_is_passed_over(house, body):
    house.hook()
    house.courier.answer = lambda _parcel: Outcome(200, body)
    post(house, "hello")
    assert len(house.log()) == 1
    assert house.webhooks.waiting == 0


def test_who_may_not_post_is_not_heard_by_answering(house):
    made(house.member("Olga", "owner"), "news", kind="announcement")
    house.hook()
    house.courier.answer = lambda _parcel: Outcome(200, b'{"text": "me too"}')
    with Logs() as logs:
        house.json(token=house.login("Olga")).does("post", room="news", text="hello")
    assert any("may not say that" in line for line in logs.of(LogLevel.warn))
    assert len(house.log("news")) == 1
    assert house.webhooks.waiting == 0


def test_bots_that_answer_each_other_keep_everybodys_pace():
    house = Telling(limits=Limits())
    for name in ("Otto", "Anna"):
        house.hook(name=name)
    house.courier.answer = lambda _parcel: Outcome(200, b'{"text": "no, you!"}')
    house.json("Ana").does("post", room="lobby", text="go")
    for _ in range(10):
        house.elapse(1)
    assert len(house.log()) < 2 * (20 + 10 * 11)


def test_coming_and_going_is_told(house):
    hook = house.hook("connected", "disconnected", "message")
    ana, again = house.json("Ana"), house.json("Ana2")
    ana.does("join", room="lobby")
    house.keep()
    again.does("post", room="lobby", text="hi")
    ana.drop()
    house.keep()
    first, said, last = house.courier.told()
    assert (first["type"], said["type"], last["type"]) == ("connected", "message", "disconnected")
    assert first["data"] == {
        "type": "presence",
        "room": "lobby",
        "user": {"id": ana.id, "name": "Ana", "kind": "guest"},
        "state": "online",
    }
    assert last["data"]["state"] == "offline"
    assert len(set(house.courier.ids)) == 3
    house.keep()
    assert house.kept._do_lettered(hook.id) == []


def test_who_comes_while_another_is_told_of_waits_their_turn(house):
    house.hook("connected")
    house.courier.answer = lambda _parcel: None
    for name in ("Ana", "Bob"):
        house.json(name).does("join", room="lobby")
        house.keep()
    assert len(house.courier.sent) == 1
    house.courier.answer = lambda _parcel: OK
    house.courier.end()
    house.settle()
    assert [one["data"]["user"]["name"] for one in house.courier.told()] == ["Ana", "Bob"]
    assert house.webhooks.waiting == 0


def test_who_is_back_within_the_moment_was_never_away(house):
    house.hook("disconnected")
    ana = house.json("Ana")
    ana.does("join", room="lobby")
    house.keep()
    ana.drop()
    house.json(token=ana.token).does("join", room="lobby")
    house.keep()
    assert house.courier.told() == []


def test_of_two_devices_the_last_one_counts(house):
    house.hook("connected", "disconnected")
    ana = house.json("Ana")
    other = house.json(token=ana.token)
    for one in (ana, other):
        one.does("join", room="lobby")
    house.keep()
    ana.drop()
    house.keep()
    other.drop()
    house.keep()
    assert [one["type"] for one in house.courier.told()] == ["connected", "disconnected"]


def test_comings_and_goings_survive_a_crash_once_they_are_kept(house):
    house.hook("connected")
    house.courier.answer = lambda _parcel: DOWN
    house.json("Ana").does("join", room="lobby")
    house.keep()
    other = house.again()
    assert [one["type"] for one in other.courier.told()] == ["connected"]
    other.keep()
    assert house.again().courier.told() == []


def test_without_webhooks_nothing_is_kept_or_read(house):
    ana = house.json("Ana")
    ana.does("join", room="lobby")
    reads = house.store.reads
    ana.does("post", room="lobby", text="b")
    house.elapse(60)
    assert house.kept.kept == []
    assert house.store.reads == reads


def test_a_live_room_is_told_without_reading_its_log(house):
    house.hook()
    post(house, "a")
    reads = house.store.reads
    post(house, "b", "c")
    assert house.store.reads == reads
    assert house.courier.texts() == ["a", "b", "c"]


def test_a_fault_in_telling_stops_neither_the_others_nor_the_next_try(house):
    house.hook()
    faults = [RuntimeError("a bug")]

    def broken(_parcel):
        if faults:
            raise faults.pop()
        return OK

    house.courier.answer = broken
    with Logs() as logs:
        post(house, "a")
    assert "a bug" in logs.tracebacks()[0]
    house.elapse(1)
    assert house.courier.texts() == ["a", "a"]


def test_a_webhook_that_is_opened_while_people_talk_misses_nothing(house, monkeypatch):
    waiting: Deferred[list[object]] = Deferred()
    monkeypatch.setattr(MemoryWebhooks, "_do_behind", lambda _self, _hook: waiting)
    house.hook()
    post(house, "a", "b")
    assert house.courier.sent == []
    waiting.callback([])
    house.settle()
    assert house.courier.texts() == ["a", "b"]


def test_many_comings_are_kept_in_several_transactions_also_at_the_end(house, monkeypatch):
    monkeypatch.setattr(progress, "MAX_TOGETHER", 3)
    house.hook("connected")
    house.courier.answer = lambda _parcel: DOWN
    for number in range(7):
        house.json(f"Ana{number}").does("join", room="lobby")
    house.keep()
    assert [len(one.moves) for one in house.kept.kept if one.moves] == [3]
    house.done(house.webhooks.stop())
    assert [len(one.moves) for one in house.kept.kept if one.moves] == [3, 3, 1]
    assert len(house.again().courier.told()) == 7


def test_of_many_rooms_that_wait_each_log_is_read_once_a_page(house):
    house.hook()
    house.courier.answer = lambda _parcel: DOWN
    for number in range(LANES_HOLDING + 10):
        post(house, *"abcdef", room=f"room{number}")
    house.elapse(3600)
    house.courier.answer = lambda _parcel: OK
    house.courier.sent.clear()
    reads = house.store.reads
    house.elapse(3600)
    assert len(house.courier.sent) == 6 * (LANES_HOLDING + 10)
    assert house.store.reads - reads <= 2 * (LANES_HOLDING + 10)
