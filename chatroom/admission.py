"""How many may come in, and how fast: counts of connections and rates of hellos, by address."""

from collections import Counter
from functools import lru_cache
from ipaddress import ip_address

from chatroom.domain.limits import Limits, TokenBucket
from chatroom.domain.ports import Clock

_SWEEP = 1_000
"""So many addresses are remembered before those that have been quiet are forgotten."""


class Admission:
    """Who is in, by address. An address is None where it says nothing: a Unix socket's peer.

    The loopback is exempt from what is counted by address: it is where a reverse proxy on the
    same machine calls from, on behalf of everybody.
    """

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._by_address: Counter[str] = Counter()
        self._hellos: dict[str, TokenBucket] = {}
        self._sweep_at = _SWEEP
        self.connections = 0
        """How many are connected now."""

    @property
    def full(self) -> bool:
        """Whether there is room for no connection more."""
        return 0 < self._limits.connections <= self.connections

    def enter(self, address: str | None) -> bool:
        """Count a connection; False where its address has too many. Always followed by `leave`."""
        self.connections += 1
        if address is None or _loopback(address):
            return True
        self._by_address[address] += 1
        return not 0 < self._limits.connections_per_address < self._by_address[address]

    def leave(self, address: str | None) -> None:
        """The connection is gone."""
        self.connections -= 1
        if address is not None and address in self._by_address:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]

    def hello(self, address: str | None) -> None:
        """Count a hello; raises RateLimited where its address says too many."""
        rate = self._limits.hellos_per_minute
        if not rate or address is None or _loopback(address):
            return
        now = self._clock.seconds()
        bucket = self._hellos.get(address)
        if bucket is None:
            if len(self._hellos) >= self._sweep_at:
                self._hellos = {a: b for a, b in self._hellos.items() if not b.idle(now)}
                # Twice as many as are busy: else a flood of addresses has all swept for each one.
                self._sweep_at = max(_SWEEP, 2 * len(self._hellos))
            bucket = self._hellos[address] = TokenBucket(rate / 60, max(1.0, rate / 6), now)
        bucket.take(now)


def address_of(peer: object) -> str | None:
    """The network address of a Twisted address: IPv6 by its /64, which is what one customer has."""
    host = getattr(peer, "host", None)
    return network_of(host) if isinstance(host, str) else None


# The same few proxies, or the same clients coming back: parsing an address is a tenth of accepting
# a connection.
@lru_cache(maxsize=4096)
def network_of(host: str) -> str:
    """The network that one customer has, of the address `host`; `host` itself where it is none."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 6 and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    if address.version == 6 and not address.is_loopback:
        return ":".join(address.exploded.split(":")[:4]) + "::/64"
    return str(address)


def _loopback(address: str) -> bool:
    return address.startswith("127.") or address == "::1"
