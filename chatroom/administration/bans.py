"""`chatroom ban`: who is kept out, and until when."""

from __future__ import annotations

import argparse
import re
from datetime import datetime
from ipaddress import ip_network

from msgspec import structs

from chatroom.administration.desk import (
    BY,
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
    say_json,
    say_table,
    user_named,
    words,
)
from chatroom.admission import network_of
from chatroom.domain import names
from chatroom.domain.accounts import EVERYWHERE, Sanction
from chatroom.domain.model import Millis
from chatroom.store import accounts, moderation, rooms
from chatroom.store.database import Connection

_ADDRESS = "address:"
_GUEST = re.compile(r"g[0-9a-f]{24}\Z")
_SPAN = re.compile(r"([0-9]{1,6})([mhdw])\Z")
_SPANS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


def add_to(commands: Commands) -> None:
    """Add the commands."""
    ban = group(commands, "ban", "bans: who is kept out")
    add = command(ban, "add", _add, "keep somebody out")
    add.add_argument(
        "--until", type=_until, metavar="WHEN", help="30m, 12h, 2d, 4w from now, or a time (2030-01-31 18:00)"
    )
    add.add_argument("--reason", type=words(1000), default="", help="they are told")
    listing(command(ban, "list", _list, "list who is kept out or may not speak"))
    lift = command(ban, "lift", _lift, "let somebody in again, and speak")
    for parser in (add, lift):
        parser.add_argument("who", metavar="NAME|ADDRESS", help="a user's name, an id, or a network address")
        parser.add_argument("--room", metavar="ROOM", help="of this room alone [the whole server]")


def _until(raw: str) -> Millis:
    span = _SPAN.match(raw)
    try:
        until = now() + int(span[1]) * _SPANS[span[2]] if span else _time(raw)
        moment(until)  # raises for what no calendar has
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(f"2d, or a time such as 2030-01-31 18:00, not {raw!r}") from None
    if until <= now():
        raise argparse.ArgumentTypeError(f"{raw} has passed")
    return until


def _time(raw: str) -> Millis:
    return int(datetime.fromisoformat(raw).astimezone().timestamp() * 1000)


def _add(options: Options) -> None:
    with opened(options) as database, database.writing() as connection:
        room, subject = _place(options), _subject(connection, options)
        if room and subject.startswith(_ADDRESS):
            raise Mistake("an address is kept off the whole server: leave --room out")
        ban = Sanction("ban", room, subject, now(), BY, options.until, options.reason)
        moderation.impose(connection, ban)
        if room:
            rooms.end_membership(connection, room, subject)
        note(connection, "room.ban" if room else "ban", room, subject, options.reason)
    end = "for good" if ban.until is None else f"until {moment(ban.until)}"
    remark(f"{options.who} is banned from {room or 'this server'} {end}")


def _list(options: Options) -> None:
    with opened(options) as database, database.reading() as connection:
        found = moderation.sanctions(connection, now())
        people = {one.subject: accounts.account(connection, one.subject) for one in found}
    shown = {subject: one.name for subject, one in people.items() if one is not None and not one.deleted}
    if options.json:
        say_json([structs.asdict(one) | {"name": shown.get(one.subject)} for one in found])
        return
    rows = [
        (
            shown.get(one.subject, one.subject.removeprefix(_ADDRESS)),
            one.standing,
            one.room or "everywhere",
            "for good" if one.until is None else moment(one.until),
            moment(one.at),
            one.reason,
        )
        for one in found
    ]
    say_table(("WHO", "WHAT", "WHERE", "UNTIL", "SINCE", "REASON"), rows)


def _lift(options: Options) -> None:
    with opened(options) as database, database.writing() as connection:
        room, subject = _place(options), _subject(connection, options)
        lifted = [one for one in ("ban", "mute") if moderation.lift(connection, one, room, subject)]
        if not lifted:
            where = f"in {room}" if room else "on the whole server"
            raise Mistake(
                f"{options.who} is neither banned nor muted {where}: `chatroom ban list` shows who is"
            )
        for one in lifted:
            note(connection, f"room.un{one}" if room else f"un{one}", room, subject)
    remark(f"{options.who} is free again")


def _place(options: Options) -> str:
    return EVERYWHERE if options.room is None else names.room_name(options.room)


def _subject(connection: Connection, options: Options) -> str:
    """Whom a sanction is about. Raises Mistake."""
    who: str = options.who
    if _GUEST.match(who):
        return who
    try:
        network = ip_network(who, strict=False)
    except ValueError:
        return user_named(connection, who).id
    if network.prefixlen != network.max_prefixlen and (network.version, network.prefixlen) != (6, 64):
        raise Mistake("addresses are banned one by one, of IPv6 the /64 that each is in")
    return _ADDRESS + network_of(str(network.network_address))
