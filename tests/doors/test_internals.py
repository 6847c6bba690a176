"""What is known of Autobahn's and Twisted's insides: that it is right, and what happens where it is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from autobahn.twisted import websocket as autobahn_twisted
from autobahn.twisted.websocket import WebSocketServerProtocol
from autobahn.websocket.protocol import WebSocketProtocol
from autobahn.websocket.protocol import WebSocketServerProtocol as CoreProtocol
from twisted.logger import LogLevel
from twisted.web.http import HTTPChannel

from chatroom.doors import internals
from chatroom.doors.internals import AnsweringChannel, PublicProtocol, QuickProtocol, lacking
from chatroom.doors.websocket import ChatFactory

from ..logs import Logs
from .premises import Premises
from .rawframes import closing, masked, upgrade


@pytest.fixture
def factory() -> ChatFactory:
    return Premises().websocket


def test_with_this_autobahn_connections_are_of_the_quick_kind(factory: ChatFactory) -> None:
    assert lacking(factory) is None
    assert issubclass(factory.protocol, QuickProtocol)
    assert not issubclass(public_factory().protocol, QuickProtocol)


def public_factory() -> ChatFactory:
    """One that does without."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Premises, "quick", False)
        return Premises().websocket


def _without(owner: type, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.delattr(owner, name)


def _with(owner: type, name: str, more: Callable[[Any], Any]) -> Callable[[pytest.MonkeyPatch], None]:
    """`owner`'s method does more, with the object it is called on."""
    method = getattr(owner, name)

    def changed(self: Any, *given: Any) -> Any:
        result = method(self, *given)
        more(self)
        return result

    return lambda patch: patch.setattr(owner, name, changed)


def _set(name: str, value: object) -> Callable[[Any], None]:
    return lambda protocol: setattr(protocol, name, value)


def _keep_key(protocol: Any) -> None:
    protocol.novelty = protocol._wskey


def _without_guid(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(WebSocketProtocol, "_WS_MAGIC", b"magic")


CHANGES: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "no way to begin": (_without(WebSocketProtocol, "_connectionMade"), "_connectionMade"),
    "no way to end": (_without(WebSocketProtocol, "_connectionLost"), "_connectionLost"),
    "no way in": (_without(WebSocketProtocol, "_dataReceived"), "_dataReceived"),
    "no settings": (_without(CoreProtocol, "CONFIG_ATTRS"), "CONFIG_ATTRS"),
    "no open state": (_without(WebSocketProtocol, "STATE_OPEN"), "STATE_OPEN"),
    "no reader of extensions": (_without(WebSocketProtocol, "_parseExtensionsHeader"), "_parseExtensions"),
    "another answer": (_without_guid, "write"),
    "a list of each connection's own": (
        _with(CoreProtocol, "_connectionMade", _set("novelty", [])),
        "novelty",
    ),
    "a list once it is open": (_with(CoreProtocol, "succeedHandshake", _set("novelty", [])), "novelty"),
    "a key of each connection's own": (_with(CoreProtocol, "succeedHandshake", _keep_key), "novelty"),
    "another buffer": (_with(CoreProtocol, "succeedHandshake", _set("data", bytearray())), "data"),
    "another compression": (_with(CoreProtocol, "succeedHandshake", _set("_perMessageCompress", 7)), "_perM"),
    "more at a message's end": (
        _with(WebSocketProtocol, "onMessageEnd", lambda one: one.sendPing()),
        "write",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_in_autobahn_is_noticed_and_told_and_its_public_side_used(
    change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, named = CHANGES[change]
    make(monkeypatch)
    with Logs() as logs:
        factory = Premises().websocket
    assert not issubclass(factory.protocol, QuickProtocol)
    assert issubclass(factory.protocol, PublicProtocol)
    (line,) = logs.of(LogLevel.warn)
    assert line.startswith("Autobahn 2"), "its version"
    assert named in line


def test_what_is_left_works_where_autobahn_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    _with(CoreProtocol, "_connectionMade", _set("novelty", []))(monkeypatch)
    caller = Premises(echo=True).enter("/echo")
    caller.send(masked(b"one"), masked(b"tw", first=1), masked(b"o", opcode=0))
    assert caller.texts() == ["one", "two"]


def test_the_quick_kind_formats_nothing_for_a_debug_log_that_nobody_reads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def formatted(*_args: object, **_kw: object) -> str:
        raise AssertionError("formatted for nobody")

    premises = Premises(echo=True)
    # The settings of each connection, what is known of its transport, and the names of functions.
    monkeypatch.setattr("pprint.PrettyPrinter.pformat", formatted)
    monkeypatch.setattr(autobahn_twisted, "create_transport_details", formatted)
    monkeypatch.setattr("autobahn.websocket.protocol.hltype", formatted)
    caller = premises.enter("/echo")
    caller.send(masked(b"hello"), masked(b"x" * 300, first=1), masked(b"y", opcode=0), closing())
    assert caller.frames()[-1].code == 1000
    premises.chatter("Ana").vanish()


def test_what_a_connection_keeps_of_autobahns_state_is_next_to_nothing() -> None:
    protocol = Premises().enter(subprotocol="chatroom.v1").protocol
    own = vars(protocol).keys() & vars(_autobahns_own()).keys()
    assert own == {"factory", "transport", "state", "websocket_protocol_in_use"}


def _autobahns_own() -> Any:
    factory = public_factory()
    protocol = factory.protocol()
    protocol.factory = factory
    protocol.transport = internals._Paper()
    WebSocketServerProtocol._connectionMade(protocol)
    protocol.websocket_protocol_in_use = None
    return protocol


def test_twisted_web_still_asks_what_to_answer_to_a_bad_request() -> None:
    assert hasattr(HTTPChannel, "_respondToBadRequestAndDisconnect")


def test_and_where_it_does_not_it_gives_its_own_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(AnsweringChannel, "_respondToBadRequestAndDisconnect")
    caller = Premises().call(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")
    assert caller.took() == b"HTTP/1.1 400 Bad Request\r\n\r\n"
    assert caller.gone


def test_an_upgrade_needs_no_handshake_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were none ever common, Autobahn would do them all, and the rest stay quick."""
    monkeypatch.setattr(internals, "common_handshake", lambda _head: None)
    premises = Premises(echo=True)
    caller = premises.call(upgrade("/echo") + masked(b"early"))
    assert caller.answer().status == 101
    caller.say("late")
    assert caller.texts() == ["early", "late"]
    assert caller.protocol in premises.websocket.open
    assert premises.chatter("Ana").ask("ping")["type"] == "pong"
