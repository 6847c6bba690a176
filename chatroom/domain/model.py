"""The nouns: User, By, Room, and the roles people have."""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Kind = Literal["guest", "user", "bot"]
RoomKind = Literal["public", "private", "announcement", "direct"]
Role = Literal["owner", "moderator", "member", "guest"]

MAX_SEQ = 2**53 - 1
"""The largest `seq`: what a JavaScript number holds exactly (RFC 8259, section 6)."""

Seq = Annotated[
    int,
    Meta(ge=0, le=MAX_SEQ, description="A position in a room's log; 0 is before the first event."),
]
Millis = Annotated[int, Meta(description="Milliseconds since 1970-01-01 UTC.")]
Id = Annotated[str, Meta(max_length=64)] | Annotated[int, Meta(ge=-MAX_SEQ, le=MAX_SEQ)]
"""What a request may carry as its `id`."""


class User(Struct, frozen=True):
    """Somebody who can be in rooms. `id` never changes; `name` is what people see."""

    id: str
    name: str
    kind: Kind = "guest"


class By(Struct, frozen=True):
    """The author of an event, with the name they had then."""

    id: str
    name: str


class Room(Struct, frozen=True):
    """A room as lists show it.

    `head` is the `seq` of its newest event, `count` who is in it now, `slow` the seconds between two
    posts of one member. `role` is the asker's own there, `read` what they have read of it, `unread`
    how many events are newer; `other` is who a direct room is with.
    """

    name: str
    title: str
    kind: RoomKind = "public"
    head: Seq = 0
    count: int = 0
    topic: str = ""
    slow: float = 0
    role: Role | UnsetType = UNSET
    read: Seq | UnsetType = UNSET
    unread: Seq | UnsetType = UNSET
    other: User | UnsetType = UNSET
