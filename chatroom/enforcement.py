"""What a change in the registry means for who is connected now: on every door, at once."""

from __future__ import annotations

from chatroom.chat import Chat
from chatroom.domain import names
from chatroom.domain.accounts import GONE, Account, Change
from chatroom.domain.errors import CloseCode
from chatroom.domain.registry import Registry
from chatroom.member import Member
from chatroom.people import People
from chatroom.rights import Rights

_PAGE = 1_000


class Enforcement:
    """Looks into changes (see `changes.Changes`)."""

    def __init__(self, registry: Registry, people: People, rights: Rights) -> None:
        self._registry = registry
        self._people = people
        self._rights = rights
        self.chat: Chat | None = None
        """Set once it is made; it needs the changes to be made itself."""

    async def load(self) -> None:
        """Read what is held in memory: sanctions, and the accounts' names."""
        await self._rights.load()
        after, keys = "", dict[str, str]()
        while page := await self._registry.accounts(after, _PAGE):
            keys |= {account.id: account.key for account in page}
            after = page[-1].key
        self._people.register_all(keys)

    async def look(self, change: Change | None) -> None:
        """One change, or (None) anything may be different. Looking twice does no harm."""
        if change is None:
            self._rights.forget_all()
            self._people.version += 1
            await self.load()
            self._bans()
            for member in self._people.everybody():
                await self._check(member)
                await self._review(member)
        elif change.what == "account":
            self._people.version += 1
            await self._account(change.subject)
        elif change.what in ("login", "key"):
            self._people.version += 1
            for member in self._people.everybody():
                if change.subject in (member.principal.login, member.principal.key):
                    await self._check(member)
        elif change.what == "room":
            self._rights.forget_room(change.subject)
        elif change.what == "membership":
            await self._membership(*change.subject.partition(" ")[::2])
        elif change.what == "sanction":
            await self._rights.load()
            self._bans()
        elif change.what == "connections":
            self._people.disconnect(change.subject)

    async def _account(self, id: str) -> None:  # noqa: A002 - an account's
        account = await self._registry.account(id)
        gone = account is None or account.deleted
        self._people.register(id, None if account is None or account.deleted else account.key)
        if gone and self.chat is not None:
            self.chat.hub.rename(id, GONE)
        for member in self._people.connections(id):
            self._apply(member, account)

    async def _check(self, member: Member) -> None:
        """Whether what let a connection in still would."""
        principal = member.principal
        if principal.login is not None:
            if all(one.id != principal.login for one in await self._registry.logins(principal.user.id)):
                member.expel(CloseCode.UNIDENTIFIED, "you were logged out on this device")
        elif principal.key is not None:
            keys = await self._registry.keys()
            if not any(one.id == principal.key and one.revoked is None for one in keys):
                member.expel(CloseCode.UNIDENTIFIED, "this API key was revoked")
        else:
            return
        self._apply(member, await self._registry.account(principal.user.id))

    def _apply(self, member: Member, account: Account | None) -> None:
        if account is None or account.deleted:
            member.expel(CloseCode.UNIDENTIFIED, "this account is no more")
        else:
            member.principal = member.principal._replace(role=account.role)
            # Some bans are not for moderators.
            self._shut_out(member)

    async def _membership(self, room: str, user: str) -> None:
        self._rights.forget_places(user)
        if names.kind_of(room) is None:
            return
        for member in self._people.connections(user):
            await self._review(member)

    def _bans(self) -> None:
        for member in self._people.everybody():
            if not self._shut_out(member):
                for room in list(member.rooms):
                    if self._rights.banned(room, member.user.id) is not None:
                        self._put_out(member, room)

    def _shut_out(self, member: Member) -> bool:
        reason = self._rights.ban_of(member.principal, member.address)
        if reason is not None:
            member.expel(CloseCode.FORBIDDEN, reason)
        return reason is not None

    async def _review(self, member: Member) -> None:
        if self.chat is not None:
            await self.chat.review(member)

    def _put_out(self, member: Member, room: str) -> None:
        if self.chat is not None:
            self.chat.attendance.put_out(member, room)
