"""Every setting of Autobahn's server, in one place.

Autobahn's defaults are open: no size limits, no pings, every origin. It copies some thirty settings
from the factory to each connection and formats them for a debug line whether or not anybody logs;
with the settings on the class and `CONFIG_ATTRS` empty, accepting a connection costs a third less.
"""

import re
from typing import Any

from autobahn.websocket import protocol
from autobahn.websocket.compress import (
    PerMessageDeflate,
    PerMessageDeflateOffer,
    PerMessageDeflateOfferAccept,
)

from chatroom.domain.limits import Limits

if hasattr(protocol, "pformat"):
    # It formats the settings it has copied for each connection, logged or not: with none to copy,
    # that is still a twelfth of accepting one.
    protocol.pformat = repr

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


def settings(limits: Limits) -> dict[str, Any]:
    """The attributes of the protocol class. 0 takes a limit off, with Autobahn as with us."""
    return {
        "CONFIG_ATTRS": (),
        # Nothing is logged a frame, and no time is tracked.
        "logOctets": False,
        "logFrames": False,
        "trackTimings": False,
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
        "closeHandshakeTimeout": LINGER,
        # The front door has the whole request head before a connection comes here.
        "openHandshakeTimeout": 0,
        "tcpNoDelay": True,
        "autoPingInterval": limits.ping_interval,
        "autoPingTimeout": limits.ping_timeout,
        "autoPingSize": 12,
        "autoPingRestartOnAnyTraffic": True,
        "perMessageCompressionAccept": staticmethod(accept_deflate),
        # Origins, counts and proxies are ours to decide; a plain GET is answered by the web door.
        "allowedOrigins": ["*"],
        "allowedOriginsPatterns": [re.compile(".*")],
        "allowNullOrigin": True,
        "maxConnections": 0,
        "trustXForwardedFor": 0,
        "webStatus": False,
        "serveFlashSocketPolicy": False,
        "flashSocketPolicy": "",
    }
