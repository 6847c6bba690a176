"""Deleting an account: its messages stay, its name goes, from every event of its."""

from collections.abc import Iterable
from threading import Event as ThreadEvent

from sqlalchemy import Connection, Engine, bindparam, select, tuple_, update

from chatroom.domain.errors import NotFound, Unavailable
from chatroom.domain.model import Seq
from chatroom.store import logins, rooms
from chatroom.store.accounts import account, change_account
from chatroom.store.changes import leave
from chatroom.store.tables import event
from chatroom.store.writer import RETRY_AFTER

PAGE = 500
"""So many of a deleted account's events are given another name in one transaction."""

PAUSE = 0.02
"""Seconds between two of them, in which posts are written: SQLite's lock is not given in turn."""


def delete_account(
    reading: Engine, writing: Engine, account_id: str, name: str, stopping: ThreadEvent
) -> None:
    """See the port. Not one transaction: the name goes piece by piece, the account when it is gone.
    Raises Unavailable where it is `stopping` before that."""
    with reading.connect() as connection:
        found = account(connection, account_id)
    if found is None or found.deleted:
        raise NotFound("there is no such account")
    _rename_all(reading, writing, account_id, name, stopping)
    with writing.begin() as connection:
        end_account(connection, account_id)
    # What they have said meanwhile.
    _rename_all(reading, writing, account_id, name, stopping)


def end_account(connection: Connection, account: str) -> None:
    """Take all away that an account has, but its name in the logs."""
    change_account(connection, account, name="", key=None, role="guest", password=None)
    leave(connection, ("account", account))
    logins.close_logins(connection, account)
    logins.delete_keys(connection, account)
    rooms.forget_user(connection, account)


def events_by(connection: Connection, author: str, after: tuple[str, Seq]) -> list[tuple[str, Seq]]:
    """Room and seq of an author's first PAGE events after that one, in their order.

    No index finds them, on purpose: it would make each post a third dearer, for what is rare.
    """
    place = event.c.room, event.c.seq
    query = select(*place).where(event.c.author == author, tuple_(*place) > after)
    return [(row.room, row.seq) for row in connection.execute(query.order_by(*place).limit(PAGE))]


def rename(connection: Connection, events: Iterable[tuple[str, Seq]], name: str) -> None:
    """Write another name over the author's of these events."""
    one = event.c.room == bindparam("the_room"), event.c.seq == bindparam("the_seq")
    rows = [{"the_room": room, "the_seq": seq} for room, seq in events]
    connection.execute(update(event).where(*one).values(name=name), rows)


def _rename_all(reading: Engine, writing: Engine, author: str, name: str, stopping: ThreadEvent) -> None:
    after = ("", 0)
    while True:
        with reading.connect() as connection:
            page = events_by(connection, author, after)
        if page:
            with writing.begin() as connection:
                rename(connection, page, name)
        if len(page) < PAGE:
            return
        after = page[-1]
        if stopping.wait(PAUSE):
            raise Unavailable("the server is stopping; try again", RETRY_AFTER)
