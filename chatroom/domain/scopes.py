"""What an API key may: its scopes, and which of them each request takes.

`publish:ROOM` and `read:ROOM` name a room, or with `*` all that the key's account can be in;
`direct:ID` a user who may be written to, or `*`; `manage:…` a part of the server that is run.
"""

from collections.abc import Iterable, Mapping

from chatroom.domain import names
from chatroom.domain.errors import BadRequest

EVERY = "*"
MANAGED = ("rooms", "users", "webhooks")

FORMS = (
    "publish:ROOM, read:ROOM, direct:NAME (each with * for all), manage:rooms, manage:users or"
    " manage:webhooks"
)
"""How scopes are written."""

SCOPES: Mapping[str, tuple[str, ...]] = {
    "join": ("read",),
    "leave": ("read",),
    "history": ("read",),
    "search": ("read",),
    "who": ("read", "manage:rooms"),
    "read": ("read",),
    "post": ("publish",),
    "edit": ("publish",),
    "delete": ("publish",),
    "react": ("publish",),
    "typing": ("publish",),
    "room.create": ("manage:rooms",),
    "room.set": ("manage:rooms",),
    "users": ("manage:users",),
    "user.add": ("manage:users",),
    "user.role": ("manage:users",),
    "disconnect": ("manage:users",),
    "bans": ("manage:users",),
    "ban": ("manage:users",),
    "webhooks": ("manage:webhooks",),
}
"""What each request takes: one of these. What is not here is not for keys at all."""


def scope(raw: str) -> str:
    """The one spelling of a scope. Raises BadRequest. The NAME in `direct:NAME` stays as it is: who
    that is, others know."""
    what, _, subject = raw.partition(":")
    if what in ("publish", "read"):
        return f"{what}:{subject if subject == EVERY else names.room_name(subject)}"
    if what == "direct" and subject:
        return f"direct:{subject if subject == EVERY else names.user_name(subject)}"
    if what == "manage" and subject in MANAGED:
        return raw
    raise BadRequest("that is nothing a key can do")


def cover(scopes: Iterable[str], request: str, room: str, user: str) -> bool:
    """Whether a key of `user` may make `request` about `room`, as far as its scopes go."""
    for what in SCOPES.get(request, ()):
        if what == "publish" and names.kind_of(room) == "direct":
            return _writes_into(scopes, room, user)
        if what in scopes or f"{what}:{room}" in scopes or f"{what}:{EVERY}" in scopes:
            return True
    return False


def writes_to(scopes: Iterable[str], user: str) -> bool:
    """Whether a key may write to one user, by id."""
    return f"direct:{EVERY}" in scopes or f"direct:{user}" in scopes


def manage(scopes: Iterable[str] | None, request: str) -> bool:
    """Whether a key counts as a moderator of the server for `request`."""
    return scopes is not None and any(
        what in scopes for what in SCOPES.get(request, ()) if what.startswith("manage:")
    )


def rooms_named(scopes: Iterable[str]) -> list[str]:
    """The private rooms that a key's scopes name, and so let it into."""
    rooms = {
        one.partition(":")[2]
        for one in scopes
        if one.startswith((f"publish:{names.PRIVATE}", f"read:{names.PRIVATE}"))
    }
    return sorted(rooms)


def lacking(request: str, room: str) -> str:
    """What a key lacks that may not make `request` about `room`."""
    wanted = SCOPES.get(request)
    if wanted is None:
        return f"{request} is not for API keys"
    if names.kind_of(room) == "direct" and wanted[0] == "publish":
        return "this key may not do that with one user: it needs --can direct:NAME"
    needed = wanted[0] if ":" in wanted[0] else f"{wanted[0]}:{room}"
    return f"this key may not do that ({request}): it needs --can {needed}"


def _writes_into(scopes: Iterable[str], room: str, user: str) -> bool:
    subjects = [one.partition(":")[2] for one in scopes if one.startswith("direct:")]
    return any(subject == EVERY or names.direct_name(user, subject) == room for subject in subjects)
