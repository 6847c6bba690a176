"""Deleting an account: its messages stay, its name goes, from every event that has it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from threading import Event as ThreadEvent
from typing import NamedTuple

import msgspec
from msgspec import structs
from sqlalchemy import Connection, bindparam, case, select, tuple_, update

from chatroom.domain.errors import NotFound, Unavailable
from chatroom.domain.model import Seq
from chatroom.store import logins, rooms, webhooks
from chatroom.store.accounts import account as account_of
from chatroom.store.accounts import change_account
from chatroom.store.changes import leave
from chatroom.store.reactions import forget_author
from chatroom.store.rows import Place
from chatroom.store.tables import event, room
from chatroom.store.writer import RETRY_AFTER

Opener = Callable[[], AbstractContextManager[Connection]]

PAGE = 500
"""So many of a deleted account's events are given another name in one transaction."""

PAUSE = 0.02
"""Seconds between two of them, in which other processes get to write: SQLite's lock knows no turns."""


def delete_account(reading: Opener, writing: Opener, account: str, name: str, stopping: ThreadEvent) -> None:
    """See the port. Not one transaction: the name goes piece by piece, the account when it is gone.

    `reading` opens a connection, `writing` a transaction. Raises Unavailable where it is `stopping`
    before the end.
    """
    with reading() as connection:
        found = account_of(connection, account)
    if found is None or found.deleted:
        raise NotFound("there is no such account")
    _rename_all(reading, writing, account, name, stopping)
    with writing() as connection:
        end_account(connection, account)
    # What they have said meanwhile.
    _rename_all(reading, writing, account, name, stopping)


def end_account(connection: Connection, account: str) -> None:
    """Take all away that an account has, but its name in the logs."""
    change_account(connection, account, name="", key=None, role="guest", password=None)
    leave(connection, ("account", account))
    logins.close_logins(connection, account)
    logins.delete_keys(connection, account)
    rooms.forget_user(connection, account)
    webhooks.forget_user(connection, account)
    forget_author(connection, account)


class Mention(NamedTuple):
    """An event that has the account's name: as its author's, or (`body`) as whose place it changes."""

    room: str
    seq: Seq
    body: str | None


def mentions(connection: Connection, account: str, after: tuple[str, Seq]) -> list[Mention]:
    """The first PAGE events after that one that have the account's name, in their order.

    No index finds them, on purpose: it would make each post a third dearer, for what is rare.
    """
    of = event.c
    body = case((of.kind == "member", of.body))
    about = (of.kind == "member") & of.body.contains(f'"id":"{account}"', autoescape=True)
    query = select(of.room, of.seq, body).where((of.author == account) | about)
    query = query.where(tuple_(of.room, of.seq) > after).order_by(of.room, of.seq).limit(PAGE)
    return [Mention(*row) for row in connection.execute(query)]


def rename(connection: Connection, account: str, found: Sequence[Mention], name: str) -> None:
    """Write another name over the account's in these events."""
    # In the order in which commits lock them, and before any event: nobody waits for each other.
    held = select(room.c.name).where(room.c.name.in_({at.room for at in found})).order_by(room.c.name)
    connection.execute(held.with_for_update(key_share=True)).all()
    one = event.c.room == bindparam("the_room"), event.c.seq == bindparam("the_seq")
    named = update(event).where(*one, event.c.author == account).values(name=name)
    connection.execute(named, [{"the_room": at.room, "the_seq": at.seq} for at in found])
    told = [
        {"the_room": at.room, "the_seq": at.seq, "now": _told_of(account, at.body, name)}
        for at in found
        if at.body is not None
    ]
    if told:
        connection.execute(update(event).where(*one).values(body=bindparam("now")), told)


def _told_of(account: str, body: str, name: str) -> str:
    """The body of a member event, with another name where it tells of that account."""
    place = msgspec.json.decode(body, type=Place)
    if place.user.id == account:
        place = structs.replace(place, user=structs.replace(place.user, name=name))
    return msgspec.json.encode(place).decode()


def _rename_all(reading: Opener, writing: Opener, account: str, name: str, stopping: ThreadEvent) -> None:
    after = ("", 0)
    while True:
        with reading() as connection:
            page = mentions(connection, account, after)
        if page:
            with writing() as connection:
                rename(connection, account, page, name)
        if len(page) < PAGE:
            return
        after = page[-1].room, page[-1].seq
        if stopping.wait(PAUSE):
            raise Unavailable("the server is stopping; try again", RETRY_AFTER)
