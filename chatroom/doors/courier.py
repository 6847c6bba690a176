"""The courier as the server sees it: a process of its own, which makes the requests of webhooks.

So no request, however many they are and whatever a receiver does, takes time from those who chat. The
process ends when the server does; when it ends by itself, what it had under way has failed, and
another one is started for the next.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatroom.domain.ports import Clock, Timer
from chatroom.domain.webhooks import Outcome, Parcel
from chatroom.doors import parcels

TIMEOUT = 10.0
"""Seconds that a request may take in all."""

STUCK = 30.0
"""Seconds without any answer after which the process is ended."""

_PROGRAM = "chatroom.doors.courierprocess"


class CourierProcess:
    """A `chatroom.domain.webhooks.Courier`. `allowed` are the private networks that may be sent to."""

    _log = Logger()

    def __init__(self, reactor: Any, allowed: Sequence[str] = ()) -> None:
        self._reactor = reactor
        self._allowed = list(allowed)
        self._pipe: _Pipe | None = None
        self._waiting: dict[int, Deferred[Outcome]] = {}
        self._number = 0
        self._stopped = False

    def deliver(self, parcel: Parcel) -> Deferred[Outcome]:
        """See the port."""
        if self._stopped:
            return succeed(Outcome(None, problem="the server is stopping"))
        if self._pipe is None:
            self._pipe = self._start()
        self._number += 1
        done: Deferred[Outcome] = Deferred()
        self._waiting[self._number] = done
        self._pipe.send(parcels.encode(parcels.Job(self._number, parcel)) + b"\n")
        return done

    @property
    def pid(self) -> int | None:
        """The process, where there is one."""
        return None if self._pipe is None else self._pipe.transport.pid  # type: ignore[union-attr]

    def stop(self) -> None:
        """End the process."""
        self._stopped = True
        if self._pipe is not None:
            self._pipe.end()

    def _start(self) -> _Pipe:
        pipe = _Pipe(self._reactor, self._done, self._ended)
        # As this package was found: its folder, and nothing that only the current one has.
        path = os.pathsep.join(filter(None, [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]))
        command = [sys.executable, "-P", "-m", _PROGRAM, str(TIMEOUT), *self._allowed]
        self._reactor.spawnProcess(pipe, sys.executable, command, env={**os.environ, "PYTHONPATH": path})
        return pipe

    def _done(self, line: bytes) -> None:
        try:
            found = parcels.done(line)
        except msgspec.DecodeError:
            self._log.error("the courier said what it should not: {line}", line=line[:200])
            return
        waiting = self._waiting.pop(found.number, None)
        if waiting is not None:
            waiting.callback(found.outcome)

    def _ended(self, why: str) -> None:
        self._pipe = None
        waiting, self._waiting = self._waiting, {}
        if not self._stopped:
            self._log.error("the courier of webhooks has ended: {why}", why=why)
        for one in waiting.values():
            one.callback(Outcome(None, problem="the server's courier has ended"))


class _Pipe(ProcessProtocol):
    """The lines to and from one process."""

    _log = Logger()

    def __init__(self, clock: Clock, done: Any, ended: Any) -> None:
        self._clock = clock
        self._done = done
        self._ended = ended
        self._rest = b""
        self._errors = b""
        self._open = 0
        self._watch: Timer | None = None

    def send(self, line: bytes) -> None:
        """Give it a job."""
        self._open += 1
        if self._watch is None:
            self._watch = self._clock.callLater(STUCK, self.kill)
        self._write(line)

    def end(self) -> None:
        """Let it end."""
        if self.transport is not None:
            self.transport.closeStdin()

    def kill(self) -> None:
        """End it: it does not answer."""
        self._watch = None
        try:
            self.transport.signalProcess(signal.SIGKILL)  # type: ignore[union-attr]
        except ProcessExitedAlready:
            pass  # its end is about to be told

    def outReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._open -= 1
            self._done(line)
        if lines and self._watch is not None:
            self._watch.cancel()
            self._watch = self._clock.callLater(STUCK, self.kill) if self._open > 0 else None

    def errReceived(self, data: bytes) -> None:
        *lines, self._errors = (self._errors + data).split(b"\n")
        for line in lines:
            self._log.warn("the courier says: {line}", line=line.decode(errors="replace"))

    def processEnded(self, reason: Failure) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        self._ended(reason.getErrorMessage())

    def _write(self, line: bytes) -> None:
        # Written to a process that has ended just now, it is answered by its end.
        if self.transport is not None:
            self.transport.write(line)
