"""chatroom.v1 as a client reads it: lenient, for a server may be newer than its clients."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from chatroom.client.errors import Refused
from chatroom.domain import events, replies
from chatroom.domain.events import Logged
from chatroom.domain.model import Id, Seq


class Unknown(Struct, frozen=True):
    """An event of a type, or of a shape, that this version does not know; `fields` is all of it.

    With a `seq` it is one of a room's log.
    """

    type: str
    room: str | None
    seq: Seq | None
    fields: dict[str, Any]


class Reset(Struct, frozen=True):
    """What came before it and what comes after it do not join: the server's log is another one (a
    backup was restored), or does not reach back that far any more. It goes on after event `seq` of the
    log `epoch`."""

    room: str
    seq: Seq
    epoch: str


Told = events.Event | Reset | Unknown
"""What a room tells, in order."""

Heard = events.Event | events.Passing | Unknown
"""What a server sends that answers no request."""

Answer = TypeVar("Answer", bound=replies.Reply)


class Head(Struct):
    """What every message begins with."""

    type: str = ""
    id: Id | None = None


REPLIES = frozenset({"ok", "error", "welcome", "pong"})

_head = msgspec.json.Decoder(Head)
_known = {
    str(one.__struct_config__.tag): msgspec.json.Decoder(one)
    for one in (*events.Event.__args__, *events.Passing.__args__)
}
_error = msgspec.json.Decoder(replies.Error)


def head(payload: bytes) -> Head | None:
    """What a message is; None where it is none of this protocol's."""
    try:
        return _head.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def event(payload: bytes, kind: str | None = None) -> Heard:
    """The event in `payload`, which is a JSON object; `kind` is its type where that is known."""
    if kind is None:
        kind = _head.decode(payload).type
    try:
        if kind in _known:
            return _known[kind].decode(payload)  # type: ignore[no-any-return]
    except msgspec.ValidationError:
        pass
    fields: dict[str, Any] = msgspec.json.decode(payload)
    room, seq = fields.get("room"), fields.get("seq")
    logged = type(seq) is int and "at" in fields
    return Unknown(kind, room if isinstance(room, str) else None, seq if logged else None, fields)


def seq_of(heard: Heard | Told) -> Seq | None:
    """Its place in its room's log; None where it is in none."""
    return heard.seq if isinstance(heard, Logged | Unknown) else None


def reply(payload: bytes, kind: type[Answer]) -> Answer:
    """The answer in `payload`. Raises Refused, also for an answer that is none."""
    found = head(payload)
    if found is not None and found.type == "error":
        try:
            error = _error.decode(payload)
        except msgspec.ValidationError:
            raise Refused("internal", "the server refused it without saying why") from None
        raise Refused(error.code, error.message, error.retry_after)
    try:
        return msgspec.json.decode(payload, type=kind)
    except msgspec.MsgspecError as problem:
        raise Refused("internal", f"the server's answer is not understood: {problem}") from None
