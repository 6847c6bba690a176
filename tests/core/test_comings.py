"""Who comes and goes, as webhooks are told of it: users, whichever nodes they are on, and whatever dies."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from chatroom import comings
from chatroom.comings import GRACE
from chatroom.domain.webhooks import Outcome
from chatroom.progress import AWAY, SOON
from chatroom.roster import LEASE
from chatroom.webhooks import LOOK_ANYWAY

from .house import House, Talker
from .receiving import OK, Telling
from .telling_nodes import TellingNodes

BOTH = ("connected", "disconnected")
SWEPT = LEASE + GRACE + 2 * LOOK_ANYWAY
"""Seconds after which a dead node's people are gone."""


@pytest.fixture
def nodes() -> TellingNodes:
    made = TellingNodes()
    made.hook(*BOTH)
    return made


def comes(nodes: TellingNodes, house: House, name: str = "Ana", **hello: Any) -> Talker:
    """Somebody is in the lobby on that node."""
    talker = house.json(name, **hello)
    talker.say("join", room="lobby")
    nodes.settle()
    return talker


def told(nodes: TellingNodes) -> list[tuple[str, str]]:
    """Who came or went, as all nodes have told it."""
    bodies = [body for courier in nodes.couriers for body in courier.told()]
    return [(body["type"], body["data"]["user"]["name"]) for body in bodies]


CAME, WENT = [("connected", "Ana")], [("disconnected", "Ana")]


def test_who_is_on_two_nodes_came_once_and_goes_from_the_last(nodes):
    one, two = nodes.houses
    ana = comes(nodes, one)
    nodes.elapse(2 * SOON)
    again = comes(nodes, two, token=ana.token)
    nodes.elapse(2 * AWAY)
    ana.drop()
    nodes.elapse(2 * AWAY)
    assert told(nodes) == CAME
    again.drop()
    nodes.elapse(2 * AWAY)
    assert told(nodes) == CAME + WENT
    assert nodes.couriers[1].sent == []


def test_who_comes_to_two_nodes_at_once_and_leaves_both_at_once_is_told_of_once(nodes):
    ana = nodes.houses[0].json("Ana")
    again = nodes.houses[1].json("Ana", token=ana.token)
    for talker in (ana, again):
        talker.say("join", room="lobby")
    nodes.elapse(2 * AWAY)
    assert told(nodes) == CAME
    for talker in (ana, again):
        talker.drop()
    nodes.elapse(2 * AWAY)
    assert told(nodes) == CAME + WENT


def test_who_goes_from_one_node_to_the_other_was_never_away(nodes):
    one, two = nodes.houses
    ana = comes(nodes, one)
    nodes.elapse(2 * SOON)
    ana.drop()
    nodes.elapse(SOON)
    comes(nodes, two, token=ana.token)
    nodes.elapse(3 * AWAY)
    assert told(nodes) == CAME


@pytest.mark.parametrize("dead", [0, 1])
def test_the_people_of_a_killed_node_are_gone_once_unless_they_are_back(nodes, dead):
    ana = comes(nodes, nodes.houses[dead])
    bob = comes(nodes, nodes.houses[dead], "Bob")
    nodes.elapse(2 * SOON)
    before = told(nodes)
    assert len(before) == 2
    survivor = nodes.houses[1 - dead]
    nodes.die(nodes.houses[dead])
    nodes.elapse(SOON)
    comes(nodes, survivor, "Bob", token=bob.token)
    nodes.elapse(SWEPT)
    assert sorted(told(nodes)) == sorted(before + WENT)
    comes(nodes, survivor, token=ana.token)
    nodes.elapse(SWEPT)
    assert sorted(told(nodes)) == sorted(before + WENT + CAME)


def test_of_a_node_that_stops_nobody_goes_who_is_back_soon(nodes):
    one, two = nodes.houses
    ana, bob = comes(nodes, one), comes(nodes, one, "Bob")
    nodes.elapse(2 * SOON)
    before = told(nodes)
    one.core.pause()
    for talker in (ana, bob):
        talker.drop()
    one.done(one.core.stop())
    comes(nodes, two, "Bob", token=bob.token)
    nodes.elapse(SWEPT)
    assert told(nodes) == before + WENT


def test_while_it_is_not_known_which_nodes_there_are_nobody_is_gone(nodes):
    comes(nodes, nodes.houses[1])
    nodes.elapse(2 * SOON)
    nodes.network.break_down()
    nodes.elapse(2 * SWEPT)
    assert told(nodes) == CAME
    nodes.network.mend()
    nodes.elapse(2 * SWEPT)
    assert told(nodes) == CAME


def test_the_people_of_a_node_that_was_taken_for_dead_come_back(nodes):
    comes(nodes, nodes.houses[1])
    nodes.elapse(2 * SOON)
    (cut,) = [bus for bus in nodes.network.buses if bus is nodes.houses[1].core.neighbours._bus]
    cut.up = False
    nodes.elapse(SWEPT)
    assert told(nodes) == CAME + WENT
    cut.up = True
    cut.mended()
    nodes.elapse(2 * SOON)
    assert told(nodes) == CAME + WENT + CAME


def test_who_goes_right_after_the_bus_is_back_is_gone(nodes):
    ana = comes(nodes, nodes.houses[0])
    nodes.elapse(2 * SOON)
    nodes.network.break_down()
    nodes.network.mend()
    ana.drop()
    nodes.elapse(2 * AWAY)
    assert told(nodes) == CAME + WENT


def test_who_was_taken_for_gone_goes_once(nodes):
    ana = comes(nodes, nodes.houses[1])
    nodes.elapse(2 * SOON)
    nodes.houses[1].core.neighbours._bus.up = False
    nodes.elapse(SWEPT)
    ana.drop()
    nodes.elapse(2 * AWAY)
    assert told(nodes) == CAME + WENT


def test_who_is_there_when_a_webhook_is_made_did_not_come_after_that():
    nodes = TellingNodes()
    one, two = nodes.houses
    ana = comes(nodes, one)
    nodes.hook(*BOTH)
    nodes.elapse(2 * SOON)
    again = comes(nodes, two, token=ana.token)
    nodes.elapse(2 * SOON)
    assert told(nodes) == []
    ana.drop()
    again.drop()
    nodes.elapse(2 * AWAY)
    assert told(nodes) == WENT


def test_a_webhook_that_is_made_later_is_not_told_who_went_before(nodes):
    comes(nodes, nodes.houses[1])
    nodes.elapse(2 * SOON)
    nodes.die(nodes.houses[1])
    nodes.elapse(1)
    nodes.hook(*BOTH, name="Late")
    nodes.elapse(SWEPT)
    urls = [parcel.url for parcel in nodes.couriers[0].sent]
    assert sorted(urls) == ["https://Otto.example.org/"] * 2


def test_many_who_are_left_behind_are_gone_by_and_by(nodes, monkeypatch):
    monkeypatch.setattr(comings, "MAX_NEW", 4)
    for number in range(5):
        comes(nodes, nodes.houses[1], f"guest{number}")
    nodes.elapse(2 * SOON)
    nodes.die(nodes.houses[1])
    nodes.elapse(2 * SWEPT)
    gone = [name for word, name in told(nodes) if word == "disconnected"]
    assert sorted(gone) == [f"guest{number}" for number in range(5)]


def test_who_is_not_back_when_a_killed_server_has_started_again_is_gone():
    house = Telling()
    house.hook(*BOTH)
    ana, bob = house.json("Ana"), house.json("Bob")
    for talker in (ana, bob):
        talker.does("join", room="lobby")
    house.keep()
    house.keep()
    assert len(house.courier.told()) == 2
    other = house.again()
    other.json("Bob", token=bob.token).does("join", room="lobby")
    for _ in range(3):
        other.elapse(GRACE / 2 + 1)
    assert [(one["type"], one["data"]["user"]["name"]) for one in other.courier.told()] == WENT
    other.courier.sent.clear()
    other.elapse(10 * GRACE)
    assert other.courier.sent == []


WHAT = (
    "come",
    "come",
    "come",
    "go",
    "go",
    "lose",
    "down",
    "mend",
    "cut",
    "lead",
    "kill",
    "stop",
    "fail",
    "ok",
)
MOMENTS = [0, 0, 0.2, 1.1, 4, 12]


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
@given(
    st.lists(
        st.tuples(st.sampled_from(WHAT), st.integers(0, 2), st.integers(0, 1), st.sampled_from(MOMENTS)),
        max_size=30,
    )
)
def test_each_comes_and_goes_in_turn_and_in_the_end_it_is_known_who_is_there(doings):
    crowd = Crowd()
    for what, which, who, seconds in doings:
        crowd.do(what, which, who)
        crowd.nodes.elapse(seconds)
    crowd.end()


class Crowd:
    """Two people with any number of devices, and three nodes to which anything may happen."""

    def __init__(self) -> None:
        self.nodes = TellingNodes(3)
        self.nodes.hook(*BOTH)
        self.houses = list(self.nodes.houses)
        self.buses = list(self.nodes.network.buses)
        self.tokens: dict[int, str] = {}
        self.devices: list[tuple[House, int, Talker]] = []
        self.arrived: list[Any] = []
        self.outcome = OK
        for courier in self.nodes.couriers:
            courier.answer = self.receive

    def receive(self, parcel: Any) -> Any:
        if self.outcome is OK:
            self.arrived.append(parcel)
        return self.outcome

    def do(self, what: str, which: int, who: int) -> None:
        house, carried = self.houses[which], self.nodes.network.carried
        if what == "come" and house in self.nodes.houses:
            talker = comes(self.nodes, house, f"guest{who}", token=self.tokens.get(who))
            self.tokens.setdefault(who, talker.token)
            self.devices.append((house, who, talker))
        elif what == "go" and self.devices:
            self.devices.pop(which % len(self.devices))[2].drop()
        elif what == "lose" and carried:
            del carried[which % len(carried)]
        elif what == "down":
            self.nodes.network.break_down()
        elif what == "mend":
            self.nodes.network.mend()
        elif what == "cut":
            self.buses[which].up = False
        elif what == "lead" and house in self.nodes.houses:
            self.nodes.leads[which].lose()
        elif what in ("kill", "stop") and house in self.nodes.houses[1:]:
            self.end_node(house, kindly=what == "stop")
        elif what in ("fail", "ok"):
            self.outcome = {"fail": Outcome(503), "ok": OK}[what]

    def end_node(self, house: House, *, kindly: bool) -> None:
        mine = [one for one in self.devices if one[0] is house]
        self.devices = [one for one in self.devices if one[0] is not house]
        if not kindly:
            self.nodes.die(house)
            return
        house.core.pause()
        for _house, _who, talker in mine:
            talker.drop()
        house.done(house.core.stop())
        self.nodes.network.buses.remove(house.core.neighbours._bus)
        self.nodes.houses.remove(house)

    def end(self) -> None:
        self.outcome = OK
        self.nodes.network.mend()
        self.nodes.elapse(2 * SWEPT + 30)
        there = {f"guest{who}" for _house, who, _talker in self.devices}
        states: dict[str, str] = {}
        seen: set[str] = set()
        for parcel in self.arrived:
            body, number = json.loads(parcel.body), parcel.headers["webhook-id"]
            if number not in seen:
                seen.add(number)
                name, state = body["data"]["user"]["name"], body["type"]
                assert state != states.get(name, "disconnected"), "in turn"
                states[name] = state
        assert {name for name, state in states.items() if state == "connected"} == there
