"""Finding a user by id or by name: an account, or a guest who is here or was."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from chatroom.domain.accounts import GONE, Principal
from chatroom.domain.errors import NotFound
from chatroom.domain.model import Kind, User
from chatroom.domain.registry import Registry
from chatroom.people import People

_PASSING = re.compile(r"[gs][0-9a-f]{24}\Z")
"""A guest's id, or one that a site's token gave: of them nothing is kept."""
_ACCOUNT = re.compile(r"[ub][0-9a-f]{24}\Z")


class Directory(NamedTuple):
    """Who `user` in a request is."""

    registry: Registry
    people: People

    async def find(self, wanted: str, *, gone: bool = False) -> Principal:
        """The user of that id or name, with their role on the server; `gone`: of an id, those too whose
        account was deleted. Raises NotFound."""
        online = self.people.connections(wanted)
        if online:
            return online[0].principal
        account = wanted if _ACCOUNT.match(wanted) else self.people.account_named(wanted)
        if account is not None:
            kept = await self.registry.account(account)
            if kept is not None and not kept.deleted:
                return Principal(kept.user, kept.role)
            if kept is not None and gone:
                return Principal(User(kept.id, GONE, kept.kind))
        # Before names: somebody may be called as another's id is.
        if _PASSING.match(wanted):
            kind: Kind = "guest" if wanted[0] == "g" else "user"
            return Principal(User(wanted, f"{kind}-{wanted[1:7]}", kind))
        for user_id in self.people.named(wanted):
            return self.people.connections(user_id)[0].principal
        elsewhere = self.people.elsewhere.named(wanted)
        if elsewhere is not None:
            return Principal(elsewhere)
        raise NotFound(f"nobody here is called {wanted}")

    async def known(self, subjects: Iterable[str]) -> list[User]:
        """Who they are, of those that are users' ids, each once."""
        ids = sorted({one for one in subjects if _ACCOUNT.match(one) or _PASSING.match(one)})
        found = []
        for one in ids:
            try:
                found.append((await self.find(one, gone=True)).user)
            except NotFound:
                pass  # no such account was ever made here
        return found
