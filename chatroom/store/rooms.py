"""Rooms' records, who has a place in them and how far they have read: the SQL behind the port `Rooms`.

Each function works in its caller's transaction; what the port says of the method of its name is
true of it.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from msgspec import structs
from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from chatroom.domain.accounts import Membership, RoomRecord
from chatroom.domain.errors import Conflict, NotFound
from chatroom.domain.model import Millis, Seq
from chatroom.store import tables
from chatroom.store.changes import leave
from chatroom.store.upsert import put, upsert

_ROOM = [getattr(tables.room.c, name) for name in RoomRecord.__struct_fields__]
_MEMBERSHIP = [getattr(tables.membership.c, name) for name in Membership.__struct_fields__]

OPEN = ("public", "announcement")
"""The kinds of rooms that everybody sees."""


def create_room(connection: Connection, room: RoomRecord, members: Sequence[Membership]) -> None:
    """See the port."""
    try:
        connection.execute(insert(tables.room).values(structs.asdict(room) | {"head": 0}))
    except IntegrityError:
        raise Conflict(f"there is a room {room.name}") from None
    leave(connection, ("room", room.name))
    _place(connection, members)


def set_room(connection: Connection, room: RoomRecord) -> None:
    """See the port."""
    changed = update(tables.room).where(tables.room.c.name == room.name)
    changed = changed.values(title=room.title, topic=room.topic, slow=room.slow)
    if not connection.execute(changed).rowcount:
        raise NotFound("there is no such room")
    leave(connection, ("room", room.name))


def room(connection: Connection, name: str) -> RoomRecord | None:
    """See the port."""
    row = connection.execute(select(*_ROOM).where(tables.room.c.name == name)).first()
    return None if row is None else RoomRecord(*row)


def rooms(connection: Connection) -> Sequence[RoomRecord]:
    """Every room that is not a direct one, by name: for whoever runs the server."""
    query = select(*_ROOM).where(tables.room.c.kind != "direct").order_by(tables.room.c.name)
    return [RoomRecord(*row) for row in connection.execute(query)]


def memberships(connection: Connection, room: str) -> Sequence[Membership]:
    """See the port."""
    return _memberships(connection, tables.membership.c.room == room)


def memberships_of(connection: Connection, user: str) -> Sequence[Membership]:
    """See the port."""
    return _memberships(connection, tables.membership.c.user == user)


def spoken_with(
    connection: Connection, users: Collection[str], since: Millis
) -> Sequence[tuple[str, str, Seq]]:
    """See the port."""
    of, place, last = tables.room.c, tables.membership.c, tables.event.c
    rooms = tables.membership.join(tables.room, of.name == place.room)
    newest = rooms.join(tables.event, and_(last.room == of.name, last.seq == of.head))
    wanted = place.user.in_(users), of.kind == "direct", last.at >= since
    query = select(of.name, place.user, of.head).select_from(newest).where(*wanted)
    return [(str(room), str(user), int(head)) for room, user, head in connection.execute(query)]


def others(connection: Connection, room: str, user: str) -> Sequence[Membership]:
    """See the port."""
    return _memberships(connection, tables.membership.c.room == room, tables.membership.c.user != user)


def set_membership(connection: Connection, membership: Membership) -> None:
    """See the port."""
    _place(connection, [membership])


def end_membership(connection: Connection, room: str, user: str) -> bool:
    """See the port."""
    return _end(connection, tables.membership.c.room == room, tables.membership.c.user == user)


def visible(connection: Connection, user: str) -> Sequence[tuple[RoomRecord, Seq]]:
    """See the port."""
    of, mark = tables.room.c, tables.read_mark.c
    read = and_(mark.user == user, mark.room == of.name)
    listed = select(*_ROOM, func.coalesce(mark.seq, 0)).outerjoin(tables.read_mark, read)
    mine = select(tables.membership.c.room).where(tables.membership.c.user == user)
    # Two looks by two indexes: one condition for both would read every room there is.
    rows = [
        *connection.execute(listed.where(of.kind.in_(OPEN))),
        *connection.execute(listed.where(of.name.in_(mine), of.kind.not_in(OPEN))),
    ]
    rows.sort(key=lambda row: str(row.name))
    return [(RoomRecord(*row[:-1]), row[-1]) for row in rows]


def mark_read(connection: Connection, marks: Iterable[tuple[str, str, Seq]]) -> list[Seq]:
    """As in the port, for many marks: user, room and seq of each."""
    statement = upsert(connection, tables.read_mark)
    old, new = tables.read_mark.c.seq, statement.excluded.seq
    furthest = statement.on_conflict_do_update(
        index_elements=["user", "room"], set_={"seq": case((new > old, new), else_=old)}
    ).returning(old)
    rows = [{"user": user, "room": room, "seq": seq} for user, room, seq in marks]
    return [int(connection.scalars(furthest, row).one()) for row in rows]


def forget_user(connection: Connection, user: str) -> None:
    """Take a user's places and read marks away."""
    _end(connection, tables.membership.c.user == user)
    connection.execute(delete(tables.read_mark).where(tables.read_mark.c.user == user))


def _place(connection: Connection, members: Sequence[Membership]) -> None:
    put(connection, tables.membership, *map(structs.asdict, members))
    leave(connection, *[("membership", f"{one.room} {one.user}") for one in members])


def _memberships(connection: Connection, *which: ColumnElement[bool]) -> Sequence[Membership]:
    order = tables.membership.c.room, tables.membership.c.user
    return [
        Membership(*row) for row in connection.execute(select(*_MEMBERSHIP).where(*which).order_by(*order))
    ]


def _end(connection: Connection, *which: Any) -> bool:
    of = tables.membership.c
    gone = connection.execute(delete(tables.membership).where(*which).returning(of.room, of.user))
    ended = sorted(f"{row.room} {row.user}" for row in gone)
    leave(connection, *[("membership", subject) for subject in ended])
    return bool(ended)
