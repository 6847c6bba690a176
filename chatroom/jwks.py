"""The keys that a site, or who logs its people in, publishes at a URL: a JWK set (RFC 7517, section 5).

They are fetched when first asked for, again when a token names a key that is not among them (at most
once in 30 s), and every hour, so that a key that was taken back is forgotten. What was fetched is kept
for as long as nothing newer can be.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IResponse

from chatroom.domain.errors import Unavailable
from chatroom.sitekeys import SigningKey, from_jwk

AGAIN = 30.0
"""Seconds between two fetches, whatever comes meanwhile."""
OLD = 3600.0
"""Seconds after which what was fetched is fetched again."""
TIMEOUT = 10.0
"""Seconds that a fetch may take in all."""
MAX_BYTES = 256 * 1024
"""The largest answer read."""


class FetchFailed(Exception):
    """There is no key to be had; the message says why."""


class _KeySet(msgspec.Struct):
    keys: list[object]


class Jwks:
    """The keys at one URL. `fetch` gets the bytes that are there now."""

    _log = Logger()

    def __init__(self, reactor: IReactorTime, fetch: Callable[[], Awaitable[bytes]]) -> None:
        self._reactor = reactor
        self._fetch = fetch
        self._keys: dict[str | None, SigningKey] = {}
        self._asked = -AGAIN
        self._fetching = False
        self._failing = False
        self._waiting: list[Deferred[None]] = []

    async def key(self, kid: str | None) -> SigningKey | None:
        """The key called `kid`, or for None the only one there is.

        Raises Unavailable for as long as nothing could be fetched.
        """
        since = self._reactor.seconds() - self._asked
        found = self._find(kid)
        if since >= (OLD if found else AGAIN) and not self._fetching:
            self._begin()
        if found is None and self._fetching:
            # Who has a key at hand does not wait for a newer one.
            fetched: Deferred[None] = Deferred()
            self._waiting.append(fetched)
            await fetched
        if not self._keys:
            again = max(1.0, AGAIN - (self._reactor.seconds() - self._asked))
            raise Unavailable("the keys of this site's tokens cannot be fetched just now; try again", again)
        return found or self._find(kid)

    def _find(self, kid: str | None) -> SigningKey | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    def _begin(self) -> None:
        self._asked = self._reactor.seconds()
        self._fetching = True
        Deferred.fromCoroutine(self._refresh())

    async def _refresh(self) -> None:
        try:
            body = await Deferred.fromCoroutine(self._fetched()).addTimeout(TIMEOUT, self._reactor)
            self._keys = keys_in(body)
        except Exception as error:
            if not self._failing:
                self._log.warn("the keys of the site's tokens cannot be fetched: {why}", why=_why(error))
            self._failing = True
        else:
            if self._failing:
                self._log.info("the keys of the site's tokens can be fetched again")
            self._failing = False
        self._fetching = False
        waiting, self._waiting = self._waiting, []
        for fetched in waiting:
            fetched.callback(None)

    async def _fetched(self) -> bytes:
        return await self._fetch()


def keys_in(body: bytes) -> dict[str | None, SigningKey]:
    """The keys of a JWK set that will do, by id. Raises FetchFailed where there is none."""
    try:
        found = msgspec.json.decode(body, type=_KeySet).keys
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FetchFailed(f"what is there is no JWK set: {error}") from None
    keys: dict[str | None, SigningKey] = {}
    for jwk in found:
        if isinstance(jwk, dict) and isinstance(kid := jwk.get("kid"), str | None) and kid not in keys:
            key = from_jwk(jwk)
            keys |= {} if key is None else {kid: key}
    if not keys:
        raise FetchFailed("there is no RSA, P-256 or Ed25519 key for signatures among them")
    return keys


async def fetch(agent: IAgent, url: str) -> bytes:
    """What is at a URL, at most MAX_BYTES of it. Raises FetchFailed, and the agent's errors."""
    headers = Headers({"Accept": ["application/jwk-set+json, application/json"], "User-Agent": ["chatroom"]})
    response: IResponse = await agent.request(b"GET", url.encode("ascii"), headers)
    body: Deferred[bytes] = Deferred(lambda _: reader.stop())
    reader = _Reader(body)
    if response.code != 200:
        reader.fail(f"it answers {response.code}, not 200")
    response.deliverBody(reader)
    return await body


class _Reader(Protocol):
    """Gathers a response's body, up to the bound."""

    def __init__(self, done: Deferred[bytes]) -> None:
        self._done = done
        self._body = bytearray()

    def fail(self, why: str) -> None:
        """Read no further."""
        if not self._done.called:
            self._done.errback(FetchFailed(why))
        self.stop()

    def stop(self) -> None:
        """Hang up."""
        if self.transport is not None:
            self.transport.loseConnection()

    def connectionMade(self) -> None:
        if self._done.called:
            self.stop()

    def dataReceived(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > MAX_BYTES:
            self.fail(f"it answers with more than {MAX_BYTES // 1024} KiB")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self._done.callback(bytes(self._body))
        else:
            self._done.errback(reason)


def _why(error: Exception) -> str:
    """An error in a few words: Twisted's client wraps most of its own in lists of failures."""
    reasons = getattr(error, "reasons", None)
    first = reasons[0].value if reasons and isinstance(reasons[0], Failure) else error
    return str(first) or type(first).__name__
