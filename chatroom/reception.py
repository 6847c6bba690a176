"""Requests that come one by one, each showing who asks: what HTTP is to the use cases.

Each is answered for a `Member` of its own, who is in no room and is told nothing. So there is no
second way of doing anything: rules, rates and logs are those of a connection.
"""

from __future__ import annotations

from typing import Any

from chatroom import tokens
from chatroom.domain import commands, names
from chatroom.domain.accounts import Principal
from chatroom.domain.errors import BadToken, ChatError, Forbidden
from chatroom.domain.ports import Dialect
from chatroom.domain.registry import USED_EVERY
from chatroom.fanout import OneByOne
from chatroom.member import Member
from chatroom.session import WRITES, Doorman
from chatroom.wire.dialects import json_dialect

NOBODY = "say who is asking: Authorization: Bearer KEY"

_TAKEN = frozenset({"key", "login", "site"})
_HELD = 10_000
"""So many keys are known by heart before all are forgotten, and looked up again."""


class Silent:
    """The outlet of somebody who is told nothing but the answer."""

    def __init__(self) -> None:
        self.dialect: Dialect = json_dialect()
        self.behind = False

    def write(self, frames: bytes) -> None:
        """Nothing."""

    send = write

    def close(self, code: int, reason: str) -> None:
        """Nothing: the request's connection is not theirs."""

    def row(self) -> OneByOne:
        """See `Outlet.row`."""
        return OneByOne()


SILENT = Silent()


class Reception:
    """Says who makes a request, and has it done."""

    def __init__(self, doorman: Doorman) -> None:
        self.chat = doorman.chat
        self.meters = doorman.meters
        self._identity = doorman.identity
        self._people = doorman.chat.people
        self._version = -1
        self._known: dict[str, tuple[Principal, float]] = {}

    def known(self, token: str) -> Principal | None:
        """Whose API key that is, as far as it need not be looked up: nothing was changed since it was."""
        if self._version != self._people.version:
            return None
        found = self._known.get(tokens.digest(token))
        if found is None or self.chat.clock.seconds() >= found[1]:
            return None
        return found[0]

    async def identify(self, token: str | None, address: str | None) -> Principal:
        """Who shows that token: of an API key, a login or a site. Raises BadToken, RateLimited."""
        if token is None:
            self.meters.request(None, address)
            raise BadToken(NOBODY)
        found = self.known(token)
        if found is not None:
            return found
        # Whoever makes tokens up has each looked up.
        self.meters.request(None, address)
        if tokens.kind(token) not in _TAKEN:
            raise BadToken("this is no API key, nor another token of this server")
        principal, _again = await self._identity.identify(commands.Hello(token=token))
        if principal.key is not None:
            self._keep(token, principal)
        return principal

    def member(self, principal: Principal, address: str | None, shown_as: str | None = None) -> Member:
        """Them, for one request; `shown_as` is the name that what they say has. Raises Banned, and
        Forbidden or NameTaken for a name that they cannot have."""
        self.chat.rights.check_entry(principal, address)
        if shown_as is not None:
            if principal.key is None:
                raise Forbidden("only an API key may speak under another name")
            name = self._people.check_name(names.user_name(shown_as), principal.user.id)
            user = principal.user
            principal = principal._replace(user=type(user)(user.id, name, user.kind))
        return Member(principal, SILENT, address)

    async def ask(self, member: Member, command: commands.Command) -> Any:
        """The reply to what is asked for, at the pace that a user and an address have. Raises ChatError."""
        meter = self.meters.post if isinstance(command, WRITES) else self.meters.request
        try:
            meter(member.user.id, member.address)
            return await self.chat.uses[type(command)](member, command)
        except ChatError as error:
            self.chat.counts.refuse(command, error)
            raise

    def meter(self, member: Member) -> None:
        """Count a request that is none of a connection's. Raises RateLimited."""
        self.meters.request(member.user.id, member.address)

    def _keep(self, token: str, principal: Principal) -> None:
        if self._version != self._people.version or len(self._known) >= _HELD:
            self._known.clear()
            self._version = self._people.version
        # By then its use is to be noted again.
        self._known[tokens.digest(token)] = principal, self.chat.clock.seconds() + USED_EVERY / 1000


def told_by(error: ChatError) -> dict[str, object]:
    """What an answer says of an error."""
    told: dict[str, object] = {"code": error.code, "message": error.message}
    if error.retry_after is not None:
        told["retry_after"] = error.retry_after
    return told
