"""What people put under messages."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from chatroom.attendance import Attendance
from chatroom.domain import commands, names, replies, rules
from chatroom.domain.errors import ChatError, NotFound
from chatroom.domain.events import Event, Reaction
from chatroom.domain.model import By, Seq
from chatroom.domain.ports import Clock, Store
from chatroom.domain.registry import Registry
from chatroom.member import Member
from chatroom.rights import Rights

_BATCH = 200
"""So many of somebody's reactions are taken away at once."""


class Reactions:
    """The use case of reacting, and the end of somebody's reactions."""

    def __init__(
        self, registry: Registry, store: Store, attendance: Attendance, rights: Rights, clock: Clock
    ) -> None:
        self._registry = registry
        self._store = store
        self._attendance = attendance
        self._rights = rights
        self._clock = clock

    async def react(self, member: Member, command: commands.React) -> replies.Reacted:
        """Put an emoji under a message, or take one's own away again."""
        name = names.room_name(command.room)
        rules.check_emoji(command.emoji)
        await self._rights.admit("react", member.principal, name)
        by = rules.author(member.user)
        draft = self._draft(name, by, command.seq, command.emoji, on=command.on)
        event = await self._attendance.append(draft, member.outlet)
        return replies.Reacted(id=command.id, seq=event.seq or None)

    async def withdraw(self, by: By, room: str | None = None) -> int:
        """Take all that somebody has put under messages away, in a room or everywhere, as if they did;
        how many that were."""
        count = 0
        while found := await self._registry.reactions_of(by.id, room, _BATCH):
            drafts = [self._draft(name, by, seq, emoji, on=False) for name, seq, emoji in found]
            waiting = [Deferred.fromCoroutine(self._append(draft)) for draft in drafts]
            results: list[tuple[bool, Any]] = await DeferredList(waiting, consumeErrors=True)
            for done, failure in results:
                if not done and not failure.check(NotFound):
                    error = failure.value
                    raise error if isinstance(error, ChatError) else RuntimeError(str(error))
            taken = sum(1 for done, _event in results if done)
            count += taken
            if not taken:
                break
        return count

    async def _append(self, draft: Reaction) -> Event:
        return await self._store.append(draft)

    def _draft(self, room: str, by: By, target: Seq, emoji: str, *, on: bool) -> Reaction:
        at = int(self._clock.seconds() * 1000)
        return Reaction(room=room, at=at, by=by, target=target, emoji=emoji, on=on)
