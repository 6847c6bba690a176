"""Nothing lost and nothing twice on several nodes, whatever becomes of what they tell each other."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatroom import attendance, chat, ordering, tail
from chatroom.domain import commands
from chatroom.domain.errors import Unavailable
from chatroom.domain.events import Message
from chatroom.ordering import RETRY
from chatroom.roster import LEASE

from .members import Follower
from .nodes import Nodes

ROOMS = ("one", "two")
DOINGS = ["join", "join", "post", "post", "post", "drop", "move", "edit", "delete", "leave", "read on"]
DOINGS += ["post again"]
DEED = st.tuples(st.sampled_from(DOINGS), st.booleans())


@pytest.fixture(autouse=True)
def small_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that a few events go past every bound."""
    monkeypatch.setattr(tail, "MAX_EVENTS", 3)
    monkeypatch.setattr(attendance, "LOADED", 3)
    monkeypatch.setattr(chat, "NEWEST", 4)
    monkeypatch.setattr(commands, "MAX_PAGE", 7)
    monkeypatch.setattr(ordering, "PAGE", 3)
    monkeypatch.setattr(ordering, "MOST", 3)


class PromisesOfNodes(RuleBasedStateMachine):
    """Guests on three nodes; a store whose steps come at any time, or fail; and a bus that loses,
    doubles and reorders, and is down now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes = Nodes(3)
        self.houses = self.nodes.houses
        self.network = self.nodes.network
        self.followers = [
            Follower(self.houses[number % 3], f"guest{number}", ROOMS[number // 3]) for number in range(5)
        ]
        self.listener = self.houses[1].plain("listener", room=ROOMS[0])
        self.numbers = count(1)

    # Guests.

    @rule(which=st.integers(0, 4), deeds=st.lists(DEED, min_size=1, max_size=5), data=st.data())
    def a_guest_does(self, which, deeds, data):
        follower = self.followers[which]
        for what, is_answered in deeds:
            if follower.talker is None:
                follower.connect()
            self.a_guest_does_one_thing(follower, what, data)
            if is_answered:
                # Their node does its work, and the others have not heard of it.
                follower.house.settle()
            follower.hear()

    def a_guest_does_one_thing(self, follower, what, data):
        if what == "drop":
            follower.drop()
        elif what == "post":
            number = next(self.numbers)
            follower.post(f"text {number}", f"key {number}")
        elif what == "post again":
            follower.post_again()
        elif what == "move":
            # To whichever node the load balancer gives.
            follower.drop()
            follower.house = data.draw(st.sampled_from(self.houses))
            follower.connect()
            follower.join()
        elif follower.state == "away":
            follower.join()
        elif follower.state == "in":
            self.a_member_does(follower, what, data)

    def a_member_does(self, follower, what, data):
        if what == "leave":
            follower.leave()
        elif what == "read on" and follower.aside is not None and not follower.reading:
            follower.read_on()
        elif what in ("edit", "delete"):
            log = follower.house.store._logs
            mine = [seq for seq in follower.said if log[follower.room][seq - 1].by.name == follower.name]
            if mine:
                follower.change(what, data.draw(st.sampled_from(mine)), f"text {next(self.numbers)}")

    @rule()
    def the_listener_speaks(self):
        self.listener.say(f"plain {next(self.numbers)}")

    # The world.

    @rule(which=st.integers(0, 2), times=st.integers(1, 4), data=st.data())
    def a_store_goes_on(self, which, times, data):
        for _ in range(times):
            steps = self.houses[which].store.steps
            if steps:
                data.draw(st.sampled_from(steps))()

    @precondition(lambda self: self.network.carried)
    @rule(what=st.sampled_from(["bring", "bring", "bring", "lose", "double"]), data=st.data())
    def the_bus_does(self, what, data):
        index = data.draw(st.integers(0, len(self.network.carried) - 1))
        if what == "bring":
            self.network.bring(index)
        elif what == "lose":
            del self.network.carried[index]
        else:
            self.network.carried.append(self.network.carried[index])

    @rule()
    def the_bus_breaks_down(self):
        self.network.break_down()

    @rule()
    def the_bus_is_mended(self):
        self.network.mend()

    @rule(seconds=st.sampled_from([0, 0.06, 0.3, 1, 5]))
    def time_goes_on(self, seconds):
        self.nodes.clock.advance(seconds)

    @rule()
    def all_is_done_that_waits(self):
        self.nodes.settle()

    @rule(which=st.integers(0, 2), data=st.data())
    def a_store_fails_for_a_moment(self, which, data):
        store = self.houses[which].store
        if store.steps:
            store.broken = Unavailable("the disk is full", 1)
            data.draw(st.sampled_from(store.steps))()
            store.broken = None

    @rule(which=st.integers(0, 2))
    def a_store_is_cut_off_from_its_database_which_goes_on(self, which):
        store = self.houses[which].store
        store.cut = Unavailable("the database server does not answer", 1)
        if store._drafts:
            store.write()
        store.cut = None

    # What holds.

    @invariant()
    def nobody_is_told_anything_wrong(self):
        for follower in self.followers:
            follower.hear()

    def teardown(self):
        self.nodes.settle()
        self.nodes.elapse(3 * RETRY)
        if any(not bus.up for bus in self.network.buses):
            self.check_that_all_is_told()
            self.network.mend()
        self.nodes.elapse(6)
        self.check_that_all_is_told()
        self.all_come_back()
        self.nodes.elapse(LEASE)
        self.check_that_all_is_told()
        self.check_who_is_there()
        self.check_the_listener()

    def check_that_all_is_told(self) -> None:
        """Who is in a room was told all that happened there, without asking."""
        for follower in self.followers:
            follower.hear()
            log = self.houses[0].log(follower.room)
            assert [event.seq for event in log] == list(range(1, len(log) + 1))
            if follower.state == "in" and follower.aside is None:
                assert follower.position == len(log)
                self.check_follower(follower, log)

    def check_follower(self, follower: Follower, log) -> None:
        if follower.applied:
            assert follower.applied == list(range(follower.applied[0], len(log) + 1))
        current = {e.seq: None if e.deleted else e.text for e in log if isinstance(e, Message)}
        assert follower.said == {seq: current[seq] for seq in follower.said}

    def all_come_back(self) -> None:
        for _ in range(1000):
            self.nodes.elapse(0.25)
            for follower in self.followers:
                follower.hear()
            waiting = [self.brought_back(follower) for follower in self.followers]
            if not any(waiting):
                return
        raise AssertionError("they never get there")

    def brought_back(self, follower: Follower) -> bool:
        if follower.talker is None:
            follower.connect()
        elif follower.state == "away":
            follower.join()
        elif follower.unkept:
            follower.post_again()
        elif follower.aside is not None and not follower.reading:
            follower.read_on()
        else:
            return bool(follower.unanswered)
        return True

    def check_who_is_there(self) -> None:
        """All nodes agree."""
        for room in ROOMS:
            there = {follower.name for follower in self.followers if follower.room == room}
            there |= {"listener"} if room == ROOMS[0] and not self.listener.outlet.closed else set()
            for house in self.houses:
                live = house.hub.room(room)
                if live is not None:
                    assert {user.name for user in live.presences.some(100)} == there
            for follower in self.followers:
                if follower.room == room and follower.state == "in":
                    assert follower.here == there

    def check_the_listener(self) -> None:
        """It heard what others said, once and in order; and of its own, what it was told is not kept."""
        if self.listener.outlet.closed:
            return
        lines = self.listener.hear()
        heard = [line for line in lines if not line.startswith("* ")]
        log = self.houses[0].store._logs.get(ROOMS[0], [])
        said = [event.seq for event in log if isinstance(event, Message) and event.by.name != "listener"]
        numbers = {event.text: event.seq for event in log if isinstance(event, Message)}
        told = [numbers[line] for line in heard if line in numbers]
        assert told == sorted(set(told))
        assert len(set(told) - set(said)) <= len(lines) - len(heard)


TestPromisesOfNodes = PromisesOfNodes.TestCase
TestPromisesOfNodes.settings = settings(
    max_examples=100,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
