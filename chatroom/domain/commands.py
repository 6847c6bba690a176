"""What a client may ask: one type each, as it stands on the wire.

`id` is anything the client likes; its reply carries it back.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from chatroom.domain.model import MAX_SEQ, Id, Role, Seq

_NO_NUL = r"^[^\u0000]*$"
"""PostgreSQL keeps no text with a U+0000."""

Key = Annotated[
    str,
    Meta(min_length=1, max_length=128, pattern=_NO_NUL, description="Unique for its author in the room."),
]
RoomName = Annotated[str, Meta(max_length=256)]
UserName = Annotated[str, Meta(max_length=64, description="A user's id or name.")]
Password = Annotated[str, Meta(max_length=1024)]
Title = Annotated[str, Meta(max_length=100)]
Topic = Annotated[str, Meta(max_length=1000, pattern=_NO_NUL)]
Reason = Annotated[str, Meta(max_length=1000, pattern=_NO_NUL)]
Client = Annotated[str, Meta(max_length=256, pattern=_NO_NUL)]
Until = Annotated[int, Meta(ge=0, le=MAX_SEQ, description="Milliseconds since 1970-01-01 UTC.")]
Emoji = Annotated[str, Meta(min_length=1, max_length=32)]
Words = Annotated[str, Meta(min_length=1, max_length=200, pattern=_NO_NUL)]
MAX_PAGE = 500
MAX_FOUND = 100


class Command(Struct, frozen=True, kw_only=True, tag_field="type", tag=str.lower):
    """What every request has."""

    id: Id | None = None


class Hello(Command, frozen=True, kw_only=True):
    """Who is there: the first request of a connection. A guest asks for `name`; `token` is the one
    an earlier `welcome` gave, and makes this the same guest again."""

    name: str | None = None
    token: str | None = None
    client: Client | None = None


class Join(Command, frozen=True, kw_only=True):
    """Be in `room`. With `since`, be told all that came after it (`epoch` is the log's it belongs to)."""

    room: RoomName
    since: Seq | None = None
    epoch: str | None = None


class Leave(Command, frozen=True, kw_only=True):
    """Be in `room` no more."""

    room: RoomName


class Post(Command, frozen=True, kw_only=True):
    """Say `text` in `room`, or to the user `to` alone. A post repeated with its `key` returns the
    first one's `seq`."""

    room: RoomName = ""
    to: UserName | None = None
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


class React(Command, frozen=True, kw_only=True):
    """Put `emoji` under message `seq` of `room`, or (not `on`) take one's own away again. Any characters
    but white space and those that cannot be seen will do."""

    room: RoomName
    seq: Seq
    emoji: Emoji
    on: bool = True


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


class Search(Command, frozen=True, kw_only=True):
    """Find the newest messages that have all the words of `query`, in `room` or in every room that the
    user may read."""

    query: Words
    room: RoomName | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_FOUND)] = 20


class Who(Command, frozen=True, kw_only=True):
    """Who is in `room` now?"""

    room: RoomName


class Rooms(Command, frozen=True, kw_only=True):
    """Which rooms are there?"""


class Ping(Command, frozen=True, kw_only=True):
    """Are you there?"""


class Login(Command, frozen=True, kw_only=True):
    """Instead of `hello`: the owner of an account comes with its `name` and `password`."""

    name: Annotated[str, Meta(max_length=256)]
    password: Password
    client: Client | None = None


class Read(Command, frozen=True, kw_only=True):
    """Say that the user has read `room` up to `seq`; their other devices are told."""

    room: RoomName
    seq: Seq


class RoomCreate(Command, frozen=True, kw_only=True, tag="room.create"):
    """Make a room. Whoever makes it is its owner."""

    room: RoomName
    kind: Literal["public", "private", "announcement"] = "public"
    title: Title | None = None
    topic: Topic | None = None


class RoomSet(Command, frozen=True, kw_only=True, tag="room.set"):
    """Give `room` another title or topic, or let its members post once in `slow` seconds (0: at will)."""

    room: RoomName
    title: Title | None = None
    topic: Topic | None = None
    slow: Annotated[float, Meta(ge=0, le=86400)] | None = None


class RoomInvite(Command, frozen=True, kw_only=True, tag="room.invite"):
    """Give `user` (an id or a name) a place in `room`."""

    room: RoomName
    user: UserName
    role: Role = "member"


class RoomKick(Command, frozen=True, kw_only=True, tag="room.kick"):
    """Put `user` out of `room`, and take their place in it away. They may come back where anybody may."""

    room: RoomName
    user: UserName
    reason: Reason | None = None


class RoomBan(Command, frozen=True, kw_only=True, tag="room.ban"):
    """Put `user` out of `room`, and keep them out until `until` (for good without one; an `until`
    that has passed lets them in again)."""

    room: RoomName
    user: UserName
    until: Until | None = None
    reason: Reason | None = None


class RoomMute(Command, frozen=True, kw_only=True, tag="room.mute"):
    """Let `user` listen in `room` and not speak, until `until` (as with `room.ban`)."""

    room: RoomName
    user: UserName
    until: Until | None = None
    reason: Reason | None = None


class RoomRole(Command, frozen=True, kw_only=True, tag="room.role"):
    """Give `user` another role in `room`."""

    room: RoomName
    user: UserName
    role: Role


class Ban(Command, frozen=True, kw_only=True):
    """Keep a `user` or a network `address` off the whole server, until `until` (as with `room.ban`)."""

    user: UserName | None = None
    address: Annotated[str, Meta(max_length=64)] | None = None
    until: Until | None = None
    reason: Reason | None = None


class Mute(Command, frozen=True, kw_only=True):
    """Let `user` say nothing in any room, until `until` (as with `room.ban`)."""

    user: UserName
    until: Until | None = None
    reason: Reason | None = None


class Purge(Command, frozen=True, kw_only=True):
    """Delete every message of `user`, and take their reactions away: in `room`, or on the whole server."""

    user: UserName
    room: RoomName | None = None


class Report(Command, frozen=True, kw_only=True):
    """Ask the moderators to look at message `seq` of `room`."""

    room: RoomName
    seq: Seq
    reason: Reason = ""


class Reports(Command, frozen=True, kw_only=True):
    """What was reported and not looked at yet? For moderators of the server."""


class ReportClose(Command, frozen=True, kw_only=True, tag="report.close"):
    """It was looked at."""

    report: Annotated[int, Meta(ge=0, le=MAX_SEQ)]


class Audit(Command, frozen=True, kw_only=True):
    """Who did what to whom? For moderators of the server: the `limit` deeds before `before` (ms)."""

    before: Until | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 50


class Sessions(Command, frozen=True, kw_only=True):
    """On which devices am I logged in?"""


class SessionEnd(Command, frozen=True, kw_only=True, tag="session.end"):
    """Log the device `session` of mine out; without one, all but this."""

    session: Annotated[str, Meta(max_length=64, pattern=_NO_NUL)] | None = None


class Logout(Command, frozen=True, kw_only=True):
    """Log this device out: its token is good no more."""


class PasswordSet(Command, frozen=True, kw_only=True, tag="password"):
    """Change my password, and log all my other devices out."""

    old: Password
    new: Password


class AccountDelete(Command, frozen=True, kw_only=True, tag="account.delete"):
    """Delete my account: the messages stay, the name goes."""

    password: Password


AnyCommand = (
    Hello
    | Login
    | Join
    | Leave
    | Post
    | Edit
    | Delete
    | React
    | Typing
    | Read
    | History
    | Search
    | Who
    | Rooms
    | RoomCreate
    | RoomSet
    | RoomInvite
    | RoomKick
    | RoomBan
    | RoomMute
    | RoomRole
    | Ban
    | Mute
    | Purge
    | Report
    | Reports
    | ReportClose
    | Audit
    | Sessions
    | SessionEnd
    | Logout
    | PasswordSet
    | AccountDelete
    | Ping
)
"""Every request of this version."""
