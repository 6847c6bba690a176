"""Two nodes and a bus between them: who is seen on which, and what becomes of them on all."""

from __future__ import annotations

import pytest

from chatroom.changes import INTERVAL
from chatroom.neighbours import LOOK
from chatroom.roster import BEAT, INTRODUCTION, LEASE

from .nodes import Nodes, asked, names, presences, texts, there


@pytest.fixture
def nodes() -> Nodes:
    return Nodes()


# People.


def test_who_comes_in_is_told_who_is_there_on_every_node(nodes):
    one, two = nodes.houses
    ana = there(nodes, one, "Ana")
    bob = two.json("Bob")
    joined = asked(nodes, bob, "join", room="lobby")
    assert names(joined) == ["Ana", "Bob"]
    assert joined["room"]["count"] == 2
    nodes.elapse(1)
    assert presences(ana) == [("Ana", "online"), ("Bob", "online")]
    assert presences(bob) == [("Bob", "online")]
    assert names(asked(nodes, ana, "who", room="lobby")) == ["Ana", "Bob"]


def test_who_is_asked_for_a_room_that_is_on_other_nodes_only(nodes):
    one, two = nodes.houses
    there(nodes, one, "Ana", "away")
    bob = two.json("Bob")
    nodes.elapse(BEAT)
    assert names(asked(nodes, bob, "who", room="away")) == ["Ana"]
    assert [room.name for room in two.hub.rooms()] == []


def test_who_is_on_two_nodes_comes_once_and_goes_with_the_last(nodes):
    one, two = nodes.houses
    ana = there(nodes, one, "Ana")
    bob = there(nodes, one, "Bob")
    again = there(nodes, two, "Bob", token=bob.token)
    nodes.elapse(1)
    bob.drop()
    nodes.elapse(1)
    assert presences(ana) == [("Ana", "online"), ("Bob", "online")]
    again.drop()
    nodes.elapse(1)
    assert presences(ana) == [("Ana", "online"), ("Bob", "online"), ("Bob", "offline")]


def test_a_dead_nodes_people_go_offline_once_when_its_lease_ends(nodes):
    one, two = nodes.houses
    ana = there(nodes, one, "Ana")
    there(nodes, two, "Bob")
    nodes.elapse(1)
    nodes.die(two)
    nodes.elapse(LEASE - BEAT)
    assert ("Bob", "offline") not in presences(ana)
    nodes.elapse(3 * BEAT)
    assert presences(ana) == [("Ana", "online"), ("Bob", "online"), ("Bob", "offline")]
    nodes.elapse(3 * LEASE)
    assert presences(ana).count(("Bob", "offline")) == 1
    assert names(asked(nodes, ana, "who", room="lobby")) == ["Ana"]


def test_the_people_of_a_node_that_was_silent_for_its_lease_are_back_with_its_beat(nodes):
    one, two = nodes.houses
    ana, _bob = there(nodes, one, "Ana"), there(nodes, two, "Bob")
    for _ in range(int(2 * LEASE / BEAT)):
        nodes.clock.advance(BEAT)
        nodes.network.carried.clear()
    assert presences(ana)[-1] == ("Bob", "offline")
    nodes.elapse(2 * BEAT)
    assert presences(ana)[-1] == ("Bob", "online")


def test_a_lost_word_about_somebody_is_made_good_by_the_next_beat(nodes):
    one, two = nodes.houses
    ana = there(nodes, one, "Ana")
    bob = there(nodes, two, "Bob")
    nodes.elapse(1)
    cleo = two.json("Cleo")
    cleo.say("join", room="lobby")
    bob.drop()
    two.settle()
    nodes.network.carried.clear()
    nodes.elapse(2 * BEAT)
    assert sorted(presences(ana)) == sorted(
        [("Ana", "online"), ("Bob", "online"), ("Bob", "offline"), ("Cleo", "online")]
    )
    cleo.drop()
    two.settle()
    nodes.network.carried.clear()
    nodes.elapse(2 * BEAT)
    assert presences(ana)[-1] == ("Cleo", "offline")


def test_a_node_that_is_silent_holds_nobody_up(nodes):
    one, two = nodes.houses
    there(nodes, one, "Ana")
    nodes.elapse(BEAT)
    nodes.die(one)
    bob = two.json("Bob")
    number = bob.say("join", room="lobby")
    nodes.settle()
    assert not bob.answered(number)
    nodes.elapse(INTRODUCTION)
    assert names(bob.answer(number)) == ["Bob"]


def test_a_node_that_takes_leave_has_nobody_any_more(nodes):
    one, two = nodes.houses
    ana = there(nodes, one, "Ana")
    there(nodes, two, "Bob")
    nodes.elapse(1)
    two.done(two.core.neighbours.stop())
    nodes.elapse(1)
    assert presences(ana)[-1] == ("Bob", "offline")


def test_typing_is_seen_on_every_node(nodes):
    one, two = nodes.houses
    ana, bob = there(nodes, one, "Ana"), there(nodes, two, "Bob")
    asked(nodes, ana, "typing", room="lobby", on=True)
    assert [(one["user"]["name"], one["on"]) for one in bob.events("typing")] == [("Ana", True)]
    assert ana.events("typing") == []


def test_how_far_somebody_read_is_told_their_devices_on_every_node(nodes):
    one, two = nodes.houses
    token = one.account("Ana")
    here = there(nodes, one, "Ana", token=token)
    away = two.json(token=two.login("Ana"))
    asked(nodes, here, "post", room="lobby", text="hello")
    asked(nodes, here, "read", room="lobby", seq=1)
    assert [(one["room"], one["seq"]) for one in away.events("read")] == [("lobby", 1)]


# What is changed.


def test_who_is_kicked_is_out_on_every_node_and_told_so(nodes):
    one, two = nodes.houses
    owner = one.json(token=one.account("Olga", "owner"))
    room = asked(nodes, owner, "room.create", room="plans", kind="private")["room"]["name"]
    eve = two.json(token=two.account("Eve"))
    asked(nodes, owner, "room.invite", room=room, user=eve.id)
    assert [one["change"] for one in eve.events("member")] == ["invited"]
    assert asked(nodes, eve, "join", room=room)["type"] == "ok"
    asked(nodes, owner, "room.kick", room=room, user=eve.id)
    assert [one["change"] for one in eve.events("member")][-1] == "kicked"
    asked(nodes, owner, "post", room=room, text="among us")
    nodes.elapse(1)
    assert texts(eve) == []
    assert asked(nodes, eve, "history", room=room)["code"] == "not_found"


def test_who_is_kicked_while_the_bus_is_down_is_told_so_before_they_are_put_out(nodes):
    one, two = nodes.houses
    owner = one.json(token=one.account("Olga", "owner"))
    room = asked(nodes, owner, "room.create", room="plans", kind="private")["room"]["name"]
    eve = two.json(token=two.account("Eve"))
    asked(nodes, owner, "room.invite", room=room, user=eve.id)
    asked(nodes, eve, "join", room=room)
    nodes.network.break_down()
    asked(nodes, owner, "room.kick", room=room, user=eve.id)
    nodes.elapse(1)
    assert [one["change"] for one in eve.events("member")][-1] == "kicked"
    asked(nodes, owner, "post", room=room, text="among us")
    nodes.elapse(2 * LOOK)
    assert texts(eve) == []


def test_a_ban_closes_connections_on_every_node_at_once(nodes):
    one, two = nodes.houses
    owner = one.json(token=one.account("Olga", "owner"))
    eve = there(nodes, two, "Eve")
    asked(nodes, owner, "ban", user=eve.id)
    assert eve.closed == 4403


def test_a_session_that_is_ended_is_ended_on_every_node(nodes):
    one, two = nodes.houses
    first = one.account("Ana")
    here, away = one.json(token=first), two.json(token=two.login("Ana"))
    sessions = asked(nodes, here, "sessions")["sessions"]
    (other,) = [one for one in sessions if not one.get("current")]
    asked(nodes, here, "session.end", session=other["id"])
    assert away.closed == 4401
    assert here.closed is None


def test_a_user_who_is_disconnected_is_so_on_every_node(nodes):
    one, two = nodes.houses
    owner = one.json(token=one.account("Olga", "owner"))
    eve = there(nodes, two, "Eve")
    member = one.people.connections(owner.id)[0]
    one.done(one.core.users.disconnect(member.principal, eve.id))
    nodes.settle()
    assert eve.closed == 4403


def test_a_user_is_disconnected_on_every_node_while_the_bus_is_down(nodes):
    one, two = nodes.houses
    owner = one.json(token=one.account("Olga", "owner"))
    eve, again = there(nodes, two, "Eve"), two.json("Finn")
    nodes.network.break_down()
    member = one.people.connections(owner.id)[0]
    one.done(one.core.users.disconnect(member.principal, eve.id))
    nodes.elapse(2 * INTERVAL)
    assert eve.closed == 4403
    eve = two.json(token=eve.token)
    nodes.elapse(2 * INTERVAL)
    assert eve.closed is None, "once, and whoever comes back by themselves may"
    assert again.closed is None


# From one to another.


def test_a_direct_message_reaches_every_device_on_every_node(nodes):
    one, two = nodes.houses
    ana = one.json(token=one.account("Ana"))
    bob, phone = two.json(token=two.account("Bob")), one.json(token=one.login("Bob"))
    for text in ("first", "second"):
        asked(nodes, ana, "post", to=bob.id, text=text)
    assert texts(bob) == texts(phone) == texts(ana) == ["first", "second"]
    room = bob.events("message")[0]["room"]
    asked(nodes, bob, "post", room=room, text="third")
    assert texts(bob) == texts(phone) == texts(ana) == ["first", "second", "third"]


def test_nothing_is_left_when_all_have_gone(nodes):
    one, two = nodes.houses
    ana, bob = there(nodes, one, "Ana"), there(nodes, two, "Bob")
    asked(nodes, ana, "post", to=bob.id, text="hello")
    for talker in (ana, bob):
        talker.drop()
    nodes.elapse(10)
    for house in nodes.houses:
        neighbours = house.core.neighbours
        assert neighbours._bus.topics == {"nodes"}
        ordering, roster = neighbours.ordering, neighbours.roster
        assert not any((ordering._waiting, ordering._own, ordering._timers, ordering._reading))
        assert not any((roster._there, roster._introductions, neighbours._own._rooms))
