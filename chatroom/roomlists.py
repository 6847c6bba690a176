"""Which rooms somebody has, and how far they have read each, on whichever device."""

from __future__ import annotations

from msgspec import structs

from chatroom.domain import commands, names, replies
from chatroom.domain.accounts import RoomRecord
from chatroom.domain.events import ReadMark
from chatroom.domain.model import Room, User
from chatroom.domain.registry import Registry
from chatroom.hub import Hub
from chatroom.member import Member
from chatroom.people import People
from chatroom.rights import Rights
from chatroom.roomkeeping import shown


class RoomLists:
    """The use cases `rooms` and `read`."""

    def __init__(self, registry: Registry, hub: Hub, people: People, rights: Rights) -> None:
        self._registry = registry
        self._hub = hub
        self._people = people
        self._rights = rights

    async def rooms(self, member: Member, command: commands.Rooms) -> replies.RoomList:
        """The rooms for everybody that have events or somebody in them, and the user's own."""
        user = member.user
        found = {
            record.name: await self._listed(member, record, seq)
            for record, seq in await self._registry.visible(user.id)
        }
        for live in self._hub.rooms():
            listed = found.get(live.name)
            if listed is None and names.kind_of(live.name) is None and not live.loading:
                listed = shown(RoomRecord(live.name, live.name))
            if listed is not None and not live.loading:
                counts = {"head": live.head, "count": len(live.presences)}
                found[live.name] = structs.replace(listed, **counts)
        rooms = [_with_unread(found[name]) for name in sorted(found)]
        return replies.RoomList(id=command.id, rooms=rooms)

    async def _listed(self, member: Member, record: RoomRecord, read: int) -> Room:
        listed = structs.replace(shown(record, None, record.head), read=read)
        role = await self._rights.role(member.principal, record)
        if role is not None:
            listed = structs.replace(listed, role=role)
        if record.kind != "direct":
            return listed
        others = await self._registry.others(record.name, member.user.id)
        # A note to oneself has no other.
        other = User(others[0].user, others[0].name, others[0].kind) if others else member.user
        return structs.replace(listed, title=other.name, other=other)

    async def read(self, member: Member, command: commands.Read) -> replies.Marked:
        """How far the user has read: kept for those with an account, told to all their devices."""
        name, user = names.room_name(command.room), member.user
        await self._rights.admit("read", member.principal, name)
        seq = command.seq
        if user.kind != "guest":
            seq = await self._registry.mark_read(user.id, name, seq)
        mark = ReadMark(room=name, seq=seq)
        for device in self._people.connections(user.id):
            if device is not member:
                dialect = device.outlet.dialect
                payload = dialect.event(mark)
                if payload is not None:
                    device.outlet.send(dialect.frame(payload))
        return replies.Marked(id=command.id, seq=seq)


def _with_unread(room: Room) -> Room:
    if not isinstance(room.read, int):
        return room
    return structs.replace(room, unread=max(0, room.head - room.read))
