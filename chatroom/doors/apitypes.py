"""What the HTTP API takes and answers, one type each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from chatroom.domain.commands import (
    MAX_FOUND,
    MAX_PAGE,
    Key,
    Reason,
    RoomName,
    Title,
    Topic,
    Until,
    UserName,
    Words,
)
from chatroom.domain.events import Event, Message
from chatroom.domain.model import MAX_SEQ, Kind, Millis, Role, Room, Seq, User
from chatroom.domain.webhooks import MAX_ROOMS, MAX_URL, Choice

MAX_BATCH = 100

Text = Annotated[str, Meta(min_length=1, pattern=r"^[^\u0000]*$")]

Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE, description="How many at most.")]
Cursor = Annotated[str, Meta(max_length=1024, description="The `next` of the page before.")]
ShownAs = Annotated[str, Meta(max_length=256, description="The name that this one message is shown under.")]
AsSeq = Annotated[int, Meta(ge=0, le=MAX_SEQ)]


class Error(Struct, frozen=True, omit_defaults=True):
    """What is wrong. `code` is for programs, `message` for people; `retry_after` (seconds) where trying
    again may help."""

    code: str
    message: str
    retry_after: float | None = None


class Failed(Struct, frozen=True):
    """The answer to what cannot be done."""

    error: Error


class NewMessage(Struct, frozen=True, kw_only=True):
    """A message to be published. `data` is whatever applications want to put beside the text."""

    text: Text
    data: dict[str, Any] | None = None
    shown_as: ShownAs | None = field(default=None, name="as")
    reply_to: Seq | None = None


class NewDirect(Struct, frozen=True, kw_only=True):
    """A message to one user."""

    text: Text
    data: dict[str, Any] | None = None
    reply_to: Seq | None = None


class Posted(Struct, frozen=True):
    """Where the message is in its room's log, and when it was published (milliseconds since 1970)."""

    room: str
    seq: Seq
    at: Millis


class Kept(Struct, frozen=True):
    """The server's own application has taken the message, and has published none."""

    room: str


class BatchMessage(Struct, frozen=True, kw_only=True):
    """One message of several: to a `room`, or to the user `to`. `key` is its Idempotency-Key."""

    text: str
    room: RoomName = ""
    to: UserName | None = None
    data: dict[str, Any] | None = None
    shown_as: ShownAs | None = field(default=None, name="as")
    reply_to: Seq | None = None
    key: Key | None = None


class Batch(Struct, frozen=True):
    """Messages to be published, in this order where they are to the same room."""

    messages: Annotated[list[BatchMessage], Meta(min_length=1, max_length=MAX_BATCH)]


class Result(Struct, frozen=True, omit_defaults=True):
    """What became of one message: its place in the log, or an error."""

    room: str | None = None
    seq: Seq | None = None
    at: Millis | None = None
    error: Error | None = None


class Results(Struct, frozen=True):
    """What became of each message, in the order they were given in."""

    results: list[Result]


class Stretch(Struct, frozen=True, kw_only=True):
    """Which part of a log: the `limit` events before `before`, or after `after`, or the newest."""

    before: AsSeq | None = None
    after: AsSeq | None = None
    limit: Limit = 50


class Log(Struct, frozen=True, omit_defaults=True):
    """Events, oldest first. `more`: there are others beyond, the way it was read; `next` is then the
    `before` or `after` to go on with."""

    events: list[Event]
    more: bool
    next: Seq | None = None


class Wanted(Struct, frozen=True, kw_only=True):
    """What is looked for: messages that have all the words of `query`, in `room` or wherever may be read."""

    query: Words
    room: RoomName | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_FOUND, description="How many at most.")] = 20


class Found(Struct, frozen=True):
    """Messages as they are now, newest first."""

    messages: list[Message]


class NewText(Struct, frozen=True):
    """What a message shall say from now on."""

    text: Text


class Changed(Struct, frozen=True):
    """The event that says so."""

    room: str
    seq: Seq


class Paging(Struct, frozen=True, kw_only=True):
    """Which page of a list."""

    cursor: Cursor | None = None
    limit: Limit = 100


class Rooms(Struct, frozen=True, omit_defaults=True):
    """Rooms by name. `next` is the cursor of the next page, where there is one."""

    rooms: list[Room]
    next: str | None = None


class NewRoom(Struct, frozen=True, kw_only=True):
    """A room to be made. A private room's name gets something added that nobody can guess."""

    room: RoomName
    kind: Literal["public", "private", "announcement"] = "public"
    title: Title | None = None
    topic: Topic | None = None


class RoomSettings(Struct, frozen=True, kw_only=True):
    """What is to be different. `slow`: seconds between two posts of one member."""

    title: Title | None = None
    topic: Topic | None = None
    slow: Annotated[float, Meta(ge=0, le=86400)] | None = None


class Members(Struct, frozen=True):
    """Who is in a room now: at most 500 of the `count` there."""

    members: list[User]
    count: int


class Person(Struct, frozen=True):
    """An account. `connections`: how many it has now."""

    id: str
    name: str
    kind: Kind
    role: Role
    connections: int


class People(Struct, frozen=True, omit_defaults=True):
    """Accounts by name. `next` is the cursor of the next page, where there is one."""

    users: list[Person]
    next: str | None = None


class NewUser(Struct, frozen=True, kw_only=True):
    """An account to be made."""

    name: Annotated[str, Meta(max_length=256)]
    password: Annotated[str, Meta(max_length=1024)]
    role: Role = "member"


class NewRole(Struct, frozen=True):
    """Another role on the server."""

    role: Role


class Disconnected(Struct, frozen=True):
    """How many connections were ended."""

    connections: int


class NewBan(Struct, frozen=True, kw_only=True):
    """Whom to keep off the server, a `user` or an `address`; until then (for good without)."""

    user: UserName | None = None
    address: Annotated[str, Meta(max_length=64)] | None = None
    until: Until | None = None
    reason: Reason | None = None


class Ban(Struct, frozen=True, omit_defaults=True):
    """Who is kept off the server. `subject` is a user's id, or `address:` and a network address; `by`
    the id of who did it."""

    subject: str
    by: str
    at: Millis
    until: Millis | None = None
    reason: str = ""
    user: User | None = None


class Bans(Struct, frozen=True, omit_defaults=True):
    """Bans by subject. `next` is the cursor of the next page, where there is one."""

    bans: list[Ban]
    next: str | None = None


class NewWebhook(Struct, frozen=True, kw_only=True):
    """A URL that is to be told of `events` in `rooms` (`*` is all public ones). `name` is what its answers
    are signed with; without one, the URL's host."""

    url: Annotated[str, Meta(min_length=1, max_length=MAX_URL)]
    rooms: Annotated[list[RoomName], Meta(max_length=MAX_ROOMS)] = []
    events: Annotated[
        list[Choice],
        Meta(min_length=1, max_length=20),
    ]
    name: Annotated[str, Meta(max_length=256)] | None = None


class Webhook(Struct, frozen=True, omit_defaults=True):
    """A URL that is told of what happens. `disabled` says when, and `reason` why, nothing more is told;
    `secret` is shown when it is made."""

    id: str
    name: str
    url: str
    rooms: list[str]
    events: list[str]
    created: Millis
    disabled: Millis | None = None
    reason: str = ""
    secret: str | None = None


class Webhooks(Struct, frozen=True, omit_defaults=True):
    """Webhooks. `next` is the cursor of the next page, where there is one."""

    webhooks: list[Webhook]
    next: str | None = None


class Letter(Struct, frozen=True, omit_defaults=True):
    """Something that a webhook could not be told: when it was first tried, when and why it was given
    up, and which event of the room's log it was, where it was one."""

    id: int
    room: str
    at: Millis
    dead: Millis | None = None
    reason: str = ""
    seq: Seq | None = None


class Letters(Struct, frozen=True, omit_defaults=True):
    """Dead letters. `next` is the cursor of the next page, where there is one."""

    letters: list[Letter]
    next: str | None = None


class OneLetter(Struct, frozen=True, kw_only=True):
    """Which letter."""

    letter: Annotated[int, Meta(ge=0, le=MAX_SEQ)] | None = None


class Resent(Struct, frozen=True):
    """How many letters are told again."""

    letters: int


class Reacted(Struct, frozen=True, omit_defaults=True):
    """The event that says so; without `seq` where it was so already."""

    room: str
    seq: Seq | None = None
