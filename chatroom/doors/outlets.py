"""Which outbox a transport gets, and which row a member: the fastest that is safe for it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from OpenSSL.SSL import Connection
from twisted.protocols.tls import TLSMemoryBIOProtocol

from chatroom.domain.ports import Row
from chatroom.doors.outbox import BufferedOutbox, DirectOutbox, Outbox, Tick
from chatroom.doors.row import DirectRow
from chatroom.doors.tls import TlsOutbox
from chatroom.fanout import OneByOne


def outbox_for(
    transport: Any, tick: Tick, limit: int, overflow: Callable[[], None], *, pristine: bool
) -> Outbox:
    """An outbox for `transport`, whose TLS handshake, if it has one, is done.

    `pristine`: nothing has been written to the transport yet. Twisted's TLS transport keeps what is
    written for the next turn of the reactor, and only goes through itself does more come behind it.
    """
    handle = _handle(transport)
    if isinstance(handle, socket.socket):
        return DirectOutbox(transport, tick, limit, overflow, pristine=pristine)
    if (
        pristine
        and isinstance(handle, Connection)
        and isinstance(transport, TLSMemoryBIOProtocol)
        and isinstance(_handle(transport.transport), socket.socket)
    ):
        return TlsOutbox(transport, tick, limit, overflow)
    return BufferedOutbox(transport, tick, limit, overflow)


def row_for(outbox: Outbox) -> Row:
    """An empty row for members with such an outbox."""
    return DirectRow(outbox.tick) if isinstance(outbox, DirectOutbox) else OneByOne()


def _handle(transport: Any) -> object:
    return getattr(transport, "getHandle", lambda: None)()
