"""Webhooks: everything that is told by HTTP, from what is committed to what came of it.

The logs are the outbox: what is committed is told from them, in the order of each room, at least once.
Nothing of it is waited for by anybody in the rooms.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from twisted.logger import Logger

from chatroom.answers import Answers
from chatroom.domain import names
from chatroom.domain.accounts import Change, Deed
from chatroom.domain.events import Presence
from chatroom.domain.model import Seq, User
from chatroom.domain.ports import Clock, Committed, Store
from chatroom.domain.registry import Registry
from chatroom.domain.webhooks import PASSING, Courier, Webhook, mention_of
from chatroom.domain.webhooks import Webhooks as Kept
from chatroom.lanes import Item, Route, presence_letter
from chatroom.postman import Load, Postman
from chatroom.progress import Records

BY = "webhooks"
"""Who did it, in the audit log."""

_HELD = 20_000
"""Of so many rooms it is held who is told of them, before all are forgotten."""


class Webhooks:
    """All webhooks of this server at work. `jitter` gives a number from 0 to 1."""

    _log = Logger()

    def __init__(
        self,
        kept: Kept,
        store: Store,
        registry: Registry,
        courier: Courier,
        answers: Answers,
        clock: Clock,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._kept = kept
        self._store = store
        self._registry = registry
        self._courier = courier
        self._answers = answers
        self._clock = clock
        self._jitter = jitter
        self._started = self._now()
        self._load = Load()
        self._load.freed = self._freed
        self._records = Records(kept, clock, self._lettered)
        self._hooks: dict[str, Webhook] = {}
        self._postmen: dict[str, Postman] = {}
        self._directs: dict[str, frozenset[str]] = {}
        """Of each webhook the direct rooms of its bot."""
        self._told: dict[str, tuple[Postman, ...]] = {}
        """Who is told of a room."""
        self._paused = False

    @property
    def waiting(self) -> int:
        """How many rooms are still to be told of, of all webhooks together."""
        return self._load.lanes

    @property
    def count(self) -> int:
        """How many webhooks this server tells."""
        return len(self._postmen)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How many deliveries were told, have failed (each try), and were given up (dead)."""
        return self._load.outcomes

    async def load(self) -> None:
        """Read which there are, and begin with what was not told yet. Raises Unavailable."""
        found = {one.id: one for one in await self._kept.webhooks() if one.disabled is None}
        for hook in [*self._postmen]:
            if found.get(hook) != self._hooks.get(hook):
                self._close(hook, forget=hook not in found)
        for hook, one in found.items():
            if hook not in self._postmen and not self._paused:
                await self._open(one)

    async def look(self, change: Change | None) -> None:
        """Something in the registry was changed, or (None) anything. Raises Unavailable."""
        if change is None:
            await self.load()
            for hook in list(self._postmen):
                await self._look_for_letters(hook)
                await self._find_directs(hook)
        elif change.what == "webhook":
            await self.load()
            await self._look_for_letters(change.subject)
        elif change.what == "membership":
            user = change.subject.partition(" ")[2]
            for hook, one in list(self._hooks.items()):
                if one.account == user:
                    await self._find_directs(hook)

    def committed(self, committed: Committed) -> None:
        """These are in the logs."""
        if self._postmen:
            for event, _origin in committed:
                for postman in self._who_hears(event.room):
                    postman.happened(event)

    def came(self, room: str, user: User, head: Seq) -> None:
        """Somebody is in a room who was not, after its event `head`."""
        self._moved(room, user, head, here=True)

    def went(self, room: str, user: User, head: Seq) -> None:
        """Somebody is in a room no more."""
        self._moved(room, user, head, here=False)

    def pause(self) -> None:
        """Begin no more deliveries: the server is about to stop."""
        self._paused = True
        for postman in self._postmen.values():
            postman.stop()

    async def stop(self) -> None:
        """Keep what is still to be kept; nothing more after that."""
        self.pause()
        while await self._records.keep():
            pass
        self._records.stop()

    async def _open(self, hook: Webhook) -> None:
        mentioned = mention_of(hook.name)
        route = Route(hook, mentioned, self._store.epoch, self._store, self._kept, self._records)

        async def answered(item: Item, room: str, body: bytes) -> None:
            await self._answers.post(hook, room, item.message, body)

        async def gone(why: str) -> None:
            await self._disable(hook, why)

        postman = Postman(
            route, self._courier, self._clock, self._load, self._started, self._jitter, answered, gone
        )
        self._hooks[hook.id], self._postmen[hook.id] = hook, postman
        try:
            # What was told until now counts, also where it is not kept yet.
            await self._records.keep()
            await self._find_directs(hook.id)
            behind = await self._kept.behind(hook)
        except BaseException:
            self._close(hook.id, forget=False)
            raise
        postman.begin(list(behind))

    def _close(self, hook: str, *, forget: bool) -> None:
        self._postmen.pop(hook).stop()
        del self._hooks[hook]
        self._directs.pop(hook, None)
        self._told.clear()
        if forget:
            self._records.forget(hook)

    async def _disable(self, hook: Webhook, why: str) -> None:
        await self._kept.set_webhook(hook.id, self._now(), why)
        await self._registry.note(Deed(self._now(), BY, "webhook.disable", subject=hook.id, detail=why))

    async def _look_for_letters(self, hook: str) -> None:
        if hook in self._postmen:
            for room in await self._kept.lettered(hook):
                self._lettered(hook, room)

    async def _find_directs(self, hook: str) -> None:
        one = self._hooks.get(hook)
        if one is not None and "direct" in one.events:
            places = await self._registry.memberships_of(one.account)
            self._directs[hook] = frozenset(p.room for p in places if names.kind_of(p.room) == "direct")
        self._told.clear()

    def _who_hears(self, room: str) -> Sequence[Postman]:
        found = self._told.get(room)
        if found is None:
            if len(self._told) >= _HELD:
                self._told.clear()
            found = self._told[room] = tuple(
                postman
                for hook, postman in self._postmen.items()
                if self._hooks[hook].hears(room) or room in self._directs.get(hook, ())
            )
        return found

    def _moved(self, room: str, user: User, head: Seq, *, here: bool) -> None:
        word = "connected" if here else "disconnected"
        for postman in self._who_hears(room) if self._postmen else ():
            hook = postman.route.hook
            if user.id == hook.account or not hook.hears(room) or not set(PASSING) & set(hook.events):
                continue
            presence = Presence(room=room, user=user, state="online" if here else "offline")
            letter = presence_letter(hook.id, word, presence, head, self._now())
            self._records.happened(letter, user.id, chosen=word in hook.events)

    def _lettered(self, hook: str, room: str) -> None:
        postman = self._postmen.get(hook)
        if postman is not None:
            postman.lettered(room)

    def _freed(self) -> None:
        for postman in self._postmen.values():
            postman.go()

    def _now(self) -> int:
        return int(self._clock.seconds() * 1000)
