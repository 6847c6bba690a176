"""Rooms, and who has a place in them, as a registry in memory has them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import wraps
from typing import Any

from msgspec import structs
from twisted.internet.defer import Deferred

from chatroom.domain.accounts import Membership, RoomRecord
from chatroom.domain.errors import Conflict, NotFound

from .memory import MemoryStore


def asked(method: Callable[..., Any]) -> Callable[..., Deferred[Any]]:
    """A method of the port: what it does is done, and answered, when the registry says so."""

    @wraps(method)
    def ask(self: Any, *arguments: Any, **named: Any) -> Deferred[Any]:
        return self._ask(lambda: method(self, *arguments, **named))

    return ask


class MemoryRooms:
    """The rooms' part of a `MemoryRegistry`."""

    _store: MemoryStore

    def __init__(self) -> None:
        self._rooms: dict[str, RoomRecord] = {}
        self._memberships: dict[tuple[str, str], Membership] = {}
        self._marks: dict[tuple[str, str], int] = {}

    def _changed(self, what: Any, subject: str) -> None:
        raise NotImplementedError

    @asked
    def create_room(self, room: RoomRecord, members: Sequence[Membership]) -> None:
        if self._record(room.name) is not None:
            raise Conflict(f"there is a room {room.name}")
        self._rooms[room.name] = room
        self._changed("room", room.name)
        for one in members:
            self._place(one)

    @asked
    def set_room(self, room: RoomRecord) -> None:
        found = self._record(room.name)
        if found is None:
            raise NotFound("there is no such room")
        self._rooms[room.name] = structs.replace(found, title=room.title, topic=room.topic, slow=room.slow)
        self._changed("room", room.name)

    @asked
    def room(self, name: str) -> RoomRecord | None:
        return self._record(name)

    @asked
    def memberships(self, room: str) -> Sequence[Membership]:
        return [one for _, one in sorted(self._memberships.items()) if one.room == room]

    @asked
    def memberships_of(self, user: str) -> Sequence[Membership]:
        return [one for _, one in sorted(self._memberships.items()) if one.user == user]

    @asked
    def spoken_with(self, users: Collection[str], since: int) -> Sequence[tuple[str, str, int]]:
        logs = self._store.logs()
        return [
            (room, user, logs[room][-1].seq)
            for room, user in self._memberships
            if user in users and self._rooms[room].kind == "direct" and room in logs
            if logs[room][-1].at >= since
        ]

    @asked
    def set_membership(self, membership: Membership) -> None:
        self._place(membership)

    @asked
    def end_membership(self, room: str, user: str) -> bool:
        if self._memberships.pop((room, user), None) is None:
            return False
        self._changed("membership", f"{room} {user}")
        return True

    @asked
    def visible(self, user: str) -> Sequence[tuple[RoomRecord, int]]:
        names = sorted({*self._rooms, *self._store.all_heads()})
        records = [record for name in names if (record := self._record(name)) is not None]
        return [
            (one, self._marks.get((user, one.name), 0))
            for one in records
            if one.kind in ("public", "announcement") or (one.name, user) in self._memberships
        ]

    @asked
    def mark_read(self, user: str, room: str, seq: int) -> int:
        self._marks[user, room] = max(seq, self._marks.get((user, room), 0))
        return self._marks[user, room]

    @asked
    def others(self, room: str, user: str) -> Sequence[Membership]:
        there = [one for _, one in sorted(self._memberships.items()) if one.room == room]
        return [one for one in there if one.user != user]

    def _record(self, name: str) -> RoomRecord | None:
        head = self._store.all_heads().get(name)
        if name in self._rooms:
            return structs.replace(self._rooms[name], head=head or 0)
        return None if head is None else RoomRecord(name, name, head=head)

    def _place(self, membership: Membership) -> None:
        self._memberships[membership.room, membership.user] = membership
        self._changed("membership", f"{membership.room} {membership.user}")
