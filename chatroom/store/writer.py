"""The group commit: one thread that writes whatever has queued while the last commit ran.

No timer: alone, a post is committed at once; under load, a commit's cost (an fsync, mostly) is
shared by all that came meanwhile.
"""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic, perf_counter
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger

from chatroom.counts import Distribution
from chatroom.domain.errors import ChatError, Internal, Unavailable
from chatroom.domain.events import Event
from chatroom.domain.ports import Committed, Origin
from chatroom.store.commit import Outcome, commit
from chatroom.store.postgresql import lost, unanswered
from chatroom.store.watch import Outage, Watch

MAX_WAITING = 20_000
"""More drafts than this wait for no commit: their authors are told to try again."""

MAX_BATCH = 1_000
"""So many drafts to one commit at most, so that nobody waits for a very long one."""

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BATCHES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)

RETRY_AFTER = 2.0
"""Seconds after which a refused author may hope that the disk is better."""


def problem(error: DBAPIError) -> str:
    """What the database says is wrong, on one line."""
    return " ".join(str(error.orig).split())


class Waiting(NamedTuple):
    """A draft on its way to the disk."""

    draft: Event
    origin: Origin
    done: "Deferred[Event]"
    asked: float


class Writer:
    """Owns the writing engine and its thread.

    `on_commit` is told of each commit's new events on the reactor's thread. `turn` is held while
    writing by all of this process who do.
    """

    _log = Logger()

    def __init__(
        self,
        engine: Engine,
        turn: Lock,
        watch: Watch,
        reactor: IReactorFromThreads,
        on_commit: Callable[[Committed], None],
    ) -> None:
        self._engine = engine
        self._turn = turn
        self._watch = watch
        self._outage = Outage()
        self._reactor = reactor
        self._on_commit = on_commit
        self._connection: Connection | None = None
        self._made = 0.0
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._waiting = 0
        self._failing = False
        self.seconds = Distribution(_SECONDS)
        """How long commits took."""
        self.batches = Distribution(_BATCHES)
        """How many drafts they had."""
        self.failures = 0
        """How many commits the database did not take."""
        self._started = False
        self._stopped: Deferred[None] | None = None

    @property
    def waiting(self) -> int:
        """How many drafts are on their way to the disk."""
        return self._waiting

    @property
    def up(self) -> bool:
        """Whether the last commit worked."""
        return not self._failing

    def start(self) -> None:
        """Start the thread."""
        self._started = True
        Thread(target=self._run, name="chatroom-writer", daemon=True).start()

    def append(self, draft: Event, origin: Origin) -> "Deferred[Event]":
        """Queue a draft; the Deferred fires once it is on disk, or fails with a ChatError."""
        done: Deferred[Event] = Deferred()
        if self._stopped is not None or self._waiting >= MAX_WAITING:
            done.errback(Unavailable("the server has too much to write; try again", RETRY_AFTER))
            return done
        self._waiting += 1
        self._queue.put(Waiting(draft, origin, done, monotonic()))
        return done

    def stop(self) -> "Deferred[None]":
        """Write what waits, then end the thread; where none was started, refuse what waits."""
        if self._stopped is None:
            self._stopped = Deferred()
            self._queue.put(None)
            if not self._started:
                self._refuse_all()
                self._stopped.callback(None)
        return self._stopped

    # On the writer's thread.

    def _run(self) -> None:
        while True:
            batch: list[Waiting] = []
            stop = self._gather(batch)
            if batch:
                outcomes = self._written(batch)
                self._reactor.callFromThread(self._announce, batch, outcomes)
            if stop:
                self._let_go()
                self._engine.dispose()
                self._reactor.callFromThread(self._ended)
                return

    def _gather(self, batch: list[Waiting]) -> bool:
        """Wait for one draft, then take all that are there; True where the end was among them."""
        queue = self._queue
        entry = queue.get()
        while entry is not None:
            batch.append(entry)
            if queue.empty() or len(batch) >= MAX_BATCH:
                return False
            entry = queue.get_nowait()
        return True

    def _written(self, batch: list[Waiting]) -> list[Outcome]:
        drafts = [entry.draft for entry in batch]
        refused = Unavailable("the server cannot write to its database now; try again", RETRY_AFTER)
        if self._outage.covers(batch[-1].asked):
            return [(refused, False)] * len(batch)
        started = perf_counter()
        try:
            outcomes = self._committed(drafts)
        except (IntegrityError, DataError):
            return self._apart(batch)
        except DBAPIError as error:
            self._note_failure(error)
            return [(refused, False)] * len(batch)
        except Exception:
            return self._apart(batch)
        self.seconds.add(perf_counter() - started)
        self.batches.add(len(batch))
        if self._failing:
            self._failing = False
            self._log.info("the store can be written again")
        return outcomes

    def _apart(self, batch: list[Waiting]) -> list[Outcome]:
        """One draft that cannot be written must not take the others with it: halve until it is alone."""
        if len(batch) > 1:
            half = len(batch) // 2
            return self._written(batch[:half]) + self._written(batch[half:])
        kind = batch[0].draft.__class__.__name__
        self._log.failure("an event that cannot be written: {kind}", kind=kind)
        return [(Internal("the server could not keep this"), False)]

    def _committed(self, drafts: list[Event]) -> list[Outcome]:
        try:
            return self._transacted(drafts, careful=False)
        except IntegrityError:
            return self._transacted(drafts, careful=True)

    def _transacted(self, drafts: list[Event], *, careful: bool) -> list[Outcome]:
        if not self._watch.trusts(self._made):
            self._let_go()
        kept = self._connection is not None
        if self._connection is None:
            # Kept from one commit to the next: fetching it from the pool costs more than a post's SQL.
            self._made = monotonic()
            self._connection = self._engine.connect()
        committing = False
        try:
            with self._turn, self._connection.begin():
                outcomes = commit(self._connection, drafts, careful=careful)
                committing = True
                return outcomes
        except BaseException as error:
            gone = kept and not committing and self._connection.invalidated
            self._let_go()
            if not gone or unanswered(error):
                raise
        # The database's server was started again since the last commit: nothing of this one is there.
        return self._transacted(drafts, careful=careful)

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _note_failure(self, error: DBAPIError) -> None:
        if not self._failing:
            self._log.error("the store cannot be written, posts are refused: {error}", error=problem(error))
        self._failing = True
        self.failures += 1
        # A connection that failed may be why: the next commit opens another.
        self._engine.dispose()
        if lost(error):
            self._outage.found()
            self._watch.distrust()

    # On the reactor's thread again.

    def _refuse_all(self) -> None:
        batch: list[Waiting] = []
        while not self._gather(batch):
            pass
        refused = Unavailable("the server is stopping; try again", RETRY_AFTER)
        self._announce(batch, [(refused, False)] * len(batch))

    def _announce(self, batch: list[Waiting], outcomes: list[Outcome]) -> None:
        self._waiting -= len(batch)
        fresh: list[tuple[Event, Any]] = []
        for entry, (result, new) in zip(batch, outcomes, strict=True):
            if isinstance(result, ChatError):
                entry.done.errback(result)
                continue
            if new:
                fresh.append((result, entry.origin))
            entry.done.callback(result)
        if fresh:
            self._on_commit(fresh)

    def _ended(self) -> None:
        if self._stopped is not None:
            self._stopped.callback(None)
