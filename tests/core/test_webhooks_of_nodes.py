"""Webhooks of several nodes: one of them tells of what happens on all, whatever becomes of it and the bus."""

from __future__ import annotations

from itertools import pairwise

import pytest

from chatroom.domain.errors import Unavailable
from chatroom.domain.webhooks import Outcome
from chatroom.progress import SOON
from chatroom.webhooks import LOOK, LOOK_ANYWAY, LOOKING

from .receiving import OK
from .telling_nodes import TellingNodes, people

DOWN = Outcome(None, problem="connection refused")


@pytest.fixture
def nodes() -> TellingNodes:
    return TellingNodes()


def hang(nodes: TellingNodes, number: int = 0) -> None:
    nodes.couriers[number].answer = lambda _parcel: None


def test_what_is_said_on_any_node_is_told_by_the_one_that_leads(nodes):
    nodes.hook()
    ana, bob = people(nodes)
    nodes.posts(ana, "a")
    nodes.posts(bob, "b")
    nodes.posts(ana, "c")
    assert nodes.couriers[0].texts() == ["a", "b", "c"]
    assert nodes.couriers[1].sent == []


def test_what_another_node_passes_on_is_told_without_reading_the_log(nodes):
    nodes.hook()
    _ana, bob = people(nodes)
    nodes.posts(bob, "a")
    reads = nodes.houses[0].store.reads
    nodes.posts(bob, "b", "c")
    assert nodes.houses[0].store.reads == reads
    assert nodes.told() == ["a", "b", "c"]


def test_nothing_is_passed_on_that_no_webhook_hears(nodes):
    _ana, bob = people(nodes)
    nodes.hook(rooms=("lobby",))
    nodes.posts(bob, "a", room="elsewhere")
    published = nodes.houses[1].core.neighbours._bus.published
    assert [topic for topic, _payload in published if topic == "webhooks"] == []


def test_what_the_bus_loses_is_found_in_the_log(nodes):
    nodes.hook()
    ana, bob = people(nodes)
    bob.say("post", room="lobby", text="lost")
    nodes.houses[1].settle()
    nodes.network.carried.clear()
    assert nodes.told() == []
    nodes.elapse(LOOK_ANYWAY)
    assert nodes.told() == ["lost"]
    bob.say("post", room="lobby", text="lost too")
    nodes.houses[1].settle()
    nodes.network.carried.clear()
    nodes.posts(ana, "heard")
    assert nodes.told() == ["lost", "lost too", "heard"], "a hole is filled before what is after it is told"


def test_what_is_doubled_or_late_is_told_once(nodes):
    nodes.hook()
    bob = people(nodes)[1]
    for text in "abc":
        bob.say("post", room="lobby", text=text)
        nodes.houses[1].settle()
    carried = nodes.network.carried
    carried[:] = [*reversed(carried), *carried]
    nodes.settle()
    nodes.elapse(LOOK_ANYWAY)
    assert nodes.told() == ["a", "b", "c"]


def test_without_the_bus_all_is_told_after_a_moment(nodes):
    nodes.hook()
    _ana, bob = people(nodes)
    nodes.elapse(LOOK_ANYWAY)
    nodes.network.break_down()
    nodes.elapse(LOOK_ANYWAY)
    nodes.posts(bob, "a", "b")
    assert nodes.told() == []
    nodes.elapse(LOOK)
    assert nodes.told() == ["a", "b"]


def test_when_the_bus_is_back_it_is_looked_at_once(nodes):
    nodes.hook()
    _ana, bob = people(nodes)
    nodes.network.break_down()
    nodes.posts(bob, "a")
    nodes.network.mend()
    nodes.settle()
    assert nodes.told() == ["a"]


def test_when_the_leader_dies_while_it_tells_another_tells_that_again_under_the_same_id(nodes):
    nodes.hook()
    ana, bob = people(nodes)
    nodes.posts(ana, "done")
    nodes.elapse(SOON)
    hang(nodes)
    nodes.posts(ana, "under way")
    nodes.posts(bob, "waiting")
    nodes.die(nodes.houses[0])
    nodes.posts(bob, "after it")
    assert nodes.couriers[1].texts() == ["under way", "waiting", "after it"]
    assert nodes.couriers[0].ids[-1] == nodes.couriers[1].ids[0]


def test_a_leader_that_stops_hands_over_and_nothing_is_told_twice(nodes):
    nodes.hook()
    ana, bob = people(nodes)
    nodes.posts(ana, "a")
    nodes.posts(bob, "b")
    nodes.houses[0].done(nodes.houses[0].core.stop())
    nodes.posts(bob, "c")
    nodes.elapse(LOOK_ANYWAY)
    assert nodes.couriers[0].texts() == ["a", "b"]
    assert nodes.couriers[1].texts() == ["c"]


def test_a_leader_that_does_not_know_yet_tells_nothing_under_another_id_and_moves_no_cursor_back(nodes):
    hook = nodes.hook()
    ana, bob = people(nodes)
    hang(nodes)
    nodes.posts(ana, "a")
    nodes.leads[0].lose(known=False)
    nodes.posts(bob, "b", "c")
    assert nodes.couriers[1].texts() == ["a", "b", "c"]
    nodes.elapse(SOON)
    assert nodes.kept.cursor(hook.id, "lobby") == 3
    nodes.leads[0].changed(False)
    nodes.couriers[0].end()
    nodes.elapse(SOON)
    assert nodes.couriers[0].texts() == ["a"], "what it had begun alone"
    assert nodes.kept.cursor(hook.id, "lobby") == 3
    assert nodes.couriers[0].ids == nodes.couriers[1].ids[:1]


def test_the_lead_may_come_back_after_others_have_told_more(nodes):
    nodes.hook()
    ana, bob = people(nodes)
    nodes.posts(ana, "a")
    nodes.elapse(SOON)
    nodes.leads[0].lose()
    nodes.settle()
    nodes.posts(bob, "b")
    nodes.elapse(SOON)
    nodes.leads[1].lose()
    nodes.settle()
    nodes.posts(bob, "c")
    nodes.posts(ana, "d")
    assert nodes.couriers[0].texts() == ["a", "c", "d"]
    assert nodes.couriers[1].texts() == ["b"]


def test_what_was_told_but_cannot_be_kept_is_not_told_again_by_the_same_node(nodes):
    nodes.hook()
    ana, _bob = people(nodes)
    broken = Unavailable("no disk", 1)
    hang(nodes)
    nodes.posts(ana, "a", "b")
    nodes.couriers[0].answer = lambda _parcel: OK
    nodes.couriers[0].end()
    nodes.kept.broken = broken
    nodes.elapse(2 * SOON)
    nodes.leads[0].changed(False)
    nodes.leads[0].changed(True)
    nodes.elapse(SOON)
    nodes.kept.broken = None
    nodes.elapse(3 * LOOK)
    nodes.posts(ana, "c")
    assert nodes.told() == ["a", "b", "c"]


def test_what_comes_while_nobody_leads_is_told_by_whoever_does_then(nodes):
    nodes.hook()
    ana, bob = people(nodes)
    nodes.leads[0].changed(False)
    nodes.posts(ana, "a")
    nodes.posts(bob, "b")
    assert nodes.told() == []
    nodes.leads[0].changed(True)
    nodes.settle()
    assert nodes.told() == ["a", "b"]


def test_a_database_that_is_away_when_the_lead_is_taken_is_asked_again(nodes):
    nodes.hook()
    ana, _bob = people(nodes)
    nodes.leads[0].changed(False)
    nodes.posts(ana, "a")
    nodes.kept.broken = Unavailable("no disk", 1)
    nodes.leads[0].changed(True)
    nodes.settle()
    nodes.kept.broken = None
    nodes.elapse(LOOK)
    assert nodes.told() == ["a"]


def test_what_was_said_to_a_receiver_that_is_away_is_told_by_the_next_leader(nodes):
    nodes.hook("mention")
    nodes.couriers[0].answer = lambda _parcel: DOWN
    ana, bob = people(nodes)
    nodes.posts(ana, "nothing", "@otto one")
    nodes.posts(bob, "nothing", "@otto two", "nothing")
    nodes.leads[0].lose()
    nodes.settle()
    assert nodes.couriers[1].texts() == ["@otto one", "@otto two"]


def test_a_bot_answers_on_every_node(nodes):
    nodes.hook()
    nodes.couriers[0].answer = lambda _parcel: Outcome(200, b'{"text": "hi"}')
    _ana, bob = people(nodes)
    bob.say("join", room="lobby")
    nodes.settle()
    nodes.posts(bob, "hello")
    assert [event["text"] for event in bob.events()] == ["hello", "hi"]


def test_a_text_that_was_deleted_on_another_node_is_not_told_after_that(nodes):
    nodes.hook()
    hang(nodes)
    ana, bob = people(nodes)
    nodes.posts(ana, "first")
    nodes.posts(bob, "secret", "last")
    bob.say("delete", room="lobby", seq=2)
    nodes.settle()
    nodes.couriers[0].answer = lambda _parcel: OK
    nodes.couriers[0].end()
    nodes.settle()
    assert nodes.told() == ["first", "last"]


def test_without_the_bus_no_text_is_held_that_may_be_deleted(nodes):
    nodes.hook()
    hang(nodes)
    ana, bob = people(nodes)
    nodes.posts(ana, "first")
    nodes.posts(bob, "secret", "last")
    nodes.network.break_down()
    bob.say("delete", room="lobby", seq=2)
    nodes.elapse(LOOK_ANYWAY)
    nodes.couriers[0].answer = lambda _parcel: OK
    nodes.couriers[0].end()
    nodes.settle()
    assert nodes.told() == ["first", "last"]


def test_what_is_said_to_a_bot_alone_on_another_node_is_told_at_once(nodes):
    nodes.hook("direct", rooms=())
    bob = nodes.houses[1].member("Bob")
    bob.say("post", to="Otto", text="psst")
    nodes.settle()
    nodes.elapse(0.25)
    assert nodes.couriers[0].texts() == ["psst"]
    bob.say("post", to="Otto", text="and")
    nodes.settle()
    assert nodes.couriers[0].texts() == ["psst", "and"]


def test_who_comes_on_another_node_is_told_of(nodes):
    nodes.hook("connected")
    _ana, bob = people(nodes)
    bob.say("join", room="lobby")
    nodes.elapse(2 * SOON)
    (told,) = nodes.couriers[0].told()
    assert (told["type"], told["data"]["user"]["name"]) == ("connected", "guest1")


def test_dead_letters_are_told_again_by_the_one_that_leads(nodes):
    hook = nodes.hook()
    nodes.couriers[0].answer = lambda _parcel: Outcome(400)
    ana, _bob = people(nodes)
    nodes.posts(ana, "a")
    for _ in range(26):
        nodes.clock.advance(3600)
        nodes.settle()
    assert len(nodes.kept._do_dead(hook.id, 10)) == 1
    nodes.leads[0].lose()
    nodes.elapse(1)
    nodes.kept.resend(hook.id, None, nodes.houses[0].now)
    nodes.elapse(1)
    assert nodes.couriers[1].texts() == ["a"]


def test_a_look_that_takes_long_is_not_made_often(nodes, monkeypatch):
    nodes.hook()
    asked: list[float] = []
    behind = nodes.kept._do_behind

    def slowly(hook):
        asked.append(nodes.clock.seconds())
        nodes.clock.rightNow += 0.5
        return behind(hook)

    monkeypatch.setattr(nodes.kept, "_do_behind", slowly)
    nodes.elapse(60)
    assert all(later - earlier >= LOOKING * 0.5 for earlier, later in pairwise(asked))
