"""Who has an account, what lets them in, and what keeps them out. All of it is kept by a Registry.

Secrets (session tokens, API keys, invitations) are 256 random bits, and only their SHA-256 is kept:
whoever reads the database learns none of them.
"""

from typing import Literal, NamedTuple

from msgspec import Struct

from chatroom.domain.model import Kind, Millis, Role, RoomKind, Seq, User

Standing = Literal["ban", "mute"]
"""What a sanction forbids: to be there at all, or to say anything."""

EVERYWHERE = ""
"""In place of a room's name: the whole server."""

GONE = "deleted"
"""What a deleted account's messages have in place of its name."""


class Account(Struct, frozen=True):
    """Somebody known by name. `role` is the one on the whole server; a room has roles of its own.

    `key` is what no two names may share (`names.name_key`). A deleted account has no name any more.
    """

    id: str
    name: str
    key: str
    kind: Kind = "user"
    role: Role = "member"
    created: Millis = 0
    deleted: bool = False

    @property
    def user(self) -> User:
        """As others see them."""
        return User(self.id, self.name, self.kind)


class Principal(NamedTuple):
    """Who a connection or a request speaks for, and how far that goes.

    `role` is the one on the whole server. `login` or `key` is the id of what let them in. `scopes`
    bound what an API key may (None: all that its role may), `rooms` where a site's token lets them
    in (None: everywhere). After `until` they must show another token.
    """

    user: User
    role: Role = "guest"
    login: str | None = None
    key: str | None = None
    scopes: tuple[str, ...] | None = None
    rooms: tuple[str, ...] | None = None
    until: Millis | None = None


class Login(Struct, frozen=True):
    """One device on which an account is logged in. `id` names it without letting anybody in."""

    id: str
    account: str
    client: str
    address: str
    created: Millis
    seen: Millis
    until: Millis


class ApiKey(Struct, frozen=True):
    """A key for programs. `scopes` are those of `domain.scopes`."""

    id: str
    name: str
    account: str
    scopes: tuple[str, ...]
    created: Millis
    used: Millis | None = None
    revoked: Millis | None = None


class Invitation(Struct, frozen=True):
    """A link that lets `uses` people sign up with a `role`, and into `room` where it names one."""

    role: Role
    until: Millis
    uses: int = 1
    room: str | None = None
    by: str = ""


class RoomRecord(Struct, frozen=True):
    """What is kept about a room. `slow`: seconds between two posts of one member."""

    name: str
    title: str
    kind: RoomKind = "public"
    topic: str = ""
    slow: float = 0
    head: Seq = 0


class Membership(Struct, frozen=True):
    """A user's place in a room that outlives their connections. `name` is the one they had then."""

    room: str
    user: str
    name: str
    role: Role
    kind: Kind = "user"


class Sanction(Struct, frozen=True):
    """Somebody is banned or muted, in `room` or EVERYWHERE, until `until` (None: for good).

    `subject` is a user's id, or `address:` and a network address as `admission.network_of` has it.
    """

    standing: Standing
    room: str
    subject: str
    at: Millis
    by: str
    until: Millis | None = None
    reason: str = ""

    def holds(self, now: Millis) -> bool:
        """Whether it is still in force."""
        return self.until is None or now < self.until


class Report(Struct, frozen=True):
    """A member says that a message should be looked at."""

    id: int
    room: str
    seq: Seq
    by: str
    at: Millis
    reason: str
    done: bool = False


class Deed(Struct, frozen=True):
    """A line of the audit log: who did what to whom, where, and why. Never changed."""

    at: Millis
    by: str
    what: str
    room: str = EVERYWHERE
    subject: str = ""
    detail: str = ""


class Change(Struct, frozen=True):
    """Something in the registry is different now: what other processes must look at again.

    `what` is the kind of thing (account, login, key, room, membership, sanction, webhook, connections),
    `subject` its id: of an account, login, key or webhook its own, of a membership `ROOM USER`, of a
    sanction `ROOM SUBJECT`, of connections, which are to be ended, their user's.
    """

    id: int
    what: Literal["account", "login", "key", "room", "membership", "sanction", "webhook", "connections"]
    subject: str
