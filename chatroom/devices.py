"""The requests about one's own account and the devices it is logged in on."""

from __future__ import annotations

from chatroom.accountkeeping import AccountKeeping
from chatroom.domain import commands, replies
from chatroom.domain.errors import Forbidden
from chatroom.member import Member


class Devices:
    """The use cases of `sessions`, `session.end`, `logout`, `password` and `account.delete`."""

    def __init__(self, accounts: AccountKeeping) -> None:
        self._accounts = accounts

    async def sessions(self, member: Member, command: commands.Sessions) -> replies.Devices:
        """Where the user is logged in."""
        account, login = _own(member)
        found = [
            replies.Device(one.id, one.client, one.address, one.created, one.seen, one.until, one.id == login)
            for one in await self._accounts.sessions(account)
        ]
        return replies.Devices(id=command.id, sessions=found)

    async def end(self, member: Member, command: commands.SessionEnd) -> replies.Reply:
        """Log a device out, or all the others."""
        account, login = _own(member)
        if command.session is None:
            await self._accounts.end_other_sessions(account, login)
        else:
            await self._accounts.end_session(account, command.session)
        return replies.Reply(id=command.id)

    async def log_out(self, member: Member, command: commands.Logout) -> replies.Reply:
        """Log this device out."""
        account, login = _own(member)
        await self._accounts.end_session(account, login)
        return replies.Reply(id=command.id)

    async def set_password(self, member: Member, command: commands.PasswordSet) -> replies.Reply:
        """Change the password."""
        account, login = _own(member)
        await self._accounts.change_password(account, command.old, command.new, login)
        return replies.Reply(id=command.id)

    async def delete_account(self, member: Member, command: commands.AccountDelete) -> replies.Reply:
        """Delete the account."""
        account, _login = _own(member)
        await self._accounts.delete(account, command.password)
        return replies.Reply(id=command.id)


def _own(member: Member) -> tuple[str, str]:
    """The account and the login of a connection that was logged in to."""
    principal = member.principal
    if principal.login is None:
        raise Forbidden("only somebody who is logged in to an account can do that")
    return principal.user.id, principal.login
