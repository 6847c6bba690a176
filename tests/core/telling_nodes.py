"""Several nodes of one server that has webhooks, and which of them leads."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from chatroom.domain.accounts import Account
from chatroom.domain.webhooks import Webhook
from chatroom.house import Outbox
from chatroom.signatures import new_secret

from ..store.memory_webhooks import MemoryWebhooks
from .house import House, Talker
from .nodes import Nodes
from .receiving import FakeCourier


class FakeLead:
    """A `chatroom.domain.ports.Lead`: of those that share `all_`, the first has it."""

    def __init__(self, all_: list[FakeLead]) -> None:
        self._all = all_
        self.changed: Callable[[bool], None] = lambda _leads: None

    def start(self) -> None:
        self._all.append(self)
        if self.held:
            self.changed(True)

    async def stop(self) -> None:
        self.end()

    @property
    def held(self) -> bool:
        return self._all[:1] == [self]

    def end(self) -> None:
        """It is given up, without a word to its node."""
        held = self.held
        self._all.remove(self)
        if held and self._all:
            self._all[0].changed(True)

    def lose(self, *, known: bool = True) -> None:
        """Another has it now, if there is one: this node hears of that, or (not `known`) does not yet."""
        self.end()
        self._all.append(self)
        if known:
            self.changed(False)
            if self.held:
                self.changed(True)


class TellingNodes(Nodes):
    """Nodes with webhooks, each with a courier of its own; `sent` is what came, whoever brought it."""

    def __init__(self, count: int = 2, **options: Any) -> None:
        self.couriers: list[FakeCourier] = []
        self.leads: list[FakeLead] = []
        self.in_order: list[FakeLead] = []
        self.kept: Any = None
        super().__init__(count, **options)

    def parts(self) -> dict[str, Any]:
        if self.kept is None:
            self.kept = MemoryWebhooks(self.registry)
        courier, lead = FakeCourier(), FakeLead(self.in_order)
        self.couriers.append(courier)
        self.leads.append(lead)
        return {"outbox": Outbox(self.kept, courier, lead)}

    def hook(self, *events: str, name: str = "Otto", rooms: tuple[str, ...] = ("*",)) -> Webhook:
        """A new webhook, which all nodes know."""
        known = self.houses[0].known(name)
        bot = Account("b" + known.id[1:], name, known.key, "bot")
        words = events or ("message",)
        url = f"https://{name}.example.org/"
        made = Webhook(f"w-{name}", name, url, new_secret(), rooms, words, bot.id, self.houses[0].now)
        self.kept.add_webhook(made, bot)
        self.elapse(1)
        return made

    def die(self, house: House) -> None:
        """As kill -9 does it."""
        number = self.couriers.index(house.core.webhooks._courier)  # type: ignore[union-attr]
        webhooks: Any = house.core.webhooks
        webhooks.pause()
        webhooks._records.stop()
        self.couriers[number].hanging.clear()
        super().die(house)
        self.leads[number].end()

    def posts(self, talker: Talker, *texts: str, room: str = "lobby") -> None:
        """Somebody says these; everything happens that comes of it."""
        for text in texts:
            talker.say("post", room=room, text=text)
            self.settle()

    def told(self, room: str | None = None) -> list[str]:
        """The texts that all nodes have told, of one room if it is named: those of the first node first."""
        bodies = [json.loads(one.body) for courier in self.couriers for one in courier.sent]
        return [one["data"]["text"] for one in bodies if room in (None, one["data"]["room"])]


def people(nodes: TellingNodes) -> list[Any]:
    """Somebody on each node."""
    return [house.json(f"guest{number}") for number, house in enumerate(nodes.houses)]
