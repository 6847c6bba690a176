"""Who comes is counted, from where they come; and what their browser shows is looked at."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.address import UNIXAddress
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.testing import MemoryReactor
from twisted.logger import LogLevel
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from zope.interface import alsoProvides

from chatroom.domain.limits import Limits
from chatroom.doors.headers import HEADERS

from ..logs import Logs
from .premises import Caller, Premises
from .rawframes import CLOSE, masked, upgrade

pytestmark = pytest.mark.usefixtures("kind")

GET = b"GET /healthz HTTP/1.1\r\nHost: chat.example\r\n\r\n"
PROXY, CLIENT, OTHER = "10.0.0.5", "198.51.100.7", "203.0.113.9"


def code(caller: Caller) -> int | None:
    """The code that a WebSocket was closed with, if it was."""
    last = [frame for frame in caller.frames() if frame.opcode == CLOSE]
    return last[0].code if last else None


def enter(premises: Premises, host: str = CLIENT, **headers: str) -> Caller:
    """Somebody whose handshake is taken."""
    caller = premises.call(upgrade(subprotocol="chatroom.v1", **headers), host=host)
    assert caller.answer().status == 101
    return caller


def counted(premises: Premises) -> dict[str, int]:
    return dict(premises.admission._by_address)


class TestCounting:
    """Connections of every kind, from when they come until they go."""

    def test_who_has_asked_for_nothing_yet_counts(self) -> None:
        premises = Premises(Limits(connections_per_address=3))
        silent, half = premises.call(host=CLIENT), premises.call(GET[:9], host=CLIENT)
        assert (premises.admission.connections, counted(premises)) == (2, {CLIENT: 2})
        silent.vanish()
        half.send(GET[9:])
        assert half.answer().status == 200
        assert counted(premises) == {CLIENT: 1}
        half.vanish()
        assert (premises.admission.connections, counted(premises)) == (0, {})

    @pytest.mark.parametrize(
        "sent", [b"nonsense\r\n\r\n", GET[:9], b"", b"\x16\x03\x01", upgrade("/nowhere")]
    )
    def test_who_is_refused_or_too_late_counts_until_they_are_gone(self, sent: bytes) -> None:
        premises = Premises(Limits())
        caller = premises.call(sent, host=CLIENT)
        premises.pass_time(30)
        assert caller.gone
        assert (premises.admission.connections, counted(premises)) == (0, {})

    @pytest.mark.parametrize("before", [b"", GET], ids=["fresh", "kept alive"])
    def test_a_conversation_counts_once(self, before: bytes) -> None:
        premises = Premises(Limits(ping_interval=0))
        caller = premises.call(before, host=CLIENT)
        caller.took()
        caller.send(upgrade("/ws"))
        assert (premises.admission.connections, counted(premises)) == (1, {CLIENT: 1})
        caller.vanish()
        assert (premises.admission.connections, counted(premises)) == (0, {})

    def test_the_server_is_full_of_whatever_connections_there_are(self) -> None:
        premises = Premises(Limits(connections=4))
        premises.call(host=CLIENT)
        premises.call(GET, host=OTHER)
        for _ in range(2):
            enter(premises)
        for sent in (b"", GET, upgrade()):
            caller = premises.call(sent, host="192.0.2.77")
            assert caller.answer().status == 503
            assert caller.gone
        assert premises.admission.connections == 4

    def test_of_an_address_that_has_too_many_conversations_are_told_and_pages_served(self) -> None:
        premises = Premises(Limits(connections_per_address=2))
        first = [enter(premises), enter(premises)]
        assert code(enter(premises)) == 4429
        page = premises.call(GET, host=CLIENT)
        found = page.answer()
        assert (found.status, found.headers["connection"]) == (200, "close")
        assert page.gone
        assert code(enter(premises, OTHER)) is None
        assert [code(one) for one in first] == [None, None]

    def test_who_swamps_the_server_is_not_even_listened_to(self) -> None:
        premises = Premises(Limits(connections_per_address=2))
        for _ in range(4):
            premises.call(host=CLIENT)
        caller = premises.call(host=CLIENT)
        found = caller.answer()
        assert found.status == 429
        assert found.body == b"There are too many connections from your address; close some of them.\n"
        for name, value in HEADERS.items():
            assert found.headers[name.lower()] == value
        assert caller.gone
        assert premises.call(GET, host=OTHER).answer().status == 200

    def test_what_only_waits_for_a_next_request_leaves_half_for_conversations(self) -> None:
        premises = Premises(Limits(connections_per_address=8))
        kept = [premises.call(GET, host=CLIENT) for _ in range(6)]
        assert [one.answer().headers.get("connection") for one in kept] == [None] * 4 + ["close"] * 2
        assert [one.gone for one in kept] == [False] * 4 + [True] * 2
        assert [code(enter(premises)) for _ in range(4)] == [None] * 4
        # Whose turn comes again is asked to go then.
        kept[0].send(GET)
        assert kept[0].answer().headers["connection"] == "close"
        assert kept[0].gone

    def test_how_long_it_waits_is_a_limit(self) -> None:
        premises = Premises(Limits(idle_timeout=5))
        waiting, endless = premises.call(GET), Premises(Limits(idle_timeout=0)).call(GET)
        premises.pass_time(6)
        endless.premises.pass_time(100_000)
        assert waiting.gone
        assert not endless.gone


class TestProxies:
    """Reverse proxies that say for whom they speak."""

    def test_everybody_counts_for_themselves(self) -> None:
        premises = Premises(Limits(connections_per_address=1), trusting=("10.0.0.0/8",))
        here = enter(premises, PROXY, X_Forwarded_For=CLIENT)
        assert code(enter(premises, PROXY, X_Forwarded_For=OTHER)) is None
        second = enter(premises, PROXY, X_Forwarded_For=f"{OTHER}, {CLIENT}")
        assert code(second) == 4429
        second.vanish()
        here.vanish()
        assert code(enter(premises, PROXY, X_Forwarded_For=f"{CLIENT}, 10.1.1.1")) is None

    def test_the_proxys_own_connections_are_nobodys(self) -> None:
        premises = Premises(Limits(connections_per_address=1), trusting=("10.0.0.0/8",))
        for _ in range(20):
            kept = premises.call(GET, host=PROXY)
            assert kept.answer().headers.get("connection") is None
        assert counted(premises) == {}
        kept.send(upgrade(X_Forwarded_For=CLIENT))
        assert kept.answer().status == 101
        assert counted(premises) == {CLIENT: 1}

    def test_who_is_not_trusted_counts_as_who_they_are(self) -> None:
        premises = Premises(Limits(connections_per_address=1), trusting=("10.0.0.0/8",))
        enter(premises, CLIENT, X_Forwarded_For=OTHER)
        assert code(enter(premises, CLIENT, X_Forwarded_For="192.0.2.55")) == 4429

    def test_this_machine_is_counted_only_where_it_speaks_for_others(self) -> None:
        premises = Premises(Limits(connections_per_address=2))
        for _ in range(5):
            assert code(enter(premises, "127.0.0.1")) is None
        with Logs() as logs:
            codes = [code(enter(premises, "127.0.0.1", X_Forwarded_For=f"192.0.2.{n}")) for n in range(4)]
        assert codes == [None, None, 4429, 4429]
        assert len(logs.of(LogLevel.warn)) == 1

    def test_a_proxy_on_a_unix_socket(self) -> None:
        premises = Premises(Limits(connections_per_address=1), trusting=("unix",))
        for address, expected in ((CLIENT, None), (OTHER, None), (CLIENT, 4429)):
            caller = Caller(premises, "")
            caller.transport.peerAddr = UNIXAddress("/run/chat.sock")
            caller.send(upgrade(X_Forwarded_For=address))
            assert caller.answer().status == 101
            assert code(caller) == expected

    def test_hellos_are_limited_for_whom_the_proxy_names(self) -> None:
        premises = Premises(Limits(hellos_per_minute=6), trusting=("10.0.0.0/8",))
        first, second, third = (
            enter(premises, PROXY, X_Forwarded_For=one) for one in (CLIENT, CLIENT, OTHER)
        )
        assert first.ask("hello")["type"] == "welcome"
        assert second.ask("hello")["code"] == "rate_limited"
        assert third.ask("hello")["type"] == "welcome"


class Balanced(Caller):
    """A connection through a load balancer that passes bytes on."""

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, PROXY)
        reactor = MemoryReactor()
        serverFromString(reactor, "haproxy:tcp:9000").listen(premises.front)
        wrapper = reactor.tcpServers[-1][1].buildProtocol(None)
        self.transport.protocol.connectionLost()
        self.transport.protocol = wrapper
        wrapper.makeConnection(self.transport)


class TestLoadBalancers:
    """The PROXY protocol."""

    def test_it_is_nobody_until_it_has_said_who_it_is(self) -> None:
        premises = Premises(Limits(connections_per_address=1))
        waiting = [Balanced(premises) for _ in range(10)]
        assert (premises.admission.connections, counted(premises)) == (10, {})
        for number, caller in enumerate(waiting):
            caller.send(f"PROXY TCP4 198.51.100.{number} 192.0.2.1 5 6\r\n".encode() + upgrade("/ws"))
            assert caller.answer().status == 101
            assert code(caller) is None
        assert counted(premises) == {f"198.51.100.{number}": 1 for number in range(10)}
        again = Balanced(premises)
        again.send(b"PROXY TCP4 198.51.100.3 192.0.2.1 5 6\r\n", upgrade("/ws"))
        assert again.answer().status == 101
        assert code(again) == 4429
        for caller in [*waiting, again]:
            caller.vanish()
        assert (premises.admission.connections, counted(premises)) == (0, {})

    def test_pages_count_for_the_client_too(self) -> None:
        premises = Premises(Limits(connections_per_address=4))
        caller = Balanced(premises)
        caller.send(b"PROXY TCP6 2001:db8::7 ::1 5 6\r\n" + GET)
        assert caller.answer().status == 200
        assert counted(premises) == {"2001:0db8:0000:0000::/64": 1}

    def test_a_health_check_of_its_own_is_its_own(self) -> None:
        premises = Premises(Limits())
        caller = Balanced(premises)
        caller.send(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0" + GET)
        assert caller.answer().status == 200
        assert counted(premises) == {PROXY: 1}


class Encrypted(Caller):
    """A connection over TLS, but for the encryption."""

    def __init__(self, premises: Premises) -> None:
        super().__init__(premises, CLIENT)
        alsoProvides(self.transport, ISSLTransport)
        door = self.transport.protocol
        door.connectionLost()
        self.transport.protocol = ProtocolWrapper(WrappingFactory(premises.front), door)
        self.transport.protocol.makeConnection(self.transport)


def test_over_tls_who_has_asked_for_nothing_yet_counts_too() -> None:
    premises = Premises(Limits())
    caller = Encrypted(premises)
    assert (premises.admission.connections, counted(premises)) == (1, {CLIENT: 1})
    caller.vanish()
    assert (premises.admission.connections, counted(premises)) == (0, {})


class TestHosts:
    """By which names the server is called."""

    @pytest.mark.parametrize("before", [b"", GET], ids=["fresh", "kept alive"])
    def test_under_another_name_nobody_connects(self, before: bytes) -> None:
        premises = Premises(called=("chat.example",))
        caller = premises.call(before)
        caller.took()
        caller.send(upgrade(Host="foe.example", Origin="http://foe.example"))
        found = caller.answer()
        assert found.status == 421
        assert found.body.startswith(b"This server is not called foe.example")
        for name, value in HEADERS.items():
            assert found.headers[name.lower()] == value
        assert caller.gone
        for host in ("chat.example", "localhost:9000", "192.0.2.1"):
            enter(premises, Host=host, Origin=f"http://{host}")


class TestCookies:
    """The login that a browser shows."""

    def who(self, caller: Caller, **hello: Any) -> tuple[str, str]:
        user = caller.ask("hello", **hello)["user"]
        return user["kind"], user["name"]

    def premises_with(self) -> tuple[Premises, str]:
        premises = Premises(Limits(), "http://friend.example", trusting=("10.0.0.0/8",))
        return premises, premises.account("Ana")

    def test_from_the_servers_own_page_it_is_that_account(self) -> None:
        premises, token = self.premises_with()
        mine = {"Cookie": f"a=b; chatroom={token}", "Origin": "http://chat.example"}
        assert self.who(enter(premises, **mine)) == ("user", "Ana")
        # Who says otherwise is somebody else.
        guest = enter(premises).ask("hello", name="Gil")
        assert self.who(enter(premises, **mine), token=guest["token"])[0] == "guest"

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "http://friend.example"},
            {},
            {"Origin": "http://chat.example", "Cookie": "chatroom=x"},
            {"Origin": "http://chat.example", "Cookie": "chatroom=" + "cs_" + "x" * 43},
        ],
        ids=str,
    )
    def test_from_elsewhere_or_when_it_is_none_it_says_nothing(self, headers: dict[str, str]) -> None:
        premises, token = self.premises_with()
        caller = enter(premises, **{"Cookie": f"chatroom={token}", **headers})
        assert self.who(caller)[0] == "guest"

    def test_over_tls_only_the_cookie_for_tls_counts(self) -> None:
        premises, token = self.premises_with()
        for name, expected in (("chatroom", "guest"), ("__Host-chatroom", "user")):
            cookie = {"Cookie": f"{name}={token}", "Origin": "https://chat.example"}
            proxied = enter(premises, PROXY, X_Forwarded_For=CLIENT, X_Forwarded_Proto="https", **cookie)
            assert self.who(proxied)[0] == expected
            if premises.quick:
                # The others look into OpenSSL, which is not there.
                direct = Encrypted(premises)
                direct.send(upgrade(subprotocol="chatroom.v1", **cookie))
                assert direct.answer().status == 101
                assert self.who(direct)[0] == expected

    def test_over_tls_a_page_without_is_foreign(self) -> None:
        premises, _token = self.premises_with()
        headers = {"X_Forwarded_For": CLIENT, "X_Forwarded_Proto": "https"}
        for origin, status in (("http://chat.example", 403), ("https://chat.example", 101)):
            caller = premises.call(upgrade(Origin=origin, **headers), host=PROXY)
            assert caller.answer().status == status

    def test_the_plain_dialect_knows_it_too(self) -> None:
        premises, token = self.premises_with()
        listener = premises.chatter("Lis")
        listener.ask("join", room="lobby")
        plain = premises.enter("/", Cookie=f"chatroom={token}", Origin="http://chat.example")
        plain.send(masked(b"hello"))
        (heard,) = [one for one in listener.heard() if one["type"] == "message"]
        assert heard["by"]["name"] == "Ana"
