"""The newest events of a live room, in memory and already encoded.

A reconnect storm, thousands of members asking for "what is after N" within seconds, is answered
from here: the store is read once a room, and each event is encoded once, not once a member.
"""

from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from msgspec import structs

from chatroom.domain.events import Deleted, Edited, Event, MemberChanged, Message, Reaction, size_of, tallied
from chatroom.domain.model import By, Millis, Seq
from chatroom.domain.ports import PAGE_BYTES, Dialect

MAX_EVENTS = 1_000
MAX_BYTES = 512 * 1024
LOADED = 200
"""How many events a tail starts with."""


class Stretch(NamedTuple):
    """Encoded events, oldest first. `more`: they stop short of the head."""

    payloads: list[bytes]
    more: bool


class _Entry:
    __slots__ = ("event", "payloads", "size")

    def __init__(self, event: Event) -> None:
        self.hold(event)

    def hold(self, event: Event) -> None:
        self.event = event
        self.size = _size(event)
        self.payloads: dict[type[Dialect], bytes | None] = {}


class Tail:
    """Consecutive events up to `head`, bounded in count and in bytes (of text and data, about)."""

    __slots__ = ("_entries", "_size", "head")

    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque()
        self._size = 0
        self.head: Seq = 0

    def fill(self, events: Iterable[Event], head: Seq) -> None:
        """Start with `events`, the last of which is the newest of all, number `head`."""
        for event in events:
            self.append(event)
        self.head = max(self.head, head)

    def append(self, event: Event) -> None:
        """The next event. One about a message also changes what is held of that message."""
        if isinstance(event, Edited | Deleted | Reaction):
            self._change(event)
        entry = _Entry(event)
        self._entries.append(entry)
        self._size += entry.size
        self.head = event.seq
        while len(self._entries) > MAX_EVENTS or (self._size > MAX_BYTES and len(self._entries) > 1):
            self._size -= self._entries.popleft().size

    def payload(self, event: Event, dialect: Dialect) -> bytes | None:
        """`event`, which is held, in a dialect; encoded once."""
        entry = self._entry(event.seq)
        return dialect.event(event) if entry is None else _payload(entry, dialect)

    def reaches(self, seq: Seq) -> bool:
        """Whether everything after `seq` is here."""
        return seq >= self.head - len(self._entries)

    def before(self, at: Millis) -> Seq:
        """The `seq` of the newest event that is from before a time; of what is held, the one before that
        where none is."""
        seq = self.head
        for entry in reversed(self._entries):
            if entry.event.at < at:
                break
            seq -= 1
        return seq

    def after(self, seq: Seq, dialect: Dialect, limit: int, size: int = PAGE_BYTES) -> Stretch:
        """The first events after `seq`, which `reaches`; at least one where there is one."""
        start = len(self._entries) - (self.head - seq)
        chosen: list[bytes] = []
        for entry in islice(self._entries, max(0, start), None):
            if len(chosen) == limit or (chosen and size <= 0):
                return Stretch(chosen, True)
            payload = _payload(entry, dialect)
            if payload is not None:
                chosen.append(payload)
                size -= len(payload)
        return Stretch(chosen, False)

    def newest(self, dialect: Dialect, limit: int, size: int = PAGE_BYTES) -> list[bytes]:
        """The last `limit` events, or as many as are here and fit."""
        chosen: list[bytes] = []
        for entry in islice(reversed(self._entries), limit):
            payload = _payload(entry, dialect)
            if payload is not None:
                size -= len(payload)
                if chosen and size < 0:
                    break
                chosen.append(payload)
        return chosen[::-1]

    def rename(self, user_id: str, name: str) -> None:
        """Tell of a user who is gone by another name, in every event that tells of them, and of nothing
        that they have put under messages."""
        for entry in self._entries:
            if user_id in named_in(entry.event):
                entry.hold(renamed(entry.event, user_id, name))
            if isinstance(entry.event, Message) and entry.event.reactions:
                entry.hold(_without(entry.event, user_id))

    def _entry(self, seq: Seq) -> _Entry | None:
        index = len(self._entries) - 1 - (self.head - seq)
        return self._entries[index] if 0 <= index < len(self._entries) else None

    def _change(self, change: Edited | Deleted | Reaction) -> None:
        first = len(self._entries) - 1 - (self.head - change.target)
        for entry in islice(self._entries, max(0, first), None):
            changed = _changed(entry.event, change)
            if changed is not entry.event:
                self._size -= entry.size
                entry.hold(changed)
                self._size += entry.size


def _changed(event: Event, change: Edited | Deleted | Reaction) -> Event:
    """How `event` reads after `change`: a message and every edit of it say what it says now."""
    if isinstance(event, Message) and event.seq == change.target:
        if isinstance(change, Edited):
            return structs.replace(event, text=change.text, edited=change.at)
        if isinstance(change, Reaction):
            return structs.replace(event, reactions=tallied(event.reactions, change))
        return structs.replace(event, text="", data=None, deleted=True, reactions=())
    if isinstance(change, Reaction):
        return event
    if isinstance(event, Edited) and event.target == change.target:
        return structs.replace(event, text=change.text if isinstance(change, Edited) else "")
    if isinstance(event, Reaction) and event.target == change.target and isinstance(change, Deleted):
        return structs.replace(event, emoji="")
    return event


def _without(message: Message, user_id: str) -> Message:
    """`message` without what that user has put under it."""
    tallies = message.reactions
    for one in tallies:
        if user_id in one.by:
            by = By(user_id, "")
            off = Reaction(room=message.room, at=0, by=by, target=message.seq, emoji=one.emoji, on=False)
            tallies = tallied(tallies, off)
    return structs.replace(message, reactions=tallies)


def named_in(event: Event) -> tuple[str, ...]:
    """The ids of those whose names are in `event`."""
    return (event.by.id, event.user.id) if isinstance(event, MemberChanged) else (event.by.id,)


def renamed(event: Event, user_id: str, name: str) -> Event:
    """`event` with another name of that user."""
    if event.by.id == user_id:
        event = structs.replace(event, by=structs.replace(event.by, name=name))
    if isinstance(event, MemberChanged) and event.user.id == user_id:
        event = structs.replace(event, user=structs.replace(event.user, name=name))
    return event


def _size(event: Event) -> int:
    if not isinstance(event, Message | Edited):
        return 0
    data = event.data if isinstance(event, Message) else None
    reactions = event.reactions if isinstance(event, Message) else ()
    return len(event.text) + (0 if data is None else len(str(data))) + sum(map(size_of, reactions))


def _payload(entry: _Entry, dialect: Dialect) -> bytes | None:
    spoken = type(dialect)
    try:
        return entry.payloads[spoken]
    except KeyError:
        payload = entry.payloads[spoken] = dialect.event(entry.event)
        return payload
