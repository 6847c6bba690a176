"""Who somebody is: what a `hello` shows, or a cookie, made a Principal."""

from __future__ import annotations

from typing import Protocol

from chatroom import tokens
from chatroom.domain.accounts import Account, ApiKey, Login, Principal
from chatroom.domain.commands import Hello
from chatroom.domain.errors import BadToken
from chatroom.domain.model import User
from chatroom.domain.ports import Clock
from chatroom.domain.registry import Registry
from chatroom.gate import Gate
from chatroom.people import People
from chatroom.sitetokens import SiteUser


class Site(Protocol):
    """Reads the tokens of the site that this server is embedded in."""

    async def check(self, token: str) -> SiteUser:
        """Whom it speaks of. Raises BadToken, and Unavailable where nobody can tell just now."""


class Identity:
    """Reads every kind of token. `site` is None where no site's tokens are taken. Nobody is let in
    before it is `ready`: whose the names are must be known by then."""

    def __init__(
        self, registry: Registry, people: People, clock: Clock, ready: Gate, site: Site | None = None
    ) -> None:
        self._registry = registry
        self._people = people
        self._clock = clock
        self.ready = ready
        self._site = site

    async def identify(self, hello: Hello, cookie: str | None = None) -> tuple[Principal, str | None]:
        """Who says hello, and the token to be them again, where that is another than they know.

        A token in the hello counts for more than the `cookie` that came with the connection. Raises
        BadToken, and what `People.identify` does. It holds when it fires: where a login, a key or an
        account was changed meanwhile, all is asked again.
        """
        await self.ready.passed()
        while True:
            version = self._people.version
            found = await self._identify(hello, cookie)
            if version == self._people.version:
                return found

    async def _identify(self, hello: Hello, cookie: str | None) -> tuple[Principal, str | None]:
        if cookie is not None and hello.token is None:
            try:
                return await self._of_login(cookie), None
            except BadToken:
                pass  # that login has ended: they are a guest until they log in again
        token = hello.token
        kind = "guest" if token is None else tokens.kind(token)
        if token is None or kind == "guest":
            user, again = self._people.identify(hello)
            return Principal(user), again
        if kind == "login":
            return await self._of_login(token), None
        if kind == "key":
            return await self.of_key(token), None
        if kind == "site" and self._site is not None:
            return await self._of_site(token, self._site), None
        raise BadToken("this token is not one of this server's; say hello without it")

    async def of_key(self, token: str) -> Principal:
        """Whom an API key speaks for. Raises BadToken."""
        found = await self._registry.key(tokens.digest(token), self._now())
        if found is None:
            raise BadToken("this API key is unknown here, or was revoked")
        key, account = found
        return of_key(key, account)

    async def _of_login(self, token: str) -> Principal:
        found = await self._registry.login(tokens.digest(token), self._now())
        if found is None:
            raise BadToken("this login has ended: log in again")
        account, login = found
        return of_login(account, login)

    async def _of_site(self, token: str, site: Site) -> Principal:
        told = await site.check(token)
        name = self._people.free_name(told.name, told.id)
        return Principal(User(told.id, name, "user"), told.role, rooms=told.rooms, until=told.until)

    def _now(self) -> int:
        return int(self._clock.seconds() * 1000)


def of_login(account: Account, login: Login) -> Principal:
    """An account on one device."""
    return Principal(account.user, account.role, login=login.id, until=login.until)


def of_key(key: ApiKey, account: Account) -> Principal:
    """The account that a key is for, within the key's bounds."""
    return Principal(account.user, account.role, key=key.id, scopes=key.scopes)
