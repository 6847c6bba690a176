"""Who may do what. Pure and in one place: yes, or a ChatError that says why not.

`LEAST` is the whole of it: for every request and kind of room, the least role that may. The same
table stands in docs/permissions.md, and a test walks every request, role and kind through both.
"""

import unicodedata
from collections.abc import Mapping

from chatroom.domain.errors import BadRequest, Forbidden, NotFound, TooLong
from chatroom.domain.events import Message
from chatroom.domain.limits import Limits
from chatroom.domain.model import By, Role, RoomKind, User

DATA_DEPTH = 32

RANK: Mapping[Role | None, int] = {None: -1, "guest": 0, "member": 1, "moderator": 2, "owner": 3}
"""Roles in their order; None is somebody to whom the room does not exist."""

Least = Mapping[RoomKind, Role | None]


def _least(
    public: Role | None, announcement: Role | None, private: Role | None, direct: Role | None
) -> Least:
    return {"public": public, "announcement": announcement, "private": private, "direct": direct}


_READ = _least("guest", "guest", "guest", "guest")
_SPEAK = _least("guest", "moderator", "member", "member")
_RUN = _least("moderator", "moderator", "moderator", None)
_OWN = _least("owner", "owner", "owner", None)

LEAST: Mapping[str, Least] = {
    "join": _READ,
    "leave": _READ,
    "history": _READ,
    "search": _READ,
    "who": _READ,
    "read": _READ,
    "report": _READ,
    "post": _SPEAK,
    "edit": _SPEAK,
    "delete": _SPEAK,
    "react": _SPEAK,
    "typing": _SPEAK,
    "delete any": _RUN,
    "room.set": _RUN,
    "room.invite": _RUN,
    "room.kick": _RUN,
    "room.ban": _RUN,
    "room.mute": _RUN,
    "room.role": _OWN,
}
"""The least role in the room for each request about it; None: nobody. `delete any` is deleting
what somebody else has said."""

SERVER: Mapping[str, Role] = {
    "rooms": "guest",
    "ping": "guest",
    "sessions": "member",
    "session.end": "member",
    "logout": "member",
    "password": "member",
    "account.delete": "member",
    "invite": "moderator",
    "ban": "moderator",
    "mute": "moderator",
    "purge": "moderator",
    "reports": "moderator",
    "report.close": "moderator",
    "audit": "moderator",
    "users": "moderator",
    "user.add": "moderator",
    "user.role": "moderator",
    "disconnect": "moderator",
    "bans": "moderator",
    "webhooks": "moderator",
}
"""The least role on the server for each request that is about no one room. `room.create` is an option
(`--create-rooms`)."""


def role_in(kind: RoomKind, server: Role, place: Role | None) -> Role | None:
    """The role somebody has in a room, from the one on the server and their `place` in the room.

    To a private or direct room the role on the server means nothing: not even an owner reads there
    without having been let in. None: for them there is no such room.
    """
    if kind in ("private", "direct"):
        return place
    return server if place is None or RANK[server] >= RANK[place] else place


def check(request: str, kind: RoomKind, role: Role | None) -> None:
    """Whether `role` may make `request` in a room of that `kind`.

    Raises NotFound for whom there is no such room, Forbidden for whom it is not.
    """
    if role is None:
        raise NotFound(NO_ROOM)
    least = LEAST[request][kind]
    if least is None:
        raise Forbidden(f"{request} is not for {kind} rooms")
    if RANK[role] < RANK[least]:
        raise Forbidden(f"{request} in this room is for its {least}s" + _above(least))


def check_server(request: str, role: Role) -> None:
    """Whether `role` on the server may make `request`, which is about no one room. Raises Forbidden."""
    least = SERVER[request]
    if RANK[role] < RANK[least]:
        raise Forbidden(f"{request} is for this server's {least}s" + _above(least))


def check_above(actor: Role | None, subject: Role | None) -> None:
    """Whether one can act against the other: only downwards. Raises Forbidden."""
    if RANK[actor] <= RANK[subject]:
        raise Forbidden("only somebody with a higher role can do that to them")


def check_grant(actor: Role | None, role: Role) -> None:
    """Whether one can give that role to somebody: owners any, others what is below them. Raises
    Forbidden."""
    if actor != "owner" and RANK[actor] <= RANK[role]:
        raise Forbidden(f"only an owner can make somebody {role}")


NO_ROOM = "there is no such room"
"""Word for word the same for a room that is not there and for one that may not be seen."""


def _above(least: Role) -> str:
    return "" if least == "owner" else " and those above them"


def check_text(text: str, limits: Limits) -> None:
    """Raises TooLong past the limit, BadRequest for an empty text or a NUL in it."""
    if limits.text_length and len(text) > limits.text_length:
        raise TooLong(f"a text has at most {limits.text_length} characters; this one has {len(text)}")
    if not text:
        raise BadRequest("a text has at least one character")
    if "\0" in text:
        raise BadRequest("a text cannot have the character U+0000")


MOST_EMOJI = 20
"""So many different emoji are under one message at most."""

MAX_EMOJI = 32
"""Characters of one: people and flags are made of several."""

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def check_emoji(emoji: str) -> None:
    """Raises BadRequest for what is not seen as one thing under a message: white space, control
    characters, what turns the direction of writing, what has nothing to see, and more than MAX_EMOJI."""
    if not 0 < len(emoji) <= MAX_EMOJI:
        raise BadRequest(f"an emoji has 1 to {MAX_EMOJI} characters")
    kinds = [unicodedata.category(character) for character in emoji]
    if any(kind in ("Cc", "Cs", "Zs", "Zl", "Zp") for kind in kinds) or not _BIDI.isdisjoint(emoji):
        raise BadRequest("an emoji has no white space and no control characters")
    # Joiners, variation selectors and tags are parts of many an emoji, and alone none.
    if all(kind in ("Cf", "Mn", "Me") for kind in kinds):
        raise BadRequest("an emoji can be seen")


def check_data(data: object, depth: int = DATA_DEPTH) -> None:
    """Raises BadRequest for an application's data nested deeper than 32: whoever reads it recurses."""
    if not isinstance(data, dict | list):
        return
    if not depth:
        raise BadRequest(f"data is nested at most {DATA_DEPTH} deep")
    for value in data.values() if isinstance(data, dict) else data:
        check_data(value, depth - 1)


def there(target: Message | None) -> Message:
    """The message `target`; raises NotFound where there is none (any more)."""
    if target is None or target.deleted:
        raise NotFound("no such message")
    return target


def may_change(user: User, target: Message | None) -> None:
    """Whether `user` may change the message `target` as its author.

    Raises NotFound where there is none (any more), Forbidden where it is somebody else's.
    """
    if there(target).by.id != user.id:
        raise Forbidden("only its author can change a message")


def author(user: User) -> By:
    """How events name `user`."""
    return By(user.id, user.name)
