"""Who is online, and being the same guest again.

A guest's token is 128 random bits and their id is its hash: whoever shows the token is that guest,
on any node and after any restart, and nothing has to be stored.
"""

import re
import secrets
from collections import Counter
from hashlib import sha256

from chatroom.domain import names
from chatroom.domain.commands import Hello
from chatroom.domain.errors import BadToken, Forbidden, NameTaken, RateLimited
from chatroom.domain.limits import Limits
from chatroom.domain.model import User

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}\Z")


class People:
    """Everybody who is online here, by id and by name."""

    def __init__(self, limits: Limits, *, guests: bool = True) -> None:
        self._limits = limits
        self._guests = guests
        self._connections: Counter[str] = Counter()
        self._names: dict[str, Counter[str]] = {}

    def identify(self, hello: Hello) -> tuple[User, str]:
        """The user that `hello` speaks of, and the token to be them again.

        Raises Forbidden where guests are not let in, BadToken, BadRequest for a name that is none,
        NameTaken where another user who is online has it.
        """
        if not self._guests:
            raise Forbidden("guests are not let in here")
        token = secrets.token_urlsafe(16) if hello.token is None else hello.token
        if not _TOKEN.match(token):
            raise BadToken("this token is not one of this server's; say hello without it")
        user_id = "g" + sha256(token.encode()).hexdigest()[:24]
        if hello.name is None:
            return User(user_id, self.free_name(f"guest-{user_id[1:7]}", user_id)), token
        name = names.user_name(hello.name)
        if user_id not in self._names.get(names.name_key(name), {user_id: 1}):
            raise NameTaken(f"{name} is somebody else here just now; take another name")
        return User(user_id, name), token

    def arrive(self, user: User) -> None:
        """One connection of `user` more; raises RateLimited where they have as many as they may."""
        if 0 < self._limits.connections_per_user <= self._connections[user.id]:
            raise RateLimited("you are connected too often already; close another tab or device")
        self._connections[user.id] += 1
        self._names.setdefault(names.name_key(user.name), Counter())[user.id] += 1

    def depart(self, user: User) -> None:
        """One connection less; with the last one of that name the name is free."""
        _less(self._connections, user.id)
        key = names.name_key(user.name)
        holders = self._names[key]
        _less(holders, user.id)
        if not holders:
            del self._names[key]

    def free_name(self, wanted: str, user_id: str | None = None) -> str:
        """`wanted`, or with a number that makes it nobody's, or only that user's."""
        name, number = names.user_name(wanted), 2
        while user_id not in self._names.get(names.name_key(name), {user_id: 1}):
            suffix = f"-{number}"
            name = wanted[: names.NAME_LENGTH - len(suffix)] + suffix
            number += 1
        return name


def _less(counter: Counter[str], what: str) -> None:
    counter[what] -= 1
    if not counter[what]:
        del counter[what]
