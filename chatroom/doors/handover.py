"""Giving a connection from one protocol to another: Twisted has no public way (its ticket 3204)."""

from typing import Any

from twisted.internet.interfaces import IProtocol
from twisted.protocols.policies import ProtocolWrapper
from twisted.web.server import Request


def hand_over(transport: Any, protocol: IProtocol) -> None:
    """From now on `protocol` gets what `transport` receives, and hears of its end."""
    if isinstance(transport, ProtocolWrapper):
        transport.wrappedProtocol = protocol
    else:
        transport.protocol = protocol
    protocol.makeConnection(transport)


def take_over(request: Request, protocol: IProtocol, head: bytes) -> None:
    """Take the connection that `request` came on away from Twisted Web, for good.

    `protocol` then receives `head`, and what has come after it.
    """
    channel: Any = request.channel
    transport, channel.transport = channel.transport, None
    channel.setTimeout(None)
    # Twisted Web is the transport's producer, and has paused it while a request is answered.
    channel._networkProducer.unregisterProducer()
    # What came in one piece with the request is still with the parser of lines.
    rest = b"".join(channel._dataBuffer) + channel.clearLineBuffer()
    hand_over(transport, protocol)
    channel._networkProducer.resumeProducing()
    protocol.dataReceived(head + rest)
