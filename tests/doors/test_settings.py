"""Autobahn's settings: all of them are ours."""

from __future__ import annotations

import inspect
import zlib

import pytest
from autobahn.websocket.compress import PerMessageDeflate, PerMessageDeflateOffer
from autobahn.websocket.protocol import WebSocketProtocol, WebSocketServerFactory

from chatroom.domain.limits import Limits
from chatroom.doors.settings import accept_deflate, options, window_bits

from .premises import Premises


def test_every_option_that_autobahn_has_is_set() -> None:
    known = inspect.signature(WebSocketServerFactory.setProtocolOptions).parameters.keys() - {"self"}
    assert known == options(Limits()).keys()
    copied = {*WebSocketProtocol.CONFIG_ATTRS_COMMON, *WebSocketProtocol.CONFIG_ATTRS_SERVER} - known
    # Which of its own fields no option sets, Autobahn tells nobody.
    assert copied == {"allowedOriginsPatterns", "logFrames", "logOctets", "trackTimings"}


def test_they_are_as_safe_as_autobahns_own_or_safer() -> None:
    ours = options(Limits())
    factory = WebSocketServerFactory()
    factory.resetProtocolOptions()
    for name in ("requireMaskedClientFrames", "utf8validateIncoming", "applyMask", "maskServerFrames"):
        assert ours[name] == getattr(factory, name)
    for name in ("maxFramePayloadSize", "maxMessagePayloadSize"):
        assert ours[name] > 0
    assert not ours["webStatus"]
    assert not ours["serveFlashSocketPolicy"]
    assert ours["trustXForwardedFor"] == 0


def test_the_limits_are_the_servers() -> None:
    for size in (0, 7):
        ours = options(Limits(message_bytes=size))
        assert (ours["maxMessagePayloadSize"], ours["maxFramePayloadSize"]) == (size, size)


def test_every_connection_has_them(kind: str) -> None:
    premises = Premises()
    protocol = premises.enter().protocol
    ours = options(premises.chat.limits)
    for name in ours:
        assert getattr(protocol, name) == ours[name], name
    # With the quick kind, they are on the class, and none is copied to a connection.
    assert (ours.keys() & vars(protocol).keys() == set()) == (kind == "quick")


@pytest.mark.parametrize("window", [0, 9, 12, 15])
def test_deflate_is_taken_with_no_context_either_way(window: int) -> None:
    offer = PerMessageDeflateOffer(request_max_window_bits=window)
    accepted = accept_deflate([object(), offer])
    assert accepted is not None
    said = [part.strip() for part in accepted.get_extension_string().split(";")]
    assert said[0] == "permessage-deflate"
    bits = [f"server_max_window_bits={window}"] if window else []
    assert sorted(said[1:]) == sorted(["client_no_context_takeover", "server_no_context_takeover", *bits])
    compression = PerMessageDeflate.create_from_offer_accept(True, accepted)
    assert window_bits(compression) == (window or zlib.MAX_WBITS)


def test_no_parameter_is_announced_twice() -> None:
    accepted = accept_deflate([PerMessageDeflateOffer(request_no_context_takeover=True)])
    assert accepted is not None
    assert accepted.get_extension_string().count("server_no_context_takeover") == 1


def test_no_offer_no_compression() -> None:
    assert accept_deflate([]) is None
    assert accept_deflate([object()]) is None
    assert window_bits(None) == 0
