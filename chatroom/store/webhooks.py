"""Webhooks and their outbox: the SQL behind the port `Webhooks`, and its adapter.

Each function works in its caller's transaction; what the port says of the method of its name is
true of it.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from msgspec import structs
from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from twisted.internet.defer import Deferred

from chatroom.domain import names
from chatroom.domain.accounts import Account
from chatroom.domain.errors import Conflict, NotFound
from chatroom.domain.model import Millis, Seq, User
from chatroom.domain.webhooks import DEAD_KEPT, MOST, PASSING, Behind, Letter, Move, Progress, Webhook
from chatroom.store import accounts, tables
from chatroom.store.changes import leave
from chatroom.store.rooms import OPEN
from chatroom.store.upsert import upsert

_of, _cursor, _letter, _room = tables.webhook.c, tables.webhook_cursor.c, tables.letter.c, tables.room.c
_present = tables.present.c
_WEBHOOK = [getattr(_of, name) for name in Webhook.__struct_fields__]
_LETTER = [getattr(_letter, name) for name in Letter.__struct_fields__]

NO_WEBHOOK = "there is no such webhook"


def webhooks(connection: Connection) -> Sequence[Webhook]:
    """See the port."""
    return [_to_webhook(row) for row in connection.execute(select(*_WEBHOOK).order_by(_of.created, _of.id))]


def add_webhook(connection: Connection, hook: Webhook, bot: Account | None) -> None:
    """See the port."""
    if (connection.scalar(select(func.count()).select_from(tables.webhook)) or 0) >= MOST:
        raise Conflict(f"there are {MOST} webhooks already: remove one first")
    if bot is not None:
        accounts.add_account(connection, bot, None)
    values = structs.asdict(hook) | {"rooms": " ".join(hook.rooms), "events": " ".join(hook.events)}
    connection.execute(insert(tables.webhook).values(values))
    # From here on: what was said before is nobody's business but the rooms'.
    heads = select(literal(hook.id), _room.name, _room.head).where(_room.head > 0, _heard(hook))
    connection.execute(insert(tables.webhook_cursor).from_select(["hook", "room", "seq"], heads))
    leave(connection, ("webhook", hook.id))


def remove_webhook(connection: Connection, hook: str) -> None:
    """See the port."""
    connection.execute(delete(tables.letter).where(_letter.hook == hook))
    connection.execute(delete(tables.webhook_cursor).where(_cursor.hook == hook))
    if not connection.execute(delete(tables.webhook).where(_of.id == hook)).rowcount:
        raise NotFound(NO_WEBHOOK)
    _attend_no_more(connection)
    leave(connection, ("webhook", hook))


def set_webhook(connection: Connection, hook: str, disabled: Millis | None, reason: str) -> None:
    """See the port."""
    changed = update(tables.webhook).where(_of.id == hook).values(disabled=disabled, reason=reason)
    if not connection.execute(changed).rowcount:
        raise NotFound(NO_WEBHOOK)
    _attend_no_more(connection)
    leave(connection, ("webhook", hook))


def behind(connection: Connection, hook: Webhook) -> Sequence[Behind]:
    """See the port."""
    mine = and_(_cursor.hook == hook.id, _cursor.room == _room.name)
    told = func.coalesce(_cursor.seq, 0)
    query = select(_room.name, told, _room.head).outerjoin(tables.webhook_cursor, mine)
    query = query.where(_room.head > told, _heard(hook)).order_by(_room.name)
    lettered_rooms = set(lettered(connection, hook.id))
    found = [Behind(*row, row[0] in lettered_rooms) for row in connection.execute(query)]
    left = lettered_rooms - {one.room for one in found}
    for room in sorted(left):
        seq = reached(connection, hook.id, room)
        head = connection.scalar(select(_room.head).where(_room.name == room)) or 0
        found.append(Behind(room, max(seq, head), head, letters=True))
    return found


def reached(connection: Connection, hook: str, room: str) -> Seq:
    """See the port."""
    return connection.scalar(select(_cursor.seq).where(_cursor.hook == hook, _cursor.room == room)) or 0


class Late(NamedTuple):
    """How many rooms a webhook is still to be told of, and of what longest: when that happened."""

    rooms: int
    since: Millis | None


def late(connection: Connection, hook: Webhook) -> Late:
    """What a webhook was not told yet, or was not found to be none of its business."""
    mine = and_(_cursor.hook == hook.id, _cursor.room == _room.name)
    told = func.coalesce(_cursor.seq, 0)
    following = and_(tables.event.c.room == _room.name, tables.event.c.seq == told + 1)
    rooms = tables.room.outerjoin(tables.webhook_cursor, mine).outerjoin(tables.event, following)
    query = select(_room.name, tables.event.c.at).select_from(rooms).where(_room.head > told, _heard(hook))
    waiting = select(_letter.room, _letter.at).where(_letter.hook == hook.id, _letter.dead.is_(None))
    union = query.union_all(waiting).subquery()
    row = connection.execute(select(func.count(union.c.name.distinct()), func.min(union.c.at))).one()
    return Late(*row)


def letters(connection: Connection, hook: str, room: str, after: int, limit: int) -> Sequence[Letter]:
    """See the port."""
    query = select(*_LETTER).where(_letter.hook == hook, _letter.room == room, _letter.dead.is_(None))
    query = query.where(_letter.id > after).order_by(_letter.id).limit(limit)
    return [Letter(*row) for row in connection.execute(query)]


def lettered(connection: Connection, hook: str) -> Sequence[str]:
    """See the port."""
    query = select(_letter.room).where(_letter.hook == hook, _letter.dead.is_(None)).distinct()
    return sorted(connection.scalars(query))


def keep(connection: Connection, progress: Progress) -> None:
    """See the port."""
    there = set(connection.scalars(select(_of.id)))
    rows = [
        {"hook": hook, "room": room, "seq": seq}
        for (hook, room), seq in progress.cursors.items()
        if hook in there
    ]
    if rows:
        statement = upsert(connection, tables.webhook_cursor)
        old, new = _cursor.seq, statement.excluded.seq
        furthest = case((new > old, new), else_=old)
        connection.execute(
            statement.on_conflict_do_update(index_elements=["hook", "room"], set_={"seq": furthest}), rows
        )
    gone = [*progress.told, *(one.id for one in progress.dead if one.id)]
    if gone:
        connection.execute(delete(tables.letter).where(_letter.id.in_(gone)))
    put = [*progress.dead, *_moved(connection, progress.moves)]
    _put(connection, [one for one in put if one.hook in there])
    for died in {one.dead for one in progress.dead if one.dead is not None}:
        connection.execute(delete(tables.letter).where(_letter.dead < died - DEAD_KEPT))


def left_behind(connection: Connection, nodes: Collection[str], limit: int) -> Sequence[Move]:
    """See the port."""
    query = select(_present.room, _present.user, _present.name, _present.kind, _present.node, _present.at)
    query = query.where(_present.node.not_in(nodes)).order_by(_present.node).limit(limit)
    return [
        Move(room, User(user, name, kind), node, here=True, at=at)
        for room, user, name, kind, node, at in connection.execute(query)
    ]


def dead(connection: Connection, hook: str, limit: int) -> Sequence[Letter]:
    """See the port."""
    query = select(*_LETTER).where(_letter.hook == hook, _letter.dead.is_not(None))
    return [Letter(*row) for row in connection.execute(query.order_by(_letter.id).limit(limit))]


def resend(connection: Connection, hook: str, letter: int | None, now: Millis) -> int:
    """See the port."""
    if connection.scalar(select(_of.id).where(_of.id == hook)) is None:
        raise NotFound(NO_WEBHOOK)
    which = [_letter.hook == hook, _letter.dead.is_not(None)]
    if letter is not None:
        which.append(_letter.id == letter)
    found = [Letter(*row) for row in connection.execute(select(*_LETTER).where(*which).order_by(_letter.id))]
    if letter is not None and not found:
        raise NotFound(f"this webhook has no dead letter {letter}")
    connection.execute(delete(tables.letter).where(*which))
    # Under new ids: a running server may have read past the old ones.
    _put(connection, [structs.replace(one, dead=None, reason="", at=now, after=0) for one in found])
    leave(connection, ("webhook", hook))
    return len(found)


def forget_user(connection: Connection, user: str) -> None:
    """Take away the webhooks of a bot, and the letters of anybody's coming and going."""
    for hook in list(connection.scalars(select(_of.id).where(_of.account == user))):
        remove_webhook(connection, hook)
    about = _letter.body.contains(f'"id":"{user}"', autoescape=True)
    connection.execute(delete(tables.letter).where(about))
    connection.execute(delete(tables.present).where(_present.user == user))


def _moved(connection: Connection, moves: Sequence[Move]) -> list[Letter]:
    """Keep who is where; the letters of those who came first, and went last."""
    users = {move.user.id for move in moves}
    there: dict[tuple[str, str], set[str]] = {}
    query = select(_present.room, _present.user, _present.node).where(_present.user.in_(users))
    for room, user, node in connection.execute(query) if users else ():
        there.setdefault((room, user), set()).add(node)
    new: list[Letter] = []
    for move in moves:
        nodes = there.setdefault((move.room, move.user.id), set())
        changes = (move.node in nodes) is not move.here
        if not move.here:
            nodes.discard(move.node)
        new += move.letters if changes and not nodes else ()
        if move.here:
            nodes.add(move.node)
    last = {(move.room, move.user.id, move.node): move for move in moves}
    if last:
        keys = [dict(zip(("room_", "user_", "node_"), key, strict=True)) for key in last]
        same = [_present[name] == bindparam(f"{name}_") for name in ("room", "user", "node")]
        connection.execute(delete(tables.present).where(*same), keys)
    rows = [
        structs.asdict(move.user) | {"user": user, "room": room, "node": node, "at": move.at}
        for (room, user, node), move in last.items()
        if move.here
    ]
    for row in rows:
        del row["id"]
    if rows:
        connection.execute(insert(tables.present), rows)
    return new


def _attend_no_more(connection: Connection) -> None:
    """Where no webhook is told any more who comes and goes, nobody keeps up who is there."""
    for events in connection.scalars(select(_of.events).where(_of.disabled.is_(None))):
        if not set(PASSING).isdisjoint(events.split()):
            return
    connection.execute(delete(tables.present))


def _put(connection: Connection, letters: Sequence[Letter]) -> None:
    if letters:
        rows = [structs.asdict(one) for one in letters]
        for row in rows:
            del row["id"]
        connection.execute(insert(tables.letter), rows)


def _heard(hook: Webhook) -> ColumnElement[bool]:
    """Of which rooms it is told."""
    named = [one for one in hook.rooms if one != names.EVERY_ROOM]
    conditions: list[ColumnElement[bool]] = [_room.name.in_(named)]
    if names.EVERY_ROOM in hook.rooms:
        conditions.append(_room.kind.in_(OPEN))
    if "direct" in hook.events:
        its = select(tables.membership.c.room).where(tables.membership.c.user == hook.account)
        conditions.append(and_(_room.kind == "direct", _room.name.in_(its)))
    return or_(*conditions)


def _to_webhook(row: Sequence[Any]) -> Webhook:
    found = Webhook(*row)
    return structs.replace(
        found, rooms=tuple(str(found.rooms).split()), events=tuple(str(found.events).split())
    )


_T = TypeVar("_T")


class Work(Protocol):
    """Has something done in a thread and a transaction."""

    def __call__(self, work: Callable[[Connection], _T]) -> "Deferred[_T]":
        """What it comes to."""


class SqlWebhooks:
    """A `chatroom.domain.webhooks.Webhooks`, at work in the registry's threads."""

    def __init__(self, read: Work, write: Work) -> None:
        self._read = read
        self._write = write

    def webhooks(self) -> "Deferred[Sequence[Webhook]]":
        """See the port."""
        return self._read(webhooks)

    def add_webhook(self, hook: Webhook, bot: Account | None) -> "Deferred[None]":
        """See the port."""
        return self._write(lambda connection: add_webhook(connection, hook, bot))

    def remove_webhook(self, hook: str) -> "Deferred[None]":
        """See the port."""
        return self._write(lambda connection: remove_webhook(connection, hook))

    def set_webhook(self, hook: str, disabled: Millis | None, reason: str) -> "Deferred[None]":
        """See the port."""
        return self._write(lambda connection: set_webhook(connection, hook, disabled, reason))

    def behind(self, hook: Webhook) -> "Deferred[Sequence[Behind]]":
        """See the port."""
        return self._read(lambda connection: behind(connection, hook))

    def reached(self, hook: str, room: str) -> "Deferred[Seq]":
        """See the port."""
        return self._read(lambda connection: reached(connection, hook, room))

    def letters(self, hook: str, room: str, after: int, limit: int) -> "Deferred[Sequence[Letter]]":
        """See the port."""
        return self._read(lambda connection: letters(connection, hook, room, after, limit))

    def lettered(self, hook: str) -> "Deferred[Sequence[str]]":
        """See the port."""
        return self._read(lambda connection: lettered(connection, hook))

    def keep(self, progress: Progress) -> "Deferred[None]":
        """See the port."""
        return self._write(lambda connection: keep(connection, progress))

    def left_behind(self, nodes: Collection[str], limit: int) -> "Deferred[Sequence[Move]]":
        """See the port."""
        return self._read(lambda connection: left_behind(connection, nodes, limit))

    def dead(self, hook: str, limit: int) -> "Deferred[Sequence[Letter]]":
        """See the port."""
        return self._read(lambda connection: dead(connection, hook, limit))

    def resend(self, hook: str, letter: int | None, now: Millis) -> "Deferred[int]":
        """See the port."""
        return self._write(lambda connection: resend(connection, hook, letter, now))
