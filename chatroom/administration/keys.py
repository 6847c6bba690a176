"""`chatroom key`: API keys, for programs."""

from __future__ import annotations

import argparse
import secrets

from msgspec import structs

from chatroom import tokens
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
    user_named,
)
from chatroom.domain import names, scopes
from chatroom.domain.accounts import Account, ApiKey
from chatroom.domain.errors import BadRequest
from chatroom.store import accounts, logins
from chatroom.store.database import Connection


def add_to(commands: Commands) -> None:
    """Add the commands."""
    key = group(commands, "key", "API keys: what lets programs publish and read")
    add = command(key, "add", _add, "make a key, and print it; it is shown this once")
    add.add_argument("name", metavar="NAME", help="the program's name, which its messages have")
    add.add_argument(
        "--can",
        action="append",
        required=True,
        type=_scope,
        metavar="SCOPE",
        help=f"{scopes.FORMS}; repeatable",
    )
    add.add_argument(
        "--hook",
        action="store_true",
        help="print the path of a URL that takes Slack's webhooks; --can names the room, publish:ROOM",
    )
    listing(command(key, "list", _list, "list the keys, revoked ones too"))
    revoke = command(key, "revoke", _revoke, "end a key: it is good for nothing any more")
    revoke.add_argument("name", metavar="NAME")


def _scope(raw: str) -> str:
    try:
        return scopes.scope(raw)
    except BadRequest as error:
        raise argparse.ArgumentTypeError(f"{scopes.FORMS}, not {raw!r}: {error}") from None


def _add(options: Options) -> None:
    name = names.user_name(options.name)
    if options.hook and not _one_room(options.can):
        raise Mistake("a webhook publishes in one room: --hook goes with one --can publish:ROOM, not with *")
    secret = tokens.make(tokens.KEY)
    with opened(options, make=True) as database, database.writing() as connection:
        bot = _bot(connection, name)
        can = tuple(dict.fromkeys(_resolved(connection, one) for one in options.can))
        made = ApiKey("k" + secrets.token_hex(8), name, bot.id, can, now())
        logins.add_key(connection, made, tokens.digest(secret))
        note(connection, "key.add", subject=bot.id, detail=f"{name}: {' '.join(can)}")
    say(f"/hooks/{secret}" if options.hook else secret)
    remark(f"This key is {name}'s, and is shown this once. It can {', '.join(options.can)}.")


def _one_room(can: list[str]) -> bool:
    """Whether a key can publish in one room, and nothing else."""
    return len(can) == 1 and can[0].startswith("publish:") and can[0] != f"publish:{scopes.EVERY}"


def _resolved(connection: Connection, scope: str) -> str:
    """The scope, with a user's id in place of their name: names may be others' later. Raises Mistake."""
    what, _, subject = scope.partition(":")
    if what != "direct" or subject == scopes.EVERY:
        return scope
    return f"direct:{user_named(connection, subject).id}"


def _bot(connection: Connection, name: str) -> Account:
    """The account that the key speaks for: a new one, or the one of an earlier key of that name."""
    found = accounts.account_named(connection, names.name_key(name))
    if found is None:
        bot = Account("b" + secrets.token_hex(12), name, names.name_key(name), "bot", "member", now())
        accounts.add_account(connection, bot, None)
        return bot
    if found[0].kind != "bot":
        raise Mistake(f"there is a user {found[0].name} already: give the key another name")
    if any(one.account == found[0].id and one.revoked is None for one in logins.keys(connection)):
        raise Mistake(f"there is a key {found[0].name} already: revoke that one first, or take another name")
    return found[0]


def _list(options: Options) -> None:
    with opened(options) as database, database.reading() as connection:
        found = logins.keys(connection)
    if options.json:
        say_json([structs.asdict(one) for one in found])
        return
    rows = [
        (one.name, " ".join(one.scopes), moment(one.created), moment(one.used), moment(one.revoked))
        for one in found
    ]
    say_table(("NAME", "CAN", "CREATED", "LAST USED", "REVOKED"), rows)


def _revoke(options: Options) -> None:
    with opened(options) as database, database.writing() as connection:
        if all(one.name != options.name or one.revoked for one in logins.keys(connection)):
            raise Mistake(f"there is no key {options.name}: `chatroom key list` shows those there are")
        revoked = logins.revoke_key(connection, options.name, now())
        note(connection, "key.revoke", subject=revoked.account, detail=revoked.name)
    remark(f"{revoked.name} is revoked")
