"""A house in which people have and lose places in rooms, and devices that notice what they should not be
told."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chatroom.domain import names
from chatroom.domain.accounts import Change, Membership, RoomRecord
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
