"""The courier: makes the requests of webhooks, one line of JSON in and one out for each.

    python -m chatroom.doors.courierprocess SECONDS [NETWORK…]

It connects to public addresses and to those in a NETWORK, whatever a name resolves to at that moment.
It follows no redirect, and ends with its standard input.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IHostnameResolver,
    IHostResolution,
    IResolutionReceiver,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.stdio import StandardIO
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool, PartialDownloadError, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer, IResponse
from zope.interface import implementer

from chatroom.domain.destinations import Network, networks, permitted
from chatroom.domain.webhooks import MAX_BODY, Outcome, Parcel
from chatroom.doors import parcels

IDLE = 30
"""Seconds that a connection is kept for the next request."""

_KEPT = 1_000
"""Of so many hosts it is held that they were refused."""


@implementer(IHostnameResolver)
class Guard:
    """Resolves names to addresses that may be sent to, and to no others. What is connected to is what
    was looked at here: a name that resolves to something else a moment later gets nobody further."""

    def __init__(self, inner: IHostnameResolver, allowed: Sequence[Network]) -> None:
        self._inner = inner
        self._allowed = allowed
        self.refused: dict[str, str] = {}
        """The hosts that were refused, each with its address."""

    def resolveHostName(
        self, resolutionReceiver: IResolutionReceiver, hostName: str, *arguments: Any, **named: Any
    ) -> IHostResolution:
        """Resolve a name. See IHostnameResolver."""
        self.refused.pop(hostName, None)
        filtered = _Filter(resolutionReceiver, lambda address: self._permits(hostName, address))
        found: IHostResolution = self._inner.resolveHostName(filtered, hostName, *arguments, **named)
        return found

    def _permits(self, host: str, address: IAddress) -> bool:
        where = getattr(address, "host", "")
        if permitted(where, self._allowed):
            return True
        if len(self.refused) >= _KEPT:
            self.refused.clear()
        self.refused[host] = where
        return False


@implementer(IResolutionReceiver)
class _Filter:
    def __init__(self, receiver: IResolutionReceiver, permits: Callable[[IAddress], bool]) -> None:
        self._receiver = receiver
        self._permits = permits

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        self._receiver.resolutionBegan(resolutionInProgress)

    def addressResolved(self, address: IAddress) -> None:
        if self._permits(address):
            self._receiver.addressResolved(address)

    def resolutionComplete(self) -> None:
        self._receiver.resolutionComplete()


@implementer(IBodyProducer)
class _Body:
    """Bytes, written at once."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.length = len(body)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._body)
        return succeed(None)

    def pauseProducing(self) -> None:
        """It is written already."""

    resumeProducing = stopProducing = pauseProducing


class _Reader(Protocol):
    """Reads an answer's body, and leaves one that is too long where it is."""

    def __init__(self) -> None:
        self.done: Deferred[bytes] = Deferred(lambda _: self._hang_up())
        self._body = bytearray()
        self._over = False

    def dataReceived(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > MAX_BODY and not self._over:
            self._over = True
            self._hang_up()
            self.done.callback(b"")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._over or self.done.called:
            return
        self._over = True
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(bytes(self._body))
        else:
            self.done.errback(reason)

    def _hang_up(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()


class Rounds:
    """Makes requests."""

    def __init__(self, reactor: Any, guard: Guard, seconds: float) -> None:
        self._reactor = reactor
        self._guard = guard
        self._seconds = seconds
        pool = HTTPConnectionPool(reactor)
        pool.maxPersistentPerHost = 8
        pool.cachedConnectionTimeout = IDLE
        pool.retryAutomatically = False
        self._agent = Agent(reactor, connectTimeout=seconds, pool=pool)

    async def make(self, parcel: Parcel) -> Outcome:
        """Make one, and say what came of it."""
        asked = Deferred.fromCoroutine(self._ask(parcel))
        try:
            return await asked.addTimeout(self._seconds, self._reactor)
        except Exception as error:
            return Outcome(None, problem=self._why(parcel.url, error))

    async def _ask(self, parcel: Parcel) -> Outcome:
        # The server itself has no use for it, and is none the slower to start.
        from treq.client import HTTPClient

        headers = Headers({name: [value] for name, value in parcel.headers.items()})
        # One for each: cookies are nothing that a webhook keeps.
        client = HTTPClient(self._agent)
        response: IResponse = await client.request(
            "POST",
            parcel.url,
            headers=headers,
            data=_Body(parcel.body),
            allow_redirects=False,
            unbuffered=True,
            reactor=self._reactor,
        )
        reader = _Reader()
        response.deliverBody(reader)
        body = await reader.done
        status = response.code
        return Outcome(status, body if 200 <= status < 300 else b"", retry_after(response.headers))

    def _why(self, url: str, error: Exception) -> str:
        host = urlsplit(url).hostname or ""
        if host in self._guard.refused:
            return (
                f"{host} is at {self._guard.refused[host]}, which is no public address:"
                " --webhook-allow lets a network be sent to"
            )
        reasons = getattr(error, "reasons", None)
        first = reasons[0].value if reasons and isinstance(reasons[0], Failure) else error
        if isinstance(first, TimeoutError | CancelledError):
            return f"there was no answer within {self._seconds:g} s"
        if isinstance(first, ConnectionLost | PartialDownloadError):
            return "the connection was closed before an answer"
        return (str(first) or type(first).__name__)[:300]


def retry_after(headers: Headers) -> float | None:
    """The seconds that an answer's Retry-After asks for (RFC 9110, section 10.2.3)."""
    raw = (headers.getRawHeaders("retry-after") or [""])[0].strip()
    if raw.isdecimal() and raw.isascii():
        return float(raw[:9])
    try:
        return max(0.0, parsedate_to_datetime(raw).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return None


class _Lines(Protocol):
    """The server's end: jobs in, outcomes out."""

    def __init__(self, rounds: Rounds, ended: Callable[[], None]) -> None:
        self._rounds = rounds
        self._ended = ended
        self._rest = b""

    def dataReceived(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            Deferred.fromCoroutine(self._do(parcels.job(line)))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._ended()

    async def _do(self, job: parcels.Job) -> None:
        outcome = await self._rounds.make(job.parcel)
        if self.transport is not None:
            self.transport.write(parcels.encode(parcels.Done(job.number, outcome)) + b"\n")


def main(argv: Sequence[str]) -> None:
    """Run until standard input ends."""
    from twisted.internet import reactor as real

    reactor: Any = real
    # The server is asked to stop by them, together with this process; what it has begun is finished.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    guard = Guard(reactor.nameResolver, networks(argv[1:]))
    reactor.installNameResolver(guard)

    def ended() -> None:
        if reactor.running:
            reactor.stop()

    StandardIO(_Lines(Rounds(reactor, guard, float(argv[0])), ended))
    reactor.run(installSignalHandlers=False)


if __name__ == "__main__":
    main(sys.argv[1:])
