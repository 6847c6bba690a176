"""How many may come in, and how fast: counts of connections and rates of hellos, by address."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from ipaddress import ip_address

from chatroom.domain.limits import Limits
from chatroom.domain.ports import Clock
from chatroom.metering import Rate


class Place:
    """One connection's place in the count, from when it comes until it goes.

    `crowded`: when it came, its address had more connections than it may have. `swamped`: twice as
    many, so that not even saying so is worth it.
    """

    __slots__ = ("_address", "_admission", "crowded", "swamped")

    def __init__(self, admission: Admission, address: str | None) -> None:
        self._admission: Admission | None = admission
        self._settle(admission, address)

    @property
    def roomy(self) -> bool:
        """Whether what may come is not half taken, so that it can stay although it has nothing to do."""
        return self._admission is None or self._admission.roomy(self._address)

    def move(self, address: str | None) -> None:
        """It is a connection from `address`, as is known by now."""
        if self._admission is not None and address != self._address:
            self._admission.leave_address(self._address)
            self._settle(self._admission, address)

    def leave(self) -> None:
        """The connection is gone. Once is enough."""
        admission, self._admission = self._admission, None
        if admission is not None:
            admission.connections -= 1
            admission.leave_address(self._address)

    def _settle(self, admission: Admission, address: str | None) -> None:
        self._address = address
        count, limit = admission.enter_address(address), admission.limits.connections_per_address
        self.crowded = 0 < limit < count
        self.swamped = 0 < 2 * limit < count


class Admission:
    """Who is in, by address. An address of None is not counted by: it says nothing of who comes
    (`doors.proxies` says which do)."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self._clock = clock
        self._by_address: Counter[str] = Counter()
        # Ten seconds' worth at once: everybody of one house comes back at the same moment.
        self._hellos = Rate(limits.hellos_per_minute / 60, limits.hellos_per_minute / 6)
        self.connections = 0
        """How many are connected now."""

    @property
    def full(self) -> bool:
        """Whether there is room for no connection more."""
        return 0 < self.limits.connections <= self.connections

    def arrive(self, address: str | None) -> Place:
        """Count a connection, until its place is left."""
        self.connections += 1
        return Place(self, address)

    def enter(self, address: str | None) -> bool:
        """Count a connection; False where its address has too many. Always followed by `leave`."""
        self.connections += 1
        if address is None or _loopback(address):
            return True
        count = self.enter_address(address)
        return not 0 < self.limits.connections_per_address < count

    def leave(self, address: str | None) -> None:
        """The connection is gone."""
        self.connections -= 1
        if address is not None and not _loopback(address):
            self.leave_address(address)

    def roomy(self, address: str | None) -> bool:
        """Whether not half of all connections, and of those of `address`, are taken."""
        limits = self.limits
        if 0 < limits.connections < 2 * self.connections:
            return False
        if address is None or not limits.connections_per_address:
            return True
        return 2 * self._by_address[address] <= limits.connections_per_address

    def hello(self, address: str | None) -> None:
        """Count a hello; raises RateLimited where its address says too many."""
        if address is not None and not _loopback(address):
            self._hellos.take(address, self._clock.seconds())

    def enter_address(self, address: str | None) -> int:
        """One connection more from there; how many there are now."""
        if address is None:
            return 0
        self._by_address[address] += 1
        return self._by_address[address]

    def leave_address(self, address: str | None) -> None:
        """One fewer."""
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]


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
