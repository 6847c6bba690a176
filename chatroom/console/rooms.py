"""`chatroom rooms`."""

from __future__ import annotations

from chatroom.client import Client
from chatroom.console import profiles, running
from chatroom.terminal import Commands, Options, say_json, say_table


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "rooms", help="list the rooms", description="List the rooms that we may see."
    )
    parser.add_argument("--json", action="store_true", help="as JSON")
    profiles.add_to(parser)
    parser.set_defaults(action=_rooms)


def _rooms(options: Options) -> None:
    running.talk(profiles.chosen(options), lambda client: _list(client, options), agent="rooms")


async def _list(client: Client, options: Options) -> None:
    found = await client.rooms()
    if options.json:
        say_json(found)
        return
    rows = [(room.name, room.kind, str(room.count), str(room.head), room.title) for room in found]
    say_table(("ROOM", "KIND", "PEOPLE", "HEAD", "TITLE"), rows)
