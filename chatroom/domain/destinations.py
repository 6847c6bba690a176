"""Which network addresses a server may be sent to by somebody else's URL: no private ones."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

_NAT64 = ip_network("64:ff9b::/96")
"""IPv4 addresses as they are reached from a network that has only IPv6 (RFC 6052, section 2.1)."""


def networks(raw: Collection[str]) -> tuple[Network, ...]:
    """Addresses and networks as they are given in an option. Raises ValueError with a sentence."""
    found = []
    for one in raw:
        try:
            found.append(ip_network(one.strip(), strict=False))
        except ValueError:
            raise ValueError(
                f"--webhook-allow takes an address or a network such as 127.0.0.1 or 10.0.0.0/8, not {one!r}"
            ) from None
    return tuple(found)


def permitted(address: str, allowed: Collection[Network] = ()) -> bool:
    """Whether something may be sent to an address: to a public one, or one of a network `allowed`."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(_public(one) or any(one in network for network in allowed) for one in _meant(found))


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address, or the IPv4 addresses that an IPv6 one leads to."""
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    inner: list[IPv4Address | IPv6Address] = [address]
    if address.sixtofour is not None:
        inner.append(address.sixtofour)
    if address.teredo is not None:
        inner += address.teredo
    if address in _NAT64:
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return inner


def _public(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved
