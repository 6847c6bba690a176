"""Webhooks as those keep them who run the server, and programs that may."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

from chatroom.changes import Changes
from chatroom.domain import names
from chatroom.domain.accounts import EVERYWHERE, Account, Deed, Principal
from chatroom.domain.errors import Conflict, NameTaken, NotFound
from chatroom.domain.model import Millis
from chatroom.domain.ports import Clock
from chatroom.domain.registry import Registry
from chatroom.domain.webhooks import Letter, Webhook, Webhooks, check_choice, check_url
from chatroom.rights import Rights
from chatroom.signatures import new_secret

MAX_DEAD = 1_000
"""So many dead letters at most are listed."""


class WebhookKeeping:
    """The use cases. All raise Forbidden for whom they are not, and NotFound for an unknown webhook."""

    def __init__(
        self, kept: Webhooks, registry: Registry, rights: Rights, changes: Changes, clock: Clock
    ) -> None:
        self._kept = kept
        self._registry = registry
        self._rights = rights
        self._changes = changes
        self._clock = clock

    async def webhooks(self, principal: Principal) -> Sequence[Webhook]:
        """All, oldest first. Their secrets are nobody's business any more."""
        self._rights.check_server("webhooks", principal)
        return await self._kept.webhooks()

    async def add(
        self,
        principal: Principal,
        url: str,
        rooms: Sequence[str],
        events: Sequence[str],
        name: str | None = None,
    ) -> Webhook:
        """A new webhook; its `secret` is told this once. Its bot is called `name`, or as the URL's host.

        Private rooms are for who may read there. Raises BadRequest, NameTaken, Conflict.
        """
        self._rights.check_server("webhooks", principal)
        rooms, events = check_choice(rooms, events)
        for room in rooms:
            if names.kind_of(room) is not None:
                await self._rights.admit("history", principal, room)
        shown = bot_name(url, name)
        found = await self._registry.account_named(names.name_key(shown))
        # Another's bot may have been told, directly, what this one's webhook should not hear.
        if found is not None and found[0].id != principal.user.id:
            raise NameTaken(f"there is a user {found[0].name} already: give the webhook another name")
        bot = new_bot(shown, self._now()) if found is None else found[0]
        made = new_webhook(url, rooms, events, bot, self._now())
        await self._kept.add_webhook(made, bot if found is None else None)
        await self._note(principal, "webhook.add", made.id, told_of(made))
        return made

    async def remove(self, principal: Principal, hook: str) -> None:
        """It is told nothing more; its dead letters go with it."""
        found = await self._find(principal, hook)
        await self._kept.remove_webhook(found.id)
        await self._note(principal, "webhook.remove", found.id, found.name)

    async def enable(self, principal: Principal, hook: str) -> None:
        """One that was disabled is told again, from where it was. Raises Conflict where it was not."""
        found = await self._find(principal, hook)
        if found.disabled is None:
            raise Conflict("this webhook is not disabled")
        await self._kept.set_webhook(found.id, None, "")
        await self._note(principal, "webhook.enable", found.id, found.name)

    async def dead(self, principal: Principal, hook: str, limit: int = MAX_DEAD) -> Sequence[Letter]:
        """What it could not be told for a day, oldest first."""
        found = await self._find(principal, hook)
        return await self._kept.dead(found.id, min(limit, MAX_DEAD))

    async def resend(self, principal: Principal, hook: str, letter: int | None = None) -> int:
        """Tell it a dead letter, or all; how many they are."""
        found = await self._find(principal, hook)
        count = await self._kept.resend(found.id, letter, self._now())
        await self._note(principal, "webhook.resend", found.id, f"{count} letters")
        return count

    async def _find(self, principal: Principal, hook: str) -> Webhook:
        for one in await self.webhooks(principal):
            if one.id == hook:
                return one
        raise NotFound("there is no such webhook")

    async def _note(self, by: Principal, what: str, subject: str, detail: str) -> None:
        await self._registry.note(Deed(self._now(), by.user.id, what, EVERYWHERE, subject, detail))
        await self._changes.catch_up()

    def _now(self) -> Millis:
        return int(self._clock.seconds() * 1000)


def bot_name(url: str, name: str | None) -> str:
    """What a webhook's bot is called. Raises BadRequest."""
    host = urlsplit(check_url(url)).hostname or ""
    return names.user_name(host[: names.NAME_LENGTH] if name is None else name)


def new_bot(name: str, now: Millis) -> Account:
    """An account for a webhook's answers."""
    return Account("b" + secrets.token_hex(12), name, names.name_key(name), "bot", "member", now)


def new_webhook(url: str, rooms: Sequence[str], events: Sequence[str], bot: Account, now: Millis) -> Webhook:
    """A webhook with an id and a secret of its own; `rooms` and `events` as `check_choice` gives them."""
    made = "w" + secrets.token_hex(8)
    return Webhook(made, bot.name, check_url(url), new_secret(), tuple(rooms), tuple(events), bot.id, now)


def told_of(hook: Webhook) -> str:
    """A webhook in the audit log: not its whole URL, which may have a secret of its own in it."""
    host = urlsplit(hook.url).hostname
    return f"{hook.name}: {' '.join(hook.events)} of {' '.join(hook.rooms) or 'its own'} to {host}"
