"""One room of one webhook: what it was told, and what comes next."""

from __future__ import annotations

import re
from collections import deque
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct

from chatroom.domain.events import Event, Presence
from chatroom.domain.model import Millis, Seq
from chatroom.domain.ports import Store, Timer
from chatroom.domain.webhooks import Letter, Webhook, Webhooks, word_for
from chatroom.progress import Records
from chatroom.signatures import message_id
from chatroom.wire import json

PAGE = 20
PAGE_BYTES = 64 * 1024
"""So much of a log is read at once."""

HELD = 20
"""So many new events wait in a lane; what is more is read from the log."""


class Told(Struct, frozen=True):
    """What is sent: which of the CHOICES it is, when it happened, and the event as chatroom.v1 has it."""

    type: str
    timestamp: str
    data: Raw


class Item(NamedTuple):
    """Something to tell: an event, or a letter."""

    message: str
    at: Millis
    body: bytes
    seq: Seq | None = None
    letter: Letter | None = None


class Route(NamedTuple):
    """What all lanes of a webhook have in common."""

    hook: Webhook
    mentioned: re.Pattern[str]
    epoch: str
    store: Store
    kept: Webhooks
    records: Records
    shared: bool = False
    """Whether other nodes write to the logs, and have told this webhook."""


def payload(word: str, at: Millis, data: bytes) -> bytes:
    """A body to send."""
    moment = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return msgspec.json.encode(Told(word, moment.replace("+00:00", "Z"), Raw(data)))


def presence_letter(hook: str, word: str, presence: Presence, after: Seq, at: Millis) -> Letter:
    """A letter of somebody's coming or going."""
    body = payload(word, at, json.encode(presence)).decode()
    return Letter(0, hook, presence.room, after, at, body=body)


class Lane:
    """What of a room is still to be told. `cursor` is the last event that is done with; None: all are, or
    (`uncertain`) what the store says."""

    __slots__ = (
        "_held",
        "_held_to",
        "_letters",
        "_read_to",
        "_route",
        "_version",
        "busy",
        "cursor",
        "head",
        "lettered",
        "room",
        "timer",
        "tries",
        "uncertain",
    )

    def __init__(
        self, route: Route, room: str, cursor: Seq | None = None, head: Seq = 0, *, uncertain: bool = False
    ) -> None:
        self._route = route
        self.room = room
        self.cursor = cursor
        self.head = head
        self.uncertain = uncertain
        self.lettered = False
        """Whether there may be letters that were not read."""
        self.busy = False
        """Whether it is being told something, or waits for its turn."""
        self.timer: Timer | None = None
        """Set while it waits for another attempt."""
        self.tries = 0
        self._held: deque[tuple[Event, str]] = deque()
        self._held_to = cursor or 0
        self._letters: deque[Letter] = deque()
        self._read_to = 0
        self._version = 0

    def __len__(self) -> int:
        """How many events it holds."""
        return len(self._held)

    def happened(self, event: Event, word: str | None, *, hold: bool) -> None:
        """A new event; `word` is as which it is to be told, None: not at all."""
        self.head = max(self.head, event.seq)
        if self.uncertain:
            return
        if self.cursor is None:
            self.cursor = self._held_to = event.seq - 1
        if event.seq == self._held_to + 1 and (word is None or (hold and len(self._held) < HELD)):
            self._held_to = event.seq
            if word is not None:
                self._held.append((event, word))

    def drop(self) -> None:
        """Hold nothing: what it held may be edited or deleted, or takes too much room."""
        self._version += 1
        self._held.clear()
        self._held_to = self.cursor or 0
        if self._read_to:
            self.lettered = True
            self._letters.clear()
            self._read_to = 0

    async def next(self) -> Item | None:
        """What is to be told now; None where there is nothing more. Raises Unavailable."""
        while True:
            if self.uncertain:
                await self._find_cursor()
            if self.lettered and not self._letters:
                await self._read_letters()
            done = self.cursor is None or self.cursor >= self.head
            if self._letters and (done or self._letters[0].after <= (self.cursor or 0)):
                item = await self._letter(self._letters[0])
                if item is not None:
                    return item
            elif done:
                return None
            elif self._held:
                return self._event(*self._held[0])
            elif self.cursor is not None and self.cursor < self._held_to:
                self._pass(self._held_to, told=False)
            else:
                await self._read_log()

    def passed(self, item: Item, *, told: bool) -> None:
        """That was told, or (not `told`) given up."""
        records, letter = self._route.records, item.letter
        if letter is not None:
            if self._letters and self._letters[0].id == letter.id:
                self._letters.popleft()
            if told:
                records.told(letter)
        elif item.seq is not None:
            if self._held and self._held[0][0].seq == item.seq:
                self._held.popleft()
            self._held_to = max(self._held_to, item.seq)
            self._pass(item.seq, told=True)
        self.tries = 0

    def _pass(self, seq: Seq, *, told: bool) -> None:
        self.cursor = seq
        self._route.records.passed(self._route.hook.id, self.room, seq, told=told)

    async def _find_cursor(self) -> None:
        route, hook = self._route, self._route.hook.id
        kept = await route.kept.reached(hook, self.room)
        self.cursor = self._held_to = max(kept, route.records.reached(hook, self.room))
        self.uncertain = False

    async def _read_letters(self) -> None:
        route = self._route
        # Some may be settled, and forgotten here, while this is being read.
        settled = set(route.records.unsettled)
        found = await route.kept.letters(route.hook.id, self.room, self._read_to, PAGE)
        if len(found) < PAGE:
            self.lettered = False
        if found:
            self._read_to = found[-1].id
            settled |= route.records.unsettled
            self._letters.extend(one for one in found if one.id not in settled)
            if route.shared:
                # What happened on other nodes may not be known here yet.
                self.head = max(self.head, *(one.after for one in found))

    async def _read_log(self) -> None:
        cursor, version = self.cursor or 0, self._version
        page = await self._route.store.after(self.room, cursor, PAGE, PAGE_BYTES)
        if version != self._version:
            return  # it may have been deleted meanwhile: read again
        if not page.events:
            self._held_to = self.head
            return
        self._held.clear()
        self._held_to = page.events[-1].seq
        self.head = max(self.head, self._held_to)
        for event in page.events:
            word = word_for(self._route.hook, self._route.mentioned, event)
            if word is not None:
                self._held.append((event, word))

    def _event(self, event: Event, word: str, letter: Letter | None = None) -> Item:
        hook = self._route.hook
        message = message_id(self._route.epoch, hook.id, event.room, event.seq)
        body = payload(word, event.at, json.encode(event))
        return Item(message, event.at if letter is None else letter.at, body, event.seq, letter)

    async def _letter(self, letter: Letter) -> Item | None:
        """What a letter says; None where that was deleted."""
        route = self._route
        if letter.body is not None:
            message = message_id(route.epoch, route.hook.id, letter.room, letter.body)
            return Item(message, letter.at, letter.body.encode(), None, letter)
        page = await route.store.after(letter.room, (letter.seq or 1) - 1, 1)
        event = page.events[0] if page.events and page.events[0].seq == letter.seq else None
        word = None if event is None else word_for(route.hook, route.mentioned, event)
        if event is not None and word is not None:
            return self._event(event, word, letter)
        self.passed(Item("", letter.at, b"", None, letter), told=True)
        return None
