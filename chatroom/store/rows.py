"""Rows to events and events to rows."""

from typing import Any

import msgspec
from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, func, select

from chatroom.domain.events import Deleted, Edited, Event, Message
from chatroom.domain.model import By, Seq
from chatroom.store.tables import event, message


class Body(msgspec.Struct, omit_defaults=True):
    """What `event.body` holds: the fields of a message that no query asks for."""

    reply_to: Seq | None = None
    data: dict[str, Any] | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Body).decode

_text_of: FromClause = event.outerjoin(
    message,
    and_(message.c.room == event.c.room, message.c.seq == func.coalesce(event.c.target, event.c.seq)),
)
_columns: list[ColumnElement[Any]] = [
    event.c.room,
    event.c.seq,
    event.c.at,
    event.c.kind,
    event.c.author,
    event.c.name,
    event.c.key,
    event.c.target,
    event.c.body,
    message.c.text,
    message.c.edited,
    message.c.deleted,
]


def events_of(room: str) -> Select[Any]:
    """The events of a room, each with the current text of the message it is, or is about."""
    return select(*_columns).select_from(_text_of).where(event.c.room == room)


def to_event(row: Row[Any]) -> Event:
    """The event that a row of `events_of` is."""
    by = By(row.author, row.name)
    common = {"room": row.room, "seq": row.seq, "at": row.at, "by": by, "key": row.key}
    if row.kind == "edited":
        return Edited(**common, target=row.target, text=row.text)
    if row.kind == "deleted":
        return Deleted(**common, target=row.target)
    body = _decode(row.body) if row.body else Body()
    return Message(
        **common,
        text=row.text,
        reply_to=body.reply_to,
        data=body.data,
        edited=row.edited,
        deleted=row.deleted,
    )


def event_row(committed: Event) -> dict[str, Any]:
    """What table `event` keeps of an event."""
    body = None
    if isinstance(committed, Message) and (committed.data is not None or committed.reply_to is not None):
        body = _encode(Body(committed.reply_to, committed.data)).decode()
    return {
        "room": committed.room,
        "seq": committed.seq,
        "at": committed.at,
        "kind": committed.__struct_config__.tag,
        "author": committed.by.id,
        "name": committed.by.name,
        "key": committed.key,
        "target": None if isinstance(committed, Message) else committed.target,
        "body": body,
    }


def message_row(said: Message) -> dict[str, Any]:
    """What table `message` keeps of a new message."""
    return {"room": said.room, "seq": said.seq, "text": said.text, "edited": None, "deleted": False}
