"""The outboxes of plain connections, in any order of things."""

from __future__ import annotations

from typing import Any

from hypothesis.stateful import initialize, invariant

from chatroom.doors.outbox import BufferedOutbox, DirectOutbox

from .outbox_machine import LIMITS, SETTINGS, OutboxMachine
from .pipes import Pipe, ScriptedPipe, SocketPipe


def direct(pristine: bool) -> Any:
    return lambda *given: DirectOutbox(*given, pristine=pristine)


class DirectScripted(OutboxMachine):
    """Over a socket that takes as much as the test says."""

    pristine = True

    def make(self, limit: int) -> tuple[Pipe, Any]:
        return ScriptedPipe(), direct(self.pristine)

    @invariant()
    def it_is_closed_only_after_all_has_left(self) -> None:
        if hasattr(self, "pipe") and isinstance(self.pipe, ScriptedPipe) and not self.snapped:
            at = self.pipe.transport.asked_to_end_at
            assert at is None or (self.closing is not None and self.pipe.socket.taken.endswith(self.closing))


class DirectSocket(OutboxMachine):
    """Over real sockets."""

    def make(self, limit: int) -> tuple[Pipe, Any]:
        return SocketPipe(), direct(pristine=True)

    def discard(self) -> None:
        assert isinstance(self.pipe, SocketPipe)
        self.pipe.close()


class DirectUsed(DirectScripted):
    """On a connection that has answered a request before, of which not all has left."""

    pristine = False

    def make(self, limit: int) -> tuple[Pipe, Any]:
        pipe = ScriptedPipe()
        pipe.transport.write(b"A" * 5_000)
        pipe.read(10)
        return pipe, direct(pristine=False)

    @initialize(limit=LIMITS)
    def open(self, limit: int) -> None:
        super().open(limit)
        self.before = 5_000

    @invariant()
    def it_goes_behind_what_the_transport_had(self) -> None:
        if hasattr(self, "pipe"):
            assert self.pipe.received[:5_000] == b"A" * len(self.pipe.received[:5_000])


class Buffered(OutboxMachine):
    """Over a transport that takes all and says when to pause."""

    def make(self, limit: int) -> tuple[Pipe, Any]:
        return ScriptedPipe(), BufferedOutbox

    def under_way(self) -> int:
        return self.pipe.transport.buffered()


TestDirectScripted = DirectScripted.TestCase
TestDirectSocket = DirectSocket.TestCase
TestDirectUsed = DirectUsed.TestCase
TestBuffered = Buffered.TestCase
for test in (TestDirectScripted, TestDirectSocket, TestDirectUsed, TestBuffered):
    test.settings = SETTINGS
del test
