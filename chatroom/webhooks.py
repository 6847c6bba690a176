"""Webhooks: everything that is told by HTTP, from what is committed to what came of it.

The logs are the outbox: what is committed is told from them, in the order of each room, at least once.
Nothing of it is waited for by anybody in the rooms. Of several nodes the one that has the lead tells, of
what happens on all of them: the others pass it on, and it looks into the database for what was lost.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from chatroom.answers import Answers
from chatroom.comings import Comings
from chatroom.domain import names
from chatroom.domain.accounts import Change, Deed
from chatroom.domain.errors import Unavailable
from chatroom.domain.events import Event
from chatroom.domain.model import Seq, User
from chatroom.domain.ports import Clock, Committed, Lead, Store, Timer
from chatroom.domain.registry import Registry
from chatroom.domain.webhooks import Courier, Webhook, mention_of
from chatroom.domain.webhooks import Webhooks as Kept
from chatroom.lanes import Item, Route
from chatroom.postman import Load, Postman
from chatroom.progress import AWAY, SOON, Records

BY = "webhooks"
"""Who did it, in the audit log."""

LOOK = 1.0
"""Seconds until it is looked whether anything was not heard of: right after the lead was taken, and
always while the bus is down."""

LOOK_ANYWAY = 5.0
"""The same otherwise: the bus may lose something."""

LOOKING = 20
"""A look that took long is not made again before so many times as long: with a million rooms it does."""

_HELD = 20_000
"""Of so many rooms it is held who is told of them, before all are forgotten."""


class Others(Protocol):
    """The other nodes."""

    @property
    def up(self) -> bool:
        """Whether they can be heard."""

    def nodes(self) -> Collection[str] | None:
        """The ids of all nodes, this one's too; None where that is not known."""

    def listen(self, leads: bool) -> None:
        """Hear of what the others pass on, or (False) no more."""

    def lettered(self, hook: str, room: str) -> None:
        """Whoever leads is to know of letters that were kept here."""


class Webhooks:
    """All webhooks of this server at work. Whoever stops says of nobody that they went: they may be back
    at once, on another node or the next life of this one. Without a `lead` there is no other node.
    `jitter` gives a number from 0 to 1."""

    _log = Logger()

    def __init__(
        self,
        kept: Kept,
        store: Store,
        registry: Registry,
        courier: Courier,
        answers: Answers,
        clock: Clock,
        lead: Lead | None = None,
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
        self._records = Records(kept, clock, self._lettered, SOON if lead is None else AWAY)
        self._hooks: dict[str, Webhook] = {}
        self.comings = Comings(kept, self._records, clock, self._hooks)
        self._postmen: dict[str, Postman] = {}
        self._directs: dict[str, frozenset[str]] = {}
        """Of each webhook the direct rooms of its bot."""
        self._told: dict[str, tuple[str, ...]] = {}
        """Which are told of a room."""
        self._paused = False
        self._turn = DeferredLock()
        self._lead = lead
        self._leads = lead is None
        self._timer: Timer | None = None
        self.others: Others | None = None
        """Where there is a bus, set before anything happens."""
        self.people: Callable[[], Iterable[tuple[str, User]]] = tuple
        """Gives who is in which rooms on this node."""

    @property
    def waiting(self) -> int:
        """How many rooms are still to be told of, of all webhooks together."""
        return self._load.lanes

    @property
    def leads(self) -> bool:
        """Whether it is this node that tells them."""
        return self._leads

    @property
    def count(self) -> int:
        """How many webhooks this node tells: none where another node leads."""
        return len(self._postmen)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How many deliveries were told, have failed (each try), and were given up (dead)."""
        return self._load.outcomes

    def start(self) -> None:
        """Tell, or wait for the lead."""
        if self._lead is not None:
            self._lead.changed = self._led
            self._lead.start()
        elif self.comings.attends:
            self._plan(0)

    async def load(self) -> None:
        """Read which there are, and begin with what was not told yet. Raises Unavailable."""
        async with self._turn:
            found = {one.id: one for one in await self._kept.webhooks() if one.disabled is None}
            for hook in [*self._hooks]:
                if found.get(hook) != self._hooks[hook]:
                    self._close(hook, forget=hook not in found)
            for hook in found.keys() - self._hooks.keys():
                await self._know(found[hook])
            for one in found.values():
                if self._leads and not self._paused and one.id not in self._postmen:
                    await self._open(one)

    async def look(self, change: Change | None) -> None:
        """Something in the registry was changed, or (None) anything. Raises Unavailable."""
        if change is None:
            await self.load()
            for hook in list(self._hooks):
                await self._look_for_letters(hook)
                await self._find_directs(hook)
        elif change.what == "webhook":
            await self.load()
            await self._look_for_letters(change.subject)
        elif change.what == "membership":
            user = change.subject.partition(" ")[2]
            for hook, one in list(self._hooks.items()):
                if one.account == user:
                    before = self._directs.get(hook)
                    await self._find_directs(hook)
                    if self._lead is not None and self._directs.get(hook) != before:
                        # Another node may have told of what was said there before this one knew of it.
                        self._plan(0)

    def committed(self, committed: Committed) -> None:
        """These are in the logs."""
        if self._postmen:
            self.happened(event for event, _origin in committed)

    def happened(self, events: Iterable[Event]) -> None:
        """These are in the logs; other nodes may have put them there."""
        for event in events:
            for hook in self._who_hears(event.room):
                if hook in self._postmen:
                    self._postmen[hook].happened(event)

    def lettered(self, hook: str, room: str) -> None:
        """There are letters of a room for a webhook, which another node has kept."""
        if hook in self._postmen:
            self._postmen[hook].lettered(room)

    def wants(self, room: str) -> bool:
        """Whether what happens in a room is told by another node."""
        return not self._leads and bool(self._hooks) and bool(self._who_hears(room))

    def mended(self) -> None:
        """The other nodes can be heard again: what they said meanwhile is lost."""
        self.comings.are_here(self.people(), told=True)
        if self._timer is not None:
            self._plan(0)

    def attends(self, room: str) -> bool:
        """Whether it is to be told who comes into a room, or goes."""
        return bool(self._hooks) and not self._paused and self.comings.hears(room)

    def came(self, room: str, user: User, head: Seq) -> None:
        """Somebody is in a room on this node who was not, after its event `head`."""
        self.comings.moved(room, user, head, here=True)

    def went(self, room: str, user: User, head: Seq) -> None:
        """Somebody is in a room on this node no more."""
        self.comings.moved(room, user, head, here=False)

    def pause(self) -> None:
        """Begin no more deliveries: the server is about to stop."""
        self._paused = True
        self._plan(None)
        for postman in self._postmen.values():
            postman.stop()

    async def stop(self) -> None:
        """Keep what is still to be kept; nothing more after that. Another node may tell the rest."""
        self.pause()
        while await self._records.keep(all_=True):
            pass
        self._records.stop()
        if self._lead is not None:
            await self._lead.stop()

    async def _know(self, hook: Webhook) -> None:
        self._hooks[hook.id] = hook
        self._told.clear()
        try:
            await self._find_directs(hook.id)
        except BaseException:
            self._close(hook.id, forget=False)
            raise
        if hook.attends:
            self.comings.are_here(self.people(), told=False)

    async def _open(self, hook: Webhook) -> None:
        postman = self._postmen[hook.id] = self._postman(hook)
        try:
            # What was told until now counts, also where it is not kept yet.
            await self._records.keep()
            behind = await self._kept.behind(hook)
        except BaseException:
            postman.stop()
            if self._postmen.get(hook.id) is postman:
                del self._postmen[hook.id]
            raise
        postman.begin(list(behind))

    def _postman(self, hook: Webhook) -> Postman:
        mentioned, shared = mention_of(hook.name), self._lead is not None
        route = Route(hook, mentioned, self._store.epoch, self._store, self._kept, self._records, shared)

        async def answered(item: Item, room: str, body: bytes) -> None:
            await self._answers.post(hook, room, item.message, body)

        async def gone(why: str) -> None:
            await self._disable(hook, why)

        return Postman(
            route, self._courier, self._clock, self._load, self._started, self._jitter, answered, gone
        )

    def _close(self, hook: str, *, forget: bool) -> None:
        if hook in self._postmen:
            self._postmen.pop(hook).stop()
        del self._hooks[hook]
        self._directs.pop(hook, None)
        self._told.clear()
        if forget:
            self._records.forget(hook)

    # The lead.

    def _led(self, leads: bool) -> None:
        """This node has the lead, or has it no more."""
        self._leads = leads
        if self.others is not None:
            self.others.listen(leads)
        if leads:
            self._plan(0)
            return
        self._plan(None)
        for hook in [*self._postmen]:
            self._postmen.pop(hook).stop()

    def _plan(self, delay: float | None) -> None:
        """Look into the database after so many seconds, or (None) no more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if delay is not None and self._leads and not self._paused:
            self._timer = self._clock.callLater(delay, self._due)

    def _due(self) -> None:
        began = self._clock.seconds()
        fresh = not self._postmen

        def plan(_result: object) -> None:
            if self._lead is None and not self.comings.waits:
                return
            hears = self.others is None or self.others.up
            least = LOOK_ANYWAY if hears and not fresh else LOOK
            self._plan(max(least, LOOKING * (self._clock.seconds() - began)))

        done = Deferred.fromCoroutine(self._catch_up())
        done.addErrback(lambda failure: self._log.failure("webhooks cannot be looked after", failure))
        done.addCallback(plan)

    async def _catch_up(self) -> None:
        """Find what was not heard of."""
        try:
            if self._hooks.keys() != self._postmen.keys():
                await self.load()
                return
            await self.comings.sweep({self.comings.node} if self.others is None else self.others.nodes())
            for postman in list(self._postmen.values()) if self._lead is not None else ():
                postman.hold(self.others is None or self.others.up)
                postman.look(await self._kept.behind(postman.route.hook))
        except Unavailable:
            pass  # the next look may succeed

    async def _disable(self, hook: Webhook, why: str) -> None:
        await self._kept.set_webhook(hook.id, self._now(), why)
        await self._registry.note(Deed(self._now(), BY, "webhook.disable", subject=hook.id, detail=why))

    async def _look_for_letters(self, hook: str) -> None:
        if hook in self._postmen:
            for room in await self._kept.lettered(hook):
                self.lettered(hook, room)

    async def _find_directs(self, hook: str) -> None:
        one = self._hooks.get(hook)
        if one is not None and "direct" in one.events:
            places = await self._registry.memberships_of(one.account)
            self._directs[hook] = frozenset(p.room for p in places if names.kind_of(p.room) == "direct")
        self._told.clear()

    def _who_hears(self, room: str) -> Sequence[str]:
        found = self._told.get(room)
        if found is None:
            if len(self._told) >= _HELD:
                self._told.clear()
            found = self._told[room] = tuple(
                hook
                for hook, one in self._hooks.items()
                if one.hears(room) or room in self._directs.get(hook, ())
            )
        return found

    def _lettered(self, hook: str, room: str) -> None:
        if self._leads:
            self.lettered(hook, room)
        elif self.others is not None:
            self.others.lettered(hook, room)

    def _freed(self) -> None:
        for postman in self._postmen.values():
            postman.go()

    def _now(self) -> int:
        return int(self._clock.seconds() * 1000)
