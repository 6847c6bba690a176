"""A request for a stream, as its head says it: for what, by whom, from which page."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import parse_qs, unquote_to_bytes

from chatroom.domain import names
from chatroom.domain.errors import BadRequest
from chatroom.doors.cookies import login_token
from chatroom.doors.heads import Head
from chatroom.doors.origins import is_own
from chatroom.doors.proxies import Source
from chatroom.listener import Wanted, position

_PATH = re.compile(
    rb"(?:/events|/api/v1/rooms/(?P<room>[^/?]+)/events|/session/(?P<session>[^/?]+)/events)"
    rb"(?:\?(?P<query>.*))?"
)


class Call(NamedTuple):
    """A request for a stream. `cookie` is a login's token, if the page that asks may show it;
    `session` the secret of the one whose stream it is, and `room` the one in the path."""

    method: str
    source: Source
    host: str
    origin: str
    cookie: str | None
    session: str | None
    room: bytes | None
    query: bytes
    fields: dict[str, str]


def is_call(head: Head) -> bool:
    """Whether a request is for a stream, and not for the web server."""
    return (
        b"/events" in head.target
        and head.method in (b"GET", b"OPTIONS")
        and _PATH.fullmatch(head.target) is not None
    )


def read_call(head: Head, source: Source) -> Call:
    """The request in `head`, which `is_call`."""
    found = _PATH.fullmatch(head.target)
    if found is None:
        raise BadRequest("there is no stream here")
    fields = {name.decode("ascii"): value.decode("latin-1") for name, value in head.fields.items()}
    host, origin, site = fields.get("host", ""), fields.get("origin", ""), fields.get("sec-fetch-site")
    # Of its own page's EventSource, a browser says nothing but that it is its own.
    own = is_own(origin, host, source.secure) if origin else site is not None
    own = own and site in (None, "same-origin")
    return Call(
        method=head.method.decode("ascii"),
        source=source,
        host=host,
        origin=origin,
        cookie=login_token(fields.get("cookie"), source.secure) if own else None,
        session=None if found["session"] is None else found["session"].decode("ascii"),
        room=found["room"],
        query=found["query"] or b"",
        fields=fields,
    )


def wanted(call: Call) -> Wanted:
    """What somebody wants to listen to. Raises BadRequest."""
    query = parse_qs(call.query.decode("ascii"), keep_blank_values=True)
    given = {name: values[-1] for name, values in query.items()}
    try:
        room = given.get("room", "") if call.room is None else unquote_to_bytes(call.room).decode()
    except UnicodeDecodeError:
        raise BadRequest("a room's name is UTF-8") from None
    # A browser that comes back asks for the same URL, and says in the header how far it has got.
    after = call.fields.get("last-event-id") or given.get("since")
    return Wanted(
        room=room or names.DEFAULT_ROOM,
        after=position(after) if after else None,
        token=bearer(call.fields.get("authorization")),
        cookie=call.cookie,
    )


def bearer(field: str | None) -> str | None:
    """The token in an Authorization field (RFC 6750, section 2.1). Another scheme is a proxy's own."""
    scheme, _, token = (field or "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
