"""Finding a user by id or by name: an account, or a guest who is here or was."""

from __future__ import annotations

import re
from typing import NamedTuple

from chatroom.domain.accounts import Principal
from chatroom.domain.errors import NotFound
from chatroom.domain.model import User
from chatroom.domain.registry import Registry
from chatroom.people import People

_GUEST = re.compile(r"g[0-9a-f]{24}\Z")
_ACCOUNT = re.compile(r"[ub][0-9a-f]{24}\Z")


class Directory(NamedTuple):
    """Who `user` in a request is."""

    registry: Registry
    people: People

    async def find(self, wanted: str) -> Principal:
        """The user of that id or name, with their role on the server. Raises NotFound."""
        online = self.people.connections(wanted)
        if online:
            return online[0].principal
        account = wanted if _ACCOUNT.match(wanted) else self.people.account_named(wanted)
        if account is not None:
            kept = await self.registry.account(account)
            if kept is not None and not kept.deleted:
                return Principal(kept.user, kept.role)
        for user_id in self.people.named(wanted):
            return self.people.connections(user_id)[0].principal
        if _GUEST.match(wanted):
            # Of a guest who has gone nothing is kept; the id is enough to name them.
            return Principal(User(wanted, f"guest-{wanted[1:7]}"))
        raise NotFound(f"nobody here is called {wanted}")
