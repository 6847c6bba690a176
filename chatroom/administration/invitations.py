"""`chatroom invite`: links by which people sign up."""

from __future__ import annotations

import argparse
from urllib.parse import urlsplit

from chatroom import tokens
from chatroom.administration.desk import (
    BY,
    Commands,
    Mistake,
    Options,
    between,
    command,
    moment,
    note,
    now,
    opened,
    remark,
    say,
)
from chatroom.administration.users import ROLES
from chatroom.domain import names
from chatroom.domain.accounts import EVERYWHERE, Invitation
from chatroom.store import invitations, rooms

_DAY = 86_400_000


def add_to(commands: Commands) -> None:
    """Add the command."""
    invite = command(commands, "invite", _invite, "make a link by which somebody can sign up, and print it")
    invite.add_argument("--role", choices=ROLES, default="member", help="on the whole server (%(default)s)")
    invite.add_argument("--room", metavar="ROOM", help="a room that they have a place in then")
    invite.add_argument(
        "--uses", type=between(1, 10_000), default=1, help="how many may use it (%(default)s)"
    )
    invite.add_argument(
        "--days", type=between(1, 365), default=7, help="how long it is good for (%(default)s)"
    )
    invite.add_argument(
        "--url", type=_url, default="http://localhost:9000", help="where the server is reached (%(default)s)"
    )


def _url(raw: str) -> str:
    try:
        parts = urlsplit(raw)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment
    except ValueError:
        good = False
    if not good:
        raise argparse.ArgumentTypeError(f"a URL such as https://chat.example.org, not {raw!r}")
    return raw.rstrip("/")


def _invite(options: Options) -> None:
    room = None if options.room is None else names.room_name(options.room)
    token = tokens.make(tokens.INVITATION)
    made = Invitation(options.role, now() + options.days * _DAY, options.uses, room, BY)
    with opened(options, make=True) as database, database.writing() as connection:
        if room is not None and rooms.room(connection, room) is None:
            raise Mistake(f"there is no room {room}: `chatroom room list` shows those there are")
        invitations.add_invitation(connection, made, tokens.digest(token))
        note(connection, "invite", room or EVERYWHERE, detail=f"{options.role}, for {options.uses}")
    say(f"{options.url}/#invite={token}")
    people = "once" if options.uses == 1 else f"{options.uses} times"
    remark(f"Good {people} until {moment(made.until)}, for a {options.role}.")
