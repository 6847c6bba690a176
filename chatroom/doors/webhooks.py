"""Webhooks in: a URL that takes what Slack's incoming webhooks take, so that existing tools can post.

What is read is `text`, `username` and the older `attachments`, as JSON or in a form's field `payload`
(https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). The URL holds an API key
that can publish in one room.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs

import msgspec
from klein import Klein
from msgspec import Struct
from twisted.web.resource import IResource
from werkzeug.exceptions import HTTPException

from chatroom.domain import commands, names
from chatroom.domain.accounts import Principal
from chatroom.domain.errors import BadRequest, ChatError, Forbidden
from chatroom.doors.http import StrictRequest
from chatroom.doors.jsonhttp import Guarded, body_of, check_size, decoded, endpoint, not_routed
from chatroom.doors.operations import idempotency_key
from chatroom.member import Member
from chatroom.reception import Reception

_FORM = "application/x-www-form-urlencoded"
_PUBLISH = "publish:"
_LINK = re.compile(r"<((?:https?|mailto):[^<>|\s]+)(?:\|([^<>]*))?>")
_MENTION = re.compile(r"<!(?:subteam\^\w+\|)?(?:date\^[^|>]*\|)?@?([^<>|]*)>")


class Field(Struct, frozen=True):
    """A line of an attachment."""

    title: str | None = None
    value: str | None = None


class Attachment(Struct, frozen=True):
    """A part of a message, older than Slack's blocks; alerts come in these."""

    pretext: str | None = None
    title: str | None = None
    title_link: str | None = None
    text: str | None = None
    fallback: str | None = None
    fields: list[Field] | None = None


class Payload(Struct, frozen=True):
    """A message as such tools send it."""

    text: str | None = None
    username: str | None = None
    attachments: list[Attachment] | None = None


_payloads = msgspec.json.Decoder(Payload)


class HookDoor:
    """/hooks."""

    app = Klein()
    app.url_map.merge_slashes = False

    def __init__(self, reception: Reception) -> None:
        self._reception = reception

    def resource(self) -> IResource:
        """For the web site, at /hooks."""
        return Guarded(self.app)

    @endpoint(app, "POST", "/<string:token>")
    async def publish(self, request: StrictRequest, token: str) -> bytes:
        """Publish what a tool has to say."""
        address = request.source.address
        principal = await self._reception.identify(token, address)
        room = room_of(principal)
        payload = _payload(request)
        member = self._member(principal, address, payload.username)
        text = text_of(payload)
        most = self._reception.chat.limits.text_length
        if most and len(text) > most:
            # Nobody is there to shorten an alert.
            text = text[: most - 1] + "…"
        key = idempotency_key(request.field("idempotency-key"))
        await self._reception.ask(member, commands.Post(room=room, text=text, key=key))
        request.setHeader(b"content-type", b"text/plain; charset=utf-8")
        request.setHeader(b"cache-control", b"no-store")
        request.setHeader(b"content-length", b"2")
        return b"ok"

    @app.handle_errors(HTTPException)
    def _not_routed(self, request: Any, failure: Any) -> bytes:
        return not_routed(request, failure)

    def _member(self, principal: Principal, address: str | None, username: str | None) -> Member:
        if username:
            try:
                return self._reception.member(principal, address, username[: names.NAME_LENGTH])
            except (ChatError, ValueError):
                pass  # an alert counts for more than the name that it comes under
        return self._reception.member(principal, address)


def room_of(principal: Principal) -> str:
    """The one room that a webhook's key publishes in. Raises Forbidden where there is not one."""
    rooms = [one.removeprefix(_PUBLISH) for one in principal.scopes or () if one.startswith(_PUBLISH)]
    if len(rooms) != 1 or rooms[0] == names.EVERY_ROOM:
        raise Forbidden("this is no webhook's key: that can publish in one room, and is made with --hook")
    return rooms[0]


def text_of(payload: Payload) -> str:
    """What a message says, in plain text. Raises BadRequest where it says nothing."""
    parts = [payload.text]
    for one in payload.attachments or ():
        title = f"{one.title} ({one.title_link})" if one.title and one.title_link else one.title
        fields = [": ".join(filter(None, (field.title, field.value))) for field in one.fields or ()]
        said = [one.pretext, title, one.text, *fields]
        parts += said if any(said) else [one.fallback]
    text = "\n".join(_plain(part.strip()) for part in parts if part and part.strip())
    if not text:
        raise BadRequest("a message has a text")
    return text


def _payload(request: StrictRequest) -> Payload:
    kind = (request.field("content-type") or "").partition(";")[0].strip().lower()
    if kind != _FORM:
        return body_of(request, _payloads)
    check_size(request)
    try:
        form = parse_qs(request.content.read().decode(), max_num_fields=100, strict_parsing=True)
    except ValueError:
        raise BadRequest("this is no form") from None
    if "payload" not in form:
        raise BadRequest("the form has its message, as JSON, in the field payload")
    return decoded(form["payload"][-1].encode(), _payloads)


def _plain(text: str) -> str:
    """Slack's links, mentions and escapes as people read them."""
    text = _LINK.sub(lambda found: f"{found[2]} ({found[1]})" if found[2] else found[1], text)
    return unescape(_MENTION.sub(lambda found: f"@{found[1]}", text))
