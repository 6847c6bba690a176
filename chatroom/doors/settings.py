"""Every setting of Autobahn's server, in one place.

Autobahn's defaults are open: no size limits, no pings, every origin.
"""

from typing import Any

from autobahn.websocket.compress import (
    PerMessageDeflate,
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
)

from chatroom.domain.limits import Limits

LINGER = 5.0
"""Seconds that a closing connection has to take what is left for it."""


class SharedDeflate(PerMessageDeflateOfferAccept):
    """permessage-deflate with no context takeover either way (RFC 7692, section 7.1.1).

    One compressed frame is then good for all members, and no connection keeps a window in memory.
    """

    def get_extension_string(self) -> str:
        """The answer to the offer. Autobahn only echoes `server_no_context_takeover`; we announce it."""
        accepted: str = super().get_extension_string()
        if "server_no_context_takeover" not in accepted:
            name, _, rest = accepted.partition(";")
            accepted = f"{name}; server_no_context_takeover" + (f";{rest}" if rest else "")
        return accepted


def accept_deflate(offers: list[Any]) -> SharedDeflate | None:
    """Take the first offer of permessage-deflate."""
    for offer in offers:
        if isinstance(offer, PerMessageDeflateOffer):
            return SharedDeflate(offer, request_no_context_takeover=True, no_context_takeover=True)
    return None


def window_bits(compression: object) -> int:
    """The window that frames to a connection may be compressed for; 0 for no compression."""
    if isinstance(compression, PerMessageDeflate):
        return int(compression.server_max_window_bits)
    return 0


def options(limits: Limits) -> dict[str, Any]:
    """What `setProtocolOptions` is given. 0 takes a limit off, with Autobahn as with us."""
    return {
        # RFC 6455: version 13, masked from the client, not from the server, UTF-8 checked.
        "versions": [13],
        "requireMaskedClientFrames": True,
        "maskServerFrames": False,
        "applyMask": True,
        "utf8validateIncoming": True,
        # Sizes, before and after inflating.
        "maxFramePayloadSize": limits.message_bytes,
        "maxMessagePayloadSize": limits.message_bytes,
        "autoFragmentSize": 0,
        # A fault is told with a close code; only who does not listen is dropped.
        "failByDrop": False,
        "echoCloseCodeReason": False,
        # The front door has the whole request head before a connection comes here; who does not
        # answer a close frame or a ping is dropped by us, on our own clock.
        "openHandshakeTimeout": 0,
        "closeHandshakeTimeout": 0,
        "autoPingInterval": 0,
        "autoPingTimeout": 0,
        "autoPingSize": 12,
        "autoPingRestartOnAnyTraffic": True,
        "tcpNoDelay": True,
        "perMessageCompressionAccept": accept_deflate,
        # Origins, counts and proxies are ours to decide; a plain GET is answered by the web door.
        "allowedOrigins": ["*"],
        "allowNullOrigin": True,
        "maxConnections": 0,
        "trustXForwardedFor": 0,
        "webStatus": False,
        "serveFlashSocketPolicy": False,
        "flashSocketPolicy": "",
    }
