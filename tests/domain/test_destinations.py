"""Where a server may not be sent by somebody's URL."""

from __future__ import annotations

import pytest

from chatroom.domain.destinations import networks, permitted

PRIVATE = (
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1"),
    *("::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::"),
    *("", "localhost", "not an address", "1.2.3"),
)


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused(address):
    assert not permitted(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822", "::ffff:8.8.8.8"]
)
def test_a_public_one_is_not(address):
    assert permitted(address)


def test_a_network_is_allowed_and_no_other():
    allowed = networks(["127.0.0.0/8", "fd00::/8", "10.1.2.3"])
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "fd12::1", "10.1.2.3", "64:ff9b::7f00:1"):
        assert permitted(address, allowed)
    for address in ("10.1.2.4", "::1", "192.168.1.1"):
        assert not permitted(address, allowed)


@pytest.mark.parametrize("raw", ["", "example.org", "10.0.0.0/33", "10.0.0"])
def test_what_is_no_network_is_refused(raw):
    with pytest.raises(ValueError, match="--webhook-allow takes"):
        networks([raw])
