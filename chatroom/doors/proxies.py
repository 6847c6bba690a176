"""Where a connection comes from, and whether it is encrypted all the way, also behind reverse proxies.

A proxy says for whom it speaks in `X-Forwarded-For`, and how it was spoken to in
`X-Forwarded-Proto`. Anybody can send these, so they are believed only from those that
`--trusted-proxy` names. RFC 7239's `Forwarded` is not read: of two headers that say the same, a
proxy sets one and passes the other on as the client made it up. The PROXY protocol needs nothing
here: under a `haproxy:` endpoint the transport's peer is the client.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, NamedTuple

from twisted.internet.address import UNIXAddress
from twisted.internet.interfaces import ISSLTransport
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper

from chatroom.admission import network_of

UNIX = "unix"
"""In place of a network: whoever connects through a Unix socket."""

_SCHEMES = {"https": True, "wss": True, "http": False, "ws": False}


class Source(NamedTuple):
    """What is known of who connects.

    `address` is as `admission.network_of` has it; None for who connects from this machine and for
    nobody else: no limit by address holds for them. `secure`: whether the client speaks TLS; None
    where that is not known, because a proxy may stand in between.
    """

    address: str | None
    secure: bool | None


class Proxies:
    """The reverse proxies in front of this server. `named` are networks, as `10.0.0.0/8`, or `unix`.

    Raises ValueError, with the sentence to show, for one that is neither.
    """

    _log = Logger()

    def __init__(self, named: Iterable[str] = ()) -> None:
        named = list(named)
        self._unix = UNIX in named
        self._networks = [_network(one) for one in named if one != UNIX]
        self.trusting = bool(named)
        """Whether anybody is trusted."""
        self._warned = False
        # Nearly every connection comes from the same few.
        self._trusts = lru_cache(maxsize=1024)(self._in_networks)
        self._counted = lru_cache(maxsize=1024)(self._counted_as)

    def trusts(self, peer: object) -> bool:
        """Whether what a Twisted address says of others is believed."""
        if isinstance(peer, UNIXAddress):
            return self._unix
        host = getattr(peer, "host", None)
        return isinstance(host, str) and self._trusts(host)

    def address_at_first(self, transport: Any) -> str | None:
        """The address of a connection on which nothing has come yet, as in `Source`; None where a
        proxy or a load balancer is yet to say for whom it speaks."""
        return None if is_balanced(transport) else self.address_of(transport.getPeer())

    def address_of(self, peer: object) -> str | None:
        """The address of a connection, of whose requests nothing is known."""
        host = getattr(peer, "host", None)
        return self._counted(host) if isinstance(host, str) else None

    def source(
        self,
        peer: object,
        encrypted: bool,
        forwarded_for: str | None = None,
        forwarded_proto: str | None = None,
    ) -> Source:
        """Where a request comes from: by its connection's `peer` and whether that is `encrypted`, and
        by the two header fields (several of one name joined by commas)."""
        if self.trusts(peer):
            # The last is what our neighbour says; those before it are what others told it.
            scheme = (forwarded_proto or "").rpartition(",")[2].strip().lower()
            secure = _SCHEMES.get(scheme, encrypted or None)
            return Source(self._client(peer, forwarded_for), secure)
        if forwarded_for and _is_local(peer):
            self._warn(peer)
            return Source(_address_of(peer), encrypted or None)
        return Source(self.address_of(peer), encrypted or None)

    def _client(self, peer: object, forwarded_for: str | None) -> str | None:
        """From the right, past all that are trusted: the first that is not, or the last of all."""
        found = _address_of(peer)
        for host in _reversed(forwarded_for or ""):
            if _address(host) is None:
                return found
            found = network_of(host)
            if not self._trusts(host):
                return found
        return found

    def _counted_as(self, host: str) -> str | None:
        return None if self._in_networks(host) or _is_loopback(host) else network_of(host)

    def _in_networks(self, host: str) -> bool:
        address = _address(host)
        return address is not None and any(address in network for network in self._networks)

    def _warn(self, peer: object) -> None:
        if not self._warned:
            self._warned = True
            self._log.warn(
                "a proxy on this machine passes on connections and is not trusted, so that all its clients"
                " count as one address: --trusted-proxy {name} would count each for itself",
                name=_address_of(peer),
            )


def is_balanced(transport: Any) -> bool:
    """Whether a load balancer says with the PROXY protocol who the transport's peer is, before
    anything else comes on it."""
    while isinstance(transport, ProtocolWrapper):
        if not is_encrypted(transport):
            return True
        transport = transport.transport
    return False


def is_encrypted(transport: object) -> bool:
    """Whether the transport is TLS's."""
    # Which stands between the socket's and the protocol; asking costs more than looking for that.
    return isinstance(transport, ProtocolWrapper) and ISSLTransport(transport, None) is not None


def _network(named: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(named)
    except ValueError as error:
        raise ValueError(
            f"--trusted-proxy takes an address or network such as 127.0.0.1 or 10.0.0.0/8, or unix, not"
            f" {named!r}: {error}"
        ) from None


def _reversed(forwarded_for: str) -> Iterator[str]:
    """The addresses of the field, the last one first, without the ports that some proxies add."""
    for entry in reversed(forwarded_for.split(",")):
        host = entry.strip()
        if host.startswith("["):
            host = host[1:].partition("]")[0]
        elif host.count(":") == 1:
            host = host.partition(":")[0]
        yield host


def _address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that `host` is, if it is one; IPv4 where it is mapped into IPv6."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=1024)
def _is_loopback(host: str) -> bool:
    address = _address(host)
    return address is not None and address.is_loopback


def _is_local(peer: object) -> bool:
    """Whether it is on this machine, where reverse proxies are, which speak for everybody."""
    host = getattr(peer, "host", None)
    return _is_loopback(host) if isinstance(host, str) else True


def _address_of(peer: object) -> str | None:
    host = getattr(peer, "host", None)
    if isinstance(host, str):
        return network_of(host)
    return UNIX if isinstance(peer, UNIXAddress) else None
