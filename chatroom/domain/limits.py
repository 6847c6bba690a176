"""How much of everything: the figures, and the token bucket that meters a rate."""

from math import ceil

from msgspec import Struct, structs

from chatroom.domain.errors import RateLimited


class Limits(Struct, frozen=True, kw_only=True):
    """Every limit of the server; 0 takes one off. `welcome` carries them under these names."""

    message_bytes: int = 65536
    """The largest WebSocket message taken, inflated."""
    text_length: int = 8000
    """The longest text of a message, in characters."""
    backlog_bytes: int = 1048576
    """How much may wait for a slow reader before it is cut off (to resume later)."""
    handshake_timeout: float = 10
    """Seconds from connecting to the end of the HTTP request head."""
    hello_timeout: float = 10
    """Seconds from the open connection to a `hello` that is welcome."""
    ping_interval: float = 25
    """Seconds of silence after which the server asks whether anybody is there."""
    ping_timeout: float = 20
    """Seconds it then waits for the answer."""
    idle_timeout: float = 60
    """Seconds that an HTTP connection is kept for its next request."""
    posts_per_second: float = 10
    """Posts, edits, deletions and reactions of one user; bursts of twice as many."""
    requests_per_second: float = 20
    """All other requests of one user; bursts of twice as many."""
    posts_per_second_per_address: float = 100
    """Posts, edits, deletions and reactions from one address; bursts of twice as many."""
    requests_per_second_per_address: float = 400
    """All other requests from one address; bursts of twice as many."""
    refusals_per_minute: float = 300
    """So often one connection is told that it is too fast, before it is closed."""
    hellos_per_minute: float = 300
    """New users from one address."""
    logins_per_minute: float = 30
    """Passwords tried, and accounts made, from one address; a minute's worth at once."""
    rooms_created_per_hour: float = 60
    """Rooms that one user makes, an hour's worth at once; from one address ten times as many."""
    connections: int = 20000
    """Connections in all, those that only fetch the page or have not yet asked for anything too."""
    connections_per_address: int = 400
    """Connections from one address, of which those that wait for a next HTTP request take at most half."""
    connections_per_user: int = 20
    """Devices and tabs of one user."""
    rooms_per_user: int = 100
    """Rooms one connection may be in at once."""


UNMETERED = frozenset(
    {
        "posts_per_second",
        "requests_per_second",
        "posts_per_second_per_address",
        "requests_per_second_per_address",
        "refusals_per_minute",
        "hellos_per_minute",
        "logins_per_minute",
        "rooms_created_per_hour",
        "connections",
        "connections_per_address",
        "connections_per_user",
        "rooms_per_user",
    }
)
"""What `--no-limits` takes off: rates and counts. Sizes, backlogs and timeouts stay."""


def limited(settings: list[str], *, unmetered: bool = False) -> Limits:
    """The limits that `name=value` settings ask for, on top of the defaults.

    Raises ValueError, with the sentence to show, for a name that is none or a value that is no
    number from 0 up.
    """
    limits = Limits()
    if unmetered:
        limits = structs.replace(limits, **dict.fromkeys(UNMETERED, 0))
    fields = {field.name: field.type for field in structs.fields(Limits)}
    for setting in settings:
        name, equals, value = setting.partition("=")
        name = name.strip()
        if not equals or name not in fields:
            known = ", ".join(fields)
            raise ValueError(f"--limit takes name=value with one of these names: {known}; not {setting!r}")
        try:
            number = fields[name](value)
        except ValueError:
            number = -1
        if not 0 <= number < 2**53:
            kind = "a whole number" if fields[name] is int else "a number"
            raise ValueError(f"--limit {name} takes {kind} from 0 (no limit) up, not {value!r}")
        limits = structs.replace(limits, **{name: number})
    return limits


class TokenBucket:
    """A rate with room for bursts: `burst` tokens (at least one) at first, `rate` more a second.

    Times are seconds of any clock that does not go back; the caller hands them in.
    """

    __slots__ = ("_burst", "_rate", "_then", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = max(1.0, burst)
        self._tokens = self._burst
        self._then = now

    def take(self, now: float) -> None:
        """Take one token, or raise RateLimited with the seconds until there is one. Rate 0: always."""
        if not self._rate:
            return
        tokens = self._tokens
        # Every request comes past here, most of them twice: min and max cost more than all the rest.
        if now > self._then:
            tokens += (now - self._then) * self._rate
            if tokens > self._burst:
                tokens = self._burst
        self._then = now
        if tokens < 1:
            self._tokens = tokens
            wait = (1 - tokens) / self._rate
            raise RateLimited(f"too fast: try again in {wait:.1f} s", ceil(wait * 1000) / 1000)
        self._tokens = tokens - 1

    def idle(self, now: float) -> bool:
        """Whether it is as full as a new one, so that forgetting it changes nothing."""
        return self._tokens + (now - self._then) * self._rate >= self._burst
