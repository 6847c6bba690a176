"""What is under each message: kept beside the log, and told with the messages."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from msgspec import structs
from sqlalchemy import (
    Connection,
    Dialect,
    Select,
    bindparam,
    delete,
    distinct,
    func,
    literal_column,
    select,
    true,
)

from chatroom.domain.errors import ChatError, Conflict, NotFound
from chatroom.domain.events import NAMED, Event, Message, Reaction, Tally
from chatroom.domain.model import Seq
from chatroom.domain.rules import MOST_EMOJI
from chatroom.store.prepared import Prepared
from chatroom.store.tables import message, reaction
from chatroom.store.upsert import unless_there

_Target = tuple[str, Seq]


class Marking:
    """What a commit does about reactions, compiled for one dialect."""

    def __init__(self, dialect: Dialect) -> None:
        there = message.c.room == bindparam("in_room"), message.c.seq == bindparam("target")
        standing = select(message.c.seq).where(*there, ~message.c.deleted)
        self._standing = Prepared(dialect, standing, "in_room", "target")
        put = unless_there(dialect, reaction)
        self._put = Prepared(dialect, put, "room", "target", "emoji", "author", "seq")
        under = reaction.c.room == bindparam("in_room"), reaction.c.target == bindparam("under")
        of_emoji = *under, reaction.c.emoji == bindparam("mark")
        one = *of_emoji, reaction.c.author == bindparam("who")
        self._take = Prepared(dialect, delete(reaction).where(*one), "in_room", "under", "mark", "who")
        self._forget = Prepared(dialect, delete(reaction).where(*under), "in_room", "under")
        alike = select(reaction.c.seq).where(*of_emoji)
        known: Select[Any] = select(literal_column("1")).where(alike.exists())
        self._known = Prepared(dialect, known, "in_room", "under", "mark")
        kinds = select(func.count(distinct(reaction.c.emoji))).where(*under)
        self._kinds = Prepared(dialect, kinds, "in_room", "under")

    def change(
        self, connection: Connection, draft: Reaction, target: _Target, seq: Seq
    ) -> Event | ChatError | None:
        """Keep it, as event `seq`; where nothing changes, the draft or why not."""
        if self._standing.first(connection, target) is None:
            return NotFound("no such message")
        mark = (*target, draft.emoji, draft.by.id)
        if not draft.on:
            return None if self._take.run(connection, mark) else draft
        if self._full(connection, target, draft.emoji):
            return Conflict(f"a message has at most {MOST_EMOJI} different reactions")
        return None if self._put.run(connection, (*mark, seq)) else draft

    def forget(self, connection: Connection, target: _Target) -> None:
        """Nothing is under that message any more."""
        self._forget.run(connection, target)

    def _full(self, connection: Connection, target: _Target, emoji: str) -> bool:
        if self._known.first(connection, (*target, emoji)) is not None:
            return False
        kinds = self._kinds.first(connection, target)
        return kinds is not None and kinds[0] >= MOST_EMOJI


@lru_cache(maxsize=4)
def marking(dialect: Dialect) -> Marking:
    """The one of that dialect."""
    return Marking(dialect)


def with_reactions(connection: Connection, room: str, events: Sequence[Event]) -> list[Event]:
    """The same events of a room; the messages among them say what is under them now."""
    seqs = [event.seq for event in events if isinstance(event, Message) and not event.deleted]
    if not seqs:
        return list(events)
    found = _tallies(connection, room, min(seqs), max(seqs))
    if not found:
        return list(events)
    return [
        structs.replace(event, reactions=tuple(found[event.seq]))
        if isinstance(event, Message) and event.seq in found
        else event
        for event in events
    ]


def _tallies(connection: Connection, room: str, first: Seq, last: Seq) -> dict[Seq, list[Tally]]:
    of = reaction.c
    alike = of.target, of.emoji
    ranked = (
        select(
            of.target,
            of.emoji,
            of.author,
            func.row_number().over(partition_by=alike, order_by=of.seq).label("place"),
            func.count().over(partition_by=alike).label("count"),
            func.min(of.seq).over(partition_by=alike).label("since"),
        )
        .where(of.room == room, of.target >= first, of.target <= last)
        .subquery()
    )
    by = ranked.c
    query = select(by.target, by.emoji, by.author, by.count).where(by.place <= NAMED)
    query = query.order_by(by.target, by.since, by.emoji, by.place)
    found: dict[Seq, list[Tally]] = {}
    for target, emoji, author, count in connection.execute(query):
        tallies = found.setdefault(target, [])
        if tallies and tallies[-1].emoji == emoji:
            tallies[-1] = Tally(emoji, (*tallies[-1].by, author), count)
        else:
            tallies.append(Tally(emoji, (author,), count))
    return found


def reactions_of(
    connection: Connection, author: str, room: str | None, limit: int
) -> Sequence[tuple[str, Seq, str]]:
    """See the port."""
    of = reaction.c
    where = true() if room is None else of.room == room
    query = select(of.room, of.target, of.emoji).where(of.author == author, where)
    query = query.order_by(of.room, of.target, of.emoji).limit(limit)
    return [(room, target, emoji) for room, target, emoji in connection.execute(query)]


def forget_author(connection: Connection, author: str) -> None:
    """Take all of theirs away."""
    connection.execute(delete(reaction).where(reaction.c.author == author))
