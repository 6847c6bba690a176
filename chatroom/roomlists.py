"""Which rooms somebody has, and how far they have read each, on whichever device."""

from __future__ import annotations

from msgspec import UNSET, structs

from chatroom.domain import commands, names, replies
from chatroom.domain.accounts import GONE, Principal, RoomRecord
from chatroom.domain.events import ReadMark
from chatroom.domain.model import Room, User
from chatroom.domain.ports import Store
from chatroom.domain.registry import Registry
from chatroom.hub import Hub, LiveRoom
from chatroom.member import Member
from chatroom.neighbours import Neighbours
from chatroom.people import People
from chatroom.rights import Rights
from chatroom.roomkeeping import shown


class RoomLists:
    """The use cases `rooms` and `read`."""

    def __init__(self, registry: Registry, store: Store, hub: Hub, people: People, rights: Rights) -> None:
        self._registry = registry
        self._store = store
        self._hub = hub
        self._people = people
        self._rights = rights
        self.neighbours: Neighbours | None = None

    async def rooms(self, member: Member, command: commands.Rooms) -> replies.RoomList:
        """The rooms for everybody that have events or somebody in them, and the user's own."""
        principal = member.principal
        found = {
            record.name: await self._listed(member, record, seq)
            for record, seq in await self._visible(principal)
            if self._rights.lists(principal, record.name)
        }
        for live in self._hub.rooms():
            listed = found.get(live.name)
            if listed is None and self._open_to(principal, live):
                listed = shown(RoomRecord(live.name, live.name))
            if listed is not None and not live.loading:
                counts = {"head": live.head, "count": len(live.presences)}
                found[live.name] = structs.replace(listed, **counts)
        if self.neighbours is not None:
            for name, listed in found.items():
                if self._hub.room(name) is None:
                    found[name] = structs.replace(listed, count=self.neighbours.roster.count(name))
        rooms = [_with_unread(found[name]) for name in sorted(found)]
        return replies.RoomList(id=command.id, rooms=rooms)

    async def room(self, member: Member, wanted: str) -> Room:
        """One room, for who may see who is there. Raises what `Rights.admit` does."""
        name = names.room_name(wanted)
        record = await self._rights.admit("who", member.principal, name)
        version = self._rights.version
        listed = await self._listed(member, record, 0)
        live = self._hub.room(name)
        if live is None or live.loading:
            listed = structs.replace(listed, head=await self._store.head(name))
        else:
            listed = structs.replace(listed, head=live.head, count=len(live.presences))
        if version != self._rights.version:
            await self._rights.admit("who", member.principal, name)
        return structs.replace(listed, read=UNSET)

    async def readable(self, principal: Principal) -> list[str]:
        """The rooms that are kept whose logs somebody may read."""
        kept = [record.name for record, _seq in await self._visible(principal)]
        return [name for name in kept if await self._rights.stays(principal, name)]

    async def _visible(self, principal: Principal) -> list[tuple[RoomRecord, int]]:
        """The rooms that are kept, with what the user has read of each."""
        found = list(await self._registry.visible(principal.user.id))
        kept = {record.name for record, _seq in found}
        for name in await self._rights.places(principal):
            if name not in kept:
                # A site's token gives places that are kept nowhere.
                record = await self._registry.room(name)
                found += [] if record is None else [(record, 0)]
        return found

    def _open_to(self, principal: Principal, live: LiveRoom) -> bool:
        """Whether a room in which nothing was said yet is one for everybody."""
        return (
            names.kind_of(live.name) is None and not live.loading and self._rights.lists(principal, live.name)
        )

    async def _listed(self, member: Member, record: RoomRecord, read: int) -> Room:
        listed = structs.replace(shown(record, None, record.head), read=read)
        role = await self._rights.role(member.principal, record)
        if role is not None:
            listed = structs.replace(listed, role=role)
        if record.kind != "direct":
            return listed
        others = await self._registry.others(record.name, member.user.id)
        if others:
            other = User(others[0].user, others[0].name, others[0].kind)
        elif record.name == names.direct_name(member.user.id, member.user.id):
            other = member.user
        else:
            return structs.replace(listed, title=GONE)
        return structs.replace(listed, title=other.name, other=other)

    async def read(self, member: Member, command: commands.Read) -> replies.Marked:
        """How far the user has read: kept for those with an account, told to all their devices."""
        name, user = names.room_name(command.room), member.user
        await self._rights.admit("read", member.principal, name)
        live = self._hub.room(name)
        head = await self._store.head(name) if live is None or live.loading else live.head
        seq = min(command.seq, head)
        if user.kind != "guest":
            seq = await self._registry.mark_read(user.id, name, seq)
        mark = ReadMark(room=name, seq=seq)
        for device in self._people.connections(user.id):
            if device is not member and self._rights.reads(device.principal, name):
                dialect = device.outlet.dialect
                payload = dialect.event(mark)
                if payload is not None:
                    device.outlet.send(dialect.frame(payload))
        if self.neighbours is not None:
            self.neighbours.pass_on(mark, user=user.id)
        return replies.Marked(id=command.id, seq=seq)


def _with_unread(room: Room) -> Room:
    if not isinstance(room.read, int):
        return room
    return structs.replace(room, unread=max(0, room.head - room.read))
