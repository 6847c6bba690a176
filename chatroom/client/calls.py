"""Requests on their way, and which answer is whose."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import json, structs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from chatroom.client.errors import ClientError
from chatroom.domain.commands import Command

PATIENCE = 30.0
"""Seconds a server may take for an answer; what takes longer is a connection that is dead."""


class Calls:
    """The requests of one connection. `silent` is called where an answer does not come in time."""

    def __init__(self, clock: IReactorTime, say: Callable[[bytes], None], silent: Callable[[], None]) -> None:
        self._clock = clock
        self._say = say
        self._silent = silent
        self._last = 0
        self._waiting: dict[int, tuple[Deferred[bytes], IDelayedCall]] = {}
        self._over: ClientError | None = None

    def ask(self, command: Command) -> Deferred[bytes]:
        """Send a request; fires with its answer, fails with what the connection ended with."""
        answer: Deferred[bytes] = Deferred()
        if self._over is not None:
            answer.errback(self._over)
            return answer
        self._last += 1
        self._waiting[self._last] = answer, self._clock.callLater(PATIENCE, self._silent)
        self._say(json.encode(structs.replace(command, id=self._last)))
        return answer

    def answered(self, number: object, payload: bytes) -> None:
        """An answer came. To one that nobody waits for nothing is to be done."""
        if not isinstance(number, int) or number not in self._waiting:
            return
        answer, timeout = self._waiting.pop(number)
        timeout.cancel()
        if not answer.called:
            answer.callback(payload)

    def end(self, error: ClientError) -> None:
        """No answer comes any more."""
        self._over = error
        waiting, self._waiting = self._waiting, {}
        for answer, timeout in waiting.values():
            if timeout.active():
                timeout.cancel()
            if not answer.called:
                answer.errback(error)
