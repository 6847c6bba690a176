"""One transaction: everything that waits is checked, numbered and inserted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from msgspec import structs
from sqlalchemy import Connection, Dialect, bindparam, false, select, true, update

from chatroom.domain.errors import ChatError, NotFound
from chatroom.domain.events import Deleted, Edited, Event, Message, Reaction
from chatroom.domain.model import Seq
from chatroom.store import search
from chatroom.store.prepared import Prepared, Rows
from chatroom.store.reactions import marking
from chatroom.store.rows import (
    EVENT_COLUMNS,
    MESSAGE_COLUMNS,
    event_row,
    events_of,
    message_row,
    to_event,
    without_data,
)
from chatroom.store.tables import event, message, room
from chatroom.store.upsert import unless_there

Outcome = tuple[Event | ChatError, bool]
"""What became of a draft; True where it is a new event, False where it is an earlier one or none."""

_Key = tuple[str, str, str]


def commit(connection: Connection, drafts: Sequence[Event], *, careful: bool = True) -> list[Outcome]:
    """Append `drafts` in their order; the caller's transaction makes it durable.

    Hardly ever is a message a repetition of one that is in the log, so that is looked up only if
    `careful`. Otherwise IntegrityError tells of one; roll back then, and be careful.
    """
    log = _Log(connection)
    # The rooms are locked by then, so that no other node is about to commit the same.
    log.reserve(drafts)
    known = log.known(drafts if careful else [d for d in drafts if not isinstance(d, Message)])
    outcomes: list[Outcome] = []
    for draft in drafts:
        key = _key(draft)
        if key is not None and key in known:
            outcomes.append((known[key], False))
        elif isinstance(draft, Edited | Deleted) and not log.change(draft):
            outcomes.append((NotFound("no such message"), False))
        elif isinstance(draft, Reaction) and (refused := log.react(draft)) is not None:
            outcomes.append((refused, False))
        else:
            committed = log.add(draft)
            if key is not None:
                known[key] = committed
            outcomes.append((committed, True))
    log.finish()
    return outcomes


def _key(draft: Event) -> _Key | None:
    return None if draft.key is None else (draft.room, draft.by.id, draft.key)


class _Log:
    """The tables, as one transaction changes them: reserve, then add and change, then finish."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._do = _statements(connection.dialect)
        self._reactions = marking(connection.dialect)
        self._before: dict[str, int] = {}
        self._heads: dict[str, int] = {}
        self._reserved: dict[str, int] = {}
        self._fresh: list[Event] = []

    def known(self, drafts: Iterable[Event]) -> dict[_Key, Event]:
        """The events that some of these drafts are repetitions of."""
        found: dict[_Key, Event] = {}
        for key in {key for draft in drafts if (key := _key(draft)) is not None}:
            row = self._do.known.first(self._connection, key)
            if row is not None:
                found[key] = to_event(row)
        return found

    def reserve(self, drafts: Sequence[Event]) -> None:
        """Raise the head of each room by as many drafts as it has.

        One statement a room reads its head, raises it and locks it until the commit. Where something
        is said in a room that is not there yet, it is made.
        """
        spoken = {draft.room for draft in drafts if not isinstance(draft, Edited | Deleted | Reaction)}
        # In one order, so that two nodes never wait for each other's rooms.
        for name, count in sorted(Counter([draft.room for draft in drafts]).items()):
            raised = self._do.raise_head.first(self._connection, (count, name))
            if raised is None and name in spoken:
                made = self._do.make_room.run(self._connection, (name, name, "public", count))
                if not made:
                    # Another node has just made it.
                    raised = self._do.raise_head.first(self._connection, (count, name))
            self._reserved[name] = raised[0] if raised else count
            self._before[name] = self._heads[name] = self._reserved[name] - count

    def add(self, draft: Event) -> Event:
        """Give the draft its seq; it is inserted with the others, later."""
        self._heads[draft.room] = seq = self._heads[draft.room] + 1
        committed = structs.replace(draft, seq=seq)
        self._fresh.append(committed)
        return committed

    def change(self, draft: Edited | Deleted) -> bool:
        """Give the target its new text; False where there is no such message (any more)."""
        target = self._target(draft)
        if isinstance(draft, Edited):
            return self._do.edit.run(self._connection, (draft.text, draft.at, *target)) == 1
        if not self._do.delete.run(self._connection, ("", *target)):
            return False
        self._strip(target)
        self._reactions.forget(self._connection, target)
        search.forget(self._connection, target)
        return True

    def react(self, draft: Reaction) -> Event | ChatError | None:
        """Keep what is under the target now; where nothing changes, the draft or why not."""
        target = self._target(draft)
        return self._reactions.change(self._connection, draft, target, self._heads[draft.room] + 1)

    def _target(self, draft: Edited | Deleted | Reaction) -> tuple[str, Seq]:
        if draft.target > self._before[draft.room]:
            # What it is about may be one of these.
            self._insert()
        return draft.room, draft.target

    def finish(self) -> None:
        """Insert what is left, and take back what was reserved and not used: the log has no gaps."""
        self._insert()
        for name, reserved in self._reserved.items():
            if self._heads[name] != reserved:
                self._do.raise_head.first(self._connection, (self._heads[name] - reserved, name))

    def _strip(self, target: tuple[str, Seq]) -> None:
        """What a program has put beside a text goes with it."""
        row = self._do.body.first(self._connection, target)
        body = None if row is None else row[0]
        left = without_data(body)
        if left != body:
            self._do.put_body.run(self._connection, (left, *target))

    def _insert(self) -> None:
        fresh, self._fresh = self._fresh, []
        if fresh:
            self._do.events.insert(self._connection, [event_row(one) for one in fresh])
        said = [message_row(one) for one in fresh if isinstance(one, Message)]
        if said:
            self._do.messages.insert(self._connection, said)


class _Statements:
    """What a commit runs, compiled for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        by_key = event.c.author == bindparam("author"), event.c.key == bindparam("key")
        known = events_of(bindparam("room")).where(*by_key)
        self.known = Prepared(dialect, known, "room", "author", "key")

        raised = update(room).where(room.c.name == bindparam("the_room"))
        raised = raised.values(head=room.c.head + bindparam("by"))
        self.raise_head = Prepared(dialect, raised.returning(room.c.head), "by", "the_room")
        self.make_room = Prepared(dialect, unless_there(dialect, room), "name", "title", "kind", "head")

        self.events = Rows(dialect, event, *EVENT_COLUMNS)
        self.messages = Rows(dialect, message, *MESSAGE_COLUMNS, deleted=false())

        target = message.c.room == bindparam("in_room"), message.c.seq == bindparam("target")
        changed = update(message).where(*target, ~message.c.deleted).values(text=bindparam("now"))
        edited = changed.values(edited=bindparam("at"))
        self.edit = Prepared(dialect, edited, "now", "at", "in_room", "target")
        self.delete = Prepared(dialect, changed.values(deleted=true()), "now", "in_room", "target")
        its = event.c.room == bindparam("in_room"), event.c.seq == bindparam("target")
        self.body = Prepared(dialect, select(event.c.body).where(*its), "in_room", "target")
        put_body = update(event).where(*its).values(body=bindparam("left"))
        self.put_body = Prepared(dialect, put_body, "left", "in_room", "target")


@lru_cache(maxsize=4)
def _statements(dialect: Dialect) -> _Statements:
    return _Statements(dialect)
