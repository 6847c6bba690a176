"""How fast anybody may go: token buckets by user and by address, kept only while they are not full."""

from __future__ import annotations

from chatroom.domain.limits import Limits, TokenBucket
from chatroom.domain.ports import Clock

SWEEP = 1_000
"""So many buckets are kept before those that are full again are forgotten."""

ROOMS_FROM_ONE_ADDRESS = 10
"""So many times what one user may make: a guest is a new user whenever they like."""


class Rate:
    """The same rate for each of many: `per_second` tokens, and at first `burst` (at least one).

    What it is taken by is any text: a user's id, an address. 0 a second is no limit.
    """

    __slots__ = ("_buckets", "_burst", "_per_second", "_sweep_at")

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._buckets: dict[str, TokenBucket] = {}
        self._sweep_at = SWEEP

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._buckets)

    def take(self, key: str | None, now: float) -> None:
        """Take one token of `key`'s; raises RateLimited. None is whoever is not metered."""
        if key is None or not self._per_second:
            return
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._add(key, now)
        bucket.take(now)

    def _add(self, key: str, now: float) -> TokenBucket:
        if len(self._buckets) >= self._sweep_at:
            self._buckets = {k: kept for k, kept in self._buckets.items() if not kept.idle(now)}
            # Twice as many as are busy: else a flood of keys has all swept for each one.
            self._sweep_at = max(SWEEP, 2 * len(self._buckets))
        bucket = self._buckets[key] = TokenBucket(self._per_second, self._burst, now)
        return bucket


class Meters:
    """What the whole server meters while people are in. All methods raise RateLimited.

    The user's own bucket is asked first: who is too fast takes nothing from those who share their
    address. An address of None is not metered (`doors.proxies`).
    """

    __slots__ = (
        "_clock",
        "_logins",
        "_posts",
        "_posts_from",
        "_refusals",
        "_requests",
        "_requests_from",
        "_rooms",
        "_rooms_from",
    )

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self._clock = clock
        self._posts = _by_second(limits.posts_per_second)
        self._posts_from = _by_second(limits.posts_per_second_per_address)
        self._requests = _by_second(limits.requests_per_second)
        self._requests_from = _by_second(limits.requests_per_second_per_address)
        self._logins = Rate(limits.logins_per_minute / 60, limits.logins_per_minute)
        rooms = limits.rooms_created_per_hour
        self._rooms = Rate(rooms / 3600, rooms)
        self._rooms_from = Rate(ROOMS_FROM_ONE_ADDRESS * rooms / 3600, ROOMS_FROM_ONE_ADDRESS * rooms)
        self._refusals = limits.refusals_per_minute

    def post(self, user: str | None, address: str | None) -> None:
        """A post, an edit or a deletion."""
        now = self._clock.seconds()
        self._posts.take(user, now)
        self._posts_from.take(address, now)

    def request(self, user: str | None, address: str | None) -> None:
        """Any other request. `user` is None for whom nobody knows yet."""
        now = self._clock.seconds()
        self._requests.take(user, now)
        self._requests_from.take(address, now)

    def login(self, address: str | None) -> None:
        """A password is tried, or an account made."""
        self._logins.take(address, self._clock.seconds())

    def room(self, user: str | None, address: str | None) -> None:
        """A room is made."""
        now = self._clock.seconds()
        self._rooms.take(user, now)
        self._rooms_from.take(address, now)

    def refusals(self) -> TokenBucket:
        """For one connection, to be taken from at each refusal; where it has no more, the connection
        is to be closed with `CloseCode.TOO_MANY`."""
        return TokenBucket(self._refusals / 60, self._refusals, self._clock.seconds())


def _by_second(rate: float) -> Rate:
    return Rate(rate, 2 * rate)
