"""A server with webhooks, on a clock, and the receivers of what it tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed

from chatroom.domain.accounts import Account
from chatroom.domain.webhooks import Outcome, Parcel, Webhook
from chatroom.house import Outbox
from chatroom.progress import SOON
from chatroom.signatures import new_secret

from ..store.memory import MemoryStore
from ..store.memory_registry import MemoryRegistry
from ..store.memory_webhooks import MemoryWebhooks
from .house import House

OK = Outcome(200)


class FakeCourier:
    """A `chatroom.domain.webhooks.Courier`: `answer` gives the outcome of each parcel; where that is
    None, the request hangs, until `end` gives it one."""

    def __init__(self) -> None:
        self.answer: Callable[[Parcel], Outcome | None] = lambda _parcel: OK
        self.sent: list[Parcel] = []
        self.hanging: list[tuple[Parcel, Deferred[Outcome]]] = []

    def deliver(self, parcel: Parcel) -> Deferred[Outcome]:
        self.sent.append(parcel)
        outcome = self.answer(parcel)
        if outcome is not None:
            return succeed(outcome)
        waiting: Deferred[Outcome] = Deferred()
        self.hanging.append((parcel, waiting))
        return waiting

    def end(self, outcome: Outcome = OK) -> None:
        """Give the oldest request that hangs its outcome."""
        self.hanging.pop(0)[1].callback(outcome)

    def told(self, url: str | None = None) -> list[dict[str, Any]]:
        """The bodies that were sent, to one receiver if it is named."""
        return [json.loads(one.body) for one in self.sent if url in (None, one.url)]

    def texts(self, url: str | None = None) -> list[str]:
        """The texts in them."""
        return [one["data"]["text"] for one in self.told(url)]

    @property
    def ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.sent]


class Telling(House):
    """A server with webhooks. `again` is one that is started on the same store, after this one ended
    as it stood."""

    def __init__(self, registry: MemoryRegistry | None = None, kept: Any = None, **options: Any) -> None:
        registry = registry or MemoryRegistry(MemoryStore())
        self.kept = kept or MemoryWebhooks(registry)
        self.courier = FakeCourier()
        super().__init__(registry=registry, outbox=Outbox(self.kept, self.courier), **options)
        assert self.core.webhooks is not None
        self.webhooks = self.core.webhooks

    def again(self) -> Telling:
        other = Telling(self.registry, self.kept)
        other.settle()
        return other

    def hook(
        self, *events: str, name: str = "Otto", rooms: tuple[str, ...] = ("*",), url: str | None = None
    ) -> Webhook:
        """A new webhook."""
        known = self.known(name)
        bot = Account("b" + known.id[1:], name, known.key, "bot")
        made = Webhook(
            f"w-{name}",
            name,
            url or f"https://{name}.example.org/",
            new_secret(),
            rooms,
            events or ("message",),
            bot.id,
            self.now,
        )
        self.kept.add_webhook(made, bot)
        self.look()
        return made

    def keep(self) -> None:
        """Let what was told be kept."""
        self.elapse(SOON)


def post(house: Telling, *texts: str, room: str = "lobby") -> None:
    """Somebody says these, and goes."""
    ana = house.json("Ana")
    for text in texts:
        ana.does("post", room=room, text=text)
    ana.drop()
