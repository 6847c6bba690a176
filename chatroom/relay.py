"""What the nodes pass on to the one that tells the webhooks, over the bus.

Nothing is lost with it: that node finds in the database what it does not hear of, only later.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Protocol

import msgspec
from msgspec import Struct

from chatroom.domain.events import Event
from chatroom.domain.ports import Bus
from chatroom.wire.json import encode_any

TOPIC = "webhooks"


class Lettered(Struct, array_like=True, frozen=True):
    """There are letters for a webhook, of a room."""

    hook: str
    room: str


_events = msgspec.json.Decoder(list[Event])
_lettered = msgspec.json.Decoder(Lettered)


class Telling(Protocol):
    """The webhooks of this node."""

    def wants(self, room: str) -> bool:
        """Whether what happens in a room is told by another node."""

    def happened(self, events: Iterable[Event]) -> None:
        """These are in the logs."""

    def lettered(self, hook: str, room: str) -> None:
        """Letters were kept."""

    def mended(self) -> None:
        """Whatever the others said lately is lost."""


class Relay:
    """This node's end of it; `publish` is given what it says to whoever leads, and a letter for its kind;
    `nodes` gives the ids of all nodes, or None where that is not known."""

    def __init__(
        self,
        bus: Bus,
        publish: Callable[[str, bytes, bytes], None],
        nodes: Callable[[], Collection[str] | None],
        webhooks: Telling,
    ) -> None:
        self._bus = bus
        self.nodes = nodes
        self._publish = publish
        self._webhooks = webhooks

    @property
    def up(self) -> bool:
        """Whether the others can be heard."""
        return self._bus.up

    def listen(self, leads: bool) -> None:
        """Hear of what the others pass on, or (False) no more."""
        if leads:
            self._bus.listen(TOPIC)
        else:
            self._bus.ignore(TOPIC)

    def committed(self, room: str, payload: bytes) -> None:
        """These events, as JSON, are in a room's log by this node's doing."""
        if self._webhooks.wants(room):
            self._publish(TOPIC, b"E", payload)

    def lettered(self, hook: str, room: str) -> None:
        """Letters were kept here."""
        self._publish(TOPIC, b"L", encode_any(Lettered(hook, room)))

    def heard(self, kind: bytes, body: bytes) -> None:
        """Another node says this. Raises msgspec.MsgspecError."""
        if kind == b"E":
            self._webhooks.happened(_events.decode(body))
        elif kind == b"L":
            letters = _lettered.decode(body)
            self._webhooks.lettered(letters.hook, letters.room)

    def mended(self) -> None:
        """The bus is up again."""
        self._webhooks.mended()
