"""What a request is answered with: one type each, as it stands on the wire."""

from msgspec import Raw, Struct

from chatroom.domain.accounts import Deed, Report
from chatroom.domain.model import Id, Millis, Role, Room, Seq, User


class Reply(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag="ok"):
    """The plain `ok`. `id` is the request's."""

    id: Id | None = None


class Welcome(Reply, frozen=True, kw_only=True, omit_defaults=True, tag="welcome"):
    """The answer to `hello` and `login`. `role` is the one on the whole
    server (a guest's is left out); `token` shown in a
    later `hello` makes that connection this same user. `node` is the name of
    the server among several, where it has one (`--node`)."""

    user: User
    epoch: str
    limits: dict[str, float]
    time: Millis
    role: Role = "guest"
    token: str | None = None
    node: str | None = None


class Joined(Reply, frozen=True, kw_only=True, tag="ok"):
    """The answer to `join`; the first live event after it has `seq` = `room.head` + 1.

    `members` are at most 100 of the `room.count` there. `more`: `events` do not reach `head`, and
    `history` has the rest. `recovered` is false where `since` could not be honoured; `events` are
    then the newest.
    """

    room: Room
    members: tuple[User, ...]
    events: list[Raw]
    recovered: bool
    more: bool


class Posted(Reply, frozen=True, kw_only=True, omit_defaults=True, tag="ok"):
    """The answer to `post`, sent once the message is on disk. Without `seq` where an application
    kept the message to itself."""

    room: str
    seq: Seq | None = None
    at: Millis | None = None


class Changed(Reply, frozen=True, kw_only=True, tag="ok"):
    """The answer to `edit` and `delete`: the `seq` of the event that says so."""

    seq: Seq


class Reacted(Reply, frozen=True, kw_only=True, omit_defaults=True, tag="ok"):
    """The answer to `react`: the `seq` of the event that says so. Without one where it is so already."""

    seq: Seq | None = None


class Events(Reply, frozen=True, kw_only=True, tag="ok"):
    """The answer to `history`, oldest first. `more`: there are others beyond, the way it was read."""

    events: list[Raw]
    more: bool


class Found(Reply, frozen=True, kw_only=True, tag="ok"):
    """The answer to `search`: messages as they are now, the newest first."""

    messages: list[Raw]


class Members(Reply, frozen=True, kw_only=True, tag="ok"):
    """The answer to `who`: at most 500 of the `count` there."""

    members: tuple[User, ...]
    count: int


class RoomList(Reply, frozen=True, kw_only=True, tag="ok"):
    """The answer to `rooms`."""

    rooms: list[Room]


class Made(Reply, frozen=True, kw_only=True, tag="ok"):
    """The answer to `room.create`. A private room's name is not the one asked for: the server adds
    to it what nobody can guess."""

    room: Room


class Marked(Reply, frozen=True, kw_only=True, tag="ok"):
    """The answer to `read`: how far the user has read, on any of their devices."""

    seq: Seq


class Device(Struct, frozen=True):
    """Where a user is logged in. `current`: on the connection that asks."""

    id: str
    client: str
    address: str
    created: Millis
    seen: Millis
    until: Millis
    current: bool


class Devices(Reply, frozen=True, kw_only=True, tag="ok"):
    """The answer to `sessions`, newest first."""

    sessions: list[Device]


class Reports(Reply, frozen=True, kw_only=True, tag="ok"):
    """The answer to `reports`: the open ones, oldest first. `users`: who has reported."""

    reports: list[Report]
    users: list[User]


class Deeds(Reply, frozen=True, kw_only=True, tag="ok"):
    """The answer to `audit`, newest first. `users`: of whom they tell."""

    deeds: list[Deed]
    users: list[User]


class Purged(Reply, frozen=True, kw_only=True, tag="ok"):
    """The answer to `purge`: how many messages were deleted."""

    count: int


class Pong(Reply, frozen=True, kw_only=True, omit_defaults=True, tag="pong"):
    """The answer to `ping`."""

    time: Millis


class Error(Reply, frozen=True, kw_only=True, omit_defaults=True, tag="error"):
    """The answer to what cannot be done. `retry_after` (seconds) where trying again may help."""

    code: str
    message: str
    retry_after: float | None = None


AnyReply = (
    Welcome
    | Joined
    | Posted
    | Changed
    | Reacted
    | Events
    | Found
    | Members
    | RoomList
    | Made
    | Marked
    | Devices
    | Reports
    | Deeds
    | Purged
    | Pong
    | Error
    | Reply
)
"""Every answer of this version."""
