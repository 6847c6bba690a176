"""What a client may ask: one type each, as it stands on the wire.

`id` is anything the client likes; its reply carries it back.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct

from chatroom.domain.model import Id, Seq

Key = Annotated[str, Meta(min_length=1, max_length=128, description="Unique for its author in the room.")]
RoomName = Annotated[str, Meta(max_length=256)]
MAX_PAGE = 500


class Command(Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """What every request has."""

    id: Id | None = None


class Hello(Command, frozen=True, kw_only=True):
    """Who is there: the first request of a connection. A guest asks for `name`; `token` is the one
    an earlier `welcome` gave, and makes this the same guest again."""

    name: str | None = None
    token: str | None = None
    client: Annotated[str, Meta(max_length=256)] | None = None


class Join(Command, frozen=True, kw_only=True):
    """Be in `room`. With `since`, be told all that came after it (`epoch` is the log's it belongs to)."""

    room: RoomName
    since: Seq | None = None
    epoch: str | None = None


class Leave(Command, frozen=True, kw_only=True):
    """Be in `room` no more."""

    room: RoomName


class Post(Command, frozen=True, kw_only=True):
    """Say `text` in `room`. A post repeated with its `key` returns the first one's `seq`."""

    room: RoomName
    text: str
    key: Key | None = None
    reply_to: Seq | None = None
    data: dict[str, Any] | None = None


class Edit(Command, frozen=True, kw_only=True):
    """Give message `seq` of `room` another `text`."""

    room: RoomName
    seq: Seq
    text: str
    key: Key | None = None


class Delete(Command, frozen=True, kw_only=True):
    """Take message `seq` of `room` back."""

    room: RoomName
    seq: Seq
    key: Key | None = None


class Typing(Command, frozen=True, kw_only=True):
    """Say that the user is writing in `room`, or has stopped."""

    room: RoomName
    on: bool


class History(Command, frozen=True, kw_only=True):
    """Read the log of `room`: the `limit` events before `before`, or after `after`, or the newest."""

    room: RoomName
    before: Seq | None = None
    after: Seq | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 50


class Who(Command, frozen=True, kw_only=True):
    """Who is in `room` now?"""

    room: RoomName


class Rooms(Command, frozen=True, kw_only=True):
    """Which rooms are there?"""


class Ping(Command, frozen=True, kw_only=True):
    """Are you there?"""


AnyCommand = Hello | Join | Leave | Post | Edit | Delete | Typing | History | Who | Rooms | Ping
"""Every request of this version."""
