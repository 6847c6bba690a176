"""One operation of the HTTP API: what it takes, who may ask it, what it answers.

An operation is declared once, by its types. Requests are read by them, and the OpenAPI document is
made from them (`openapi`), so that the two cannot differ.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, Protocol

import msgspec
from klein import Klein
from msgspec import Meta, Struct
from msgspec.structs import fields
from twisted.web.http import CACHED

from chatroom.domain.commands import Emoji, Key, RoomName, UserName
from chatroom.domain.errors import BadRequest
from chatroom.domain.model import Seq
from chatroom.doors.calls import bearer
from chatroom.doors.http import StrictRequest
from chatroom.doors.jsonhttp import body_of, endpoint, told
from chatroom.member import Member
from chatroom.reception import Reception
from chatroom.roomlists import RoomLists
from chatroom.userkeeping import UserKeeping
from chatroom.webhookkeeping import WebhookKeeping

PARTS: dict[str, Any] = {
    "room": RoomName,
    "seq": Seq,
    "name": UserName,
    "emoji": Emoji,
    "hook": Annotated[str, Meta(max_length=64)],
    "subject": Annotated[str, Meta(max_length=128)],
}
"""What the parts of a path are."""


class Door(Protocol):
    """What operations are given beside the request."""

    reception: Reception
    rooms: RoomLists
    users: UserKeeping
    webhooks: WebhookKeeping | None


class Fields(Protocol):
    """A request's header fields."""

    def field(self, name: str) -> str | None:
        """The value of the field of that name, in lower case."""


class Answer(NamedTuple):
    """What is answered: a Struct, or nothing. `status` where it is not the usual one."""

    body: Struct | None
    status: HTTPStatus | None = None


class Operation(NamedTuple):
    """A method and a path, under /api/v1. `status` is the usual one of an answer."""

    method: str
    path: str
    name: str
    about: str
    needs: str
    body: type[Struct] | None
    query: type[Struct] | None
    answer: type[Struct] | None
    status: HTTPStatus
    others: Mapping[HTTPStatus, type[Struct]]
    keyed: bool


class Call:
    """A request, understood. `member` is who asks; `body` and `query` are of the operation's types."""

    __slots__ = ("body", "member", "query", "request")

    def __init__(self, request: Fields, member: Member, body: Any, query: Any) -> None:
        self.request = request
        self.member = member
        self.body = body
        self.query = query

    @property
    def key(self) -> str | None:
        """The Idempotency-Key, with which a request can be sent again. Raises BadRequest."""
        return idempotency_key(self.request.field("idempotency-key"))


Use = Callable[..., Awaitable[Answer]]


class Routes:
    """The operations of the API, and the Klein app that finds them."""

    def __init__(self) -> None:
        self.app = Klein()
        self.app.url_map.merge_slashes = False
        self.operations: list[Operation] = []

    def operation(
        self,
        method: str,
        path: str,
        *,
        needs: str,
        body: type[Struct] | None = None,
        query: type[Struct] | None = None,
        answer: type[Struct] | None = None,
        status: HTTPStatus = HTTPStatus.OK,
        others: Mapping[HTTPStatus, type[Struct]] | None = None,
        keyed: bool = False,
    ) -> Callable[[Use], Use]:
        """Makes a coroutine function an operation. Its docstring describes it; it is given the Door, a
        Call and the parts of the path. `needs` says in a word what a key needs for it."""
        decoder = None if body is None else msgspec.json.Decoder(body)

        def made(use: Use) -> Use:
            about, more = use.__doc__ or "", others or {}
            one = Operation(
                method, path, use.__name__, about, needs, body, query, answer, status, more, keyed
            )
            self.operations.append(one)

            @endpoint(self.app, method, path)
            @wraps(use)
            async def serve(place: Door, request: StrictRequest, **parts: Any) -> bytes:
                member = await _member(place.reception, request)
                given = {name: _part(name, part) for name, part in parts.items()}
                asked = None if decoder is None else body_of(request, decoder)
                found = None if query is None else _query(request, query)
                return _told(request, await use(place, Call(request, member, asked, found), **given), status)

            return use

        return made


API = Routes()
"""All operations of the API."""


async def _member(reception: Reception, request: StrictRequest) -> Member:
    address = request.source.address
    principal = await reception.identify(bearer(request.field("authorization")), address)
    return reception.member(principal, address)


def idempotency_key(field: str | None) -> str | None:
    """What an Idempotency-Key field says, in quotes or without. Raises BadRequest."""
    if field is None:
        return None
    key = field.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    try:
        found: str = msgspec.convert(key, Key)
    except msgspec.ValidationError as error:
        raise BadRequest(f"Idempotency-Key: {error}") from None
    return found


def _part(name: str, part: Any) -> Any:
    try:
        return msgspec.convert(part, PARTS[name], strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{name}: {error}") from None


def _query(request: StrictRequest, kind: type[Struct]) -> Struct:
    """The query as `kind` has it. Raises BadRequest."""
    told: dict[str, str] = {}
    arguments: Mapping[bytes, list[bytes]] = request.args or {}
    try:
        for name, values in arguments.items():
            told[name.decode()] = values[0].decode()
    except UnicodeDecodeError:
        raise BadRequest("the query is not UTF-8") from None
    for one in fields(kind):
        if len(arguments.get(one.name.encode(), ())) > 1 or told.get(one.name, "").lower() == "null":
            # Of which msgspec would make nothing at all.
            raise BadRequest(f"the query has one {one.name}, or none")
    try:
        return msgspec.convert(told, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"the query: {error}") from None


def _told(request: StrictRequest, answer: Answer, usual: HTTPStatus) -> bytes:
    status = answer.status or usual
    if answer.body is None:
        return told(request, status=status)
    payload = told(request, answer.body, status)
    if request.method in (b"GET", b"HEAD"):
        # Whoever asks again and again is told in a few bytes that nothing is new (RFC 9110, 13.1.2).
        request.setHeader(b"cache-control", b"private, no-cache")
        if request.setETag(b'"%b"' % tag_of(payload)) is CACHED:
            request.responseHeaders.removeHeader(b"content-length")
            request.responseHeaders.removeHeader(b"content-type")
            return b""
    return payload


def tag_of(payload: bytes) -> bytes:
    """What two answers differ in: 22 characters."""
    return urlsafe_b64encode(hashlib.sha256(payload).digest()[:16]).rstrip(b"=")


def cursor_after(place: str) -> str:
    """The cursor of a page that begins after `place`."""
    return urlsafe_b64encode(place.encode()).decode().rstrip("=")


def place_of(cursor: str | None) -> str:
    """After what a page begins; empty for the first. Raises BadRequest."""
    if not cursor:
        return ""
    try:
        return b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
    except (NoBase64, ValueError):
        raise BadRequest("this cursor is none: give the `next` of a page as it came") from None
