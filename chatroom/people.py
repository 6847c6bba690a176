"""Who is online, and being the same guest again.

A guest's token is 128 random bits and their id is its hash: whoever shows the token is that guest,
on any node and after any restart, and nothing has to be stored.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256

from chatroom.domain import names
from chatroom.domain.commands import Hello
from chatroom.domain.errors import BadToken, CloseCode, Forbidden, NameTaken, RateLimited
from chatroom.domain.limits import Limits
from chatroom.domain.model import User
from chatroom.member import Member
from chatroom.namesakes import Namesakes

DISCONNECTED = "you were disconnected by who runs this server"

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}\Z")


class People:
    """Everybody who is online here, by id and by name; and which names belong to accounts.

    The accounts' names are held in memory (about 200 bytes each), so that a guest's hello, of which
    thousands come at once after a restart, waits for no database.
    """

    def __init__(self, limits: Limits, *, guests: bool = True) -> None:
        self._limits = limits
        self._guests = guests
        self._members: dict[str, list[Member]] = {}
        self._names: dict[str, dict[str, int]] = {}
        self._owners: dict[str, str] = {}
        self._keys: dict[str, str] = {}
        self.on_here: Callable[[str], None] | None = None
        self.on_gone: Callable[[str], None] | None = None
        """Told of each user's first connection here, and of the end of the last one."""
        self.elsewhere = Namesakes()
        """The names that are taken on other nodes."""
        self.version = 0
        """Another number whenever an account, or what lets somebody into one, was changed."""

    @property
    def online(self) -> int:
        """How many users are online here."""
        return len(self._members)

    def register(self, account: str, key: str | None) -> None:
        """From now on the name with that key is the account's; None: it has no name any more.

        A guest who is called so keeps the name for as long as they are online.
        """
        old = self._keys.pop(account, None)
        if old is not None and self._owners.get(old) == account:
            del self._owners[old]
        if key is not None:
            self._keys[account] = key
            self._owners[key] = account

    def register_all(self, keys: Mapping[str, str]) -> None:
        """These are all accounts that have a name, each with its key."""
        self._keys = dict(keys)
        self._owners = {key: account for account, key in keys.items()}

    def identify(self, hello: Hello) -> tuple[User, str]:
        """The guest that `hello` speaks of, and the token to be them again.

        Raises Forbidden where guests are not let in, BadToken, BadRequest for a name that is none,
        NameTaken where another user who is online has it, or an account.
        """
        if not self._guests:
            raise Forbidden("guests are not let in here: log in")
        token = secrets.token_urlsafe(16) if hello.token is None else hello.token
        if not _TOKEN.match(token):
            raise BadToken("this token is not one of this server's; say hello without it")
        user_id = "g" + sha256(token.encode()).hexdigest()[:24]
        if hello.name is None:
            return User(user_id, self.free_name(f"guest-{user_id[1:7]}", user_id)), token
        name = self.check_name(names.user_name(hello.name), user_id)
        return User(user_id, name), token

    def check_name(self, name: str, user_id: str) -> str:
        """That name, where a user who has no account under it may have it now. Raises NameTaken."""
        key = names.name_key(name)
        if self._owners.get(key, user_id) != user_id:
            raise NameTaken(f"{name} is somebody's who has an account here; log in, or take another name")
        if user_id not in self._names.get(key, {user_id: 1}) or self.elsewhere.taken(key, user_id):
            raise NameTaken(f"{name} is somebody else here just now; take another name")
        return name

    def arrive(self, member: Member) -> None:
        """One connection more; raises RateLimited where its user has as many as they may."""
        user = member.user
        there = self._members.get(user.id, ())
        if 0 < self._limits.connections_per_user <= len(there):
            raise RateLimited("you are connected too often already; close another tab or device")
        self._members.setdefault(user.id, []).append(member)
        if self.on_here is not None and len(self._members[user.id]) == 1:
            self.on_here(user.id)
        holders = self._names.setdefault(names.name_key(user.name), {})
        holders[user.id] = holders.get(user.id, 0) + 1

    def depart(self, member: Member) -> None:
        """One connection less; with the last one of that name the name is free."""
        user = member.user
        there = self._members[user.id]
        there.remove(member)
        if not there:
            del self._members[user.id]
            if self.on_gone is not None:
                self.on_gone(user.id)
        key = names.name_key(user.name)
        holders = self._names[key]
        holders[user.id] -= 1
        if not holders[user.id]:
            del holders[user.id]
        if not holders:
            del self._names[key]

    def ids(self) -> Sequence[str]:
        """Who is online here."""
        return tuple(self._members)

    def connections(self, user_id: str) -> Sequence[Member]:
        """The connections of a user."""
        return tuple(self._members.get(user_id, ()))

    def disconnect(self, user_id: str) -> int:
        """End the connections of a user, who is told not to come back by themselves; how many there were."""
        there = self.connections(user_id)
        for member in there:
            member.expel(CloseCode.FORBIDDEN, DISCONNECTED)
        return len(there)

    def everybody(self) -> Iterator[Member]:
        """Every connection."""
        for there in list(self._members.values()):
            yield from tuple(there)

    def named(self, name: str) -> Iterable[str]:
        """The ids of who is online under a name: one, but for a moment's coincidence."""
        return tuple(self._names.get(names.name_key(name), ()))

    def account_named(self, name: str) -> str | None:
        """The id of the account of that name."""
        return self._owners.get(names.name_key(name))

    def free_name(self, wanted: str, user_id: str | None = None) -> str:
        """`wanted`, or with a number that makes it nobody's, or only that user's."""
        shown = name = names.user_name(wanted)
        number = 2
        while self._taken(names.name_key(name), user_id):
            suffix = f"-{number}"
            name = shown[: names.NAME_LENGTH - len(suffix)].rstrip() + suffix
            number += 1
        return name

    def _taken(self, key: str, user_id: str | None) -> bool:
        if key in self._owners:
            return self._owners[key] != user_id
        return user_id not in self._names.get(key, {user_id: 1}) or self.elsewhere.taken(key, user_id)
