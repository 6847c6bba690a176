"""Webhooks in memory, for tests of what stands on them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count
from typing import Any

from msgspec import structs
from twisted.internet.defer import Deferred, fail, succeed

from chatroom.domain import names
from chatroom.domain.accounts import Account
from chatroom.domain.errors import ChatError, Conflict, NotFound
from chatroom.domain.webhooks import DEAD_KEPT, MOST, Behind, Letter, Move, Progress, Webhook

from .memory_registry import MemoryRegistry


class MemoryWebhooks:
    """A `chatroom.domain.webhooks.Webhooks` beside a MemoryRegistry, held to the contract by
    test_webhooks. Every call is done and answered at once; `broken` is what all fail with, if set."""

    def __init__(self, registry: MemoryRegistry) -> None:
        self.broken: ChatError | None = None
        self.kept: list[Progress] = []
        self._registry = registry
        self._hooks: dict[str, Webhook] = {}
        self._cursors: dict[tuple[str, str], int] = {}
        self._letters: dict[int, Letter] = {}
        self._present: dict[tuple[str, str, str], Move] = {}
        self._numbers = count(1)

    def cursor(self, hook: str, room: str) -> int:
        """How far it was told."""
        return self._cursors.get((hook, room), 0)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name in ("broken", "kept", "cursor"):
            return super().__getattribute__(name)
        method = super().__getattribute__(f"_do_{name}")

        def ask(*arguments: Any) -> Deferred[Any]:
            if self.broken is not None:
                return fail(self.broken)
            try:
                done = method(*arguments)
                return done if isinstance(done, Deferred) else succeed(done)
            except ChatError as error:
                return fail(error)

        return ask

    def _do_webhooks(self) -> list[Webhook]:
        return sorted(self._hooks.values(), key=lambda one: (one.created, one.id))

    def _do_add_webhook(self, hook: Webhook, bot: Account | None) -> None:
        if len(self._hooks) >= MOST:
            raise Conflict("too many")
        if bot is not None:
            done = self._registry.add_account(bot, None)
            failures: list[Any] = []
            done.addErrback(failures.append)
            if failures:
                failures[0].raiseException()
        self._hooks[hook.id] = hook
        self._cursors |= {(hook.id, room): head for room, head in self._heard(hook).items()}
        self._registry._changed("webhook", hook.id)

    def _do_remove_webhook(self, hook: str) -> None:
        if self._hooks.pop(hook, None) is None:
            raise NotFound("no such webhook")
        self._cursors = {key: seq for key, seq in self._cursors.items() if key[0] != hook}
        self._letters = {key: one for key, one in self._letters.items() if one.hook != hook}
        self._attend_no_more()
        self._registry._changed("webhook", hook)

    def _do_set_webhook(self, hook: str, disabled: int | None, reason: str) -> None:
        if hook not in self._hooks:
            raise NotFound("no such webhook")
        self._hooks[hook] = structs.replace(self._hooks[hook], disabled=disabled, reason=reason)
        self._attend_no_more()
        self._registry._changed("webhook", hook)

    def _do_behind(self, hook: Webhook) -> list[Behind]:
        heads, lettered = self._registry._store.all_heads(), self._do_lettered(hook.id)
        late = {room: head for room, head in self._heard(hook).items() if head > self.cursor(hook.id, room)}
        found = [
            Behind(room, self.cursor(hook.id, room), head, room in lettered)
            for room, head in sorted(late.items())
        ]
        others = [room for room in lettered if room not in late]
        return found + [
            Behind(room, max(self.cursor(hook.id, room), heads.get(room, 0)), heads.get(room, 0), True)
            for room in others
        ]

    def _do_reached(self, hook: str, room: str) -> int:
        return self.cursor(hook, room)

    def _do_letters(self, hook: str, room: str, after: int, limit: int) -> list[Letter]:
        there = [one for one in self._waiting(hook) if one.room == room and one.id > after]
        return there[:limit]

    def _do_lettered(self, hook: str) -> list[str]:
        return sorted({one.room for one in self._waiting(hook)})

    def _do_keep(self, progress: Progress) -> None:
        self.kept.append(progress)
        for (hook, room), seq in progress.cursors.items():
            if hook in self._hooks:
                self._cursors[hook, room] = max(seq, self.cursor(hook, room))
        for gone in [*progress.told, *(one.id for one in progress.dead)]:
            self._letters.pop(gone, None)
        for one in [*progress.dead, *self._moved(progress.moves)]:
            if one.hook in self._hooks:
                self._put(one)
        for one in progress.dead:
            died = one.dead or 0
            self._letters = {
                k: kept
                for k, kept in self._letters.items()
                if kept.dead is None or kept.dead >= died - DEAD_KEPT
            }

    def _moved(self, moves: Sequence[Move]) -> list[Letter]:
        new: list[Letter] = []
        for move in moves:
            which = move.room, move.user.id, move.node
            changes = (which in self._present) is not move.here
            if not move.here:
                self._present.pop(which, None)
            if changes and not any(key[:2] == (move.room, move.user.id) for key in self._present):
                new += move.letters
            if move.here:
                self._present[which] = move._replace(letters=())
        return new

    def _do_left_behind(self, nodes: Collection[str], limit: int) -> list[Move]:
        left = [one for one in self._present.values() if one.node not in nodes]
        return sorted(left, key=lambda one: one.node)[:limit]

    def _attend_no_more(self) -> None:
        if not any(one.attends and one.disabled is None for one in self._hooks.values()):
            self._present.clear()

    def _do_dead(self, hook: str, limit: int) -> list[Letter]:
        return [one for _, one in sorted(self._letters.items()) if one.hook == hook and one.dead][:limit]

    def _do_resend(self, hook: str, letter: int | None, now: int) -> int:
        if hook not in self._hooks:
            raise NotFound("no such webhook")
        chosen = [one for one in self._do_dead(hook, 10**9) if letter in (None, one.id)]
        if letter is not None and not chosen:
            raise NotFound("no such letter")
        for one in chosen:
            del self._letters[one.id]
            self._put(structs.replace(one, dead=None, reason="", at=now, after=0))
        self._registry._changed("webhook", hook)
        return len(chosen)

    def _put(self, letter: Letter) -> None:
        number = next(self._numbers)
        self._letters[number] = structs.replace(letter, id=number)

    def _waiting(self, hook: str) -> list[Letter]:
        return [one for _, one in sorted(self._letters.items()) if one.hook == hook and one.dead is None]

    def _heard(self, hook: Webhook) -> dict[str, int]:
        """The rooms it is told of, with their heads."""
        places = {room for room, user in self._registry._memberships if user == hook.account}
        found = {}
        for room, head in self._registry._store.all_heads().items():
            direct = names.kind_of(room) == "direct" and "direct" in hook.events and room in places
            if hook.hears(room) or direct:
                found[room] = head
        return found
