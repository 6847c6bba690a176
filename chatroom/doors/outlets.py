"""Which outbox a transport gets, and which row a member: the fastest that is safe for it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from chatroom.domain.ports import Row
from chatroom.doors.outbox import BufferedOutbox, DirectOutbox, Outbox, Tick
from chatroom.doors.row import DirectRow
from chatroom.doors.tls import TlsOutbox, TlsTransport
from chatroom.doors.tlsrow import TlsRow
from chatroom.fanout import OneByOne


def outbox_for(
    transport: Any, tick: Tick, limit: int, overflow: Callable[[], None], *, pristine: bool
) -> Outbox:
    """An outbox for `transport`, whose TLS handshake, if it has one, is done.

    `pristine`: nothing has been written to the transport yet.
    """
    if isinstance(transport, TlsTransport):
        return TlsOutbox(transport, tick, limit, overflow)
    if isinstance(getattr(transport, "getHandle", lambda: None)(), socket.socket):
        return DirectOutbox(transport, tick, limit, overflow, pristine=pristine)
    return BufferedOutbox(transport, tick, limit, overflow)


def row_for(outbox: Outbox) -> Row:
    """An empty row for members with such an outbox."""
    if isinstance(outbox, DirectOutbox):
        return DirectRow(outbox.tick)
    return TlsRow(outbox.tick) if isinstance(outbox, TlsOutbox) else OneByOne()
