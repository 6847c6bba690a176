"""`chatroom user`: accounts."""

from __future__ import annotations

import getpass
import secrets
import sys
import warnings
from typing import get_args

from chatroom import passwords
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
from chatroom.domain import names
from chatroom.domain.accounts import GONE, Account
from chatroom.domain.model import Role
from chatroom.store import accounts, logins

ROLES = [role for role in get_args(Role) if role != "guest"]

_PAGE = 1000


def add_to(commands: Commands) -> None:
    """Add the commands."""
    user = group(commands, "user", "accounts: who can log in")
    add = command(user, "add", _add, "make an account, and print its id")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--role", choices=ROLES, default="member", help="on the whole server (%(default)s)")
    change = command(
        user, "password", _password, "give an account another password, and log it out everywhere"
    )
    change.add_argument("name", metavar="NAME")
    for parser in (add, change):
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input, one line"
        )
    listing(command(user, "list", _list, "list the accounts"))
    role = command(user, "role", _role, "give an account another role on the whole server")
    role.add_argument("name", metavar="NAME")
    role.add_argument("role", metavar="ROLE", choices=ROLES, help=", ".join(ROLES))
    delete = command(user, "delete", _delete, "delete an account: its messages stay, its name goes")
    delete.add_argument("name", metavar="NAME")
    delete.add_argument("--yes", action="store_true", help="do not ask first")


def _add(options: Options) -> None:
    name = names.user_name(options.name)
    key = names.name_key(name)
    with opened(options, make=True) as database:
        with database.reading() as connection:
            if accounts.account_named(connection, key) is not None:
                raise Mistake(f"there is a user {name} already, or one whose name looks the same")
        password = _new_password(options, name)
        made = Account("u" + secrets.token_hex(12), name, key, "user", options.role, now())
        with database.writing() as connection:
            accounts.add_account(connection, made, passwords.hashed(password))
            note(connection, "account.add", subject=made.id, detail=options.role)
    say(made.id)
    remark(f"{name} can log in now, as {options.role}")


def _password(options: Options) -> None:
    with opened(options) as database:
        with database.reading() as connection:
            user = user_named(connection, options.name)
        if user.kind == "bot":
            raise Mistake(f"{user.name} is let in by an API key alone: `chatroom key` is for those")
        digest = passwords.hashed(_new_password(options, user.name))
        with database.writing() as connection:
            logins.set_password(connection, user.id, digest)
            note(connection, "password", subject=user.id)
    remark(f"{user.name} has a new password, and must log in again everywhere")


def _list(options: Options) -> None:
    found: list[Account] = []
    with opened(options) as database, database.reading() as connection:
        while page := accounts.accounts(connection, found[-1].key if found else "", _PAGE):
            found += page
    # Not by their keys, in which a 1 is an l.
    found.sort(key=lambda one: (one.name.casefold(), one.id))
    if options.json:
        say_json(
            [
                {"id": a.id, "name": a.name, "kind": a.kind, "role": a.role, "created": a.created}
                for a in found
            ]
        )
        return
    rows = [(one.name, one.role, one.kind, moment(one.created), one.id) for one in found]
    say_table(("NAME", "ROLE", "KIND", "CREATED", "ID"), rows)


def _role(options: Options) -> None:
    with opened(options) as database, database.writing() as connection:
        user = user_named(connection, options.name)
        accounts.set_role(connection, user.id, options.role)
        note(connection, "account.role", subject=user.id, detail=options.role)
        owned = accounts.has_owner(connection)
    remark(f"{user.name} is {options.role} now")
    _remark_unowned(owned)


def _delete(options: Options) -> None:
    with opened(options) as database:
        with database.reading() as connection:
            user = user_named(connection, options.name)
        if not options.yes and sys.stdin.isatty():
            remark(f"Delete the account of {user.name} for good? Type the name again:")
            if sys.stdin.readline().strip() != user.name:
                raise Mistake("nothing was deleted")
        database.delete_account(user.id, GONE)
        with database.writing() as connection:
            note(connection, "account.delete", subject=user.id)
            owned = accounts.has_owner(connection)
    remark(f"{user.name} is deleted")
    _remark_unowned(owned)


def _remark_unowned(owned: bool) -> None:
    if not owned:
        remark("this server has no owner: `chatroom user role NAME owner` makes somebody one")


def _new_password(options: Options, name: str) -> str:
    """The password from standard input, or asked for twice. Raises Mistake, and BadRequest for one
    that will not do."""
    if options.password_stdin:
        try:
            password = sys.stdin.buffer.readline().decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise Mistake("the password on standard input is not UTF-8") from None
        passwords.check(password, name)
        return password
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            password = getpass.getpass(f"Password for {name}: ", sys.stderr)
            passwords.check(password, name)
            again = getpass.getpass("Once more: ", sys.stderr)
        except (getpass.GetPassWarning, EOFError):
            raise Mistake("no terminal to ask for a password on: give it with --password-stdin") from None
    if again != password:
        raise Mistake("the two passwords are not the same: nothing was changed")
    return password
