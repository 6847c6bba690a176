"""Who comes and goes, for the webhooks that are told of it: users, on whichever nodes they are.

Each node keeps in the database who is in such rooms there, and the database, which knows all nodes,
decides who came first and who went last. Of a node that died another keeps that its people went, unless
they are back by then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from secrets import token_hex

from chatroom.domain.events import Presence
from chatroom.domain.model import Millis, Seq, User
from chatroom.domain.ports import Clock
from chatroom.domain.webhooks import Letter, Move, Webhook, Webhooks
from chatroom.lanes import presence_letter
from chatroom.progress import MAX_NEW, Records

GRACE = 10.0
"""Seconds that the people of a node that is gone have to come back."""


class Comings:
    """Those of this node, which has an id for its life. `hooks` are the webhooks that there are, by id."""

    def __init__(
        self, kept: Webhooks, records: Records, clock: Clock, hooks: Mapping[str, Webhook], node: str = ""
    ) -> None:
        self.node = node or token_hex(8)
        self._kept = kept
        self._records = records
        self._clock = clock
        self._hooks = hooks
        self._gone: dict[str, float] = {}
        """Since when nodes are not there any more that have left somebody behind."""

    @property
    def attends(self) -> bool:
        """Whether any webhook is told who comes or goes."""
        return any(hook.attends for hook in self._hooks.values())

    @property
    def waits(self) -> bool:
        """Whether people have been left behind who may still come back."""
        return bool(self._gone)

    def hears(self, room: str) -> bool:
        """Whether one is told who comes into a room, or goes."""
        return any(hook.attends and hook.hears(room) for hook in self._hooks.values())

    def moved(self, room: str, user: User, head: Seq, *, here: bool) -> None:
        """Somebody is in a room here who was not, or is there no more, after its event `head`."""
        now = self._now()
        letters = self._letters(self._hooks.values(), room, user, head, now, here=here)
        self._records.moved(Move(room, user, self.node, here, now, letters))

    def are_here(self, people: Iterable[tuple[str, User]], *, told: bool) -> None:
        """Who is in which rooms here. It is news (and `told`) where the others thought this node dead."""
        now = self._now()
        for room, user in people:
            if self.hears(room):
                letters = self._letters(self._hooks.values(), room, user, 0, now, here=True) if told else ()
                self._records.restate(Move(room, user, self.node, True, now, letters))

    async def sweep(self, nodes: Collection[str] | None) -> None:
        """See to it that who was on a node that is gone is no longer in its rooms. `nodes` are all that are
        there, or None where that is not known. Raises Unavailable."""
        if nodes is None or not self.attends:
            self._gone.clear()
            return
        left, now = await self._kept.left_behind(sorted(nodes), MAX_NEW // 2), self._clock.seconds()
        self._gone = {move.node: self._gone.get(move.node, now) for move in left}
        for move in left:
            if now - self._gone[move.node] >= GRACE:
                known = [hook for hook in self._hooks.values() if hook.created <= move.at]
                letters = self._letters(known, move.room, move.user, 0, self._now(), here=False)
                # It is long ago: nothing of it has to wait.
                self._records.moved(move._replace(here=False, at=0, letters=letters))

    def _letters(
        self, hooks: Iterable[Webhook], room: str, user: User, head: Seq, at: Millis, *, here: bool
    ) -> tuple[Letter, ...]:
        word = "connected" if here else "disconnected"
        presence = Presence(room=room, user=user, state="online" if here else "offline")
        told: Sequence[Webhook] = [
            hook for hook in hooks if word in hook.events and hook.hears(room) and user.id != hook.account
        ]
        return tuple(presence_letter(hook.id, word, presence, head, at) for hook in told)

    def _now(self) -> Millis:
        return int(self._clock.seconds() * 1000)
