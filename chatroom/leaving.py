"""How a server takes its leave: of the load balancer, of the members, and of what it works with."""

from __future__ import annotations

import signal
from collections.abc import Callable
from math import ceil
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.domain.ports import Clock
from chatroom.doors.http import WebSite
from chatroom.doors.websocket import ChatFactory
from chatroom.readiness import Readiness

GOODBYE = 3.0
"""Seconds that clients have to take their leave when the server stops."""

RECONNECT_AFTER = 1.0
"""When clients of a server that stops should come back, in seconds."""

_STEP = 0.1
"""Seconds between two looks."""

_WHY = "the server is restarting"


class Leaving:
    """The connections of a server that stops, on their way out.

    `drain` seconds pass between the signal and the end of the last connection: for a third of them
    `/readyz` alone says that it stops, so that load balancers send nobody any more; over the rest the
    connections are closed one after the other.
    """

    _log = Logger()

    def __init__(
        self, readiness: Readiness, websocket: ChatFactory, web: WebSite, clock: Clock, drain: float = 0.0
    ) -> None:
        self._readiness = readiness
        self._websocket = websocket
        self._web = web
        self._clock = clock
        self._drain = drain
        self._hurry: Callable[[], None] | None = None

    async def drain(self) -> None:
        """Say that nobody should come any more, and send everybody off little by little."""
        self._readiness.end()
        if self._drain:
            self._log.info("stopping: the last connection ends in {seconds:g} s", seconds=self._drain)
            await self._moment(self._drain / 3)
            await self._send_off(self._drain * 2 / 3)

    def hurry(self) -> None:
        """Somebody cannot wait for that."""
        self._drain = 0.0
        if self._hurry is not None:
            self._hurry()

    async def close(self) -> None:
        """Send off whoever is still there, and wait until they are gone and requests are answered."""
        self._websocket.close_all(_WHY, RECONNECT_AFTER)
        deadline = self._clock.seconds() + GOODBYE
        while (self._websocket.open or self._web.answering) and self._clock.seconds() < deadline:
            await self._moment(_STEP / 2)

    async def _send_off(self, seconds: float) -> None:
        """Evenly over so many seconds."""
        members, gone, begun = list(self._websocket.open), 0, self._clock.seconds()
        while gone < len(members) and self._drain:
            await self._moment(_STEP)
            due = ceil(len(members) * min(1.0, (self._clock.seconds() - begun) / seconds))
            self._websocket.send_off(members[gone:due], _WHY, RECONNECT_AFTER)
            gone = due

    async def _moment(self, seconds: float) -> None:
        moment: Deferred[None] = Deferred()
        timer = self._clock.callLater(seconds, moment.callback, None)

        def hurry() -> None:
            self._hurry = None
            timer.cancel()
            moment.callback(None)

        self._hurry = hurry
        await moment
        self._hurry = None


class Server(MultiService):
    """All services of one server. They go on while it takes its leave, and stop then."""

    def __init__(self, leaving: Leaving, reactor: Any) -> None:
        super().__init__()
        self._leaving = leaving
        self._reactor = reactor

    def stopService(self) -> Deferred[Any]:
        """Take leave, and stop. Another signal meanwhile ends the leave-taking."""
        self._heed_signals()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self._leaving.drain()
        await super().stopService()

    def _heed_signals(self) -> None:
        """Twisted would show a traceback for a second Ctrl-C, while it stops."""

        def again(_number: int, _frame: object) -> None:
            self._reactor.callFromThread(self._leaving.hurry)

        for number in (signal.SIGINT, signal.SIGTERM):
            handler = signal.getsignal(number)
            if callable(handler) and handler is not signal.default_int_handler:
                signal.signal(number, again)
