"""How many may come in, and how fast: counts of connections and rates of hellos, by address."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from ipaddress import ip_address

from chatroom.domain.limits import Limits
from chatroom.domain.ports import Clock
from chatroom.metering import Rate


class Place:
    """One connection's place in the count, from when it comes until it goes."""

    __slots__ = ("_admission", "_count", "address")

    def __init__(self, admission: Admission, address: str | None) -> None:
        self._admission: Admission | None = admission
        self.address = address
        self._count = 0 if address is None else admission.enter_address(address)

    @property
    def crowded(self) -> bool:
        """Whether its address had too many connections when it came."""
        return self._exceeds(1)

    @property
    def swamped(self) -> bool:
        """Whether it had twice as many, so that this one is not even listened to."""
        return self._exceeds(2)

    @property
    def roomy(self) -> bool:
        """Whether what may come is not half taken, so that it can stay although it has nothing to do."""
        return self._admission is None or self._admission.roomy(self.address)

    def move(self, address: str | None) -> None:
        """It is a connection from `address`, as is known by now."""
        if self._admission is not None and address != self.address:
            self._admission.leave_address(self.address)
            self.address = address
            self._count = 0 if address is None else self._admission.enter_address(address)

    def leave(self) -> None:
        """The connection is gone. Once is enough."""
        admission, self._admission = self._admission, None
        if admission is not None:
            admission.connections -= 1
            admission.leave_address(self.address)

    def _exceeds(self, times: int) -> bool:
        if self._admission is None:
            return False
        return 0 < times * self._admission.limits.connections_per_address < self._count


class Admission:
    """Who is in, by address. An address of None is not counted by: it says nothing of who comes
    (`doors.proxies` says which do)."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self._clock = clock
        self._by_address: dict[str, int] = {}
        # Ten seconds' worth at once: everybody of one house comes back at the same moment.
        self._hellos = Rate(limits.hellos_per_minute / 60, limits.hellos_per_minute / 6)
        self.connections = 0
        """How many are connected now."""
        self.turned_away: Counter[int] = Counter()
        """Connections that ended at the front door, by the HTTP status that they were told."""

    @property
    def full(self) -> bool:
        """Whether there is room for no connection more."""
        return 0 < self.limits.connections <= self.connections

    def arrive(self, address: str | None) -> Place:
        """Count a connection, until its place is left."""
        self.connections += 1
        return Place(self, address)

    def roomy(self, address: str | None) -> bool:
        """Whether not half of all connections, and of those of `address`, are taken."""
        limits = self.limits
        if 0 < limits.connections < 2 * self.connections:
            return False
        if address is None or not limits.connections_per_address:
            return True
        return 2 * self._by_address.get(address, 0) <= limits.connections_per_address

    def hello(self, address: str | None) -> None:
        """Count a hello; raises RateLimited where its address says too many."""
        self._hellos.take(address, self._clock.seconds())

    def enter_address(self, address: str) -> int:
        """One connection more from there; how many there are now."""
        count = self._by_address[address] = self._by_address.get(address, 0) + 1
        return count

    def leave_address(self, address: str | None) -> None:
        """One fewer."""
        if address is not None:
            count = self._by_address.pop(address) - 1
            if count:
                self._by_address[address] = count


# The same few proxies, or the same clients coming back: parsing an address is a tenth of accepting
# a connection.
@lru_cache(maxsize=4096)
def network_of(host: str) -> str:
    """What one customer has of the address `host`: IPv6 by its /64; `host` itself where it is none."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if address.version == 6 and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    if address.version == 6 and not address.is_loopback:
        return ":".join(address.exploded.split(":")[:4]) + "::/64"
    return str(address)
