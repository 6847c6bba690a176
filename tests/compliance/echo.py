"""A correct echo server on plain Autobahn: what the broken ones are one change away from.

It passes the whole suite (514 OK and the 3 informational cases), so a fault that the gate finds in
a broken server is that server's, and not the gate's.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateOfferAccept


class Echo(WebSocketServerProtocol):
    """Sends every message back as it came."""

    # Autobahn's options for this kind of server, beyond those of `listen`.
    options: ClassVar[dict[str, Any]] = {}

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        """Echo one message."""
        self.sendMessage(payload, isBinary)


def accept_deflate(offers: Sequence[object]) -> PerMessageDeflateOfferAccept | None:
    """Accept the first permessage-deflate offer, exactly as offered."""
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return PerMessageDeflateOfferAccept(offer)
    return None


def echo_factory(protocol: type[Echo]) -> WebSocketServerFactory:
    """A factory for this kind of echo, with compression, closing faults by a close frame."""
    factory = WebSocketServerFactory()
    factory.protocol = protocol
    options = {"failByDrop": False, "perMessageCompressionAccept": accept_deflate}
    factory.setProtocolOptions(**(options | protocol.options))
    return factory
