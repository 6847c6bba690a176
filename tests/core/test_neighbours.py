"""Two nodes and a bus between them: what is said, seen and changed on one is so on the other."""

from __future__ import annotations

import pytest
from twisted.logger import LogLevel

from chatroom.domain.errors import Unavailable
from chatroom.neighbours import LOOK, LOOK_ANYWAY
from chatroom.ordering import PATIENCE
from chatroom.roster import BEAT, LEASE

from ..logs import Logs
from .house import Talker
from .nodes import Nodes, asked, presences, texts, there


@pytest.fixture
def nodes() -> Nodes:
    return Nodes()


# Events.


def test_what_is_said_on_one_node_is_heard_on_the_other_at_once(nodes):
    one, two = nodes.houses
    ana, bob = there(nodes, one, "Ana"), there(nodes, two, "Bob")
    asked(nodes, ana, "post", room="lobby", text="hello")
    asked(nodes, bob, "post", room="lobby", text="hi")
    assert texts(ana) == texts(bob) == ["hello", "hi"]
    assert [one["seq"] for one in bob.events()] == [1, 2]


def test_a_plain_client_is_not_told_what_it_said_itself(nodes):
    one, two = nodes.houses
    ana, bob = one.plain("Ana"), two.plain("Bob")
    nodes.settle()
    for said in ("hello", b"\x00\xff"):
        ana.say(said)
        nodes.settle()
    assert (ana.hear(), bob.hear()) == ([], ["hello", b"\x00\xff"])


def test_a_room_that_nobody_is_in_on_a_node_costs_it_nothing(nodes):
    one, two = nodes.houses
    ana = there(nodes, one, "Ana", "quiet")
    there(nodes, two, "Bob", "lobby")
    ana.say("post", room="quiet", text="hello")
    one.settle()
    carried = [carried for carried in nodes.network.carried if carried.topic == "room:quiet"]
    assert all(carried.to is one.core.neighbours._bus for carried in carried)


def test_an_event_waits_for_the_one_before_it_which_is_read_from_the_store(nodes):
    one, two = nodes.houses
    ana, bob = there(nodes, one, "Ana"), there(nodes, two, "Bob")
    ana.say("post", room="lobby", text="lost")
    one.settle()
    nodes.network.carried.clear()
    asked(nodes, bob, "post", room="lobby", text="next")
    assert texts(bob) == []
    nodes.elapse(PATIENCE)
    assert texts(bob) == texts(ana) == ["lost", "next"]
    assert two.core.neighbours.ordering.filled == 1


def test_a_last_word_that_is_lost_is_found_by_looking_at_the_heads(nodes):
    one, two = nodes.houses
    ana, bob = there(nodes, one, "Ana"), there(nodes, two, "Bob")
    nodes.elapse(LOOK_ANYWAY)
    ana.say("post", room="lobby", text="lost")
    one.settle()
    nodes.network.carried.clear()
    nodes.elapse(LOOK_ANYWAY + LOOK)
    assert texts(bob) == ["lost"]


def test_while_the_bus_is_down_the_nodes_go_on_by_looking(nodes):
    one, two = nodes.houses
    ana, bob = there(nodes, one, "Ana"), there(nodes, two, "Bob")
    nodes.network.break_down()
    for text in ("a", "b", "c"):
        asked(nodes, ana, "post", room="lobby", text=text)
        nodes.elapse(LOOK)
        assert texts(bob)[-1] == text
    assert not [state for _name, state in presences(ana) + presences(bob) if state == "offline"]
    assert (ana.closed, bob.closed) == (None, None)
    nodes.elapse(3 * LEASE)
    nodes.network.mend()
    nodes.settle()
    asked(nodes, bob, "post", room="lobby", text="d")
    assert texts(ana) == texts(bob) == ["a", "b", "c", "d"]
    nodes.elapse(LEASE - 1)
    assert not [state for _name, state in presences(ana) if state == "offline"]


def test_while_neither_bus_nor_store_answer_nobody_is_cut_off_and_both_may_come_back(nodes):
    one, two = nodes.houses
    ana, bob = there(nodes, one, "Ana"), there(nodes, two, "Bob")
    nodes.network.break_down()
    asked(nodes, ana, "post", room="lobby", text="before")
    for house in nodes.houses:
        house.store.broken = Unavailable("the disk is full", 1)
    nodes.elapse(3 * LOOK)
    assert asked(nodes, ana, "post", room="lobby", text="no")["code"] == "unavailable"
    assert texts(bob) == []
    for house in nodes.houses:
        house.store.broken = None
    nodes.elapse(LOOK)
    assert texts(bob) == ["before"]
    nodes.network.mend()
    asked(nodes, bob, "post", room="lobby", text="after")
    assert texts(ana) == texts(bob) == ["before", "after"]


def ahead(nodes: Nodes) -> tuple[Talker, int]:
    """Bob, in a room on a node that has not heard of what Ana was told on the other; her place there."""
    one, two = nodes.houses
    ana, bob = there(nodes, one, "Ana"), there(nodes, two, "Bob")
    nodes.network.break_down()
    for text in ("a", "b", "c"):
        asked(nodes, ana, "post", room="lobby", text=text)
    ana.drop()
    assert texts(bob) == []
    return bob, ana.events()[-1]["seq"]


def test_who_comes_back_to_a_node_that_is_behind_goes_on_where_they_were(nodes):
    bob, place = ahead(nodes)
    back = nodes.houses[1].json("Ana")
    joined = asked(nodes, back, "join", room="lobby", since=place, epoch="epoch-1")
    assert (joined["recovered"], joined["room"]["head"], joined["events"]) == (True, place, [])
    assert texts(bob) == ["a", "b", "c"]
    asked(nodes, bob, "post", room="lobby", text="d")
    assert texts(back) == ["d"]


def test_who_comes_back_to_a_node_that_is_behind_and_cannot_read_the_log_tries_again(nodes):
    _bob, place = ahead(nodes)
    back, store = nodes.houses[1].json("Ana"), nodes.houses[1].store
    nodes.settle()
    store.broken = Unavailable("the disk is full", 1)
    joined = asked(nodes, back, "join", room="lobby", since=place, epoch="epoch-1")
    assert joined["code"] == "unavailable"
    store.broken = None
    assert asked(nodes, back, "join", room="lobby", since=place, epoch="epoch-1")["recovered"]


def test_many_who_come_back_to_a_node_that_is_behind_cost_one_reading(nodes):
    _bob, place = ahead(nodes)
    many = [nodes.houses[1].json(f"Ana {number}") for number in range(20)]
    nodes.settle()
    read = nodes.houses[1].store.reads
    numbers = [one.say("join", room="lobby", since=place, epoch="epoch-1") for one in many]
    nodes.settle()
    assert all(one.answer(number)["recovered"] for one, number in zip(many, numbers, strict=True))
    assert nodes.houses[1].store.reads == read + 1


def test_who_was_further_than_the_log_reaches_is_told_so(nodes):
    bob, place = ahead(nodes)
    back = nodes.houses[1].json("Ana")
    joined = asked(nodes, back, "join", room="lobby", since=place + 1, epoch="epoch-1")
    assert not joined["recovered"]
    assert [event["text"] for event in joined["events"]] == ["a", "b", "c"]
    assert texts(bob) == ["a", "b", "c"]


def test_a_commit_that_was_cut_off_and_made_all_the_same_is_told_to_all_once(nodes):
    one, two = nodes.houses
    ana, bob, plain = there(nodes, one, "Ana"), there(nodes, two, "Bob"), one.plain("Eve", room="lobby")
    nodes.settle()
    plain.hear()
    one.store.cut = Unavailable("the database server does not answer", 1)
    assert asked(nodes, ana, "post", room="lobby", text="cut", key="k")["code"] == "unavailable"
    plain.say("plain")
    nodes.settle()
    one.store.cut = None
    assert (texts(ana), texts(bob)) == ([], [])
    assert asked(nodes, ana, "post", room="lobby", text="cut", key="k")["seq"] == 1
    nodes.elapse(LOOK)
    assert texts(ana) == ["cut", "plain"], "the node that was refused looks soon"
    assert [heard for heard in plain.hear() if heard.endswith("plain")] != [], "it was refused: it is news"
    nodes.elapse(LOOK_ANYWAY)
    assert texts(ana) == texts(bob) == ["cut", "plain"]
    assert (ana.closed, bob.closed) == (None, None)


def test_what_may_have_been_committed_is_looked_for_until_the_store_can_be_asked(nodes):
    one, _two = nodes.houses
    ana = there(nodes, one, "Ana")
    one.store.cut = Unavailable("the database server does not answer", 1)
    assert asked(nodes, ana, "post", room="lobby", text="cut")["code"] == "unavailable"
    one.store.broken, one.store.cut = one.store.cut, None
    nodes.elapse(LOOK_ANYWAY + 3 * LOOK)
    assert texts(ana) == []
    one.store.broken = None
    nodes.elapse(LOOK)
    assert texts(ana) == ["cut"]


def test_a_node_that_stood_still_takes_nobody_for_dead(nodes):
    one, two = nodes.houses
    ana, _bob = there(nodes, one, "Ana"), there(nodes, two, "Bob")
    nodes.elapse(2 * BEAT)
    # All that came meanwhile is read after the timers.
    nodes.clock.advance(3 * LEASE)
    assert one.core.neighbours.roster.count("lobby") == 1
    nodes.settle()
    nodes.elapse(3 * BEAT)
    assert [name for name, state in presences(ana) if state == "offline"] == []


def test_a_log_that_went_back_is_said_once(nodes):
    one, two = nodes.houses
    ana = there(nodes, one, "Ana")
    for text in "abc":
        asked(nodes, ana, "post", room="lobby", text=text)
    with Logs() as logs:
        del one.store._logs["lobby"][1:]
        nodes.elapse(3 * LOOK_ANYWAY)
    (told,) = logs.of(LogLevel.critical)
    assert "from event 3 to 1" in told
    assert "chatroom epoch" in told
    assert two.core.hub.room("lobby") is None


def test_what_is_doubled_or_not_understood_is_told_once_or_not_at_all(nodes):
    one, two = nodes.houses
    ana, bob = there(nodes, one, "Ana"), there(nodes, two, "Bob")
    ana.say("post", room="lobby", text="hello")
    one.settle()
    nodes.network.carried *= 3
    bus = one.core.neighbours._bus
    for nonsense in (b"", b"x", b"0" * 16, b"0" * 16 + b"E{", b"0" * 16 + b"M[1]", b"0" * 16 + b"?"):
        bus.publish("room:lobby", nonsense)
        bus.publish("nodes", nonsense)
    nodes.settle()
    assert texts(bob) == texts(ana) == ["hello"]
