"""Sanctions, reports and the audit log: the SQL behind the port `Moderation`.

Each function works in its caller's transaction; what the port says of the method of its name is
true of it.
"""

from collections.abc import Sequence

from msgspec import structs
from sqlalchemy import Connection, delete, false, insert, select, true, update

from chatroom.domain.accounts import Deed, Report, Sanction
from chatroom.domain.errors import NotFound
from chatroom.domain.model import MAX_SEQ, Millis, Seq
from chatroom.domain.registry import APART
from chatroom.store import tables
from chatroom.store.changes import leave
from chatroom.store.tables import event, message
from chatroom.store.upsert import put, upsert

_SANCTION = [getattr(tables.sanction.c, name) for name in Sanction.__struct_fields__]
_REPORT = [getattr(tables.report.c, name) for name in Report.__struct_fields__]
_DEED = [getattr(tables.deed.c, name) for name in Deed.__struct_fields__]


def impose(connection: Connection, sanction: Sanction) -> None:
    """See the port."""
    connection.execute(delete(tables.sanction).where(tables.sanction.c.until <= sanction.at - APART))
    put(connection, tables.sanction, structs.asdict(sanction))
    leave(connection, ("sanction", f"{sanction.room} {sanction.subject}"))


def lift(connection: Connection, standing: str, room: str, subject: str) -> bool:
    """See the port."""
    of = tables.sanction.c
    which = of.standing == standing, of.room == room, of.subject == subject
    if not connection.execute(delete(tables.sanction).where(*which)).rowcount:
        return False
    leave(connection, ("sanction", f"{room} {subject}"))
    return True


def sanctions(connection: Connection, now: Millis) -> Sequence[Sanction]:
    """See the port."""
    of = tables.sanction.c
    query = select(*_SANCTION).where(of.until.is_(None) | (of.until > now))
    rows = connection.execute(query.order_by(of.standing, of.room, of.subject))
    return [Sanction(*row) for row in rows]


def messages_of(
    connection: Connection, author: str, room: str | None, limit: int
) -> Sequence[tuple[str, Seq]]:
    """See the port. It reads all of the room's log, or of every room's: no index finds an author's
    messages, which would make each post a third dearer for what is rare."""
    there = (message.c.room == event.c.room) & (message.c.seq == event.c.seq)
    query = select(event.c.room, event.c.seq).join(message, there)
    query = query.where(event.c.author == author, event.c.kind == "message", ~message.c.deleted)
    if room is not None:
        query = query.where(event.c.room == room)
    query = query.order_by(event.c.at, event.c.room, event.c.seq).limit(limit)
    return [(row.room, row.seq) for row in connection.execute(query)]


def report(connection: Connection, room: str, seq: Seq, by: str, at: Millis, reason: str) -> int:
    """See the port."""
    made = upsert(connection, tables.report).values(
        room=room, seq=seq, by=by, at=at, reason=reason, done=False
    )
    once = ["room", "seq", "by"]
    # Writing what is there over itself, so that its id is returned.
    made = made.on_conflict_do_update(index_elements=once, set_={"room": room})
    return int(connection.scalars(made.returning(tables.report.c.id)).one())


def reports(connection: Connection, limit: int) -> Sequence[Report]:
    """See the port."""
    query = select(*_REPORT).where(tables.report.c.done == false()).order_by(tables.report.c.id).limit(limit)
    return [Report(*row) for row in connection.execute(query)]


def close_report(connection: Connection, report: int) -> None:
    """See the port."""
    closed = update(tables.report).where(tables.report.c.id == report).values(done=true())
    if not 0 < report <= MAX_SEQ or not connection.execute(closed).rowcount:
        raise NotFound("there is no such report")


def note(connection: Connection, deed: Deed) -> None:
    """See the port."""
    connection.execute(insert(tables.deed).values(structs.asdict(deed)))


def disconnect(connection: Connection, deed: Deed) -> None:
    """See the port."""
    note(connection, deed)
    leave(connection, ("connections", deed.subject))


def deeds(connection: Connection, before: Millis | None, limit: int) -> Sequence[Deed]:
    """See the port."""
    of = tables.deed.c
    # A client may name any number, and a column holds 64 bits.
    wanted = true() if before is None else of.at < max(0, min(before, MAX_SEQ))
    ends = select(of.at).where(wanted).order_by(of.at.desc()).offset(limit - 1).limit(1)
    last = connection.scalar(ends)
    query = select(*_DEED).where(wanted, true() if last is None else of.at >= last)
    return [Deed(*row) for row in connection.execute(query.order_by(of.at.desc(), of.id.desc()))]
