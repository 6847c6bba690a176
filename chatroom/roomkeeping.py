"""Rooms as their owners and moderators run them: making one, its title, who is in it and as what.

Who loses a place is told so first, by the event in the room's log, and then loses it; who gains one
has it when that is told.
"""

from __future__ import annotations

import secrets
from typing import Any

from msgspec import UNSET
from twisted.internet.defer import Deferred

from chatroom.changes import Changes
from chatroom.directory import Directory
from chatroom.domain import commands, names, replies, rules
from chatroom.domain.accounts import Deed, Membership, Principal, RoomRecord, Sanction, Standing
from chatroom.domain.errors import BadRequest, Conflict, NotFound
from chatroom.domain.events import MemberChanged, RoomChanged
from chatroom.domain.model import Millis, Role, Room
from chatroom.domain.ports import Clock, Store
from chatroom.domain.registry import Registry
from chatroom.member import Member
from chatroom.metering import Meters
from chatroom.rights import Rights

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
SECRET = 16
"""How many characters a private room's name ends in that nobody can guess: 80 bits."""


class RoomKeeping:
    """The use cases of who runs a room. Each is told to the room by an event of its log."""

    def __init__(
        self,
        registry: Registry,
        store: Store,
        rights: Rights,
        directory: Directory,
        changes: Changes,
        clock: Clock,
        meters: Meters,
    ) -> None:
        self._registry = registry
        self._store = store
        self._rights = rights
        self._directory = directory
        self._changes = changes
        self._clock = clock
        self._meters = meters

    async def create(self, member: Member, command: commands.RoomCreate) -> replies.Made:
        """Make a room, and be its owner. Raises Forbidden, BadRequest, Conflict."""
        principal, wanted = member.principal, names.room_name(command.room)
        self._rights.check_creation(principal, wanted)
        if names.kind_of(wanted) == "direct" or (names.kind_of(wanted) and command.kind != "private"):
            raise BadRequest(f"a room that begins with {wanted[0]} cannot be made by that name")
        self._meters.room(principal.user.id, member.address)
        name = wanted
        if command.kind == "private":
            name = names.private_name(wanted, "".join(secrets.choice(_ALPHABET) for _ in range(SECRET)))
        title = names.room_title(command.title or wanted.lstrip(names.PRIVATE))
        record = RoomRecord(name, title, command.kind, command.topic or "")
        user = principal.user
        await self._registry.create_room(record, [Membership(name, user.id, user.name, "owner", user.kind)])
        await self._note(principal, "room.create", name)
        return replies.Made(id=command.id, room=shown(record, "owner"))

    async def set(self, member: Member, command: commands.RoomSet) -> replies.Changed:
        """Another title, topic or pace."""
        name = names.room_name(command.room)
        record = await self._rights.admit("room.set", member.principal, name)
        title = None if command.title is None else names.room_title(command.title)
        given = {"title": title, "topic": command.topic, "slow": command.slow}
        told: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
        if not told:
            raise BadRequest("room.set takes a title, a topic or slow")
        kept = {"title": record.title, "topic": record.topic, "slow": record.slow, **told}
        await self._establish(record)
        await self._registry.set_room(RoomRecord(name, kind=record.kind, **kept))
        by = rules.author(member.user)
        event = await self._store.append(RoomChanged(room=name, at=self._now(), by=by, **told))
        await self._note(member.principal, "room.set", name, detail=", ".join(told))
        return replies.Changed(id=command.id, seq=event.seq)

    async def invite(self, member: Member, command: commands.RoomInvite) -> replies.Changed:
        """Give somebody a place."""
        if command.role == "guest":
            raise BadRequest("an invitation gives a place in the room: role is member, moderator or owner")
        return await self._place(member, command, "room.invite", command.role)

    async def role(self, member: Member, command: commands.RoomRole) -> replies.Changed:
        """Give somebody another role; `guest` takes their place away."""
        return await self._place(member, command, "room.role", command.role)

    async def kick(self, member: Member, command: commands.RoomKick) -> replies.Changed:
        """Put somebody out."""
        subject = await self._below(member, "room.kick", command)
        seq = await self._tell_first(member, command, subject, "kicked", reason=command.reason)
        await self._registry.end_membership(names.room_name(command.room), subject.user.id)
        await self._note(member.principal, "room.kick", command.room, subject.user.id, command.reason)
        return replies.Changed(id=command.id, seq=seq)

    async def ban(self, member: Member, command: commands.RoomBan) -> replies.Changed:
        """Put somebody out and keep them out, or let them in again."""
        subject = await self._below(member, "room.ban", command)
        name, user = names.room_name(command.room), subject.user.id
        if self._past(command.until):
            await self._lift("ban", name, subject)
            seq = await self._tell(member, command, subject, "unbanned")
        else:
            told = {"until": command.until, "reason": command.reason}
            seq = await self._tell_first(member, command, subject, "banned", **told)
            await self._registry.impose(self._sanction("ban", member, command, user))
            await self._registry.end_membership(name, user)
        await self._note(member.principal, "room.ban", name, user, _until(command.until, command.reason))
        return replies.Changed(id=command.id, seq=seq)

    async def mute(self, member: Member, command: commands.RoomMute) -> replies.Changed:
        """Let somebody listen only, or speak again."""
        subject = await self._below(member, "room.mute", command)
        name, user = names.room_name(command.room), subject.user.id
        if self._past(command.until):
            await self._lift("mute", name, subject)
            seq = await self._tell(member, command, subject, "unmuted")
        else:
            await self._registry.impose(self._sanction("mute", member, command, user))
            told = {"until": command.until, "reason": command.reason}
            seq = await self._tell(member, command, subject, "muted", **told)
        await self._note(member.principal, "room.mute", name, user, _until(command.until, command.reason))
        return replies.Changed(id=command.id, seq=seq)

    async def _place(
        self, member: Member, command: commands.RoomInvite | commands.RoomRole, request: str, role: Role
    ) -> replies.Changed:
        name = names.room_name(command.room)
        record = await self._rights.admit(request, member.principal, name)
        actor = await self._rights.role(member.principal, record)
        subject = await self._directory.find(command.user)
        user, place = subject.user, await self._place_of(subject, name)
        if user.id != member.user.id:
            rules.check_above(actor, place)
        elif place == "owner" and role != "owner":
            await self._keep_an_owner(name, user.id)
        if role != "member":
            rules.check_grant(actor, role)
        await self._establish(record)
        change = "invited" if request == "room.invite" else "role"
        if role == "guest":
            seq = await self._tell_first(member, command, subject, change, role=role)
            await self._registry.end_membership(name, user.id)
        else:
            await self._registry.set_membership(Membership(name, user.id, user.name, role, user.kind))
            seq = await self._tell(member, command, subject, change, role=role)
        await self._note(member.principal, request, name, user.id, role)
        return replies.Changed(id=command.id, seq=seq)

    async def _lift(self, standing: Standing, name: str, subject: Principal) -> None:
        if not await self._registry.lift(standing, name, subject.user.id):
            raise NotFound(f"{subject.user.name} has no {standing} in {name}")

    async def _keep_an_owner(self, name: str, user: str) -> None:
        others = await self._registry.others(name, user)
        if not any(other.role == "owner" for other in others):
            raise Conflict("you are the room's only owner: make somebody else one first")

    async def _place_of(self, subject: Principal, name: str) -> Role | None:
        place = (await self._rights.places(subject)).get(name)
        return None if place is None else place.role

    async def _below(self, member: Member, request: str, command: Any) -> Principal:
        """Whom a request is against, if who asks may do that, to them."""
        record = await self._rights.admit(request, member.principal, names.room_name(command.room))
        subject = await self._directory.find(command.user)
        rules.check_above(
            await self._rights.role(member.principal, record), await self._rights.role(subject, record)
        )
        await self._establish(record)
        return subject

    async def _establish(self, record: RoomRecord) -> None:
        """A room that nothing was said in yet is not kept anywhere: keep it now."""
        if await self._registry.room(record.name) is None:
            try:
                await self._registry.create_room(record, [])
            except Conflict:
                pass  # something was said there meanwhile

    async def _tell(self, member: Member, command: Any, subject: Principal, change: Any, **more: Any) -> int:
        draft = MemberChanged(
            room=names.room_name(command.room),
            at=self._now(),
            by=rules.author(member.user),
            user=subject.user,
            change=change,
            **more,
        )
        return (await self._store.append(draft)).seq

    async def _tell_first(
        self, member: Member, command: Any, subject: Principal, change: Any, **more: Any
    ) -> int:
        """The same, and wait until those in the room have been told: before anything else makes them
        leave."""
        seq = await self._tell(member, command, subject, change, **more)
        # What is committed is announced later in the same turn.
        told: Deferred[None] = Deferred()
        self._clock.callLater(0, told.callback, None)
        await told
        return seq

    def _sanction(self, standing: Standing, member: Member, command: Any, subject: str) -> Sanction:
        name, reason = names.room_name(command.room), command.reason or ""
        return Sanction(standing, name, subject, self._now(), member.user.id, command.until, reason)

    def _past(self, until: Millis | None) -> bool:
        return until is not None and until <= self._now()

    async def _note(
        self, by: Principal, what: str, room: str, subject: str = "", detail: str | None = None
    ) -> None:
        await self._registry.note(Deed(self._now(), by.user.id, what, room, subject, detail or ""))
        await self._changes.catch_up()

    def _now(self) -> int:
        return int(self._clock.seconds() * 1000)


def shown(record: RoomRecord, role: Role | None = None, head: int = 0, count: int = 0) -> Room:
    """A room as a reply has it."""
    told: Any = UNSET if role is None else role
    return Room(record.name, record.title, record.kind, head, count, record.topic, record.slow, told)


def _until(until: Millis | None, reason: str | None) -> str:
    return " ".join(part for part in (f"until {until}" if until is not None else "", reason or "") if part)
