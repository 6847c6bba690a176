"""Listening to a room: the guarantee of `join`, on a stream that only goes one way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom import attendance, chat, tail
from chatroom.domain import commands, names
from chatroom.domain.errors import BadRequest, ChatError, Unavailable
from chatroom.listener import Listener, Position, Wanted, position
from chatroom.wire.dialects import json_dialect

from ..wire.event_reading import EventReader, Told
from .house import ADDRESS, House, made
from .outlets import FakeOutlet


class FakeStream(FakeOutlet):
    """A `chatroom.listener.Stream`, and who reads it."""

    def __init__(self, house: House, wanted: Wanted) -> None:
        super().__init__(json_dialect())
        self.house = house
        self.reader = EventReader()
        self.begun = False
        self.refused: ChatError | None = None
        self.told: list[Told] = []
        self.listener = Listener(house.core.doorman, self, ADDRESS)
        self.listener.open(wanted)

    @property
    def over(self) -> bool:
        return bool(self.closes)

    def begin(self) -> None:
        assert not self.begun
        assert self.refused is None
        self.begun = True

    def refuse(self, error: ChatError) -> None:
        self.refused = error

    def write(self, frames: bytes) -> None:
        assert self.begun, f"told before the stream began: {frames!r}"
        super().write(frames)

    send = write

    def hear(self) -> list[Told]:
        """All it was told so far."""
        writes, self.writes = self.writes, []
        self.told += self.reader.read(b"".join(writes))
        return self.told

    def heard(self, *kinds: str) -> list[dict[str, Any]]:
        """What it was told of those types, or all that is logged."""
        said = [one.json for one in self.hear() if one.event == "message"]
        return [one for one in said if (one["type"] in kinds if kinds else "seq" in one)]

    @property
    def seqs(self) -> list[int]:
        return [one["seq"] for one in self.heard()]

    def drop(self) -> None:
        """The connection is gone."""
        self.hear()
        self.close(1006, "")
        self.listener.closed()


@pytest.fixture
def house() -> House:
    return House()


def listen(house: House, room: str = "lobby", after: str | None = None, **who: str) -> FakeStream:
    stream = FakeStream(house, Wanted(room, None if after is None else position(after), **who))
    house.settle()
    return stream


def test_a_listener_hears_what_members_hear_each_with_its_place_in_the_log(house: House) -> None:
    ana = house.json("Ana")
    ana.does("join", room="lobby")
    stream = listen(house)
    ana.does("post", room="lobby", text="hello\nyou", data={"n": 1})
    ana.does("edit", room="lobby", seq=1, text="hello")
    ana.does("typing", room="lobby", on=True)
    assert stream.heard() == ana.events("message", "edited")
    assert [told.id for told in stream.hear()[:2]] == ["epoch-1:1", "epoch-1:2"]
    assert stream.hear()[2].json["type"] == "typing"
    assert stream.reader.last == "epoch-1:2"


def test_a_listener_knows_where_it_is_before_anything_is_said(house: House) -> None:
    ana = house.json("Ana")
    ana.does("post", room="lobby", text="before")
    stream = listen(house)
    assert stream.heard() == []
    assert stream.reader.last == "epoch-1:1"
    assert 1000 <= (stream.reader.retry or 0) <= 2000
    stream.drop()
    ana.does("post", room="lobby", text="meanwhile")
    assert [one["text"] for one in listen(house, after=stream.reader.last).heard()] == ["meanwhile"]


def test_nobody_sees_a_listener_come_or_go(house: House) -> None:
    ana = house.json("Ana")
    ana.does("join", room="lobby")
    house.elapse(5)
    ana.events("presence")
    stream = listen(house)
    house.elapse(5)
    assert ana.does("who", room="lobby")["count"] == 1
    assert len(ana.events("presence")) == 1, "her own coming"
    stream.drop()
    house.elapse(5)
    assert ana.does("who", room="lobby")["count"] == 1
    assert len(ana.events("presence")) == 1


def test_who_listens_and_talks_is_seen_until_the_talking_ends(house: House) -> None:
    token = house.account("Ana")
    ana, bob = house.json(token=token), house.json("Bob")
    stream = listen(house, token=token)
    for one in (ana, bob):
        one.does("join", room="lobby")
    stream.drop()
    assert bob.does("who", room="lobby")["count"] == 2
    listen(house, token=token)
    ana.drop()
    assert bob.does("who", room="lobby")["count"] == 1


def test_another_log_or_a_place_that_is_none_yet_begins_anew(house: House) -> None:
    ana = house.json("Ana")
    for number in range(3):
        ana.does("post", room="lobby", text=str(number))
    for after in ("other:2", "epoch-1:9"):
        stream = listen(house, after=after)
        first, *rest = stream.hear()
        assert (first.event, first.json, first.id) == (
            "reset",
            {"type": "reset", "room": "lobby", "head": 3},
            "epoch-1:0",
        )
        assert [one.json["seq"] for one in rest] == [1, 2, 3]


def test_a_stream_tells_of_its_room_alone(house: House) -> None:
    token = house.account("Ana")
    bob = house.member("Bob")
    stream = listen(house, token=token)
    bob.does("post", to="Ana", text="psst")
    room = made(bob, kind="private")
    bob.does("room.invite", room=room, user="Ana")
    bob.does("post", room="lobby", text="all")
    assert [(one["room"], one["seq"]) for one in stream.heard()] == [("lobby", 1)]


def test_a_stream_tells_nobody_how_far_somebody_has_read(house: House) -> None:
    token = house.account("Ana")
    ana = house.json(token=token)
    ana.does("post", room="lobby", text="hello")
    stream = listen(house, token=token)
    ana.does("read", room="lobby", seq=1)
    assert stream.hear() == []


def test_nothing_more_is_read_for_a_stream_that_was_cut_off(house: House) -> None:
    ana = house.json("Ana")
    for _ in range(700):
        ana.say("post", room="lobby", text="x" * 1000)
    house.settle()
    stream = listen(house, after="0")
    assert stream.seqs == list(range(1, 701))
    stream = FakeStream(house, Wanted("lobby", position("0")))
    stream.behind = True
    house.settle()
    assert 0 < len(stream.seqs) < 700
    reads = house.store.reads
    stream.close(4008, "too slow")
    stream.behind = False
    house.elapse(5)
    assert house.store.reads == reads
    stream.drop()


@pytest.mark.parametrize("scope", ["read:*", "read:lobby"])
def test_a_key_listens_where_it_may_read_until_it_is_revoked(house: House, scope: str) -> None:
    stream = listen(house, token=house.key(scope))
    assert stream.begun
    house.registry.revoke_key("key 1", house.now)
    house.look()
    assert stream.closed
    assert stream.closed[0] == 4401


@pytest.mark.parametrize(
    ("room", "who", "code"),
    [
        ("lobby", {"token": "ck_" + "x" * 43}, "bad_token"),
        ("lobby", {"token": "nonsense"}, "bad_token"),
        (names.private_name("plans", "x" * 22), {}, "not_found"),
        ("no room\n", {}, "bad_request"),
    ],
)
def test_who_may_not_listen_is_told_before_it_begins(house: House, room: str, who: Any, code: str) -> None:
    stream = listen(house, room, **who)
    assert not stream.begun
    assert stream.refused is not None
    assert stream.refused.code == code
    stream.drop()
    assert house.empty()


def test_a_key_for_another_room_may_not_listen(house: House) -> None:
    stream = listen(house, token=house.key("read:other", "publish:lobby"))
    assert stream.refused is not None
    assert stream.refused.code == "forbidden"


def test_where_guests_are_not_let_in_a_listener_needs_a_token() -> None:
    house = House(guests=False)
    refused = listen(house).refused
    assert refused is not None
    assert refused.code == "bad_token"
    assert listen(house, cookie=house.account("Ana")).begun


def test_who_is_put_out_of_the_room_listens_no_more(house: House) -> None:
    owner = house.member("Owner")
    room = made(owner, kind="private")
    token = house.account("Ana")
    owner.does("room.invite", room=room, user="Ana")
    stream = listen(house, room, token=token)
    owner.does("post", room=room, text="before")
    owner.does("room.kick", room=room, user="Ana")
    owner.does("post", room=room, text="after")
    assert [one["type"] for one in stream.heard()][-2:] == ["message", "member"]
    assert stream.closed
    assert stream.closed[0] == 4403


def test_what_is_asked_of_a_store_that_does_not_answer_is_tried_again(house: House) -> None:
    stream = FakeStream(house, Wanted("lobby"))
    house.store.broken = Unavailable("not now", 1.0)
    house.settle()
    assert stream.refused is not None
    assert stream.refused.again


def test_nothing_is_left_of_a_listener_who_is_gone(house: House) -> None:
    for settled in (False, True):
        stream = FakeStream(house, Wanted("lobby"))
        if settled:
            house.settle()
        stream.drop()
        house.settle()
    assert house.empty()


@pytest.mark.parametrize("text", ["", "x", "epoch:", "-1", "1.5", "a:1e3", "9" * 20, "٣", "1 "])
def test_an_id_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        position(text)


@given(st.text(max_size=20), st.integers(0, 2**53 - 1))
def test_an_id_is_read_as_it_is_written(epoch: str, seq: int) -> None:
    assert position(f"{epoch}:{seq}") == Position(seq, epoch or None)
    assert position(str(seq)) == Position(seq)


@pytest.fixture(scope="module", autouse=False)
def small_figures() -> Any:
    """So small that a few events go past every bound."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tail, "MAX_EVENTS", 3)
        patch.setattr(attendance, "LOADED", 3)
        patch.setattr(chat, "NEWEST", 4)
        patch.setattr(commands, "MAX_PAGE", 7)
        yield


STEPS = st.one_of(
    st.tuples(st.just("post"), st.integers(1, 12)),
    st.tuples(st.just("step"), st.integers(0, 3)),
    st.tuples(st.sampled_from(["drop", "come", "settle", "lag", "read"]), st.just(0)),
)


@pytest.mark.usefixtures("small_figures")
@given(st.lists(STEPS, max_size=25))
def test_who_comes_back_at_any_point_misses_nothing_and_hears_nothing_twice(steps: list[Any]) -> None:
    house = House()
    ana = house.json("Ana")
    heard: list[int] = []
    stream: FakeStream | None = FakeStream(house, Wanted("lobby"))
    last = ""
    for what, count in [*steps, ("settle", 0), ("drop", 0), ("come", 0), ("settle", 0), ("drop", 0)]:
        if what == "post":
            for _ in range(count):
                ana.say("post", room="lobby", text="x")
        elif what == "step":
            for step in house.store.steps[count : count + 1]:
                step()
        elif what == "settle":
            if stream is not None:
                stream.behind = False
            house.elapse(2)
        elif what in ("lag", "read") and stream is not None:
            stream.behind = what == "lag"
        elif what == "come" and stream is None:
            stream = FakeStream(house, Wanted("lobby", position(last) if last else None))
        elif what == "drop" and stream is not None:
            stream.drop()
            assert stream.refused is None
            heard += stream.seqs
            last, stream = stream.reader.last or last, None
    head = len(house.log())
    first = heard[0] if heard else head + 1
    assert heard == list(range(first, head + 1))
    assert house.log() == [] or last == f"epoch-1:{head}"
    ana.drop()
    house.elapse(100)
    assert not house.people._members
