"""Who has a place in a room is told all of it, and who has lost theirs nothing that came after: whatever
happens in whatever order, here and in other processes."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatroom import attendance, fanout, tail
from chatroom.domain import names
from chatroom.domain.accounts import EVERYWHERE, Change, Membership, Sanction

from .places import PEOPLE, PRIVATE, PUBLIC, Device, Registry, Scene


@pytest.fixture(autouse=True)
def small_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that a few events and members go past every bound."""
    monkeypatch.setattr(tail, "MAX_EVENTS", 3)
    monkeypatch.setattr(attendance, "LOADED", 2)
    monkeypatch.setattr(fanout, "SLICE", 1)


ASKED = ["join", "join", "post", "post", "leave", "history", "read", "typing", "write to the other"]
DONE = ["room.invite", "room.invite", "room.kick", "room.ban", "unban", "room.role"]
DONE += [
    "let in",
    "let in",
    "lose a place",
    "impose a ban",
    "lift a ban",
    "ban",
    "unban everywhere",
    "lose the news",
]


class Places(RuleBasedStateMachine):
    """Four people on a few devices, and other processes that write to the registry."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self.house = self.scene.house
        self.devices = self.scene.devices
        self.numbers = count(1)

    @initialize(invited=st.lists(st.sampled_from(PEOPLE[1:]), unique=True), inside=st.sets(st.integers(0, 7)))
    def some_are_in_already(self, invited, inside):
        for name in PEOPLE:
            self._connect(name)
            self.house.settle()
        for name in invited:
            self.registry.set_membership(Membership(PRIVATE, self.scene.ids[name], name, "member"))
        self.house.look()
        for number in inside:
            self.devices[number // 2].begin("join", (PRIVATE, PUBLIC)[number % 2])
        self.house.settle()
        self.registry.stepped = True

    @property
    def registry(self) -> Registry:
        return self.scene.registry

    def _connect(self, name: str) -> None:
        device = Device(self.scene, self.scene.tokens[name])
        self.devices.append(device)
        device.begin("hello", token=device.token_shown)

    # People.

    @rule(data=st.data(), comes=st.booleans(), name=st.sampled_from(PEOPLE))
    def a_device_comes_or_goes(self, data, comes, name):
        if comes and len(self.devices) < 8:
            self._connect(name)
        elif self.devices:
            device = data.draw(st.sampled_from(self.devices))
            self.devices.remove(device)
            device.drop()

    @precondition(lambda self: self.known())
    @rule(data=st.data(), asked=st.sampled_from(ASKED), where=st.integers(0, 4))
    def somebody_asks(self, data, asked, where):
        device = data.draw(st.sampled_from(self.known()))
        room = (PRIVATE, PRIVATE, PRIVATE, PUBLIC, self.scene.direct)[where]
        if asked == "write to the other":
            self._write(device)
            return
        fields: dict[str, dict[str, Any]] = {
            "post": {"text": f"text {next(self.numbers)}"},
            "join": data.draw(st.sampled_from([{}, {"since": 0}, {"since": 2}])),
            "read": {"seq": 1},
            "typing": {"on": True},
            "history": data.draw(st.sampled_from([{}, {"after": 1}, {"after": 3}, {"before": 3}])),
        }
        device.begin(asked, room, **fields.get(asked, {}))

    def _write(self, device: Device) -> None:
        pair = {self.scene.ids["Bob"]: "Carl", self.scene.ids["Carl"]: "Bob"}
        if device.id in pair:
            device.begin("post", to=pair[device.id], text=f"text {next(self.numbers)}")

    # What is done to them, here by Ana or by other processes.

    @rule(
        who=st.sampled_from(PEOPLE[1:]), what=st.sampled_from(DONE), room=st.sampled_from([PRIVATE, PUBLIC])
    )
    def something_is_done_to_somebody(self, who, what, room):
        user, registry = self.scene.ids[who], self.registry
        if what == "let in":
            registry.set_membership(Membership(PRIVATE, user, who, "member"))
        elif what == "lose a place":
            registry.end_membership(PRIVATE, user)
        elif what == "impose a ban":
            registry.impose(Sanction("ban", room, user, 0, "u0"))
        elif what == "lift a ban":
            registry.lift("ban", room, user)
        elif what == "ban":
            registry.impose(Sanction("ban", EVERYWHERE, user, 0, "u0"))
        elif what == "unban everywhere":
            registry.lift("ban", EVERYWHERE, user)
        elif what == "lose the news":
            known = registry._changes
            known[:-1] = []
            known[-1] = Change(known[-1].id + 3, known[-1].what, known[-1].subject)
        else:
            self._by_ana(what, room, user)

    def _by_ana(self, what: str, room: str, user: str) -> None:
        for device in [one for one in self.known() if one.id == self.scene.ids["Ana"]][:1]:
            more: dict[str, Any] = {"room.role": {"role": "guest"}, "unban": {"until": 0}}.get(what, {})
            device.begin("room.ban" if what == "unban" else what, room, user=user, **more)

    # The world.

    @rule(data=st.data(), times=st.integers(1, 6))
    def something_goes_on(self, data, times):
        for _ in range(times):
            if self.house.steps:
                data.draw(st.sampled_from(self.house.steps))()

    @rule(looks=st.booleans())
    def the_registry_does_all_and_the_store_nothing(self, looks):
        if looks:
            self.house.clock.advance(0.5)
        while self.registry.steps:
            self.registry.settle()
            self.house.clock.advance(0)

    @rule()
    def the_store_does_all_and_the_registry_nothing(self):
        self.house.store.settle()

    @rule(seconds=st.sampled_from([0, 0, 0.1, 0.5]))
    def time_goes_on(self, seconds):
        self.house.clock.advance(seconds)

    @rule()
    def all_is_done_that_waits(self):
        self.house.settle()

    # What holds.

    @invariant()
    def nobody_is_told_anything_wrong(self):
        assert self.scene.faults == []

    @invariant()
    def who_is_closed_goes(self):
        for device in [one for one in self.devices if one.outlet.closes]:
            self.devices.remove(device)
            device.drop()

    def teardown(self):
        self.house.settle()
        self.house.elapse(0.5)
        self.who_is_closed_goes()
        self.nobody_is_told_anything_wrong()
        for device in self.devices:
            if device.welcome:
                self.check(device)
        for device in self.devices:
            device.drop()
        self.house.settle()
        assert self.house.empty()

    def check(self, device: Device) -> None:
        for room, last in device.at.items():
            if room in device.rooms:
                assert last == self.scene.written(room), "it is in the room, and misses something"
            elif names.kind_of(room) != "direct":
                assert device.losses[room] < self.scene.losses.get((room, device.id), 0), (
                    "put out for nothing"
                )
        if PRIVATE in device.rooms:
            assert (PRIVATE, device.id) in self.registry._memberships
        direct = self.scene.direct
        if device.id in (self.scene.ids["Bob"], self.scene.ids["Carl"]) and direct not in device.chose:
            news = list(range(device.came.get(direct, 0) + 1, self.scene.written(direct) + 1))
            assert device.seen.get(direct, []) == news

    def known(self) -> list[Device]:
        return [one for one in self.devices if one.welcome]


TestPlaces = Places.TestCase
TestPlaces.settings = settings(
    max_examples=30,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
