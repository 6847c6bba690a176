"""Accounts as their owners use them: signing up, logging in and out, devices, the end of it."""

from __future__ import annotations

import secrets
from typing import Literal, NamedTuple, Protocol

from chatroom import passwords, tokens
from chatroom.attempts import Attempts
from chatroom.changes import Changes
from chatroom.domain import names, rules
from chatroom.domain.accounts import GONE, Account, Deed, Invitation, Login, Principal
from chatroom.domain.errors import BadRequest, BadToken, Forbidden, NotFound
from chatroom.domain.model import By, Role
from chatroom.domain.ports import Clock
from chatroom.domain.registry import Registry
from chatroom.identity import of_login
from chatroom.reactions import Reactions
from chatroom.rights import Rights

SignUp = Literal["open", "invited", "closed"]

LOGIN_DAYS = 30
"""How long a login lasts."""

DAY = 86_400_000
"""Milliseconds."""


class Passwords(Protocol):
    """Hashes passwords, off the reactor's thread."""

    async def hash(self, password: str) -> str:
        """Its argon2id hash."""

    async def verify(self, digest: str | None, password: str) -> bool:
        """Whether it is that one; the same work where there is none."""


class Entry(NamedTuple):
    """Somebody has come in: who, and the token of their new login."""

    principal: Principal
    token: str


class AccountKeeping:
    """The use cases of accounts."""

    def __init__(
        self,
        registry: Registry,
        hasher: Passwords,
        attempts: Attempts,
        rights: Rights,
        changes: Changes,
        clock: Clock,
        reactions: Reactions,
        sign_up: SignUp = "invited",
    ) -> None:
        self._registry = registry
        self._reactions = reactions
        self._passwords = hasher
        self._attempts = attempts
        self._rights = rights
        self._changes = changes
        self._clock = clock
        self.sign_up_mode = sign_up

    async def log_in(self, name: str, password: str, client: str | None, address: str | None) -> Entry:
        """Come in by name and password. Raises BadToken, and RateLimited after wrong ones."""
        key = names.name_key(names.user_name(name))
        self._attempts.check(key, address)
        found = await self._registry.account_named(key)
        account, digest = found if found is not None else (None, None)
        if not await self._passwords.verify(digest, password) or account is None:
            self._attempts.failed(key, address)
            raise BadToken("the name or the password is wrong")
        self._attempts.succeeded(key, address)
        return await self._enter(account, client, address)

    async def sign_up(
        self, name: str, password: str, invitation: str | None, client: str | None, address: str | None
    ) -> Entry:
        """A new account, logged in. Raises NameTaken, BadRequest, Forbidden, BadToken."""
        shown, now = names.user_name(name), self._now()
        digest = None if invitation is None else tokens.digest(invitation)
        invited = None if digest is None else await self._registry.invitation(digest, now)
        if digest is not None and invited is None:
            raise BadToken("this invitation was used already, or has run out: ask for another")
        if invited is None and self.sign_up_mode != "open":
            raise Forbidden("accounts here are made by invitation: ask somebody for a link")
        role: Role = "member" if invited is None else invited.role
        passwords.check(password, shown)
        hashed = await self._passwords.hash(password)
        account = Account("u" + secrets.token_hex(12), shown, names.name_key(shown), "user", role, now)
        await self._registry.sign_up(account, hashed, digest, now)
        await self._changes.catch_up()
        return await self._enter(account, client, address)

    async def log_out(self, token: str) -> None:
        """End the login of that token, if there is one."""
        found = await self._registry.login(tokens.digest(token), self._now())
        if found is not None:
            await self.end_session(found[0].id, found[1].id)

    async def change_password(self, account: str, old: str, new: str, login: str | None) -> None:
        """Another password; all logins end but `login`. Raises BadToken, BadRequest."""
        kept = await self._confirm(account, old)
        passwords.check(new, kept.name)
        await self._registry.set_password(account, await self._passwords.hash(new), login)
        await self._note(account, "password")
        await self._changes.catch_up()

    async def delete(self, account: str, password: str) -> None:
        """The account ends: its messages stay, its name and reactions go. Raises BadToken."""
        await self._confirm(account, password)
        await self._reactions.withdraw(By(account, GONE))
        await self._registry.delete_account(account, GONE)
        await self._note(account, "account.delete")
        self._changes.soon()

    async def sessions(self, account: str) -> list[Login]:
        """Where somebody is logged in, newest first."""
        return list(await self._registry.logins(account))

    async def end_session(self, account: str, login: str) -> None:
        """Log one device out; its connections are closed right after this. Raises NotFound."""
        await self._registry.close_login(account, login)
        self._changes.soon()

    async def end_other_sessions(self, account: str, login: str | None) -> None:
        """Log all others out."""
        await self._registry.close_logins(account, login)
        await self._changes.catch_up()

    async def invite(
        self,
        principal: Principal,
        role: Role = "member",
        room: str | None = None,
        uses: int = 1,
        days: int = 7,
    ) -> str:
        """A link's token that lets `uses` people sign up, and into `room` where one is named.

        Raises Forbidden, and NotFound for a room that `principal` could not invite into themselves.
        """
        self._rights.check_server("invite", principal)
        if role == "guest":
            raise BadRequest("an account's role is member, moderator or owner")
        if role != "member":
            rules.check_grant(principal.role, role)
        if room is not None:
            await self._rights.admit("room.invite", principal, room)
        return await self._invitation(
            Invitation(role, self._now() + days * DAY, uses, room, principal.user.id)
        )

    async def first_owner(self) -> str | None:
        """While this server has no owner: the token of an invitation to be it; None where it has."""
        if await self._registry.has_owner():
            return None
        return await self._invitation(Invitation("owner", self._now() + DAY))

    async def _invitation(self, invitation: Invitation) -> str:
        token = tokens.make(tokens.INVITATION)
        await self._registry.add_invitation(invitation, tokens.digest(token))
        return token

    async def _enter(self, account: Account, client: str | None, address: str | None) -> Entry:
        now, token = self._now(), tokens.make(tokens.LOGIN)
        until = now + LOGIN_DAYS * DAY
        login = Login(secrets.token_hex(8), account.id, client or "", address or "", now, now, until)
        await self._registry.open_login(login, tokens.digest(token))
        return Entry(of_login(account, login), token)

    async def _confirm(self, account: str, password: str) -> Account:
        kept = await self._registry.account(account)
        if kept is None or kept.deleted:
            raise NotFound("there is no such account")
        self._attempts.check(kept.key, None)
        found = await self._registry.account_named(kept.key)
        if not await self._passwords.verify(None if found is None else found[1], password):
            self._attempts.failed(kept.key, None)
            raise BadToken("the password is wrong")
        self._attempts.succeeded(kept.key, None)
        return kept

    async def _note(self, account: str, what: str) -> None:
        await self._registry.note(Deed(self._now(), account, what, subject=account))

    def _now(self) -> int:
        return int(self._clock.seconds() * 1000)
