"""Invitations, and coming by one: the SQL behind the port `Accounts`.

Each function works in its caller's transaction; what the port says of the method of its name is
true of it.
"""

from msgspec import structs
from sqlalchemy import Connection, delete, insert, select, update

from chatroom.domain.accounts import Account, Invitation, Membership
from chatroom.domain.errors import BadToken
from chatroom.domain.model import Millis
from chatroom.domain.registry import APART
from chatroom.store import rooms, tables
from chatroom.store.accounts import add_account

_INVITATION = [getattr(tables.invitation.c, name) for name in Invitation.__struct_fields__]


def add_invitation(connection: Connection, invitation: Invitation, digest: str) -> None:
    """See the port."""
    connection.execute(insert(tables.invitation).values(structs.asdict(invitation) | {"digest": digest}))


def invitation(connection: Connection, digest: str, now: Millis) -> Invitation | None:
    """See the port."""
    of = tables.invitation.c
    row = connection.execute(select(*_INVITATION).where(of.digest == digest, of.until > now)).first()
    return None if row is None else Invitation(*row)


def sign_up(
    connection: Connection, account: Account, password: str, invitation: str | None, now: Millis
) -> None:
    """See the port. Invitations that have run out are forgotten."""
    room = None if invitation is None else _use_up(connection, invitation, now)
    add_account(connection, account, password)
    if room is not None:
        place = Membership(room, account.id, account.name, "member", account.kind)
        rooms.set_membership(connection, place)


def _use_up(connection: Connection, digest: str, now: Millis) -> str | None:
    """Use an invitation once; the room that it lets into. Raises BadToken."""
    of = tables.invitation.c
    connection.execute(delete(tables.invitation).where(of.until <= now - APART))
    good = of.digest == digest, of.until > now
    used = update(tables.invitation).where(*good).values(uses=of.uses - 1)
    row = connection.execute(used.returning(of.room, of.uses)).first()
    if row is None:
        raise BadToken("this invitation was used up, or has run out: ask for another")
    if row.uses <= 0:
        connection.execute(delete(tables.invitation).where(of.digest == digest))
    return None if row.room is None else str(row.room)
