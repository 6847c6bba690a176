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


class Tally(Struct, frozen=True):
    """What some have put under a message: `by` are the ids of at most twenty of the `count`."""

    emoji: str
    by: tuple[str, ...]
    count: int


class Message(Logged, frozen=True, kw_only=True, omit_defaults=True, tag="message"):
    """Somebody said something.

    Read from the log later, `text` is the message's current text: `edited` says when it was last
    changed, `deleted` that it was taken back (`text` is empty then, and `data` gone), `reactions` what
    is under it, in the order it came.
    """

    text: str
    reply_to: Seq | None = None
    data: dict[str, Any] | None = None
    edited: Millis | None = None
    deleted: bool = False
    reactions: tuple[Tally, ...] = ()


class Edited(Logged, frozen=True, kw_only=True, omit_defaults=True, tag="edited"):
    """Message `target` now says `text`."""

    target: Seq
    text: str


class Deleted(Logged, frozen=True, kw_only=True, omit_defaults=True, tag="deleted"):
    """Message `target` was taken back."""

    target: Seq


class Reaction(Logged, frozen=True, kw_only=True, omit_defaults=True, tag="reaction"):
    """`by` put `emoji` under message `target`, or (not `on`) took it away. Once the message is deleted,
    `emoji` is empty."""

    target: Seq
    emoji: str
    on: bool


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


Event = Message | Edited | Deleted | Reaction | MemberChanged | RoomChanged
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


NAMED = 20
"""So many of those who have put the same emoji under a message are told by id."""


def size_of(tally: Tally) -> int:
    """About how many bytes of JSON it is."""
    return 40 + len(tally.emoji) + 28 * len(tally.by)


def tallied(tallies: tuple[Tally, ...], change: Reaction) -> tuple[Tally, ...]:
    """What is under a message after `change`. Told again, a change of somebody named changes nothing."""
    who, emoji = change.by.id, change.emoji
    before = next((one for one in tallies if one.emoji == emoji), None)
    if before is None:
        return (*tallies, Tally(emoji, (who,), 1)) if change.on else tallies
    all_named = before.count == len(before.by)
    if change.on == (who in before.by) and (change.on or all_named):
        return tallies
    others = tuple(one for one in before.by if one != who)
    by = (*others, who)[:NAMED] if change.on else others
    now = Tally(emoji, by, before.count + (1 if change.on else -1))
    return tuple(now if one is before else one for one in tallies if one is not before or now.count > 0)
