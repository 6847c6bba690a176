"""One transaction: everything that waits is checked, numbered and inserted."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from msgspec import structs
from sqlalchemy import Connection, bindparam, insert, select, update

from chatroom.domain.errors import ChatError, NotFound
from chatroom.domain.events import Deleted, Edited, Event, Message
from chatroom.store.rows import event_row, events_of, message_row, to_event
from chatroom.store.tables import event, message, room

Outcome = tuple[Event | ChatError, bool]
"""What became of a draft; True where it is a new event, False where it is an earlier one or none."""

_Key = tuple[str, str, str]
_CHUNK = 500
"""How many values one query lists: databases bound that."""

# Built once: SQLAlchemy then finds their SQL without taking them apart each time.
_insert_events = insert(event)
_insert_messages = insert(message)
_make_rooms = insert(room)
_heads_of = select(room.c.name, room.c.head).where(room.c.name.in_(bindparam("names", expanding=True)))
_raise_head = update(room).where(room.c.name == bindparam("room_name")).values(head=bindparam("new_head"))


def commit(connection: Connection, drafts: Sequence[Event], *, careful: bool = True) -> list[Outcome]:
    """Append `drafts` in their order; the caller's transaction makes it durable.

    Hardly ever is a message a repetition of one that is in the log, so that is looked up only if
    `careful`. Otherwise IntegrityError tells of one; roll back then, and be careful.
    """
    repeats = _repeats(connection, [d for d in drafts if careful or not isinstance(d, Message)])
    heads = _heads(connection, {draft.room for draft in drafts})
    before = dict(heads)
    outcomes: list[Outcome] = []
    fresh: list[Event] = []
    for draft in drafts:
        key = _key(draft)
        if key is not None and key in repeats:
            outcomes.append((repeats[key], False))
            continue
        if not isinstance(draft, Message):
            if draft.target > before[draft.room]:
                # What it is about may be one of these.
                _insert(connection, fresh)
                fresh = []
            if not _change(connection, draft):
                outcomes.append((NotFound("no such message"), False))
                continue
        heads[draft.room] += 1
        committed: Event = structs.replace(draft, seq=heads[draft.room])
        if key is not None:
            repeats[key] = committed
        fresh.append(committed)
        outcomes.append((committed, True))
    _insert(connection, fresh)
    raised = [{"room_name": n, "new_head": h} for n, h in heads.items() if h != before[n]]
    if raised:
        connection.execute(_raise_head, raised)
    return outcomes


def _insert(connection: Connection, fresh: Sequence[Event]) -> None:
    if fresh:
        connection.execute(_insert_events, [event_row(one) for one in fresh])
    said = [message_row(one) for one in fresh if isinstance(one, Message)]
    if said:
        connection.execute(_insert_messages, said)


def _key(draft: Event) -> _Key | None:
    return None if draft.key is None else (draft.room, draft.by.id, draft.key)


def _repeats(connection: Connection, drafts: Sequence[Event]) -> dict[_Key, Event]:
    """The events that some of these drafts are repetitions of."""
    found: dict[_Key, Event] = {}
    for room_name, author, key in {known for draft in drafts if (known := _key(draft)) is not None}:
        query = events_of(room_name).where(event.c.author == author, event.c.key == key)
        row = connection.execute(query).first()
        if row is not None:
            found[room_name, author, key] = to_event(row)
    return found


def _heads(connection: Connection, names: set[str]) -> dict[str, int]:
    """The head of each room; those that are not there yet are made."""
    heads: dict[str, int] = {}
    for some in _chunks(names):
        rows = connection.execute(_heads_of, {"names": some})
        heads.update((row.name, row.head) for row in rows)
    made = [
        {"name": name, "title": name, "kind": "public", "head": 0} for name in sorted(names - heads.keys())
    ]
    if made:
        connection.execute(_make_rooms, made)
        heads.update((row["name"], 0) for row in made)  # type: ignore[misc]
    return heads


def _change(connection: Connection, draft: Edited | Deleted) -> bool:
    """Give the target its new text; False where there is no such message (any more)."""
    values: dict[str, Any]
    if isinstance(draft, Edited):
        values = {"text": draft.text, "edited": draft.at}
    else:
        values = {"text": "", "deleted": True}
    changed = connection.execute(
        update(message)
        .where(message.c.room == draft.room, message.c.seq == draft.target, ~message.c.deleted)
        .values(values)
    )
    return changed.rowcount == 1


def _chunks(values: Iterable[Any]) -> Iterable[list[Any]]:
    rest = iter(values)
    while chunk := list(islice(rest, _CHUNK)):
        yield chunk
