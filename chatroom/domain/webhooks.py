"""Webhooks: what is told to another program by HTTP, and what is kept so that it is told.

A room's log is its outbox: of each webhook and room the store keeps how far it was told (a cursor),
so that a post costs nothing more. What no log has (who came and went), and what could not be told,
is kept as a `Letter`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Collection, Mapping, Sequence
from typing import Any, Literal, NamedTuple, Protocol, get_args
from urllib.parse import urlsplit

from msgspec import Struct

from chatroom.domain import names
from chatroom.domain.accounts import Account
from chatroom.domain.errors import BadRequest
from chatroom.domain.events import Event, Message, Reaction
from chatroom.domain.model import Millis, Seq, User

Choice = Literal[
    "message",
    "edited",
    "deleted",
    "reaction",
    "mention",
    "direct",
    "member",
    "room",
    "connected",
    "disconnected",
]
"""What a webhook can be told of: events of the logs (`mention` is a message that names the webhook,
`direct` one to it), and that somebody comes into a room, or is there no more."""

CHOICES: tuple[Choice, ...] = get_args(Choice)

PASSING = ("connected", "disconnected")
"""Those that no log has. Who is in a room is kept while there is a webhook that is told of one."""

MOST = 100
"""So many webhooks at most."""

MAX_URL = 2_000
MAX_ROOMS = 100
MAX_BODY = 64 * 1024
"""So many bytes of an answer are read."""

DEAD_KEPT: Millis = 30 * 86_400_000
"""For how long a dead letter is kept."""


class Webhook(Struct, frozen=True):
    """A URL that is told what happens in `rooms` (`*`: in all public and announcement rooms).

    `account` is the bot that its answers speak for. `secret` signs (`whsec_…`). `disabled` says when,
    and `reason` why, nothing more is told.
    """

    id: str
    name: str
    url: str
    secret: str
    rooms: tuple[str, ...]
    events: tuple[str, ...]
    account: str
    created: Millis = 0
    disabled: Millis | None = None
    reason: str = ""

    @property
    def attends(self) -> bool:
        """Whether it is told who comes or goes."""
        return not set(PASSING).isdisjoint(self.events)

    def hears(self, room: str) -> bool:
        """Whether it is told of a room of that name; of direct ones, see `word_for`."""
        kind = names.kind_of(room)
        if kind == "direct":
            return False
        return room in self.rooms or (kind is None and names.EVERY_ROOM in self.rooms)


class Letter(Struct, frozen=True):
    """Something to tell that no cursor stands for.

    It is told once event `after` was. Either `seq` names an event of the room's log, or `body` is an
    event as JSON. `at` is when the day began in which it is tried. `dead` says when it was given up,
    and `reason` why.
    """

    id: int
    hook: str
    room: str
    after: Seq
    at: Millis
    seq: Seq | None = None
    body: str | None = None
    dead: Millis | None = None
    reason: str = ""


class Behind(NamedTuple):
    """A room of which a webhook is still to be told: events after `seq`, or (`letters`) letters."""

    room: str
    seq: Seq
    head: Seq
    letters: bool


class Move(NamedTuple):
    """Somebody is in a room on a node since `at`, or (not `here`) is there no more. The `letters` are new
    ones, kept if that is not what is kept already, and they are in the room on no other node."""

    room: str
    user: User
    node: str
    here: bool
    at: Millis
    letters: tuple[Letter, ...] = ()


class Progress(NamedTuple):
    """What is to be kept, all or nothing: how far each (webhook, room) is, letters that were told
    (their ids), such that have died, and who moved. New letters have the `id` 0."""

    cursors: Mapping[tuple[str, str], Seq]
    told: Sequence[int] = ()
    dead: Sequence[Letter] = ()
    moves: Sequence[Move] = ()


class Webhooks(Protocol):
    """Where webhooks, cursors and letters are kept. Errors are Unavailable, and those named.

    A webhook that is added, removed, enabled, disabled or has letters again leaves a Change `webhook`.
    """

    def webhooks(self) -> Awaitable[Sequence[Webhook]]:
        """All, disabled ones too, oldest first."""

    def add_webhook(self, hook: Webhook, bot: Account | None) -> Awaitable[None]:
        """Keep a webhook, and with it its `bot` where that is a new account; it is told of what comes
        after this. Raises Conflict where there are MOST, NameTaken for a bot's name."""

    def remove_webhook(self, hook: str) -> Awaitable[None]:
        """Forget it, and its letters. Raises NotFound."""

    def set_webhook(self, hook: str, disabled: Millis | None, reason: str) -> Awaitable[None]:
        """Disable it, or (None) enable it. Raises NotFound."""

    def behind(self, hook: Webhook) -> Awaitable[Sequence[Behind]]:
        """The rooms of which it is still to be told, also those in which it may turn out that there is
        nothing for it; direct ones of its bot too."""

    def reached(self, hook: str, room: str) -> Awaitable[Seq]:
        """How far it was told of a room's log."""

    def letters(self, hook: str, room: str, after: int, limit: int) -> Awaitable[Sequence[Letter]]:
        """Those that are not dead, in their order, after the one with the id `after`."""

    def lettered(self, hook: str) -> Awaitable[Sequence[str]]:
        """The rooms of which it has letters that are not dead."""

    def keep(self, progress: Progress) -> Awaitable[None]:
        """Keep what was done. Of a webhook that is not there any more, nothing is kept."""

    def left_behind(self, nodes: Collection[str], limit: int) -> Awaitable[Sequence[Move]]:
        """Who is in rooms on other nodes than these, each as they came there (without letters)."""

    def dead(self, hook: str, limit: int) -> Awaitable[Sequence[Letter]]:
        """Its dead letters, oldest first."""

    def resend(self, hook: str, letter: int | None, now: Millis) -> Awaitable[int]:
        """Have a dead letter, or (None) all of them, told again; how many. Raises NotFound."""


class Parcel(NamedTuple):
    """One HTTP request to make."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class Outcome(NamedTuple):
    """What came of a parcel: the answer's `status` and `body` (at most MAX_BODY, else empty), and its
    Retry-After in seconds; or (None) there was no answer, and `problem` says why."""

    status: int | None
    body: bytes = b""
    retry_after: float | None = None
    problem: str = ""


class Courier(Protocol):
    """Makes the requests. Never raises."""

    def deliver(self, parcel: Parcel) -> Awaitable[Outcome]:
        """Make a request and wait for the answer, for 10 s in all."""


def mention_of(name: str) -> re.Pattern[str]:
    """What finds `@name` in a text."""
    return re.compile(rf"(?<![\w@])@{re.escape(name)}(?![\w-])", re.IGNORECASE)


def word_for(hook: Webhook, mentioned: re.Pattern[str], event: Event) -> str | None:
    """As which of the CHOICES a webhook is told of an event in one of its rooms, or in a direct one of
    its bot; None where it is not."""
    if event.by.id == hook.account:
        return None  # a bot that answers itself never ends
    chosen = hook.events
    if isinstance(event, Message):
        if event.deleted:
            return None
        if names.kind_of(event.room) == "direct":
            return "direct" if "direct" in chosen else None
        if "mention" in chosen and mentioned.search(event.text):
            return "mention"
    elif names.kind_of(event.room) == "direct" or (isinstance(event, Reaction) and not event.emoji):
        return None
    tag = str(event.__struct_config__.tag)
    return tag if tag in chosen else None


def check_url(raw: str) -> str:
    """A URL that can be told something. Raises BadRequest."""
    try:
        parts: Any = urlsplit(raw)
        host, port = parts.hostname, parts.port
        plain = raw.isascii() and raw.isprintable() and " " not in raw
    except ValueError:
        host, port, plain = None, None, False
    if not plain or not host or parts.scheme not in ("https", "http") or port == 0 or len(raw) > MAX_URL:
        raise BadRequest(f"a webhook has a URL such as https://example.org/chat, not {raw[:200]!r}")
    if ":" in host:
        raise BadRequest("a webhook's URL names its host, where that has an IPv6 address")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise BadRequest("a webhook's URL has no user, password or fragment; what it is sent is signed")
    return raw


def check_choice(rooms: Sequence[str], events: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The rooms and events of a webhook, each once, as they are kept. Raises BadRequest."""
    wanted = [one if one == names.EVERY_ROOM else names.room_name(one) for one in rooms]
    if any(names.kind_of(one) == "direct" for one in wanted):
        raise BadRequest("of direct messages a webhook hears those to its own bot: choose the event direct")
    chosen = tuple(dict.fromkeys(events))
    if not chosen or not set(chosen) <= set(CHOICES):
        raise BadRequest(f"a webhook's events are some of {', '.join(CHOICES)}")
    if len(wanted) > MAX_ROOMS:
        raise BadRequest(f"a webhook names at most {MAX_ROOMS} rooms; * is all public ones")
    if not wanted and chosen != ("direct",):
        raise BadRequest("a webhook is told of some rooms, or of all public ones with *")
    return tuple(dict.fromkeys(wanted)), chosen
