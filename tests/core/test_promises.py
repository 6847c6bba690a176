"""Nothing lost and nothing twice, whatever happens in whatever order."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatroom import attendance, chat, fanout, tail
from chatroom.domain import commands
from chatroom.domain.errors import Unavailable
from chatroom.domain.events import Message

from .house import House, PlainTalker
from .members import Follower

ROOMS = ("one", "two")


@pytest.fixture(autouse=True)
def small_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that a few events go past every bound."""
    monkeypatch.setattr(tail, "MAX_EVENTS", 3)
    monkeypatch.setattr(attendance, "LOADED", 3)
    monkeypatch.setattr(chat, "NEWEST", 4)
    monkeypatch.setattr(commands, "MAX_PAGE", 7)
    monkeypatch.setattr(fanout, "SLICE", 1)


class Listener:
    """A plain connection, and what it should have heard."""

    def __init__(self, house: House, room: str) -> None:
        self.room = room
        self.talker: PlainTalker = house.plain(room=room)
        self.said: set[str] = set()


DOINGS = ["join", "join", "post", "post", "post", "drop"]
DOINGS += ["edit", "edit", "delete", "react", "react", "leave", "read on", "post again"]


class Promises(RuleBasedStateMachine):
    """Guests who come and go, post and edit; a store whose steps come at any time, or fail."""

    def __init__(self) -> None:
        super().__init__()
        self.house = House()
        self.followers = [Follower(self.house, f"guest{n}", ROOMS[n // 3]) for n in range(4)]
        self.listeners: list[Listener] = []
        self.numbers = count(1)

    @initialize(said=st.integers(0, 12))
    def some_are_there_already(self, said):
        for follower in self.followers[:2]:
            follower.connect()
            follower.join()
            self.post(follower, said // 2)
        self.house.settle()

    # Guests.

    @rule(which=st.integers(0, 3), what=st.sampled_from(DOINGS), times=st.integers(1, 6), data=st.data())
    def a_guest_does(self, which, what, times, data):
        follower = self.followers[which]
        if follower.talker is None:
            follower.connect()
            follower.hear()
        if what == "drop":
            follower.drop()
        elif what == "post":
            self.post(follower, times)
        elif what == "post again":
            follower.post_again()
        elif follower.state == "away":
            follower.join()
        elif follower.state == "in":
            self.a_member_does(follower, what, data)

    @rule(which=st.integers(0, 3), missed=st.integers(0, 12), told=st.integers(0, 3))
    def a_guest_comes_back(self, which, missed, told):
        follower, other = self.followers[which], self.followers[(which + 1) % 3]
        if follower.talker is not None:
            follower.drop()
        if other.talker is not None:
            self.post(other, missed)
        for _ in range(told):
            for step in self.house.store.steps[:1]:
                step()
        follower.connect()
        follower.hear()
        follower.join()

    def a_member_does(self, follower, what, data):
        if what == "leave":
            follower.leave()
        elif what == "read on" and follower.aside is not None and not follower.reading:
            follower.read_on()
        elif what == "react" and follower.said:
            seq = data.draw(st.sampled_from(sorted(follower.said)))
            follower.react(seq, data.draw(st.sampled_from("👍🎉")), on=data.draw(st.booleans()))
        elif what in ("edit", "delete"):
            mine = [seq for seq in follower.said if self.author(follower.room, seq) == follower.name]
            if mine:
                follower.change(what, data.draw(st.sampled_from(mine)), f"text {next(self.numbers)}")

    def post(self, follower, times):
        for _ in range(times):
            number = next(self.numbers)
            follower.post(f"text {number}", f"key {number}")

    def author(self, room, seq):
        return self.house.store._logs[room][seq - 1].by.name

    # Plain connections.

    @precondition(lambda self: len(self.listeners) < 3)
    @rule(room=st.sampled_from(ROOMS))
    def somebody_listens(self, room):
        self.listeners.append(Listener(self.house, room))

    @precondition(lambda self: self.listeners)
    @rule(data=st.data())
    def a_listener_speaks(self, data):
        listener = data.draw(st.sampled_from(self.listeners))
        text = f"plain {next(self.numbers)}"
        listener.said.add(text)
        listener.talker.say(text)

    # The world.

    @rule(data=st.data(), times=st.integers(1, 4))
    def the_store_goes_on(self, data, times):
        for _ in range(times):
            if self.house.store.steps:
                data.draw(st.sampled_from(self.house.store.steps))()

    @rule(seconds=st.sampled_from([0, 0, 0.2, 2]))
    def time_goes_on(self, seconds):
        self.house.clock.advance(seconds)

    @rule()
    def all_is_done_that_waits(self):
        self.house.settle()

    @precondition(lambda self: self.house.store.steps)
    @rule(data=st.data())
    def the_disk_fails_for_a_moment(self, data):
        self.house.store.broken = Unavailable("the disk is full", 1)
        data.draw(st.sampled_from(self.house.store.steps))()
        self.house.store.broken = None

    # What holds.

    @invariant()
    def nobody_is_told_anything_wrong(self):
        for follower in self.followers:
            follower.hear()

    def teardown(self):
        self.all_come_back()
        for room in ROOMS:
            log = self.house.log(room)
            self.check_log(room, log)
            for follower in self.followers:
                if follower.room == room:
                    self.check_follower(follower, log)
            for listener in self.listeners:
                if listener.room == room:
                    self.check_listener(listener, log)
        for gone in [*self.followers, *self.listeners]:
            (gone if isinstance(gone, Follower) else gone.talker).drop()
        self.house.settle()
        assert self.house.empty()

    def all_come_back(self) -> None:
        for _ in range(1000):
            self.house.settle()
            waiting = False
            for follower in self.followers:
                follower.hear()
                waiting |= self.brought_back(follower)
            if not waiting:
                return
        raise AssertionError("they never get there")

    def brought_back(self, follower: Follower) -> bool:
        """Do what is next on the way to knowing everything; False where there is nothing."""
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

    def check_log(self, room: str, log) -> None:
        assert [event.seq for event in log] == list(range(1, len(log) + 1))
        said = self.said_in(room)
        assert len(said) == len(set(said)), "a retried post was kept twice"

    def said_in(self, room: str) -> list[str]:
        """What was said, as it was said then."""
        return [event.text for event in self.house.store._logs.get(room, []) if isinstance(event, Message)]

    def check_follower(self, follower: Follower, log) -> None:
        if follower.applied:
            assert follower.applied == list(range(follower.applied[0], len(log) + 1))
        current = {e.seq: None if e.deleted else e.text for e in log if isinstance(e, Message)}
        assert follower.said == {seq: current[seq] for seq in follower.said}
        assert set(follower.said) == {seq for seq in current if seq in follower.applied}
        under = {
            event.seq: {(one.emoji, who) for one in event.reactions for who in one.by}
            for event in log
            if isinstance(event, Message) and not event.deleted and event.seq in follower.said
        }
        assert {seq: follower.under[seq] for seq in under} == under

    def check_listener(self, listener: Listener, log) -> None:
        """From the first that it heard, it heard all that others said, as they said it then."""
        if listener.talker.outlet.closed:
            return
        heard = [line for line in listener.talker.hear() if not line.startswith("* ")]
        said = self.said_in(listener.room)
        others = [text for text in said if text not in listener.said]
        assert heard == others[len(others) - len(heard) :]


TestPromises = Promises.TestCase
TestPromises.settings = settings(
    max_examples=200,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
