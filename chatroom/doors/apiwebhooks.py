"""The HTTP API's webhooks: who is told by HTTP of what happens here."""

from __future__ import annotations

from http import HTTPStatus

from chatroom.domain.errors import BadRequest, NotFound
from chatroom.domain.webhooks import Webhook
from chatroom.doors import apitypes as t
from chatroom.doors.operations import API, Answer, Call, Door, cursor_after, place_of
from chatroom.webhookkeeping import WebhookKeeping


@API.operation("GET", "/webhooks", needs="manage:webhooks", query=t.Paging, answer=t.Webhooks)
async def list_webhooks(door: Door, call: Call) -> Answer:
    """Who is told of what happens here."""
    wanted: t.Paging = call.query
    after = place_of(wanted.cursor)
    found = sorted(await _keeping(door, call).webhooks(call.member.principal), key=lambda one: one.id)
    rest = [one for one in found if one.id > after]
    page = rest[: wanted.limit]
    return Answer(
        t.Webhooks(
            [_shown(one) for one in page], cursor_after(page[-1].id) if len(rest) > len(page) else None
        )
    )


@API.operation(
    "POST",
    "/webhooks",
    needs="manage:webhooks",
    body=t.NewWebhook,
    answer=t.Webhook,
    status=HTTPStatus.CREATED,
)
async def add_webhook(door: Door, call: Call) -> Answer:
    """Have a URL told of what happens here.

    The answer has the secret that signs what it is told, this once.
    """
    wanted: t.NewWebhook = call.body
    made = await _keeping(door, call).add(
        call.member.principal, wanted.url, wanted.rooms, wanted.events, wanted.name
    )
    return Answer(_shown(made, secret=True))


@API.operation("DELETE", "/webhooks/<string:hook>", needs="manage:webhooks", status=HTTPStatus.NO_CONTENT)
async def remove_webhook(door: Door, call: Call, hook: str) -> Answer:
    """Tell a URL nothing more. What it could not be told is forgotten."""
    await _keeping(door, call).remove(call.member.principal, hook)
    return Answer(None)


@API.operation(
    "POST", "/webhooks/<string:hook>/enable", needs="manage:webhooks", status=HTTPStatus.NO_CONTENT
)
async def enable_webhook(door: Door, call: Call, hook: str) -> Answer:
    """Tell a URL again that was given up, from where it was."""
    await _keeping(door, call).enable(call.member.principal, hook)
    return Answer(None)


@API.operation(
    "GET", "/webhooks/<string:hook>/dead", needs="manage:webhooks", query=t.Paging, answer=t.Letters
)
async def list_dead_letters(door: Door, call: Call, hook: str) -> Answer:
    """What a URL could not be told for a day, oldest first."""
    wanted: t.Paging = call.query
    place = place_of(wanted.cursor)
    if place and not place.isdecimal():
        raise BadRequest("this cursor is none: give the `next` of a page as it came")
    after = int(place or 0)
    found = [one for one in await _keeping(door, call).dead(call.member.principal, hook) if one.id > after]
    page = found[: wanted.limit]
    letters = [t.Letter(one.id, one.room, one.at, one.dead, one.reason, one.seq) for one in page]
    return Answer(t.Letters(letters, cursor_after(str(page[-1].id)) if len(found) > len(page) else None))


@API.operation(
    "POST",
    "/webhooks/<string:hook>/dead/resend",
    needs="manage:webhooks",
    query=t.OneLetter,
    answer=t.Resent,
)
async def resend_dead_letters(door: Door, call: Call, hook: str) -> Answer:
    """Tell a URL again what it could not be told: one `letter`, or all."""
    wanted: t.OneLetter = call.query
    return Answer(t.Resent(await _keeping(door, call).resend(call.member.principal, hook, wanted.letter)))


def _keeping(door: Door, call: Call) -> WebhookKeeping:
    door.reception.meter(call.member)
    if door.webhooks is None:
        raise NotFound("this server keeps no webhooks")
    return door.webhooks


def _shown(hook: Webhook, *, secret: bool = False) -> t.Webhook:
    return t.Webhook(
        hook.id,
        hook.name,
        hook.url,
        list(hook.rooms),
        list(hook.events),
        hook.created,
        hook.disabled,
        hook.reason,
        hook.secret if secret else None,
    )
