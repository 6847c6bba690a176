"""Who may do what where, as it stands now: the rules' table, asked with what is known of a room.

Rooms' records and people's places in them are held in memory once they were read, sanctions from
the start; a change in the registry makes what is held forgotten (`changes`). What is known of a
private room is never asked before the asker's own place in it: whether there is such a room makes
no difference to anybody else, in the answer or in the time it takes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from chatroom.domain import names, rules, scopes
from chatroom.domain.accounts import EVERYWHERE, Membership, Principal, RoomRecord, Sanction
from chatroom.domain.errors import Banned, ChatError, Forbidden, Muted, NotFound, RateLimited
from chatroom.domain.model import Role
from chatroom.domain.ports import Clock
from chatroom.domain.registry import Registry

Creators = Literal["everyone", "members", "moderators"]
_CREATORS: Mapping[Creators, Role] = {"everyone": "guest", "members": "member", "moderators": "moderator"}

_HELD = 20_000
"""So many rooms, users or posts are held before all are forgotten, and read again when asked for."""

_SPEAKING = frozenset({"post", "edit", "delete", "react", "typing"})

Places = Mapping[str, Membership]


class Rights:
    """What the use cases ask before they do anything."""

    def __init__(self, registry: Registry, clock: Clock, creators: Creators = "everyone") -> None:
        self._registry = registry
        self._clock = clock
        self._anybody = creators == "everyone"
        self._creator: Role = _CREATORS[creators]
        self._records: dict[str, RoomRecord] = {}
        self._places: dict[str, Places] = {}
        self._sanctions: dict[tuple[str, str, str], Sanction] = {}
        self._spoken: dict[tuple[str, str], float] = {}
        # What was read before a change must not be held after it.
        self.version = 0
        """Another number after every change."""

    async def load(self) -> None:
        """Read the sanctions."""
        now = self._now()
        found = await self._registry.sanctions(now)
        self.version += 1
        self._sanctions = {(one.standing, one.room, one.subject): one for one in found}

    def forget_room(self, name: str) -> None:
        """The room's record may be another now."""
        self.version += 1
        self._records.pop(name, None)

    def forget_places(self, user_id: str) -> None:
        """The user's places in rooms may be others now."""
        self.version += 1
        self._places.pop(user_id, None)

    def forget_all(self) -> None:
        """Anything may be different now."""
        self.version += 1
        self._records.clear()
        self._places.clear()

    async def admit(self, request: str, principal: Principal, name: str) -> RoomRecord:
        """The room, where `principal` may make `request` there.

        Raises NotFound for whom there is no such room, Forbidden, Banned, Muted. It holds when it fires:
        where something was changed meanwhile, all is asked again.
        """
        while True:
            version = self.version
            record = await self._admit(request, principal, name)
            if version == self.version:
                return record

    async def _admit(self, request: str, principal: Principal, name: str) -> RoomRecord:
        _check_scope(principal, request, name)
        kind = names.kind_of(name)
        if kind is not None and (await self.places(principal)).get(name) is None:
            raise NotFound(rules.NO_ROOM)
        record = self._records.get(name) or await self.record(name)
        least = rules.LEAST[request][record.kind]
        if principal.user.kind != "guest" or kind is not None or least != "guest":
            # Of a guest in a room for everybody nothing has to be looked up.
            rules.check(request, record.kind, await self._role_for(request, principal, record))
        if self._sanctions:
            self._check_sanctions(request, principal, name)
        return record

    async def role(self, principal: Principal, record: RoomRecord) -> Role | None:
        """The role of `principal` in a room; None for whom it does not exist."""
        place = (await self.places(principal)).get(record.name)
        return rules.role_in(record.kind, principal.role, None if place is None else place.role)

    async def _role_for(self, request: str, principal: Principal, record: RoomRecord) -> Role | None:
        """The role that counts for a request: a key's scope may be worth more than its account's."""
        if principal.scopes is not None:
            announces = record.kind == "announcement" and request in _SPEAKING
            if announces and f"publish:{record.name}" in principal.scopes:
                # Whoever names an announcement room in a key wants it to announce there.
                return "moderator"
            principal = principal._replace(role=self.standing(request, principal))
        return await self.role(principal, record)

    def standing(self, request: str, principal: Principal) -> Role:
        """The role on the server that counts for a request."""
        managing = scopes.manage(principal.scopes, request)
        return max(principal.role, "moderator", key=rules.RANK.__getitem__) if managing else principal.role

    async def places(self, principal: Principal) -> Places:
        """The places that a user has in rooms, by room; also those that a site's token or a key gives."""
        user = principal.user
        held = self._places.get(user.id)
        if held is None:
            version = self.version
            held = {one.room: one for one in await self._registry.memberships_of(user.id)}
            if version == self.version:
                if len(self._places) >= _HELD:
                    self._places.clear()
                self._places[user.id] = held
        if not principal.rooms and not principal.scopes:
            return held
        given = [
            room for room in principal.rooms or () if names.kind_of(room) == "private" and room[-1] != "*"
        ]
        given += scopes.rooms_named(principal.scopes or ())
        if not given:
            return held
        return {**{room: Membership(room, user.id, user.name, "member") for room in given}, **held}

    def ready(self, principal: Principal, name: str) -> bool:
        """Whether all that is asked before a post into that room is in memory, so that nothing waits."""
        record = self._records.get(name)
        if record is None or record.kind == "direct":
            return False
        asks_little = principal.user.kind == "guest" and record.kind == "public" and not record.slow
        return asks_little or principal.user.id in self._places

    def check_server(self, request: str, principal: Principal) -> None:
        """Whether `principal` may make a request that is about no one room. Raises Forbidden."""
        if principal.scopes is not None:
            if not scopes.manage(principal.scopes, request):
                raise Forbidden(scopes.lacking(request, ""))
            return
        if principal.rooms is not None and names.EVERY_ROOM not in principal.rooms:
            raise Forbidden(f"{request} is not for whom their site lets into some rooms only")
        rules.check_server(request, principal.role)

    def check_creation(self, principal: Principal, name: str) -> None:
        """Whether `principal` may make a room of that name. Raises Forbidden."""
        role = self.standing("room.create", principal)
        if principal.scopes is not None and not scopes.manage(principal.scopes, "room.create"):
            raise Forbidden(scopes.lacking("room.create", name))
        if rules.RANK[role] < rules.RANK[self._creator]:
            raise Forbidden("you may not make rooms on this server")
        if name == names.DEFAULT_ROOM and rules.RANK[role] < rules.RANK["moderator"]:
            raise Forbidden(f"{name} is everybody's: only this server's moderators can make it theirs")
        if not names.admits(principal.rooms, name):
            raise Forbidden("your site's token does not let you into such a room")

    def reads(self, principal: Principal, name: str) -> bool:
        """Whether what let `principal` in is good for reading a room that they may be in."""
        held = principal.scopes
        if held is not None and not scopes.cover(held, "history", name, principal.user.id):
            return False
        return names.kind_of(name) == "direct" or names.admits(principal.rooms, name)

    def lists(self, principal: Principal, name: str) -> bool:
        """Whether the room may be in a list for `principal`, who may be in it."""
        return self.reads(principal, name) or scopes.manage(principal.scopes, "room.set")

    async def stays(self, principal: Principal, name: str) -> bool:
        """Whether somebody who is in a room may still be there."""
        if not self.reads(principal, name) or self.banned(name, principal.user.id) is not None:
            return False
        return names.kind_of(name) is None or name in await self.places(principal)

    def post_in_turn(self, principal: Principal, record: RoomRecord, role: Role | None) -> None:
        """Where a room is slowed down: raises RateLimited for a member's post before their turn."""
        if not record.slow or rules.RANK[role] >= rules.RANK["moderator"]:
            return
        now, who = self._clock.seconds(), (record.name, principal.user.id)
        left = self._spoken.get(who, now - record.slow) + record.slow - now
        if left > 0:
            raise RateLimited(f"this room is slow: one post in {record.slow:g} s", round(left, 3))
        if len(self._spoken) >= _HELD:
            self._spoken = {key: at for key, at in self._spoken.items() if now - at < 86400}
        self._spoken[who] = now

    def banned(self, room: str, subject: str) -> Sanction | None:
        """The ban of a user or an address that holds now, from `room` or EVERYWHERE."""
        return self._holding("ban", room, subject)

    def check_entry(self, principal: Principal, address: str | None) -> None:
        """Raises Banned for who may not be on this server. Addresses are banned for who has no name to
        lose: moderators and owners come in from everywhere."""
        if not self._sanctions:
            return
        ban = self._holding("ban", EVERYWHERE, principal.user.id)
        if ban is None and rules.RANK[principal.role] < rules.RANK["moderator"]:
            ban = self._holding("ban", EVERYWHERE, f"address:{address}")
        if ban is not None:
            raise self._refusal(Banned, "you are banned from this server", ban)

    def ban_of(self, principal: Principal, address: str | None) -> str | None:
        """Why somebody may not be on this server; None where they may."""
        try:
            self.check_entry(principal, address)
        except Banned as error:
            return error.message
        return None

    def _check_sanctions(self, request: str, principal: Principal, name: str) -> None:
        user = principal.user.id
        ban = self._holding("ban", name, user)
        if ban is not None:
            raise self._refusal(Banned, f"you are banned from {name}", ban)
        if request not in _SPEAKING:
            return
        mute = self._holding("mute", name, user) or self._holding("mute", EVERYWHERE, user)
        if mute is not None:
            raise self._refusal(Muted, "you may listen here, but not speak", mute)

    def _holding(self, standing: str, room: str, subject: str) -> Sanction | None:
        found = self._sanctions.get((standing, room, subject))
        if found is None or found.holds(self._now()):
            return found
        del self._sanctions[standing, room, subject]
        return None

    def _refusal(self, kind: type[ChatError], what: str, sanction: Sanction) -> ChatError:
        why = f": {sanction.reason}" if sanction.reason else ""
        left = None if sanction.until is None else (sanction.until - self._now()) / 1000
        return kind(what + why, left)

    async def record(self, name: str) -> RoomRecord:
        """What is kept about a room; raises NotFound where there is none."""
        version = self.version
        found = await self._registry.room(name)
        if found is None:
            if names.kind_of(name) is not None or not (self._anybody or name == names.DEFAULT_ROOM):
                raise NotFound(rules.NO_ROOM)
            # Where anybody may make rooms, one comes into being with the first post in it.
            found = RoomRecord(name, name)
        if version == self.version:
            if len(self._records) >= _HELD:
                self._records.clear()
            self._records[name] = found
        return found

    def _now(self) -> int:
        return int(self._clock.seconds() * 1000)


def _check_scope(principal: Principal, request: str, name: str) -> None:
    held = principal.scopes
    if held is not None and not scopes.cover(held, request, name, principal.user.id):
        raise Forbidden(scopes.lacking(request, name))
    if names.kind_of(name) != "direct" and not names.admits(principal.rooms, name):
        raise Forbidden("your site's token does not let you into this room")
