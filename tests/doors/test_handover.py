"""Giving a connection from one protocol to another."""

from __future__ import annotations

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory

from chatroom.doors.handover import hand_over

from .premises import MemoryTransport, Premises
from .rawframes import upgrade

pytestmark = pytest.mark.usefixtures("kind")


class Listener(Protocol):
    """Takes down what happens to it."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    def connectionMade(self) -> None:
        self.heard.append("made")

    def dataReceived(self, data: bytes) -> None:
        self.heard.append(data)

    def connectionLost(self, reason: object = None) -> None:
        self.heard.append("lost")


def test_the_new_one_gets_everything_from_then_on() -> None:
    first, second = Listener(), Listener()
    transport = MemoryTransport(Clock(), None)
    transport.protocol = first
    first.makeConnection(transport)
    hand_over(transport, second)
    transport.protocol.dataReceived(b"data")
    transport.lose(ConnectionDone())
    assert first.heard == ["made"]
    assert second.heard == ["made", b"data", "lost"]


def test_also_where_something_is_wrapped_around_them_as_tls_is() -> None:
    first, second = Listener(), Listener()
    wrapper = ProtocolWrapper(WrappingFactory(Factory()), first)
    transport = MemoryTransport(Clock(), None)
    transport.protocol = wrapper
    wrapper.makeConnection(transport)
    hand_over(wrapper, second)
    wrapper.dataReceived(b"data")
    transport.lose(ConnectionDone())
    assert first.heard == ["made"]
    assert second.heard == ["made", b"data", "lost"]
    assert second.transport is wrapper


def test_twisted_web_has_nothing_left_of_a_connection_that_was_taken_over() -> None:
    premises = Premises()
    caller = premises.call(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    channel = caller.protocol
    caller.send(upgrade())
    assert caller.protocol is not channel
    assert channel.transport is None
    assert channel.timeOut is None or channel.setTimeout(None) is None
    assert caller.transport.producer is caller.protocol.outbox
    assert caller.transport.producerState == "producing"
