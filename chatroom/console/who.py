"""`chatroom who`."""

from __future__ import annotations

from chatroom.client import Client
from chatroom.console import profiles, running
from chatroom.terminal import Commands, Options, remark, say_json, say_table


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "who", help="show who is in a room now", description="Show who is in a room now."
    )
    parser.add_argument("--room", metavar="ROOM", default="lobby", help="which one (%(default)s)")
    parser.add_argument("--json", action="store_true", help="as JSON")
    profiles.add_to(parser)
    parser.set_defaults(action=_who)


def _who(options: Options) -> None:
    running.talk(profiles.chosen(options), lambda client: _people(client, options), agent="who")


async def _people(client: Client, options: Options) -> None:
    found = await client.who(options.room)
    if options.json:
        say_json(found.members)
        return
    say_table(("NAME", "KIND", "ID"), [(user.name, user.kind, user.id) for user in found.members])
    if found.count > len(found.members):
        remark(f"and {found.count - len(found.members)} more")
