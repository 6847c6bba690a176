"""Who has a place in a room is told all of it, and who has lost theirs nothing that came after: whatever
happens in whatever order, here and in other processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatroom import attendance, fanout, tail
from chatroom.domain import names
from chatroom.domain.accounts import EVERYWHERE, Change, Membership, RoomRecord, Sanction
from chatroom.domain.events import MemberChanged
from chatroom.domain.ports import Committed

from ..store.memory import MemoryStore
from ..store.memory_registry import MemoryRegistry
from ..wire.frame_reading import frames_in
from .house import House, Talker

PRIVATE, PUBLIC = "~plans-secret", "den"
PEOPLE = ("Ana", "Bob", "Carl", "Dora")
"""Ana owns the private room and moderates the server; Bob and Carl write to each other."""

LOGGED = ("message", "edited", "deleted", "member", "room")
PUTS_OUT = ("kicked", "banned", "role")
FINE = {None, "not_found", "forbidden", "banned", "conflict", "muted"}
"""What a request may come to here."""


@pytest.fixture(autouse=True)
def small_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that a few events and members go past every bound."""
    monkeypatch.setattr(tail, "MAX_EVENTS", 3)
    monkeypatch.setattr(attendance, "LOADED", 2)
    monkeypatch.setattr(fanout, "SLICE", 1)


class Registry(MemoryRegistry):
    """Tells the test when somebody has a place, at that very moment; its answers overtake each other."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(MemoryStore())
        self._scene = scene

    @property
    def steps(self) -> list[Callable[[], None]]:
        return super().steps + ([self.answer_last] if len(self._answers) > 1 else [])

    def answer_last(self) -> None:
        """Give the newest answer."""
        self._answers.rotate(1)
        self.answer()

    def _place(self, membership: Membership) -> None:
        super()._place(membership)
        self._scene.lost.pop((membership.room, membership.user), None)


class Device(Talker):
    """A connection that looks at all that it is told, the moment it is told."""

    def __init__(self, scene: Scene, token: str) -> None:
        super().__init__(scene.house)
        self.scene = scene
        self.token_shown = token
        self.asked: dict[int, tuple[str, str]] = {}
        self.at: dict[str, int | None] = {}
        """Where it is in each room that it is in: the last `seq` it knows of."""
        self.seen: dict[str, list[int]] = {}
        self.losses: dict[str, int] = {}
        """How often its user had lost their place, when it joined."""
        self.chose: set[str] = set()
        """The rooms that it joined or left by itself."""
        self.came: dict[str, int] = {}
        """The last `seq` that had been announced in each direct room, when it was welcome."""
        self.outlet.write = self.outlet.send = self._told  # type: ignore[method-assign]

    def begin(self, kind: str, room: str = "", **fields: Any) -> None:
        number = next(self._numbers)
        self.asked[number] = kind, room
        where = {"room": room} if room else {}
        self.send(json.dumps({"type": kind, "id": number} | where | fields).encode())

    def _told(self, frames: bytes) -> None:
        if self.outlet.closes:
            return
        for frame in frames_in(frames):
            try:
                self._look(json.loads(frame.payload))
            except AssertionError as error:
                # Whoever writes would catch it; the test looks for it itself.
                self.scene.faults.append(str(error))

    def _look(self, one: dict[str, Any]) -> None:
        if one["type"] in LOGGED:
            self._live(one)
        elif one["type"] in ("ok", "error", "welcome"):
            self._answered(one)

    def _live(self, event: dict[str, Any]) -> None:
        room, seq, change = event["room"], event["seq"], event.get("change")
        mine = change is not None and event["user"]["id"] == self.id
        if mine and change == "invited" and room not in self.rooms:
            # Told wherever they are; it may be that they have lost the place again by then.
            return
        self.scene.check_entitled(self, room, seq)
        last = self.at.get(room)
        assert last is None or seq == last + 1, f"{seq} of {room} after {last}"
        assert last is not None or names.kind_of(room) == "direct", f"told of {room} without being in it"
        self.at[room] = seq
        self.seen.setdefault(room, []).append(seq)
        if mine and change in PUTS_OUT and room == PRIVATE:
            # From here on it is to be told nothing more.
            del self.at[room]

    @property
    def rooms(self) -> Any:
        """The rooms that it is in, as the server has it."""
        there = self.house.people.connections(self.id)
        (member,) = [one for one in there if one.outlet is self.outlet]
        return member.rooms

    def _answered(self, answer: dict[str, Any]) -> None:
        kind, room = self.asked.pop(answer["id"])
        assert answer.get("code") in FINE, answer
        for event in answer.get("events", []):
            self.scene.check_entitled(self, room, event["seq"])
        if answer["type"] == "welcome":
            self.welcome = answer
            self.came = dict(self.scene.announced)
        elif answer["type"] == "ok" and kind == "join":
            self.at[room] = answer["room"]["head"]
            self.losses[room] = self.scene.losses.get((room, self.id), 0)
            self.chose.add(room)
        elif answer["type"] == "ok" and kind == "leave":
            self.at.pop(room, None)
            self.chose.add(room)


class Scene:
    """The house, who is in it, and what they have lost."""

    def __init__(self) -> None:
        self.lost: dict[tuple[str, str], int] = {}
        """Of whom it was noticed that they have no place in a room: the last `seq` written until then."""
        self.losses: dict[tuple[str, str], int] = {}
        self.announced: dict[str, int] = {}
        self.faults: list[str] = []
        self.devices: list[Device] = []
        self.registry = Registry(self)
        self.house = House(registry=self.registry)
        self.tokens = {name: self.house.account(name) for name in PEOPLE}
        self.ids = {name: self.house.known(name).id for name in PEOPLE}
        self.direct = names.direct_name(self.ids["Bob"], self.ids["Carl"])
        self.registry.set_role(self.ids["Ana"], "moderator")
        self.registry.create_room(
            RoomRecord(PRIVATE, "plans", "private"), [Membership(PRIVATE, self.ids["Ana"], "Ana", "owner")]
        )
        self.house.look()
        core = self.house.core
        self._look, core.changes._look = core.changes._look, self._looked
        self._commit, self.house.store.on_commit = self.house.store.on_commit, self._committed

    async def _looked(self, change: Change | None) -> None:
        await self._look(change)
        if change is None or change.what == "membership":
            for user in self.ids.values():
                if (PRIVATE, user) not in self.registry._memberships:
                    self._lose(PRIVATE, user)
                    self.lost.setdefault((PRIVATE, user), self.written(PRIVATE))
        if change is None or change.what == "sanction":
            for user in self.ids.values():
                for room in (PRIVATE, PUBLIC):
                    if self.house.core.rights.banned(room, user) is not None:
                        self._lose(room, user)

    def _committed(self, committed: Committed) -> None:
        losses = [e for e, _origin in committed if isinstance(e, MemberChanged) and e.change in PUTS_OUT]
        inside = [
            (event, device)
            for event in losses
            for device in self.devices
            if device.welcome
            and device.id == event.user.id
            and not device.outlet.closes
            and event.room in device.rooms
        ]
        self._commit(committed)
        for event, _origin in committed:
            self.announced[event.room] = max(self.announced.get(event.room, 0), event.seq)
        for event in losses:
            self._lose(event.room, event.user.id)
        for event, device in inside:
            if event.room == PRIVATE and event.seq not in device.seen[event.room]:
                self.faults.append(f"put out by {event.seq} and not told so")

    def _lose(self, room: str, user: str) -> None:
        self.losses[room, user] = self.losses.get((room, user), 0) + 1

    def written(self, room: str) -> int:
        """The `seq` of the newest event that is on disk."""
        return len(self.house.store._logs.get(room, []))

    def check_entitled(self, device: Device, room: str, seq: int) -> None:
        until = self.lost.get((room, device.id))
        assert until is None or seq <= until, f"told of {seq}; the place was known to be lost at {until}"
        if room == self.direct:
            assert device.id in (self.ids["Bob"], self.ids["Carl"])


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
