"""Accounts as the server's moderators, and programs that run it, keep them."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from chatroom import passwords
from chatroom.accountkeeping import Passwords
from chatroom.changes import Changes
from chatroom.directory import Directory
from chatroom.domain import names, rules
from chatroom.domain.accounts import EVERYWHERE, Account, Deed, Principal, Sanction
from chatroom.domain.errors import BadRequest, NotFound
from chatroom.domain.model import Role, User
from chatroom.domain.ports import Clock
from chatroom.domain.registry import Registry
from chatroom.people import People
from chatroom.rights import Rights


class Ban(NamedTuple):
    """A ban from the whole server, and whom it is on where that is a user."""

    sanction: Sanction
    user: User | None


class UserKeeping:
    """The use cases. All raise Forbidden for whom they are not."""

    def __init__(
        self,
        registry: Registry,
        hasher: Passwords,
        rights: Rights,
        people: People,
        changes: Changes,
        clock: Clock,
    ) -> None:
        self._registry = registry
        self._passwords = hasher
        self._rights = rights
        self._people = people
        self._directory = Directory(registry, people)
        self._changes = changes
        self._clock = clock

    async def users(self, principal: Principal, after: str, limit: int) -> list[Account]:
        """Accounts in the order of their keys, at most `limit` of those after the key `after`."""
        self._rights.check_server("users", principal)
        return list(await self._registry.accounts(after, limit))

    async def user(self, principal: Principal, wanted: str) -> Principal:
        """The user of that id or name, guests too. Raises NotFound."""
        self._rights.check_server("users", principal)
        return await self._directory.find(wanted)

    def connections(self, user: str) -> int:
        """How many connections a user has."""
        return len(self._people.connections(user))

    async def add(self, principal: Principal, name: str, password: str, role: Role) -> Principal:
        """A new account. Raises BadRequest, NameTaken."""
        self._rights.check_server("user.add", principal)
        self._check_grant("user.add", principal, role)
        shown = names.user_name(name)
        passwords.check(password, shown)
        hashed = await self._passwords.hash(password)
        account = Account(
            "u" + secrets.token_hex(12), shown, names.name_key(shown), "user", role, self._now()
        )
        await self._registry.add_account(account, hashed)
        await self._note(principal, "user.add", account.id, f"{shown}: {role}")
        return Principal(account.user, role)

    async def set_role(self, principal: Principal, wanted: str, role: Role) -> Principal:
        """Another role for an account. Raises NotFound, BadRequest."""
        self._rights.check_server("user.role", principal)
        found = await self._below("user.role", principal, wanted)
        self._check_grant("user.role", principal, role)
        if await self._registry.account(found.user.id) is None:
            raise NotFound("only accounts have a role")
        await self._registry.set_role(found.user.id, role)
        await self._note(principal, "user.role", found.user.id, role)
        return found._replace(role=role)

    async def disconnect(self, principal: Principal, wanted: str) -> int:
        """End all connections of a user, those on other nodes too; how many there were on this one. They
        are told not to come back by themselves. Raises NotFound."""
        self._rights.check_server("disconnect", principal)
        found = await self._below("disconnect", principal, wanted)
        count = self._people.disconnect(found.user.id)
        deed = self._deed(principal, "disconnect", found.user.id, f"{count} connections")
        await self._registry.disconnect(deed)
        await self._changes.catch_up()
        return count

    async def bans(self, principal: Principal) -> list[Ban]:
        """Who is kept off the whole server, by subject."""
        self._rights.check_server("bans", principal)
        found = [
            one
            for one in await self._registry.sanctions(self._now())
            if one.standing == "ban" and one.room == EVERYWHERE
        ]
        users = {user.id: user for user in await self._directory.known(one.subject for one in found)}
        found.sort(key=lambda one: one.subject)
        return [Ban(one, users.get(one.subject)) for one in found]

    async def _below(self, request: str, principal: Principal, wanted: str) -> Principal:
        found = await self._directory.find(wanted)
        rules.check_above(self._rights.standing(request, principal), found.role)
        return found

    def _check_grant(self, request: str, principal: Principal, role: Role) -> None:
        if role == "guest":
            raise BadRequest("an account's role is member, moderator or owner")
        if role != "member":
            rules.check_grant(self._rights.standing(request, principal), role)

    async def _note(self, principal: Principal, what: str, subject: str, detail: str) -> None:
        await self._registry.note(self._deed(principal, what, subject, detail))
        await self._changes.catch_up()

    def _deed(self, principal: Principal, what: str, subject: str, detail: str) -> Deed:
        return Deed(self._now(), principal.user.id, what, EVERYWHERE, subject, detail)

    def _now(self) -> int:
        return int(self._clock.seconds() * 1000)
