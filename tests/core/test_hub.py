"""Rooms as they live: who is told what, in which order."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from chatroom.domain.events import Notice
from chatroom.domain.model import User
from chatroom.hub import Hub, LiveRoom
from chatroom.wire.dialects import json_dialect, plain_dialect

from ..store.drafts import said
from .outlets import FakeOutlet

ANA, BOB = User("g1", "Ana"), User("g2", "Bob")


@pytest.fixture
def hub() -> Hub:
    return Hub(Clock())


def opened(hub: Hub, name: str = "lobby", head: int = 0) -> LiveRoom:
    room = hub.open(name)
    if room.loading:
        hub.loaded(room, [], head)
    return room


def member(hub: Hub, dialect=None, user: User = ANA, name: str = "lobby") -> FakeOutlet:
    outlet = FakeOutlet(dialect or json_dialect())
    hub.enter(opened(hub, name), outlet, user)
    return outlet


def seqs(outlet: FakeOutlet) -> list[int]:
    return [one["seq"] for one in outlet.objects()]


def events(*numbers: int, room: str = "lobby", origin=None):
    return [(said(str(number), room, seq=number), origin) for number in numbers]


def test_members_are_told_what_is_committed_in_their_room(hub):
    here, there = member(hub), member(hub, name="other")
    hub.deliver(events(1, 2) + events(1, room="other") + events(1, room="nobody"))
    assert (seqs(here), seqs(there)) == ([1, 2], [1])


def test_what_comes_out_of_order_in_a_commit_is_told_in_order(hub):
    here = member(hub)
    hub.deliver([*events(3), *events(7, room="other"), *events(1, 2)])
    assert seqs(here) == [1, 2, 3]


def test_what_comes_twice_is_told_once(hub):
    here = member(hub)
    hub.deliver(events(1, 2))
    hub.deliver(events(2, 3))
    hub.deliver(events(1))
    assert seqs(here) == [1, 2, 3]


def test_all_of_a_kind_get_the_same_bytes_in_one_write(hub):
    first, second = member(hub), member(hub, user=BOB)
    hub.deliver(events(1, 2, 3))
    assert len(first.writes) == 1
    assert first.writes[0] is second.writes[0]


def test_each_kind_gets_its_own_bytes(hub):
    packed, plain = member(hub, json_dialect(15)), member(hub, plain_dialect())
    hub.deliver(events(1))
    (read,) = packed.read()
    assert b'"text":"1"' in read.inflated(15)
    assert plain.texts() == ["1"]


def test_a_plain_author_is_not_told_its_own_and_all_else_in_order(hub):
    author, other, full = member(hub, plain_dialect()), member(hub, plain_dialect()), member(hub)
    hub.deliver([*events(1), *events(2, origin=author), *events(3, origin=other), *events(4, origin=author)])
    assert author.texts() == ["1", "3"]
    assert other.texts() == ["1", "2", "4"]
    assert seqs(full) == [1, 2, 3, 4]


def test_a_json_author_is_told_its_own_too(hub):
    author = member(hub)
    hub.deliver(events(1, origin=author))
    assert seqs(author) == [1]


def test_an_author_who_is_elsewhere_is_told_nothing(hub):
    elsewhere = FakeOutlet(plain_dialect())
    member(hub, plain_dialect())
    hub.deliver(events(1, origin=elsewhere))
    assert elsewhere.writes == []


def test_who_leaves_is_told_nothing_more(hub):
    here, stays = member(hub), member(hub, user=BOB)
    hub.deliver(events(1))
    hub.leave(hub.room("lobby"), here, ANA)
    hub.deliver(events(2))
    assert (seqs(here), seqs(stays)) == ([1], [1, 2])


def test_what_is_committed_while_a_room_is_read_follows_what_was_read(hub):
    room = hub.open("lobby")
    hub.deliver(events(3))
    hub.deliver(events(4))
    hub.loaded(room, [one for one, _ in events(1, 2, 3)], 3)
    assert room.head == 4
    assert room.early == []
    assert len(room.tail.after(0, json_dialect(), 99).payloads) == 4


def test_a_delivery_ends_a_tick_after_all_rooms_are_told(hub):
    here, there = member(hub), member(hub, name="other")
    seen: list[tuple[int, int]] = []
    hub.at_tick.append(lambda: seen.append((len(here.writes), len(there.writes))))
    hub.deliver(events(1) + events(1, room="other"))
    assert seen == [(1, 1)]


def test_what_is_not_kept_is_told_to_all_but_one(hub):
    here, there = member(hub), member(hub, user=BOB)
    hub.tell("lobby", Notice(text="psst"), but=there)
    assert [one["type"] for one in here.objects()] == ["notice"]
    assert there.writes == []
    hub.tell("nobody", Notice(text="psst"))


def test_binary_data_is_passed_on_to_other_plain_members_alone(hub):
    author, other, full = member(hub, plain_dialect()), member(hub, plain_dialect(15)), member(hub)
    hub.pass_on("lobby", b"\x00\x01", author)
    hub.pass_on("nobody", b"\x00\x01", author)
    assert [(read.opcode, read.payload) for read in other.read()] == [(2, b"\x00\x01")]
    assert author.writes == full.writes == []


def test_a_room_lives_until_its_last_member_leaves(hub):
    here, there = member(hub), member(hub, user=BOB)
    room = hub.room("lobby")
    hub.leave(room, here, ANA)
    assert hub.room("lobby") is room
    hub.leave(room, there, BOB)
    assert hub.room("lobby") is None
    assert list(hub.rooms()) == []


def test_a_room_that_somebody_is_on_the_way_into_lives(hub):
    here = member(hub)
    room = hub.room("lobby")
    room.joining += 1
    hub.leave(room, here, ANA)
    assert hub.room("lobby") is room
    room.joining -= 1
    hub.release(room)
    assert hub.room("lobby") is None


def test_forgetting_a_room_does_not_forget_one_that_was_made_after_it(hub):
    here = member(hub)
    old = hub.room("lobby")
    hub.leave(old, here, ANA)
    member(hub)
    hub.release(old)
    assert hub.room("lobby") is not None


def test_who_comes_and_who_goes_is_present_and_not(hub):
    here = member(hub)
    room = hub.room("lobby")
    assert room.presences.some(9) == (ANA,)
    hub.leave(room, here, ANA)
    assert room.presences.some(9) == ()
