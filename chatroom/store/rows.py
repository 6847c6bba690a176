"""Rows to events and events to rows."""

from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from msgspec import structs
from sqlalchemy import BindParameter, ColumnElement, FromClause, Select, and_, func, select

from chatroom.domain.events import (
    Change,
    Deleted,
    Edited,
    Event,
    MemberChanged,
    Message,
    Reaction,
    RoomChanged,
)
from chatroom.domain.model import By, Millis, Role, Seq, User
from chatroom.store.tables import event, message


class Body(msgspec.Struct, omit_defaults=True):
    """What `event.body` holds of a message: the fields that no query asks for."""

    reply_to: Seq | None = None
    data: dict[str, Any] | None = None


class Mark(msgspec.Struct):
    """The same of a reaction."""

    emoji: str
    on: bool


class Place(msgspec.Struct, omit_defaults=True):
    """The same of a change of somebody's place."""

    user: User
    change: Change
    role: Role | None = None
    until: Millis | None = None
    reason: str | None = None


class Rules(msgspec.Struct, omit_defaults=True):
    """The same of a change of the room itself."""

    title: str | None = None
    topic: str | None = None
    slow: float | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Body).decode
_mark = msgspec.json.Decoder(Mark).decode
_place = msgspec.json.Decoder(Place).decode
_rules = msgspec.json.Decoder(Rules).decode
_kinds = {of: of.__struct_config__.tag for of in get_args(Event)}

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

EVENT_COLUMNS = ("room", "seq", "at", "kind", "author", "name", "key", "target", "body")
"""What `event_row` gives."""

MESSAGE_COLUMNS = ("room", "seq", "text")
"""What `message_row` gives; a new message's other columns are the same in all."""


def events_of(room: str | BindParameter[str]) -> Select[Any]:
    """The events of a room, each with the current text of the message it is, or is about."""
    return select(*_columns).select_from(_text_of).where(event.c.room == room)


def to_event(row: Sequence[Any]) -> Event:
    """The event that a row of `events_of` is, also as the driver gives it."""
    room, seq, at, kind, author, name, key, target, body, text, edited, deleted = row
    by = By(author, name)
    if kind == "edited":
        return Edited(room=room, seq=seq, at=at, by=by, key=key, target=target, text=text)
    if kind == "deleted":
        return Deleted(room=room, seq=seq, at=at, by=by, key=key, target=target)
    if kind == "reaction":
        mark = _mark(body)
        emoji = "" if deleted else mark.emoji
        return Reaction(room=room, seq=seq, at=at, by=by, key=key, target=target, emoji=emoji, on=mark.on)
    if kind == "member":
        return MemberChanged(room=room, seq=seq, at=at, by=by, key=key, **structs.asdict(_place(body)))
    if kind == "room":
        return RoomChanged(room=room, seq=seq, at=at, by=by, key=key, **structs.asdict(_rules(body)))
    if kind != "message":
        # What only newer servers know has its number and its place here, and nothing to show.
        return Message(room=room, seq=seq, at=at, by=by, key=key, text="", deleted=True)
    more = _decode(body) if body else Body()
    return Message(
        room=room,
        seq=seq,
        at=at,
        by=by,
        key=key,
        text=text,
        reply_to=more.reply_to,
        data=None if deleted else more.data,
        edited=edited,
        deleted=bool(deleted),
    )


def event_row(committed: Event) -> tuple[Any, ...]:
    """What table `event` keeps of an event: EVENT_COLUMNS."""
    target = committed.target if isinstance(committed, Edited | Deleted | Reaction) else None
    body = _body(committed)
    room, seq, by = committed.room, committed.seq, committed.by
    return room, seq, committed.at, _kinds[type(committed)], by.id, by.name, committed.key, target, body


def _body(committed: Event) -> str | None:
    if isinstance(committed, Message):
        if committed.data is None and committed.reply_to is None:
            return None
        return _encode(Body(committed.reply_to, committed.data)).decode()
    if isinstance(committed, Reaction):
        return _encode(Mark(committed.emoji, committed.on)).decode()
    if isinstance(committed, MemberChanged):
        change = committed.change
        place = Place(committed.user, change, committed.role, committed.until, committed.reason)
        return _encode(place).decode()
    if isinstance(committed, RoomChanged):
        return _encode(Rules(committed.title, committed.topic, committed.slow)).decode()
    return None


def without_data(body: str | None) -> str | None:
    """What stays of a message's `event.body` when the message is deleted."""
    more = _decode(body) if body else Body()
    return None if more.reply_to is None else _encode(Body(more.reply_to)).decode()


def message_row(said: Message) -> tuple[Any, ...]:
    """What table `message` keeps of a new message: MESSAGE_COLUMNS."""
    return said.room, said.seq, said.text
