"""Logins and API keys, what lets an account in: the SQL behind the port `Accounts`.

Each function works in its caller's transaction; what the port says of the method of its name is
true of it, but for `login` and `key`, which only read: `see` and `use` note what they found.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import structs
from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from chatroom.domain.accounts import Account, ApiKey, Login
from chatroom.domain.errors import NameTaken, NotFound
from chatroom.domain.model import Millis
from chatroom.domain.registry import APART
from chatroom.store import tables
from chatroom.store.accounts import COLUMNS, change_account, to_account
from chatroom.store.changes import leave

_LOGIN = [getattr(tables.login.c, name) for name in Login.__struct_fields__]
_KEY = [getattr(tables.api_key.c, name) for name in ApiKey.__struct_fields__]


def set_password(connection: Connection, account: str, password: str, but: str | None = None) -> None:
    """See the port."""
    change_account(connection, account, password=password)
    leave(connection, ("account", account))
    close_logins(connection, account, but)


def open_login(connection: Connection, login: Login, digest: str) -> None:
    """See the port."""
    _end(connection, tables.login.c.until <= login.created - APART)
    connection.execute(insert(tables.login).values(structs.asdict(login) | {"digest": digest}))


def login(connection: Connection, digest: str, now: Millis) -> tuple[Account, Login] | None:
    """Whose token that is."""
    query = select(*_LOGIN, *COLUMNS).join(tables.account)
    query = query.where(tables.login.c.digest == digest, tables.login.c.until > now)
    row = connection.execute(query).first()
    if row is None:
        return None
    return to_account(row[len(_LOGIN) :]), Login(*row[: len(_LOGIN)])


def see(connection: Connection, seen: Iterable[tuple[str, Millis]]) -> list[None]:
    """Note when logins, by their digests, were seen."""
    of, rows = tables.login.c, [{"the_digest": digest, "now": now} for digest, now in seen]
    noted = update(tables.login).where(of.digest == bindparam("the_digest")).values(seen=bindparam("now"))
    connection.execute(noted, rows)
    return [None] * len(rows)


def logins(connection: Connection, account: str) -> Sequence[Login]:
    """See the port."""
    of = tables.login.c
    query = select(*_LOGIN).where(of.account == account).order_by(of.created.desc(), of.id)
    return [Login(*row) for row in connection.execute(query)]


def close_login(connection: Connection, account: str, login: str) -> None:
    """See the port."""
    if not _end(connection, tables.login.c.account == account, tables.login.c.id == login):
        raise NotFound("there is no such session")


def close_logins(connection: Connection, account: str, but: str | None = None) -> None:
    """See the port."""
    of = tables.login.c
    _end(connection, of.account == account, *([] if but is None else [of.id != but]))


def add_key(connection: Connection, key: ApiKey, digest: str) -> None:
    """See the port."""
    values = structs.asdict(key) | {"digest": digest, "scopes": " ".join(key.scopes)}
    try:
        connection.execute(insert(tables.api_key).values(values))
    except IntegrityError:
        raise NameTaken(f"there is a key named {key.name}") from None


def key(connection: Connection, digest: str) -> tuple[ApiKey, Account] | None:
    """Whose key that is."""
    query = select(*_KEY, *COLUMNS).join(tables.account)
    query = query.where(tables.api_key.c.digest == digest, tables.api_key.c.revoked.is_(None))
    row = connection.execute(query).first()
    return None if row is None else (_to_key(row[: len(_KEY)]), to_account(row[len(_KEY) :]))


def use(connection: Connection, used: Iterable[tuple[str, Millis]]) -> list[None]:
    """Note when keys, by their digests, were used."""
    of, rows = tables.api_key.c, [{"the_digest": digest, "now": now} for digest, now in used]
    noted = update(tables.api_key).where(of.digest == bindparam("the_digest")).values(used=bindparam("now"))
    connection.execute(noted, rows)
    return [None] * len(rows)


def keys(connection: Connection) -> Sequence[ApiKey]:
    """See the port."""
    of = tables.api_key.c
    return [_to_key(row) for row in connection.execute(select(*_KEY).order_by(of.name, of.created, of.id))]


def revoke_key(connection: Connection, name: str, now: Millis) -> ApiKey:
    """See the port."""
    of = tables.api_key.c
    revoked = update(tables.api_key).where(of.name == name, of.revoked.is_(None)).values(revoked=now)
    row = connection.execute(revoked.returning(*_KEY)).first()
    if row is None:
        raise NotFound(f"there is no key named {name}")
    found = _to_key(row)
    leave(connection, ("key", found.id))
    return found


def delete_keys(connection: Connection, account: str) -> None:
    """Take all keys of an account away."""
    of = tables.api_key.c
    gone = delete(tables.api_key).where(of.account == account).returning(of.id)
    leave(connection, *[("key", found) for found in sorted(connection.scalars(gone))])


def _end(connection: Connection, *which: Any) -> bool:
    gone = delete(tables.login).where(*which).returning(tables.login.c.id)
    ended = sorted(connection.scalars(gone))
    leave(connection, *[("login", found) for found in ended])
    return bool(ended)


def _to_key(row: Sequence[Any]) -> ApiKey:
    found = ApiKey(*row)
    return structs.replace(found, scopes=tuple(str(found.scopes).split()))
