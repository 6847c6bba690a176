"""Connections to PostgreSQL that wait for no answer for ever.

A server that is halted, or cut off by a network that drops what is sent, keeps its side of TCP: only
the clock tells.
"""

from collections.abc import Generator
from math import inf
from time import monotonic
from typing import Any, TypeVar

import psycopg
from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

from chatroom.store.watch import Unanswered, Watch

SLACK_SECONDS = 2.0
"""So much later than the server should have given up a statement itself, it is given up here."""

ASKING_SECONDS = 5.0
"""How long a new connection may take to say how long its server may take."""

_T = TypeVar("_T")


class NoAnswer(psycopg.OperationalError, Unanswered):
    """The server has not answered. What was asked of it, it may still do."""


class Watched(psycopg.Connection[Any]):
    """One of them. `made` is when; an answer may take `limit` seconds."""

    watch: Watch | None = None
    limit = ASKING_SECONDS
    made = 0.0

    def begin_watch(self, watch: Watch) -> None:
        """Be watched. How long is the server's to say: its settings come from several places."""
        self.made, self.watch = monotonic(), watch
        self.autocommit = True
        row = self.execute("SELECT setting FROM pg_settings WHERE name = 'statement_timeout'").fetchone()
        self.autocommit = False
        allowed = int(row[0]) / 1000 if row else 0
        self.limit = allowed + SLACK_SECONDS if allowed else inf

    def wait(self, gen: Generator[Any, Any, _T], *args: Any, **options: Any) -> _T:
        """As psycopg's: all that is waited for passes here."""
        if self.watch is None:
            return super().wait(gen, *args, **options)
        return super().wait(self._bounded(gen, self.watch), *args, **options)

    def _bounded(self, gen: Generator[Any, Any, _T], watch: Watch) -> Generator[Any, Any, _T]:
        asked = monotonic()
        try:
            state = next(gen)
            while True:
                # Ten times a second, also where nothing is ready.
                ready = yield state
                if not ready and watch.over(asked, self.limit):
                    self.pgconn.finish()
                    raise NoAnswer("the database server does not answer")
                state = gen.send(ready)
        except StopIteration as end:
            result: _T = end.value
            return result


def keep_watch(engine: Engine, watch: Watch) -> None:
    """Have all connections of `engine` watched, and those that are not trusted replaced."""

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, arguments: Any, options: Any) -> Watched:
        made = Watched.connect(*arguments, **options)
        try:
            made.begin_watch(watch)
        except BaseException:
            made.close()
            raise
        return made

    @event.listens_for(engine, "checkout")
    def _check_out(connection: Watched, _record: Any, _fairy: Any) -> None:
        if not watch.trusts(connection.made):
            raise DisconnectionError
