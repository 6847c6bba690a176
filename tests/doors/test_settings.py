"""Autobahn's settings: all of them are ours."""

from __future__ import annotations

import zlib

import pytest
from autobahn.websocket.compress import PerMessageDeflate, PerMessageDeflateOffer
from autobahn.websocket.protocol import WebSocketProtocol, WebSocketServerFactory

from chatroom.domain.limits import Limits
from chatroom.doors.settings import accept_deflate, settings, window_bits

from .premises import Premises


def test_every_option_that_autobahn_has_is_set() -> None:
    options = {*WebSocketProtocol.CONFIG_ATTRS_COMMON, *WebSocketProtocol.CONFIG_ATTRS_SERVER}
    assert options == settings(Limits()).keys() - {"CONFIG_ATTRS"}


def test_they_are_as_safe_as_autobahns_own_or_safer() -> None:
    ours = settings(Limits())
    factory = WebSocketServerFactory()
    factory.resetProtocolOptions()
    for name in ("requireMaskedClientFrames", "utf8validateIncoming", "applyMask", "maskServerFrames"):
        assert ours[name] == getattr(factory, name)
    for name in ("maxFramePayloadSize", "maxMessagePayloadSize", "closeHandshakeTimeout", "autoPingInterval"):
        assert ours[name] > 0
    assert not ours["webStatus"]
    assert not ours["serveFlashSocketPolicy"]
    assert ours["trustXForwardedFor"] == 0


def test_the_limits_are_the_servers() -> None:
    ours = settings(Limits(message_bytes=7, ping_interval=8, ping_timeout=9))
    assert (ours["maxMessagePayloadSize"], ours["maxFramePayloadSize"]) == (7, 7)
    assert (ours["autoPingInterval"], ours["autoPingTimeout"]) == (8, 9)
    off = settings(Limits(message_bytes=0, ping_interval=0))
    assert (off["maxMessagePayloadSize"], off["autoPingInterval"]) == (0, 0)


def test_they_are_on_the_class_and_none_is_copied_to_a_connection() -> None:
    premises = Premises()
    caller = premises.enter()
    protocol = caller.protocol
    assert type(protocol).CONFIG_ATTRS == ()
    ours = settings(premises.chat.limits)
    assert not ours.keys() & vars(protocol).keys()
    for name in ours.keys() - {"perMessageCompressionAccept", "allowedOriginsPatterns"}:
        assert getattr(protocol, name) == ours[name], name


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
