"""The store: appending through the writer, reading with a few threads."""

from collections.abc import Callable, Collection, Mapping, Sequence
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

from sqlalchemy import Connection, Select, select
from sqlalchemy.exc import DBAPIError
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from chatroom.domain.errors import Unavailable
from chatroom.domain.events import Event, Message, size_of
from chatroom.domain.model import Seq
from chatroom.domain.ports import PAGE_BYTES, Committed, Origin, Page
from chatroom.store import search as searching
from chatroom.store.lead import SqlLead
from chatroom.store.opening import epoch_of, is_file, open_engines
from chatroom.store.postgresql import lost
from chatroom.store.reactions import with_reactions
from chatroom.store.reading import read
from chatroom.store.registry import SqlRegistry
from chatroom.store.rows import events_of, to_event
from chatroom.store.tables import event, room
from chatroom.store.watch import Outage, Watch
from chatroom.store.writer import RETRY_AFTER, Writer, problem

READERS = 3

MOST_NAMED = 5_000
"""So many rooms are named in one query: SQLite takes 32,766 parameters, PostgreSQL 65,535."""

_PER_EVENT = 150
"""About what an event's JSON has beside its text, in bytes."""

_T = TypeVar("_T")


class SqlStore:
    """A `chatroom.domain.ports.Store` in the database at `url`.

    Making one opens the database, brings it up to date and closes it again, and raises
    `opening.Unusable` where that cannot be done: all before a daemon forks. `start` makes the
    threads, whose results come back to `reactor`; `stop` ends them. `registry` is beside it, in the
    same database, and starts and stops with it.
    """

    _log = Logger()

    def __init__(self, url: str, reactor: IReactorFromThreads) -> None:
        self._watch = Watch()
        self._writing, self._reading = open_engines(url, watch=self._watch)
        self.epoch = epoch_of(self._writing)
        self._writing.dispose()
        self.on_commit: Callable[[Committed], None] = lambda _committed: None
        self._reactor = reactor
        # Both write: SQLite has who waits for its lock look again now and then, and somebody who writes
        # all the time would keep the other out for seconds. PostgreSQL's locks know turns.
        self._turn = turn = Lock()
        others = turn if is_file(url) else Lock()
        self._ending = False
        self._outage = Outage()
        self.writer = Writer(
            self._writing, turn, self._watch, reactor, lambda committed: self.on_commit(committed)
        )
        self._pool = ThreadPool(0, READERS, "chatroom-reader")
        self.registry = SqlRegistry(self._writing, others, self._reading, self._watch, reactor)
        self.lead = None if is_file(url) else SqlLead(self._writing, reactor)
        """Where several nodes may work on the database; whoever needs it starts and stops it."""

    def start(self) -> None:
        """Start working."""
        self._watch.start()
        self.writer.start()
        self._pool.start()
        self.registry.start()

    def hurry(self) -> None:
        """It is about to stop: an answer of a database server is not waited for much longer."""
        self._watch.hurry()

    async def stop(self) -> None:
        """Write what waits, then let go of the database."""
        self._ending = True
        self.hurry()
        self.registry.stop()
        await self.writer.stop()
        self._pool.stop()
        self._reading.dispose()

    def append(self, draft: Event, origin: Origin = None) -> "Deferred[Event]":
        """See the port."""
        return self.writer.append(draft, origin)

    def repeated(self, room: str, author: str, key: str) -> "Deferred[Event | None]":
        """See the port."""
        query = events_of(room).where(event.c.author == author, event.c.key == key)
        return self._read(lambda connection: _first(connection, query))

    def after(self, room: str, seq: Seq, limit: int, size: int = PAGE_BYTES) -> "Deferred[Page]":
        """See the port."""
        query = events_of(room).where(event.c.seq > seq).order_by(event.c.seq)
        return self._read(lambda connection: _page(connection, query, room, limit, size))

    def before(self, room: str, seq: Seq | None, limit: int, size: int = PAGE_BYTES) -> "Deferred[Page]":
        """See the port."""
        query = events_of(room).order_by(event.c.seq.desc())
        if seq is not None:
            query = query.where(event.c.seq < seq)

        def read(connection: Connection) -> Page:
            page = _page(connection, query, room, limit, size)
            return Page(page.events[::-1], page.more)

        return self._read(read)

    def head(self, name: str) -> "Deferred[Seq]":
        """See the port."""
        query = select(room.c.head).where(room.c.name == name)
        return self._read(lambda connection: connection.scalar(query) or 0)

    def heads(self, rooms: Collection[str]) -> "Deferred[Mapping[str, Seq]]":
        """See the port."""
        wanted = sorted(set(rooms))

        def read(connection: Connection) -> Mapping[str, Seq]:
            found = dict.fromkeys(wanted, 0)
            for start in range(0, len(wanted), MOST_NAMED):
                named = room.c.name.in_(wanted[start : start + MOST_NAMED])
                rows = connection.execute(select(room.c.name, room.c.head).where(named))
                found.update((name, head) for name, head in rows)
            return found

        return self._read(read)

    def search(
        self, words: Sequence[str], rooms: Collection[str], limit: int
    ) -> "Deferred[Sequence[Message]]":
        """See the port."""
        if self._writing.dialect.name != "postgresql":
            named = searching.as_json(rooms)

            def found(connection: Connection) -> Sequence[Message]:
                while self._caught_up(named):
                    pass
                return searching.search(connection, words, rooms, limit)

            return self._read(found)
        return self._read(lambda connection: searching.search(connection, words, rooms, limit))

    def _caught_up(self, rooms: str) -> bool:
        if self._ending:
            raise Unavailable("the server is stopping; try again", RETRY_AFTER)
        with self._turn, self._writing.begin() as connection:
            return searching.catch_up(connection, rooms)

    def message(self, room: str, seq: Seq) -> "Deferred[Message | None]":
        """See the port."""
        query = events_of(room).where(event.c.seq == seq)

        def read(connection: Connection) -> Message | None:
            found = _first(connection, query)
            return found if isinstance(found, Message) else None

        return self._read(read)

    def _read(self, work: Callable[[Connection], _T]) -> "Deferred[_T]":
        asked = monotonic()

        def on_thread() -> _T:
            if self._outage.covers(asked):
                raise Unavailable("the server cannot read its log now; try again", RETRY_AFTER)
            try:
                return read(self._reading, work)
            except DBAPIError as error:
                self._log.error("the store cannot be read: {error}", error=problem(error))
                self._reading.dispose()
                if lost(error):
                    self._outage.found()
                    self._watch.distrust()
                raise Unavailable("the server cannot read its log now; try again", RETRY_AFTER) from error

        return deferToThreadPool(self._reactor, self._pool, on_thread)


def _first(connection: Connection, query: Select[Any]) -> Event | None:
    row = connection.execute(query).first()
    return None if row is None else to_event(row)


def _page(connection: Connection, query: Select[Any], room: str, limit: int, size: int) -> Page:
    events: list[Event] = []
    sizes: list[int] = []
    left, more = size, False
    # One more than asked for tells whether there is more.
    with connection.execute(query.limit(limit + 1)) as rows:
        for row in rows:
            if len(events) == limit or (events and left <= 0):
                more = True
                break
            events.append(to_event(row))
            text = "" if row.kind == "reaction" else row.text or ""
            sizes.append(_PER_EVENT + len(text) + len(row.body or ""))
            left -= sizes[-1]
    events = with_reactions(connection, room, events)
    kept = _fitting(events, sizes, size)
    return Page(events[:kept], more or kept < len(events))


def _fitting(events: Sequence[Event], sizes: Sequence[int], size: int) -> int:
    """How many of the events fit, with what is under them; at least one."""
    for count, (one, own) in enumerate(zip(events, sizes, strict=True)):
        if count and size <= 0:
            return count
        reactions = one.reactions if isinstance(one, Message) else ()
        size -= own + sum(map(size_of, reactions))
    return len(events)
