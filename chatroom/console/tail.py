"""`chatroom tail`: what is said in a room."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime

import msgspec

from chatroom.client import Client, Page, Reset, Room, Unknown
from chatroom.client.decoding import Told, seq_of
from chatroom.console import profiles, running
from chatroom.domain.commands import MAX_PAGE
from chatroom.domain.events import Deleted, Edited, MemberChanged, Message, Reaction, RoomChanged
from chatroom.domain.model import MAX_SEQ
from chatroom.terminal import Commands, Options, between, say, shown


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "tail",
        help="show what is said in a room, and go on showing it",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Show what is said in a room, and go on showing it until it is interrupted:\n\n"
        "  chatroom tail --room ops\n"
        "  chatroom tail --room ops --json --since 1234 | jq .text\n\n"
        "After a lost connection it goes on exactly where it was.",
    )
    parser.add_argument("--room", metavar="ROOM", default="lobby", help="which one (%(default)s)")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument(
        "-n", "--lines", type=between(0, 10_000), default=10, metavar="COUNT",
        help="begin with the newest COUNT events (%(default)s)",
    )  # fmt: skip
    begin.add_argument(
        "--since",
        type=between(0, MAX_SEQ),
        metavar="SEQ",
        help="begin after this event, as far as the log reaches",
    )
    parser.add_argument(
        "--json", action="store_true", help="print events as the server sends them, one a line"
    )
    parser.add_argument(
        "--follow", action=argparse.BooleanOptionalAction, default=True, help="go on showing what comes"
    )
    running.add_wait(parser)
    profiles.add_to(parser)
    parser.set_defaults(action=_tail)


def _tail(options: Options) -> None:
    running.talk(
        profiles.chosen(options), lambda client: _show(client, options), agent="tail", wait=options.wait
    )


async def _show(client: Client, options: Options) -> None:
    room = await client.join(options.room, since=options.since)
    if options.since is None:
        for event in await _newest(room, options.lines):
            _print(event, options.json)
    if not options.follow and (options.since is None or room.info.head <= options.since):
        return
    async for event in room:
        _print(event, options.json)
        if not options.follow and (seq_of(event) or 0) >= room.info.head:
            return


async def _newest(room: Room, count: int) -> list[Told]:
    """The newest events of before we came, oldest first."""
    found = room.recent[-count:] if count else []
    more = len(room.recent) < room.info.head
    while more and found and len(found) < count:
        page: Page = await room.history(before=seq_of(found[0]), limit=min(MAX_PAGE, count - len(found)))
        found = [*page.events, *found]
        more = page.more and bool(page.events)
    return found


def _print(event: Told, as_json: bool) -> None:
    say(line(event) if not as_json else encoded(event))
    sys.stdout.flush()


def encoded(event: Told) -> str:
    """An event for programs."""
    if isinstance(event, Unknown):
        return msgspec.json.encode(event.fields).decode()
    if isinstance(event, Reset):
        return msgspec.json.encode({"type": "reset", **msgspec.structs.asdict(event)}).decode()
    return msgspec.json.encode(event).decode()


def line(event: Told) -> str:
    """An event for people. Nothing in it moves a cursor or paints."""
    if isinstance(event, Reset):
        return f"* what came before is not in the log any more; it goes on after event {event.seq}"
    if isinstance(event, Unknown):
        return f"* {shown(event.type)} (event {event.seq})"
    when = datetime.fromtimestamp(event.at / 1000).astimezone().strftime("%Y-%m-%d %H:%M")
    who = shown(event.by.name)
    if isinstance(event, Message):
        said = ["(deleted)"] if event.deleted else [shown(one) for one in event.text.splitlines()]
        return f"{when} <{who}> " + "\n    ".join(said)
    return f"{when} * {_deed(event, who)}"


def _deed(event: Edited | Deleted | Reaction | MemberChanged | RoomChanged, who: str) -> str:
    if isinstance(event, Edited):
        # A message that was deleted since has no text any more.
        return f"{who} edited message {event.target}" + (f": {shown(event.text)}" if event.text else "")
    if isinstance(event, Deleted):
        return f"{who} deleted message {event.target}"
    if isinstance(event, Reaction):
        # Empty where the message was deleted since.
        emoji = shown(event.emoji) or "something"
        done = f"put {emoji} on" if event.on else f"took {emoji} off"
        return f"{who} {done} message {event.target}"
    if isinstance(event, MemberChanged):
        more = f" ({event.role})" if event.role else ""
        return f"{who}: {shown(event.user.name)} {event.change}{more}"
    changes = {"title": event.title, "topic": event.topic, "slow": event.slow}
    said = ", ".join(f"{name}: {shown(str(value))}" for name, value in changes.items() if value is not None)
    return f"{who} changed the room: {said}"
