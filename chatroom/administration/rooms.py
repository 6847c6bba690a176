"""`chatroom room`: rooms, what they are called and for whom they are."""

from __future__ import annotations

import argparse
import secrets

from msgspec import structs

from chatroom.administration.desk import (
    Commands,
    Mistake,
    Options,
    command,
    group,
    listing,
    note,
    opened,
    remark,
    say,
    say_json,
    say_table,
    user_named,
    words,
)
from chatroom.domain import names
from chatroom.domain.accounts import Membership, RoomRecord
from chatroom.domain.errors import Conflict
from chatroom.store import rooms
from chatroom.store.database import Connection

KINDS = ("public", "private", "announcement")

MAX_SLOW = 86_400
"""Seconds between two posts, at most."""


def add_to(commands: Commands) -> None:
    """Add the commands."""
    room = group(commands, "room", "rooms: what they are called and for whom they are")
    listing(command(room, "list", _list, "list the rooms, without the direct ones"))
    create = command(room, "create", _create, "make a room, and print its name")
    create.add_argument("room", metavar="ROOM")
    create.add_argument("--kind", choices=KINDS, default="public", help="(%(default)s)")
    create.add_argument("--owner", metavar="NAME", help="who runs it; a private room needs somebody")
    change = command(room, "set", _set, "change a room")
    change.add_argument("room", metavar="ROOM")
    change.add_argument(
        "--slow", type=_seconds, metavar="SECONDS", help="between two posts of one member; 0: at will"
    )
    for parser in (create, change):
        parser.add_argument("--title", type=words(100), help="what people see")
        parser.add_argument("--topic", type=words(1000), help="what it is about")


def _seconds(raw: str) -> float:
    try:
        seconds = float(raw)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= MAX_SLOW:
        raise argparse.ArgumentTypeError(f"seconds from 0 to {MAX_SLOW}")
    return seconds


def _list(options: Options) -> None:
    with opened(options) as database, database.reading() as connection:
        found = rooms.rooms(connection)
    if options.json:
        say_json([structs.asdict(one) for one in found])
        return
    rows = [(one.name, one.kind, str(one.head), f"{one.slow:g}", one.title, one.topic) for one in found]
    say_table(("ROOM", "KIND", "EVENTS", "SLOW", "TITLE", "TOPIC"), rows)


def _create(options: Options) -> None:
    name = names.room_name(options.room)
    if names.kind_of(name) is not None:
        raise Mistake("a room's name begins with a letter or digit; --kind says that it is private")
    if options.kind == "private":
        if options.owner is None:
            raise Mistake("a private room needs somebody who can invite others: name them with --owner")
        name = names.private_name(name, secrets.token_hex(8))
    record = RoomRecord(name, options.title or options.room.strip(), options.kind, options.topic or "")
    with opened(options, make=True) as database, database.writing() as connection:
        owners = [] if options.owner is None else [_owner(connection, name, options.owner)]
        try:
            rooms.create_room(connection, record, owners)
        except Conflict:
            raise Mistake(f"there is a room {name} already: `chatroom room set` changes it") from None
        note(connection, "room.create", room=name, detail=options.kind)
    say(name)


def _owner(connection: Connection, room: str, name: str) -> Membership:
    user = user_named(connection, name)
    return Membership(room, user.id, user.name, "owner", user.kind)


def _set(options: Options) -> None:
    name = names.room_name(options.room)
    wanted = {"title": options.title, "topic": options.topic, "slow": options.slow}
    changed = {field: value for field, value in wanted.items() if value is not None}
    if not changed:
        raise Mistake("say what to change: --title, --topic or --slow")
    if changed.get("title") == "":
        raise Mistake("a title has at least one character")
    with opened(options) as database, database.writing() as connection:
        record = rooms.room(connection, name)
        if record is None:
            raise Mistake(f"there is no room {name}: `chatroom room list` shows those there are")
        rooms.set_room(connection, structs.replace(record, **changed))
        note(connection, "room.set", room=name, detail=", ".join(f"{k}: {v}" for k, v in changed.items()))
    remark(f"{name} is changed")
