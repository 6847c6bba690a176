"""Keeping the peace on the whole server: bans, mutes, purges, reports, and who did what."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from chatroom.admission import network_of
from chatroom.changes import Changes
from chatroom.directory import Directory
from chatroom.domain import commands, names, replies, rules
from chatroom.domain.accounts import EVERYWHERE, Deed, Sanction, Standing
from chatroom.domain.errors import BadRequest, ChatError, NotFound
from chatroom.domain.events import Deleted, Event
from chatroom.domain.model import Millis, Seq
from chatroom.domain.ports import Clock, Store
from chatroom.domain.registry import Registry
from chatroom.member import Member
from chatroom.reactions import Reactions
from chatroom.rights import Rights

_BATCH = 200
"""So many of a purged user's messages are deleted at once."""


class Moderation:
    """The use cases of the server's moderators, and reporting to them."""

    def __init__(
        self,
        registry: Registry,
        store: Store,
        rights: Rights,
        directory: Directory,
        changes: Changes,
        clock: Clock,
        reactions: Reactions,
    ) -> None:
        self._registry = registry
        self._store = store
        self._rights = rights
        self._directory = directory
        self._changes = changes
        self._clock = clock
        self._reactions = reactions

    async def ban(self, member: Member, command: commands.Ban) -> replies.Reply:
        """Keep a user or an address off the server, or let them in again."""
        self._rights.check_server("ban", member.principal)
        if (command.user is None) == (command.address is None):
            raise BadRequest("ban takes a user or an address")
        if command.address is not None:
            subject = f"address:{_network(command.address)}"
        else:
            subject = await self._below("ban", member, command.user or "")
        await self._sanction("ban", member, command, subject)
        return replies.Reply(id=command.id)

    async def mute(self, member: Member, command: commands.Mute) -> replies.Reply:
        """Let a user say nothing anywhere, or speak again."""
        self._rights.check_server("mute", member.principal)
        await self._sanction("mute", member, command, await self._below("mute", member, command.user))
        return replies.Reply(id=command.id)

    async def purge(self, member: Member, command: commands.Purge) -> replies.Purged:
        """Delete all that a user has said, and take away what they have put under what others said."""
        name = None if command.room is None else names.room_name(command.room)
        if name is None:
            self._rights.check_server("purge", member.principal)
            found = await self._directory.find(command.user, gone=True)
            rules.check_above(self._rights.standing("purge", member.principal), found.role)
        else:
            record = await self._rights.admit("delete any", member.principal, name)
            found = await self._directory.find(command.user, gone=True)
            if found.user.id != member.user.id:
                rules.check_above(
                    await self._rights.role(member.principal, record), await self._rights.role(found, record)
                )
        subject = found.user.id
        count = 0
        while targets := await self._registry.messages_of(subject, name, _BATCH):
            done = await self._delete(member, targets)
            count += done
            if not done:
                break
        await self._reactions.withdraw(rules.author(found.user), name)
        await self._note(member, "purge", name or EVERYWHERE, subject, f"{count} messages")
        return replies.Purged(id=command.id, count=count)

    async def report(self, member: Member, command: commands.Report) -> replies.Reply:
        """Ask the moderators to look at a message."""
        name = names.room_name(command.room)
        await self._rights.admit("report", member.principal, name)
        message = await self._store.message(name, command.seq)
        if message is None or message.deleted:
            raise NotFound("no such message")
        await self._registry.report(name, command.seq, member.user.id, self._now(), command.reason or "")
        return replies.Reply(id=command.id)

    async def reports(self, member: Member, command: commands.Reports) -> replies.Reports:
        """What was reported."""
        self._rights.check_server("reports", member.principal)
        found = await self._registry.reports(commands.MAX_PAGE)
        users = await self._directory.known(one.by for one in found)
        return replies.Reports(id=command.id, reports=list(found), users=users)

    async def close_report(self, member: Member, command: commands.ReportClose) -> replies.Reply:
        """It was looked at."""
        self._rights.check_server("report.close", member.principal)
        await self._registry.close_report(command.report)
        await self._note(member, "report.close", EVERYWHERE, str(command.report), "")
        return replies.Reply(id=command.id)

    async def audit(self, member: Member, command: commands.Audit) -> replies.Deeds:
        """Who did what to whom."""
        self._rights.check_server("audit", member.principal)
        found = await self._registry.deeds(command.before, command.limit)
        users = await self._directory.known(who for one in found for who in (one.by, one.subject))
        return replies.Deeds(id=command.id, deeds=list(found), users=users)

    async def _below(self, request: str, member: Member, user: str) -> str:
        subject = await self._directory.find(user)
        rules.check_above(self._rights.standing(request, member.principal), subject.role)
        return subject.user.id

    async def _sanction(self, standing: Standing, member: Member, command: Any, subject: str) -> None:
        until: Millis | None = command.until
        now, reason = self._now(), command.reason or ""
        if until is not None and until <= now:
            if not await self._registry.lift(standing, EVERYWHERE, subject):
                raise NotFound(f"there is no such {standing}")
        else:
            sanction = Sanction(standing, EVERYWHERE, subject, now, member.user.id, until, reason)
            await self._registry.impose(sanction)
        detail = " ".join(part for part in (f"until {until}" if until is not None else "", reason) if part)
        await self._note(member, standing, EVERYWHERE, subject, detail)

    async def _delete(self, member: Member, targets: Any) -> int:
        now, by = self._now(), rules.author(member.user)

        async def delete(room: str, seq: Seq) -> Event:
            return await self._store.append(Deleted(room=room, at=now, by=by, target=seq))

        waiting = [Deferred.fromCoroutine(delete(room, seq)) for room, seq in targets]
        results: list[tuple[bool, Any]] = await DeferredList(waiting, consumeErrors=True)
        for done, failure in results:
            if not done and not failure.check(NotFound):
                error = failure.value
                raise error if isinstance(error, ChatError) else RuntimeError(str(error))
        return sum(1 for done, _result in results if done)

    async def _note(self, member: Member, what: str, room: str, subject: str, detail: str) -> None:
        await self._registry.note(Deed(self._now(), member.user.id, what, room, subject, detail))
        await self._changes.catch_up()

    def _now(self) -> int:
        return int(self._clock.seconds() * 1000)


def _network(address: str) -> str:
    """An address, or a network that is counted as one, as `admission` names it."""
    try:
        network = ip_network(address, strict=False)
    except ValueError:
        raise BadRequest(f"{address[:64]!r} is no network address") from None
    if network.prefixlen != network.max_prefixlen and (network.version, network.prefixlen) != (6, 64):
        raise BadRequest("addresses are banned one by one, of IPv6 the /64 that each is in")
    return network_of(str(network.network_address))
