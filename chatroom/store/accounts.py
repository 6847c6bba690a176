"""Accounts: the SQL behind the port `Accounts`.

Each function works in its caller's transaction; what the port says of the method of its name is
true of it.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from chatroom.domain.accounts import Account
from chatroom.domain.errors import NameTaken, NotFound
from chatroom.domain.model import Role
from chatroom.store import tables
from chatroom.store.changes import leave

COLUMNS = [getattr(tables.account.c, name) for name in ("id", "name", "key", "kind", "role", "created")]

_of = tables.account.c


def to_account(row: Sequence[Any]) -> Account:
    """The account that a row of COLUMNS is."""
    account, name, key, kind, role, created = row
    return Account(account, name, key or "", kind, role, created, deleted=key is None)


def add_account(connection: Connection, account: Account, password: str | None) -> None:
    """See the port."""
    values = {
        "id": account.id,
        "name": account.name,
        "key": account.key,
        "kind": account.kind,
        "role": account.role,
        "password": password,
        "created": account.created,
    }
    try:
        connection.execute(insert(tables.account).values(values))
    except IntegrityError:
        raise NameTaken(f"{account.name} is taken; take another name") from None
    leave(connection, ("account", account.id))


def account(connection: Connection, account: str) -> Account | None:
    """See the port."""
    row = connection.execute(select(*COLUMNS).where(_of.id == account)).first()
    return None if row is None else to_account(row)


def account_named(connection: Connection, key: str) -> tuple[Account, str | None] | None:
    """See the port."""
    row = connection.execute(select(*COLUMNS, _of.password).where(_of.key == key)).first()
    return None if row is None else (to_account(row[:-1]), row[-1])


def accounts(connection: Connection, after: str = "", limit: int = 100) -> Sequence[Account]:
    """See the port."""
    query = select(*COLUMNS).where(_of.key > after).order_by(_of.key).limit(limit)
    return [to_account(row) for row in connection.execute(query)]


def set_role(connection: Connection, account: str, role: Role) -> None:
    """See the port."""
    change_account(connection, account, role=role)
    leave(connection, ("account", account))


def has_owner(connection: Connection) -> bool:
    """See the port."""
    return bool(connection.scalar(select(exists().where(_of.role == "owner", _of.key.is_not(None)))))


def change_account(connection: Connection, account: str, **values: object) -> None:
    """Give an account other values. Raises NotFound, also where it was deleted."""
    there = _of.id == account, _of.key.is_not(None)
    if not connection.execute(update(tables.account).where(*there).values(values)).rowcount:
        raise NotFound("there is no such account")
