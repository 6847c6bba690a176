"""The outbox over TLS: encrypts what leaves and hands the ciphertext to the kernel at once.

Twisted's TLS transport buffers what is written, encrypts it in the next turn of the reactor, and
buffers the ciphertext for the turn after that. Here OpenSSL is asked directly, and its ciphertext
goes the way that plain bytes go. The order against Twisted's own TLS bytes (key updates, tickets,
the closing alert) is safe because those go the same way: between Twisted's TLS protocol and the
socket's transport stands a `CipherOutbox`, the only writer of the socket. No private attribute of
Twisted is needed for that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from OpenSSL.SSL import Connection, Error, WantReadError
from twisted.internet.interfaces import IPullProducer
from zope.interface import implementer

from chatroom.doors.outbox import DirectOutbox, Outbox, Tick

RECORD = 16 * 1024
"""The most plaintext in one TLS record (RFC 8446, section 5.1)."""

OVERHEAD = 256
"""More than one record's header, tag and padding, and a little that OpenSSL may have to say."""


@implementer(IPullProducer)
class CipherOutbox(DirectOutbox):
    """What Twisted's TLS protocol takes for its transport: the one writer of the socket."""

    __slots__ = ("_drained",)

    def __init__(self, transport: Any, tick: Tick, drained: Callable[[], None]) -> None:
        # Twisted may still hold the last bytes of the TLS handshake: this goes behind them. The
        # bound is the TlsOutbox's, which encrypts nothing while this is busy.
        super().__init__(transport, tick, 0, drained, pristine=False)
        self._drained = drained

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def resumeProducing(self) -> None:
        """The socket's transport has nothing left."""
        super().resumeProducing()
        if not self.busy:
            self._drained()

    def lost(self) -> None:
        """The connection is gone."""
        super().lost()
        self._drained = self._overflow

    def loseConnection(self) -> None:
        """Twisted's TLS protocol has said its last."""
        self.finish()

    def writeSequence(self, chunks: list[bytes]) -> None:
        """Several writes at once."""
        self.write(b"".join(chunks))


class TlsOutbox(Outbox):
    """What leaves on one TLS connection whose handshake is done."""

    __slots__ = ("_cipher", "_tls")

    def __init__(self, transport: Any, tick: Tick, limit: int, overflow: Callable[[], None]) -> None:
        super().__init__(transport, tick, limit, overflow)
        self._tls: Connection | None = transport.getHandle()
        self._cipher = CipherOutbox(transport.transport, tick, self._resume)
        transport.transport = self._cipher

    def _put(self, frames: bytes) -> None:
        tls = self._tls
        if tls is None:
            self._transport.write(frames)
            return
        sent, size = 0, len(frames)
        try:
            while sent < size:
                sent += tls.send(frames[sent : sent + RECORD] if size > RECORD else frames)
                self._cipher.write(tls.bio_read(RECORD + OVERHEAD if size > RECORD else size + OVERHEAD))
        except WantReadError:
            # OpenSSL has to hear from the peer first: a renegotiation. Twisted knows how to wait.
            self._tls = None
            self._transport.write(frames[sent:])
        except Error:
            # The connection is closing; what was written is in the log.
            return
        self.busy = self._cipher.busy

    def _resume(self) -> None:
        """The socket has taken everything."""
        self.busy = False
        while not self.busy and (frames := self._next()):
            self._put(frames)
        if self._finished and not self.busy:
            self._end()

    def lost(self) -> None:
        """The connection is gone: this and the ciphertext's outbox know each other no more."""
        super().lost()
        self._cipher.lost()
        self._tls = None

    def _end(self) -> None:
        self._transport.loseConnection()
