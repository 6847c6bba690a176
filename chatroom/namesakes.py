"""The names of those on other nodes who have no account: as far as is known here, nobody else takes them."""

from __future__ import annotations

from collections.abc import Callable

from chatroom.domain import names
from chatroom.domain.model import User

_PASSING = ("g", "s")
"""How the ids of guests begin, and of those whom a site's token names. All other names are accounts'."""


class Namesakes:
    """By name, who is in a room on another node in which somebody is here too."""

    def __init__(self) -> None:
        self._names: dict[str, dict[str, tuple[User, int]]] = {}
        self.known: Callable[[], bool] = lambda: True
        """Whether it is heard who goes. Otherwise no name is taken: who had one may be who comes here."""

    def came(self, user: User) -> None:
        """Somebody is in one room more, on one node."""
        if user.id.startswith(_PASSING):
            holders = self._names.setdefault(names.name_key(user.name), {})
            holders[user.id] = user, holders.get(user.id, (user, 0))[1] + 1

    def went(self, user: User) -> None:
        """Somebody is in one less."""
        key = names.name_key(user.name)
        holders = self._names.get(key, {})
        if user.id in holders:
            count = holders[user.id][1] - 1
            if count:
                holders[user.id] = user, count
            else:
                del holders[user.id]
                if not holders:
                    del self._names[key]

    def taken(self, key: str, user_id: str | None) -> bool:
        """Whether somebody else has the name with that key."""
        return any(one != user_id for one in self._names.get(key, ())) and self.known()

    def named(self, name: str) -> User | None:
        """Who is called so."""
        return next((user for user, _count in self._names.get(names.name_key(name), {}).values()), None)
