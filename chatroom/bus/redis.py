"""The bus over Redis or Valkey, from version 6 on: publish and subscribe, and nothing that is kept there.

One connection in RESP3, in which messages and replies come side by side
(https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from random import random
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis
from OpenSSL import crypto
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.interfaces import IPushProducer
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import Certificate, optionsForClientTLS, trustRootFromCertificates
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

PING = 2.0
"""Seconds between two pings."""

SILENCE = 6.0
"""Seconds without a word after which a connection is given up."""

LONGEST_WAIT = 5.0
"""Seconds, at most, between two tries to connect."""

BACKLOG = 4 * 1024 * 1024
"""So many bytes wait for a Redis that does not take them; what is more is lost."""

_AT_ONCE = 1_000
"""So many topics are named in one command."""


class Place(NamedTuple):
    """Where a Redis is, and as whom to be there."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: bool = False
    authority: Path | None = None
    """A file with the certificates to trust instead of the system's."""

    def __str__(self) -> str:
        """As a URL without what is secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'rediss' if self.tls else 'redis'}://{host}:{self.port}"


def place(url: str) -> Place:
    """The place that a URL names: redis://USER:PASSWORD@HOST:PORT, or rediss:// for TLS.

    `?password-file=FILE` has the password where no list of processes shows it, `?ca=FILE` the
    certificates to trust. Raises ValueError with a sentence.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        asked = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ValueError("--bus takes a URL such as redis://127.0.0.1:6379") from None
    if parts.scheme not in ("redis", "rediss") or not host or parts.path not in ("", "/") or parts.fragment:
        raise ValueError(
            "--bus takes a URL such as redis://127.0.0.1:6379, or rediss://USER:PASSWORD@HOST for TLS"
        )
    unknown = sorted(asked.keys() - {"password-file", "ca"})
    if unknown:
        raise ValueError(f"--bus knows ?password-file=FILE and ?ca=FILE, not {unknown[0]!r}")
    if "ca" in asked and parts.scheme != "rediss":
        raise ValueError("--bus: ?ca=FILE goes with rediss://, which is TLS")
    password = unquote(parts.password) if parts.password else None
    if "password-file" in asked:
        password = _read(Path(asked["password-file"][0])).strip()
    user = unquote(parts.username) if parts.username else None
    if user and password is None:
        raise ValueError("--bus names a user without a password: give it, or ?password-file=FILE")
    authority = Path(asked["ca"][0]).expanduser().resolve() if "ca" in asked else None
    found = Place(host, port or 6379, user, password, parts.scheme == "rediss", authority)
    if found.tls:
        _trusted(found)
    return found


def _read(path: Path) -> str:
    try:
        return path.expanduser().read_text()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ValueError(f"--bus: {path} cannot be read ({why})") from None


def _trusted(place: Place) -> Any:
    """What a certificate is checked against; None for the system's authorities."""
    if place.authority is None:
        return None
    text, end = _read(place.authority), "-----END CERTIFICATE-----"
    try:
        found = [Certificate.loadPEM((block + end).encode()) for block in text.split(end)[:-1]]
    except (crypto.Error, ValueError):
        found = []
    if not found:
        raise ValueError(f"--bus: {place.authority} has no certificate in it, as PEM")
    return trustRootFromCertificates(found)


@implementer(IPushProducer)
class RedisLine(Protocol):
    """One connection. `greeted` fires when it can be used, or fails."""

    def __init__(self, bus: RedisBus) -> None:
        self._bus = bus
        self._reader = hiredis.Reader()
        self._paused = False
        self._held: deque[bytes] = deque()
        self._size = 0
        self._ready = False
        self._complained = False
        self._heard = self._checked = 0.0
        self._timer: Any = None
        self.greeted: Deferred[RedisLine] = Deferred()

    def connectionMade(self) -> None:
        """Say who we are."""
        self._heard = self._checked = self._bus.clock.seconds()
        transport: Any = self.transport
        try:
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
        except AttributeError:
            pass  # not over TCP
        place = self._bus.place
        login = () if place.password is None else ("AUTH", place.user or "default", place.password)
        self.send("HELLO", "3", *login, "SETNAME", "chatroom")
        self._timer = self._bus.clock.callLater(PING, self._check)

    def dataReceived(self, data: bytes) -> None:
        """Replies, in the order of what was asked, and messages."""
        self._heard = self._bus.clock.seconds()
        try:
            self._reader.feed(data)
            while self._reader.has_data() and (reply := self._reader.gets()) is not False:
                self._take(reply)
        except hiredis.ProtocolError as error:
            self._fail(f"it does not speak the protocol of Redis ({error})")

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._ready:
            self._ready = False
            self._bus.lost(self, "the connection was lost")
        elif not self.greeted.called:
            self.greeted.errback(reason)

    def send(self, *words: str | bytes) -> None:
        """A command; lost where too much waits already."""
        pack: Any = hiredis.pack_command
        command: bytes = pack(words)
        if not self._paused:
            self._write(command)
        elif self._size + len(command) <= BACKLOG:
            self._held.append(command)
            self._size += len(command)

    def end(self) -> None:
        """Be gone, once what was sent has left."""
        transport: Any = self.transport
        transport.unregisterProducer()
        transport.loseConnection()

    def abort(self) -> None:
        """Be gone."""
        transport: Any = self.transport
        if transport is not None:
            transport.abortConnection()

    def pauseProducing(self) -> None:
        """Redis does not take what it is sent."""
        self._paused = True

    def resumeProducing(self) -> None:
        """It does again."""
        self._paused = False
        while self._held and not self._paused:
            command = self._held.popleft()
            self._size -= len(command)
            self._write(command)

    def stopProducing(self) -> None:
        """The connection is gone."""
        self._paused = True

    def _write(self, command: bytes) -> None:
        transport: Any = self.transport
        transport.write(command)

    def _take(self, reply: Any) -> None:
        if isinstance(reply, hiredis.PushNotification):
            if reply[0] == b"message":
                self._bus.take(reply[1], reply[2])
        elif isinstance(reply, hiredis.ReplyError):
            if not self._ready:
                self._fail(str(reply))
            elif not self._complained:
                self._complained = True
                self._bus.complain(str(reply))
        elif not self._ready and not self.greeted.called:
            self._ready = True
            transport: Any = self.transport
            transport.registerProducer(self, True)
            self.greeted.callback(self)

    def _fail(self, why: str) -> None:
        if self._ready:
            self._ready = False
            self._bus.lost(self, why)
        elif not self.greeted.called:
            self.greeted.errback(Failure(ConnectionError(why)))
        self.abort()

    def _check(self) -> None:
        self._timer = self._bus.clock.callLater(PING, self._check)
        now, before = self._bus.clock.seconds(), self._checked
        self._checked = now
        if now - before > 2 * PING:
            # It was this process that stood still: what Redis said meanwhile is still to be read.
            self._heard = now
        if now - self._heard > SILENCE:
            self._fail(f"it has not answered for {SILENCE:g} s")
        elif self._ready:
            self.send("PING")


class RedisBus:
    """A `chatroom.domain.ports.Bus` at that place."""

    _log = Logger()

    def __init__(self, place: Place, reactor: Any) -> None:
        self.place = place
        self.clock = reactor
        self.up = False
        self.heard: Callable[[str, bytes], None] = lambda _topic, _payload: None
        self.mended: Callable[[], None] = lambda: None
        self._prefix = ""
        self._topics: set[str] = set()
        self._line: RedisLine | None = None
        self._last: Any = None
        self._down = False
        self._running = False
        self._tries = 0
        self._timer: Any = None
        self._connecting: Deferred[None] | None = None
        self._ended: Deferred[None] | None = None
        self._connect_to = self._endpoint()

    def start(self, server: str) -> None:
        """See the port."""
        # What is after the name changes with what the nodes say to each other.
        self._prefix = f"chatroom:2:{server}:"
        self._running = True
        self._connect()

    async def stop(self) -> None:
        """See the port."""
        self._running = self.up = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._connecting is not None:
            self._connecting.cancel()
        if self._line is not None:
            ended = self._ended = Deferred()
            self._line.end()
            timer = self.clock.callLater(1, self._line.abort)
            await ended
            if timer.active():
                timer.cancel()

    def publish(self, topic: str, payload: bytes) -> None:
        """See the port."""
        if self._line is not None:
            self._line.send("PUBLISH", self._prefix + topic, payload)

    def listen(self, topic: str) -> None:
        """See the port."""
        self._topics.add(topic)
        if self._line is not None:
            self._line.send("SUBSCRIBE", self._prefix + topic)

    def ignore(self, topic: str) -> None:
        """See the port."""
        self._topics.discard(topic)
        if self._line is not None:
            self._line.send("UNSUBSCRIBE", self._prefix + topic)

    # For the connections.

    def take(self, channel: bytes, payload: bytes) -> None:
        """A message came."""
        topic = channel.decode("utf-8", "replace").removeprefix(self._prefix)
        if topic in self._topics:
            try:
                self.heard(topic, payload)
            except Exception:
                self._log.failure("what came over the bus cannot be taken")

    def lost(self, line: RedisLine, why: str) -> None:
        """A connection that was good is no more."""
        if self._line is line:
            self._line, self.up = None, False
            self._say_down(why)
            self._later()
            if self._ended is not None:
                self._ended.callback(None)

    def complain(self, why: str) -> None:
        """Redis refused something."""
        self._log.error("the bus at {place} refuses what it is asked: {why}", place=str(self.place), why=why)

    # The rest.

    def _factory(self) -> Factory[RedisLine]:
        made = Factory.forProtocol(self._made)
        made.noisy = False
        return made

    def _made(self) -> RedisLine:
        line = self._last = RedisLine(self)
        return line

    def _connect(self) -> None:
        self._timer = None
        self._connecting = Deferred.fromCoroutine(self._attempt())

    async def _attempt(self) -> None:
        # Twisted's ClientService cannot be told that a connection is made and no good.
        self._tries += 1
        try:
            await self._connect_to.connect(self._factory())
            line = await self._last.greeted
        except Exception as error:
            self._say_down(str(error) or type(error).__name__)
            if self._last is not None:
                self._last.abort()
            self._later()
        else:
            self._greeted(line)
        finally:
            self._last = self._connecting = None

    def _later(self) -> None:
        if self._running:
            most = min(LONGEST_WAIT, 0.2 * 1.5 ** min(self._tries, 20))
            self._timer = self.clock.callLater(most * (0.5 + random() / 2), self._connect)  # noqa: S311

    def _greeted(self, line: RedisLine) -> None:
        self._line, self._down, self._tries = line, False, 0
        topics = [self._prefix + topic for topic in sorted(self._topics)]
        for start in range(0, len(topics), _AT_ONCE):
            line.send("SUBSCRIBE", *topics[start : start + _AT_ONCE])
        self._log.info("the bus at {place} is connected", place=str(self.place))
        self.up = True
        self.mended()

    def _say_down(self, why: str) -> None:
        if not self._down and self._running:
            self._down = True
            self._log.error(
                "the bus at {place} cannot be used: {why}. The nodes tell each other by the database alone"
                " until it can",
                place=str(self.place),
                why=why,
            )

    def _endpoint(self) -> Any:
        host, port = self.place.host, self.place.port
        plain = HostnameEndpoint(self.clock, host, port, timeout=SILENCE)
        if not self.place.tls:
            return plain
        return wrapClientTLS(optionsForClientTLS(host, trustRoot=_trusted(self.place)), plain)
