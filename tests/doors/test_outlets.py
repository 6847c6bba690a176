"""Which outbox a transport gets, and which row a member."""

from __future__ import annotations

import ssl
from typing import Any

import pytest
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactor, StringTransport

from chatroom.doors.outbox import BufferedOutbox, DirectOutbox, Tick
from chatroom.doors.outlets import outbox_for, row_for
from chatroom.doors.row import DirectRow
from chatroom.doors.tls import TlsOutbox
from chatroom.doors.tlsrow import TlsRow
from chatroom.fanout import OneByOne

from .pipes import HandReactor, SocketPipe, TlsPipe, TwistedTlsPipe

MODERN = ssl.TLSVersion.TLSv1_3


@pytest.mark.parametrize(
    ("make", "pristine", "kind"),
    [
        (SocketPipe, True, DirectOutbox),
        (SocketPipe, False, DirectOutbox),
        (lambda: TlsPipe(SocketPipe, MODERN), True, TlsOutbox),
        (lambda: TlsPipe(SocketPipe, MODERN), False, TlsOutbox),
        # Another program's endpoint may have it.
        (lambda: TwistedTlsPipe(SocketPipe, MODERN), True, BufferedOutbox),
    ],
)
def test_the_fastest_that_is_safe(make: Any, pristine: bool, kind: type) -> None:
    pipe = make()
    outbox = outbox_for(pipe.transport, Tick(pipe.reactor), 1_000, lambda: None, pristine=pristine)
    assert type(outbox) is kind
    rows = {DirectOutbox: DirectRow, TlsOutbox: TlsRow, BufferedOutbox: OneByOne}
    assert type(row_for(outbox)) is rows[kind]
    getattr(pipe, "below", pipe).snap()


def test_behind_a_load_balancer_it_is_the_same_as_without() -> None:
    reactor = MemoryReactor()
    serverFromString(reactor, "haproxy:tcp:9000").listen(Factory.forProtocol(Protocol))
    wrapping = reactor.tcpServers[-1][1]
    pipe = SocketPipe()
    wrapper = wrapping.buildProtocol(None)
    wrapper.makeConnection(pipe.transport)
    outbox = outbox_for(wrapper, Tick(pipe.reactor), 1_000, lambda: None, pristine=True)
    assert type(outbox) is DirectOutbox
    assert type(row_for(outbox)) is DirectRow
    pipe.snap()


def test_a_transport_without_a_handle_is_left_to_its_buffer() -> None:
    transport = StringTransport()
    outbox = outbox_for(transport, Tick(HandReactor()), 1_000, lambda: None, pristine=True)
    assert type(outbox) is BufferedOutbox
    outbox.write(b"hello")
    assert transport.value() == b"hello"
