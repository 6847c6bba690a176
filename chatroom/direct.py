"""Messages from one user to another: a room that only the two of them have."""

from __future__ import annotations

from chatroom.changes import Changes
from chatroom.directory import Directory
from chatroom.domain import names, scopes
from chatroom.domain.accounts import Membership, Principal, RoomRecord
from chatroom.domain.errors import Conflict, Forbidden
from chatroom.domain.registry import Registry
from chatroom.rights import Rights

LACKING = "this key may not write to that user: it needs --can direct:NAME"
_HELD = 20_000


class Direct:
    """Finds and makes direct rooms."""

    def __init__(self, registry: Registry, rights: Rights, directory: Directory, changes: Changes) -> None:
        self._registry = registry
        self._rights = rights
        self._directory = directory
        self._changes = changes
        self._between: dict[str, tuple[str, ...]] = {}

    async def room_with(self, principal: Principal, wanted: str) -> str:
        """The name of the direct room with the user `wanted`, made where there is none yet.

        Raises NotFound where nobody is called that, Forbidden where `principal` may not write to one.
        """
        held, own = principal.scopes, principal.user
        if held is not None and not any(one.startswith("direct:") for one in held):
            raise Forbidden(LACKING)
        other = (await self._directory.find(wanted)).user
        if held is not None and not scopes.writes_to(held, other.id):
            raise Forbidden(LACKING)
        name = names.direct_name(own.id, other.id)
        if name not in await self._rights.places(principal):
            places = {one.id: Membership(name, one.id, one.name, "member", one.kind) for one in (own, other)}
            try:
                await self._registry.create_room(RoomRecord(name, name, "direct"), list(places.values()))
            except Conflict:
                pass  # the other one was faster
            await self._changes.catch_up()
        return name

    async def catch_up(self) -> None:
        """Notice what was changed: a room may have been made on another node."""
        await self._changes.catch_up()

    def known(self, name: str) -> tuple[str, ...]:
        """As `users`, where they were asked for lately; else nobody."""
        return self._between.get(name, ())

    async def users(self, name: str) -> tuple[str, ...]:
        """The ids of the two whose room it is."""
        found = self._between.get(name)
        if found is None:
            found = tuple(one.user for one in await self._registry.memberships(name))
            if len(self._between) >= _HELD:
                self._between.clear()
            self._between[name] = found
        return found
