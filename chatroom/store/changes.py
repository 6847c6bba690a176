"""What was changed, numbered: in the transaction that changed it, so that nobody misses any."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, insert, select

from chatroom.domain.accounts import Change
from chatroom.domain.registry import CHANGES_KEPT, MAX_CHANGES
from chatroom.store.tables import change


def leave(connection: Connection, *changed: tuple[str, str]) -> None:
    """Leave changes, each (what, subject); forget the oldest.

    The numbers have no gaps because writing transactions are one after the other.
    """
    if not changed:
        return
    last = last_change(connection)
    rows = [
        {"id": last + n, "what": what, "subject": subject} for n, (what, subject) in enumerate(changed, 1)
    ]
    connection.execute(insert(change), rows)
    connection.execute(delete(change).where(change.c.id <= last + len(rows) - CHANGES_KEPT))


def changes(connection: Connection, after: int) -> Sequence[Change]:
    """See the port."""
    query = select(change).where(change.c.id > after).order_by(change.c.id).limit(MAX_CHANGES)
    return [Change(*row) for row in connection.execute(query)]


def last_change(connection: Connection) -> int:
    """See the port."""
    return int(connection.scalar(select(func.max(change.c.id))) or 0)
