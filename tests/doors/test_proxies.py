"""Where a connection comes from, behind proxies and without."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.logger import LogLevel

from chatroom.doors.proxies import Proxies, Source

from ..logs import Logs

CLIENT, OTHER, PROXY = "198.51.100.7", "203.0.113.9", "10.0.0.5"
SOCKET = UNIXAddress("/run/chat.sock")


def peer(host: str) -> Any:
    return (IPv6Address if ":" in host else IPv4Address)("TCP", host, 50000)


def address(
    proxies: Proxies, from_: Any, forwarded_for: str | None = None, *, encrypted: bool = False
) -> str | None:
    return proxies.source(from_, encrypted, forwarded_for).address


TRUSTING = Proxies(["10.0.0.0/8", "127.0.0.1", "fd00::/8"])


@pytest.mark.parametrize("forwarded", [None, OTHER, "127.0.0.1", f"{OTHER}, {PROXY}", ""])
def test_what_a_stranger_says_of_others_is_not_believed(forwarded: str | None) -> None:
    for proxies in (Proxies(), TRUSTING):
        assert address(proxies, peer(CLIENT), forwarded) == CLIENT
        assert proxies.address_of(peer(CLIENT)) == CLIENT
        assert proxies.source(peer(CLIENT), False, forwarded, "https").secure is None


@pytest.mark.parametrize(
    ("forwarded", "found"),
    [
        (CLIENT, CLIENT),
        (f" {CLIENT} ", CLIENT),
        (f"{CLIENT}:50123", CLIENT),
        (f"{OTHER}, {CLIENT}", CLIENT),
        (f"{OTHER}, {CLIENT}, 10.9.9.9", CLIENT),
        (f"{OTHER},{CLIENT},10.9.9.9,127.0.0.1,fd00::1", CLIENT),
        (f"10.1.1.1, {CLIENT}", CLIENT),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("2001:db8:1:2:3::4", "2001:0db8:0001:0002::/64"),
        ("[2001:db8:1:2:3::4]:443", "2001:0db8:0001:0002::/64"),
        ("[2001:db8:1:2:3::4]", "2001:0db8:0001:0002::/64"),
        (f"::ffff:{CLIENT}", CLIENT),
        (f"{OTHER}, ::ffff:10.9.9.9", OTHER),
        ("fe80::1%eth0", "fe80:0000:0000:0000::/64"),
        # What is no address hides all that is behind it: the last who is known speaks for it.
        ("", PROXY),
        ("unknown", PROXY),
        (f"{OTHER}, unknown", PROXY),
        (f"{OTHER}, unknown, 10.9.9.9", "10.9.9.9"),
        (f"{OTHER}, , 10.9.9.9", "10.9.9.9"),
        (f"{OTHER}\0", PROXY),
        (f'"{OTHER}"', PROXY),
        ("1.2.3.4:5:6", PROXY),
        (None, PROXY),
    ],
)
def test_the_client_is_the_first_from_the_right_who_is_no_trusted_proxy(
    forwarded: str | None, found: str
) -> None:
    assert address(TRUSTING, peer(PROXY), forwarded) == found
    assert address(TRUSTING, peer(f"::ffff:{PROXY}"), forwarded) == found


def test_a_proxy_is_nobody_until_it_says_for_whom_it_speaks() -> None:
    assert TRUSTING.address_of(peer(PROXY)) is None
    assert TRUSTING.address_of(peer("fd00::7")) is None
    assert TRUSTING.address_of(peer("fc00::7")) == "fc00:0000:0000:0000::/64"


@pytest.mark.parametrize("local", [peer("127.0.0.1"), peer("127.8.8.8"), peer("::1"), SOCKET, None])
def test_who_is_on_this_machine_and_speaks_for_nobody_else_is_not_counted_by_address(local: Any) -> None:
    assert address(Proxies(), local) is None
    assert Proxies().address_of(local) is None


@pytest.mark.parametrize(
    ("local", "name"), [(peer("127.0.0.1"), "127.0.0.1"), (peer("::1"), "::1"), (SOCKET, "unix")]
)
def test_a_proxy_on_this_machine_that_is_not_trusted_counts_as_one_and_the_operator_is_told(
    local: Any, name: str
) -> None:
    proxies = Proxies()
    with Logs() as logs:
        for _ in range(3):
            assert address(proxies, local, OTHER) == name
    (said,) = logs.of(LogLevel.warn)
    assert f"--trusted-proxy {name} would" in said
    # And does.
    assert address(Proxies([name]), local, OTHER) == OTHER


def test_a_trusted_one_on_this_machine_counts_as_itself_where_it_speaks_for_nobody() -> None:
    assert address(Proxies(["127.0.0.1"]), peer("127.0.0.1")) == "127.0.0.1"
    assert address(Proxies(["unix"]), SOCKET) == "unix"
    assert address(Proxies(["unix"]), peer("127.0.0.1")) is None


@pytest.mark.parametrize(
    ("proto", "plain", "encrypted"),
    [
        ("https", True, True),
        ("HTTPS", True, True),
        ("wss", True, True),
        ("http", False, False),
        ("https, http", False, False),
        ("http, https", True, True),
        (" https ", True, True),
        ("ftp", None, True),
        ("", None, True),
        (None, None, True),
    ],
)
def test_a_trusted_proxy_says_whether_the_client_speaks_tls(
    proto: str | None, plain: bool | None, encrypted: bool
) -> None:
    assert TRUSTING.source(peer(PROXY), False, CLIENT, proto) == Source(CLIENT, plain)
    assert TRUSTING.source(peer(PROXY), True, CLIENT, proto) == Source(CLIENT, encrypted)


def test_without_a_proxy_only_encryption_is_certain() -> None:
    assert Proxies().source(peer(CLIENT), True).secure is True
    # Something that is not known of may encrypt in front of this server.
    assert Proxies().source(peer(CLIENT), False).secure is None
    assert Proxies().source(peer("127.0.0.1"), False, CLIENT, "https").secure is None


@pytest.mark.parametrize(
    "named", ["", "nonsense", "10.0.0.5/8", "10.0.0.0/33", "chat.example", "10.0.0.1:80", "fd00::/129", "*"]
)
def test_what_is_no_network_is_refused_with_examples(named: str) -> None:
    with pytest.raises(ValueError, match="--trusted-proxy takes an address or network such as ") as refused:
        Proxies(["10.0.0.0/8", named])
    assert "\n" not in str(refused.value)


HOSTS = st.one_of(
    st.ip_addresses().map(str), st.sampled_from([PROXY, "127.0.0.1", "", "unknown"]), st.text(max_size=12)
)


@given(HOSTS, st.lists(HOSTS, max_size=6).map(", ".join), st.one_of(st.none(), st.text(max_size=12)))
def test_whatever_is_sent_there_is_an_answer(host: str, forwarded: str, proto: str | None) -> None:
    found = TRUSTING.source(peer(host.replace(":", "") or "x"), False, forwarded, proto)
    assert found.secure in (True, False, None)


@given(st.lists(HOSTS, max_size=6).map(", ".join), st.ip_addresses(v=4).map(str))
def test_what_the_client_makes_up_changes_nothing(made_up: str, client: str) -> None:
    """A proxy appends the one who called it: what stood there before is the client's own work."""
    if client.startswith(("10.", "127.")):
        return
    assert address(TRUSTING, peer(PROXY), f"{made_up}, {client}") == client
