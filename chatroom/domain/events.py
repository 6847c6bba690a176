"""What rooms tell their members.

Logged events have a gapless `seq` and are kept; passing ones are only for who is there now.
"""

from typing import Any, Literal

from msgspec import Struct

from chatroom.domain.model import By, Millis, Role, Seq, User

Change = Literal["joined", "left", "invited", "kicked", "banned", "unbanned", "muted", "unmuted", "role"]
"""What can happen to somebody's place in a room."""


class Logged(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """An event of a room's log. A draft, not committed yet, has `seq` 0."""

    room: str
    seq: Seq = 0
    at: Millis
    by: By
    key: str | None = None
    """What the client called this event, so that a repeated request returns the first one."""


class Message(Logged, frozen=True, kw_only=True, omit_defaults=True, tag="message"):
    """Somebody said something.

    Read from the log later, `text` is the message's current text: `edited` says when it was last
    changed, `deleted` that it was taken back (`text` is empty then, and `data` gone).
    """

    text: str
    reply_to: Seq | None = None
    data: dict[str, Any] | None = None
    edited: Millis | None = None
    deleted: bool = False


class Edited(Logged, frozen=True, kw_only=True, omit_defaults=True, tag="edited"):
    """Message `target` now says `text`."""

    target: Seq
    text: str


class Deleted(Logged, frozen=True, kw_only=True, omit_defaults=True, tag="deleted"):
    """Message `target` was taken back."""

    target: Seq


class MemberChanged(Logged, frozen=True, kw_only=True, omit_defaults=True, tag="member"):
    """`user`'s place in the room is another now: `by` invited, kicked, banned or muted them (until
    `until`, if not for good), took that back, or gave them a `role`."""

    user: User
    change: Change
    role: Role | None = None
    until: Millis | None = None
    reason: str | None = None


class RoomChanged(Logged, frozen=True, kw_only=True, omit_defaults=True, tag="room"):
    """The room is called, is about, or slows its members down otherwise now."""

    title: str | None = None
    topic: str | None = None
    slow: float | None = None


Event = Message | Edited | Deleted | MemberChanged | RoomChanged
"""Every type of the log."""


class Presence(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="presence"):
    """Somebody came or went; in a large room only `count`, how many are there."""

    room: str
    user: User | None = None
    state: Literal["online", "away", "offline"] | None = None
    count: int | None = None


class Typing(Struct, frozen=True, kw_only=True, tag_field="type", tag="typing"):
    """Somebody is writing, or has stopped."""

    room: str
    user: User
    on: bool


class Notice(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="notice"):
    """A word from the server or an application to one connection."""

    text: str
    room: str | None = None


class Closing(Struct, frozen=True, kw_only=True, tag_field="type", tag="closing"):
    """The server is about to close this connection; come back after `reconnect_after` seconds."""

    reason: str
    reconnect_after: float


class ReadMark(Struct, frozen=True, kw_only=True, tag_field="type", tag="read"):
    """The user has read the room up to `seq`, on another of their devices."""

    room: str
    seq: Seq


Passing = Presence | Typing | ReadMark | Notice | Closing
"""Every type that is not kept."""
