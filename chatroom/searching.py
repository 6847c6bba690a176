"""Finding what was said: the use case `search`."""

from __future__ import annotations

import re

from msgspec import Raw

from chatroom.domain import commands, names, replies
from chatroom.domain.accounts import Principal
from chatroom.domain.errors import BadRequest
from chatroom.domain.ports import Store
from chatroom.member import Member
from chatroom.rights import Rights
from chatroom.roomlists import RoomLists

_WORD = re.compile(r"\w+")


class Searching:
    """Looks through the rooms that somebody may read, and through no others."""

    def __init__(self, store: Store, rights: Rights, lists: RoomLists) -> None:
        self._store = store
        self._rights = rights
        self._lists = lists

    async def search(self, member: Member, command: commands.Search) -> replies.Found:
        """The newest messages that have all of the words."""
        words = _WORD.findall(command.query)
        if not words:
            raise BadRequest("search for a word")
        while True:
            version = self._rights.version
            rooms = await self._rooms(member.principal, command.room)
            found = await self._store.search(words, rooms, command.limit)
            # It holds when it is told: a room may have been closed to them meanwhile.
            if version == self._rights.version:
                break
        dialect = member.outlet.dialect
        messages = [Raw(payload) for one in found if (payload := dialect.event(one))]
        return replies.Found(id=command.id, messages=messages)

    async def _rooms(self, principal: Principal, wanted: str | None) -> list[str]:
        if wanted is None:
            return await self._lists.readable(principal)
        name = names.room_name(wanted)
        await self._rights.admit("search", principal, name)
        return [name]
