"""Many idle TLS connections and one string of bytes: encrypted for each, in loops that are C's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import repeat
from ssl import MemoryBIO, SSLObject
from typing import Any

from chatroom.doors.row import DirectRow
from chatroom.doors.tls import PIECE, TlsOutbox


class TlsRow(DirectRow):
    """Outlets with a TlsOutbox."""

    __slots__ = ()

    kind = TlsOutbox

    def _write_idle(self, frames: bytes, skipped: list[int]) -> None:
        apart = set(skipped)
        idle = [outbox for place, outbox in enumerate(self._outboxes) if place not in apart]
        if len(frames) > PIECE:
            for outbox in idle:
                outbox.write(frames)
            return
        connections = [outbox.connection for outbox in idle]
        encrypted = _each(SSLObject.write, [one.tls for one in connections], repeat(frames))
        ciphertexts = list(map(MemoryBIO.read, [one.going for one in connections]))
        sent = _each(self._send, [one.cipher.socket for one in connections], ciphertexts)
        if all(encrypted) and sent == list(map(len, ciphertexts)):
            return
        for outbox, taken, ciphertext, count in zip(idle, encrypted, ciphertexts, sent, strict=True):
            if count != len(ciphertext):
                outbox.connection.cipher.take_over(ciphertext[count:])
            if not taken:
                # TLS has ended, or has to end: the connection knows.
                outbox.write(frames)


def _each(call: Callable[[Any, bytes], int], them: list[Any], data: Iterable[bytes]) -> list[int]:
    """What `call` gives for each of them; 0 where it fails."""
    done: list[int] = []
    one, its = iter(them), iter(data)
    while len(done) < len(them):
        try:
            done.extend(map(call, one, its))
        except OSError:
            # An SSLError too. What came before it is in `done`; the others go on behind it.
            done.append(0)
    return done
