"""The lead among the nodes on one PostgreSQL database: an advisory lock, held by a connection of its own.

The server lets go of the lock when the connection ends. So who holds it asks now and then whether the
connection lives, and leads no more as soon as an answer is late: well before the server, where it cannot
reach the node any more, gives the lock to another.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from selectors import EVENT_READ, DefaultSelector
from threading import Thread
from typing import Any

from sqlalchemy import Engine
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.domain.ports import Timer

EVERY = 1.0
"""Seconds between two tries to have the lock, and between two looks whether it is still held."""

DEADLINE = 5.0
"""Seconds after which a question without an answer means that the lead is lost."""

FAREWELL = 2.0
"""Seconds that letting go may take."""

_KEY = 0x63686176
"""The lock's: beside those of `postgresql`."""

_SETTINGS = (
    # The server notices that a node cannot be reached any more, or (from PostgreSQL 14 on) is paused.
    "SET tcp_keepalives_idle = 5",
    "SET tcp_keepalives_interval = 2",
    "SET tcp_keepalives_count = 3",
    "SET tcp_user_timeout = 11000",
)
_ENDED_WHEN_IDLE = "SET idle_session_timeout = 11000"


class SqlLead:
    """A `chatroom.domain.ports.Lead`, by connections made as `engine` makes them.

    All waiting is done by a thread; `reactor` is where the time is taken and `changed` is told.
    """

    _log = Logger()

    def __init__(self, engine: Engine, reactor: Any) -> None:
        self._engine = engine
        self._reactor = reactor
        self.changed: Callable[[bool], None] = _nobody
        self._leads = False
        self._ending = False
        self._ended: Deferred[None] = Deferred()
        self._started = False
        self._failing = False
        self._life = 0
        """The number of the connection that signs count of."""
        self._socket: socket.socket | None = None
        self._timer: Timer | None = None

    def start(self) -> None:
        """See the port."""
        self._started = True
        self._waker, self._woken = socket.socketpair()
        Thread(target=self._run, name="chatroom-lead", daemon=True).start()

    async def stop(self) -> None:
        """See the port."""
        self.changed = _nobody
        self._ending = True
        if not self._started:
            return
        self._waker.send(b"!")
        farewell = self._reactor.callLater(FAREWELL, self._give_up)
        await self._ended
        if farewell.active():
            farewell.cancel()
        self._lost()

    # On the reactor's thread.

    def _connected(self, life: int, connection: socket.socket) -> None:
        self._let_go()
        self._life, self._socket = life, connection
        self._wait()

    def _answered(self, life: int) -> None:
        """The connection lives."""
        if life == self._life and not self._ending:
            self._wait()

    def _taken(self, life: int) -> None:
        """And it has the lock."""
        if life == self._life and not self._ending:
            self._leads = True
            self._log.info("this node leads now: it tells the webhooks of all nodes")
            self.changed(True)

    def _over(self, life: int, problem: str | None) -> None:
        """The connection is no more, or could not be made."""
        if problem is not None and not self._failing and not self._ending:
            self._failing = True
            self._log.warn("this node cannot lead now: {problem}", problem=problem)
        if life == self._life:
            self._lost()

    def _late(self) -> None:
        self._over(self._life, "the database does not answer")

    def _lost(self) -> None:
        self._life = 0
        self._let_go()
        if self._leads:
            self._leads = False
            self._log.info("this node leads no more")
            self.changed(False)

    def _wait(self) -> None:
        """Be told of the next answer within the deadline."""
        self._failing = False
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._reactor.callLater(EVERY + DEADLINE, self._late)

    def _let_go(self) -> None:
        """Cut what is left of the connection: its thread may wait for an answer that never comes."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self._socket is not None:
            _cut(self._socket)
            self._socket = None

    def _give_up(self) -> None:
        """The thread does not end in time, and goes with the process."""
        self._lost()
        self._has_ended()

    def _has_ended(self) -> None:
        if not self._ended.called:
            self._ended.callback(None)

    # On the thread of its own.

    def _run(self) -> None:
        life = 0
        while not self._ending:
            life += 1
            problem = None
            try:
                with self._connection() as connection:
                    self._live(life, connection)
            except Exception as error:
                problem = " ".join(str(error).split())
            self._reactor.callFromThread(self._over, life, problem)
            if not self._ending:
                self._sleep(None)
        self._reactor.callFromThread(self._has_ended)

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        pooled = self._engine.pool.recreate().connect()
        connection: Any = pooled.driver_connection
        # It is nobody else's, and never used again.
        pooled.detach()
        try:
            connection.rollback()
            connection.autocommit = True
            for setting in _SETTINGS:
                connection.execute(setting)
            if connection.info.server_version >= 140_000:
                connection.execute(_ENDED_WHEN_IDLE)
            yield connection
        finally:
            connection.close()

    def _live(self, life: int, connection: Any) -> None:
        """Try to have the lock, then hold it, for as long as the connection lives."""
        own = socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        self._reactor.callFromThread(self._connected, life, own)
        leads = False
        while not self._ending:
            if leads:
                connection.execute("SELECT 1")
            else:
                (leads,) = connection.execute("SELECT pg_try_advisory_lock(%s)", [_KEY]).fetchone()
                if leads:
                    self._reactor.callFromThread(self._taken, life)
            self._reactor.callFromThread(self._answered, life)
            self._sleep(connection.fileno())

    def _sleep(self, beside: int | None) -> None:
        """Until it is time to ask again, or something has come over the connection: its end."""
        with DefaultSelector() as selector:
            selector.register(self._woken, EVENT_READ)
            if beside is not None:
                selector.register(beside, EVENT_READ)
            selector.select(EVERY)


def _nobody(_leads: bool) -> None:
    """Whoever is not told."""


def _cut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it is closed already
    connection.close()
