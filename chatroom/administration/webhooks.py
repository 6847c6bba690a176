"""`chatroom webhook`: who is told by HTTP what happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chatroom.administration.desk import (
    Commands,
    Mistake,
    Options,
    command,
    group,
    listing,
    moment,
    note,
    now,
    opened,
    remark,
    say,
    say_json,
    say_table,
)
from chatroom.domain import names
from chatroom.domain.accounts import Account
from chatroom.domain.model import Millis
from chatroom.domain.webhooks import CHOICES, Letter, Webhook, check_choice
from chatroom.store import accounts, webhooks
from chatroom.store.database import Connection
from chatroom.webhookkeeping import MAX_DEAD, bot_name, new_bot, new_webhook, told_of

_IN_TIME: Millis = 60_000
"""What is not told after this waits for its receiver, or for a server to run; it is noted every 30 s what
is none of its business."""


def add_to(commands: Commands) -> None:
    """Add the commands."""
    hook = group(commands, "webhook", "webhooks: who is told by HTTP what happens")
    add = command(hook, "add", _add, "make a webhook, and print its secret; it is shown this once")
    add.add_argument("url", metavar="URL", help="what is asked: an https URL, as a rule")
    add.add_argument(
        "--room",
        action="append",
        default=[],
        metavar="ROOM",
        help="a room it is told of, or * for all public ones; repeatable",
    )
    add.add_argument(
        "--event",
        action="append",
        required=True,
        choices=CHOICES,
        metavar="EVENT",
        help=f"what it is told: {', '.join(CHOICES)}; repeatable",
    )
    add.add_argument("--name", metavar="NAME", help="the name of its bot, for which it answers [the host's]")
    listing(add)
    listing(command(hook, "list", _list, "list the webhooks"))
    for name, action, what in (
        ("remove", _remove, "tell a webhook nothing more, and forget it"),
        ("enable", _enable, "tell one again that answered 410 Gone"),
    ):
        one = command(hook, name, action, what)
        one.add_argument("webhook", metavar="ID|NAME")
    dead = command(hook, "dead", _dead, "list what a webhook could not be told for a day")
    dead.add_argument("webhook", metavar="ID|NAME")
    listing(dead)
    resend = command(hook, "resend", _resend, "tell a webhook its dead letters again")
    resend.add_argument("webhook", metavar="ID|NAME")
    resend.add_argument("letter", metavar="LETTER", nargs="?", type=int, help="one alone [all]")


def _add(options: Options) -> None:
    rooms, events = check_choice(options.room, options.event)
    name = bot_name(options.url, options.name)
    with opened(options, make=True) as database, database.writing() as connection:
        found = _bot(connection, name)
        bot = new_bot(name, now()) if found is None else found
        made = new_webhook(options.url, rooms, events, bot, now())
        webhooks.add_webhook(connection, made, bot if found is None else None)
        note(connection, "webhook.add", subject=made.id, detail=told_of(made))
    if options.json:
        say_json(_told(made) | {"secret": made.secret})
    else:
        say(made.secret)
    remark(f"This secret signs what {made.name} ({made.id}) is sent, and is shown this once.")
    if made.url.startswith("http:"):
        remark("What is sent by http can be read by whoever is on the way: use https where you can.")


def _bot(connection: Connection, name: str) -> Account | None:
    """The bot of that name, where there is one. Raises Mistake where that is somebody else's."""
    found = accounts.account_named(connection, names.name_key(name))
    if found is None:
        return None
    if found[0].kind != "bot":
        raise Mistake(f"there is a user {found[0].name} already: give the webhook another --name")
    return found[0]


def _told(hook: Webhook) -> dict[str, Any]:
    return {
        "id": hook.id,
        "name": hook.name,
        "url": hook.url,
        "rooms": hook.rooms,
        "events": hook.events,
        "created": hook.created,
        "disabled": hook.disabled,
        "reason": hook.reason,
    }


def _list(options: Options) -> None:
    with opened(options) as database, database.reading() as connection:
        found = webhooks.webhooks(connection)
        dead = {one.id: len(webhooks.dead(connection, one.id, MAX_DEAD)) for one in found}
        late = {one.id: webhooks.late(connection, one) for one in found}
    if options.json:
        say_json(
            [
                _told(one)
                | {"late": late[one.id].rooms, "since": late[one.id].since}
                | {"dead": dead[one.id]}
                for one in found
            ]
        )
        return
    rows = []
    for one in found:
        state = _state(one, late[one.id])
        rooms, events = " ".join(one.rooms), " ".join(one.events)
        rows.append((one.id, one.name, rooms, events, state, str(dead[one.id]), one.url))
    say_table(("ID", "NAME", "ROOMS", "EVENTS", "STATE", "DEAD", "URL"), rows)


def _state(hook: Webhook, late: webhooks.Late) -> str:
    if hook.disabled is not None:
        return f"disabled {moment(hook.disabled)}: {hook.reason}"
    if late.since is None or late.since > now() - _IN_TIME:
        return "works"
    rooms = "1 room" if late.rooms == 1 else f"{late.rooms} rooms"
    return f"waits since {moment(late.since)}: {rooms}"


def _remove(options: Options) -> None:
    with opened(options) as database, database.writing() as connection:
        found = _find(connection, options)
        webhooks.remove_webhook(connection, found.id)
        note(connection, "webhook.remove", subject=found.id, detail=found.name)
    remark(f"{found.name} ({found.id}) is told nothing more")


def _enable(options: Options) -> None:
    with opened(options) as database, database.writing() as connection:
        found = _find(connection, options)
        if found.disabled is None:
            raise Mistake(f"{found.name} ({found.id}) is not disabled")
        webhooks.set_webhook(connection, found.id, None, "")
        note(connection, "webhook.enable", subject=found.id, detail=found.name)
    remark(f"{found.name} ({found.id}) is told again, from where it was")


def _dead(options: Options) -> None:
    with opened(options) as database, database.reading() as connection:
        found: Sequence[Letter] = webhooks.dead(connection, _find(connection, options).id, MAX_DEAD)
    if options.json:
        say_json(
            [
                {"letter": one.id, "room": one.room, "seq": one.seq, "at": one.at, "dead": one.dead}
                | {"reason": one.reason}
                for one in found
            ]
        )
        return
    rows = [
        (
            str(one.id),
            one.room,
            "-" if one.seq is None else str(one.seq),
            moment(one.at),
            moment(one.dead),
            one.reason,
        )
        for one in found
    ]
    say_table(("LETTER", "ROOM", "EVENT", "OF", "GIVEN UP", "WHY"), rows)


def _resend(options: Options) -> None:
    with opened(options) as database, database.writing() as connection:
        found = _find(connection, options)
        count = webhooks.resend(connection, found.id, options.letter, now())
        note(connection, "webhook.resend", subject=found.id, detail=f"{count} letters")
    letters = "1 letter" if count == 1 else f"{count} letters"
    remark(f"{found.name} ({found.id}) is told {letters} again")


def _find(connection: Connection, options: Options) -> Webhook:
    """The webhook of that id, or the only one of that name. Raises Mistake."""
    there = webhooks.webhooks(connection)
    found = [one for one in there if one.id == options.webhook]
    found = found or [one for one in there if one.name.casefold() == options.webhook.casefold()]
    if len(found) > 1:
        raise Mistake(f"several webhooks are called {options.webhook}: name one by its id")
    if not found:
        raise Mistake(f"there is no webhook {options.webhook}: `chatroom webhook list` shows those there are")
    return found[0]
