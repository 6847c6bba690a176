"""A connection to a server that is made again whenever it is lost."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple, Protocol

from msgspec import Struct
from twisted.application.internet import ClientService
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from chatroom.client import decoding
from chatroom.client.address import Address
from chatroom.client.backoff import Backoff
from chatroom.client.calls import Calls
from chatroom.client.errors import ClientError, Disconnected, Refused, Stopped, Unreachable, Untrusted
from chatroom.client.heartbeat import Heartbeat
from chatroom.client.line import Line, LineFactory, Loss
from chatroom.client.network import explained
from chatroom.client.trust import distrust, speaks_no_tls
from chatroom.domain import commands, replies
from chatroom.domain.events import Closing

WELCOME_TIMEOUT = 20.0
"""Seconds from the connection to the server's welcome."""

GOODBYE_TIMEOUT = 3.0
"""Seconds a server may take to confirm that we go."""

_REFUSALS = {4401: "bad_token", 4403: "forbidden", 4429: "too_many_connections", 1009: "too_long"}

# RFC 6455, section 7.4.1: the server objects to what is sent; sent again it would not please it more.
_OBJECTIONS = (1002, 1003, 1007, 1008, 1010)

_GATEWAY = (429, 500, 502, 503, 504)
"""HTTP statuses of a proxy whose server is away, or of a server that has too much to do."""


class State(Enum):
    """Where a connection stands. REFUSED and STOPPED are the end of it."""

    IDLE = "idle"
    CONNECTING = "connecting"
    ONLINE = "online"
    WAITING = "waiting"
    REFUSED = "refused"
    STOPPED = "stopped"


class Standing(NamedTuple):
    """What `on_state` is told. `error` is why it is not online; `wait` the seconds to the next try."""

    state: State
    error: ClientError | None = None
    wait: float | None = None


class Identity(Struct):
    """Who to say we are: a guest's `name`, or a `token` (a login's, a key, or a guest's from before)."""

    name: str | None = None
    token: str | None = None
    password: str | None = None
    client: str = "chatroom.client"


class Owner(Protocol):
    """Who is told what happens."""

    def welcomed(self, welcome: replies.Welcome) -> None:
        """There is a connection."""

    def heard(self, event: decoding.Heard) -> None:
        """The server said something that answers nothing."""

    def disconnected(self) -> None:
        """It is lost, and will be made again."""

    def ended(self, error: ClientError) -> None:
        """It is not made again."""

    def stands(self, standing: Standing) -> None:
        """Its state is another."""


@implementer(IStreamClientEndpoint)
class _Watched:
    """An endpoint whose failures `failed` is told of."""

    def __init__(self, endpoint: IStreamClientEndpoint, connection: Connection) -> None:
        self._endpoint = endpoint
        self._connection = connection

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:
        """Try once."""
        self._connection.dialling()
        trying = self._endpoint.connect(protocolFactory)
        trying.addErrback(self._failed)
        return trying

    def _failed(self, failure: Failure) -> Failure:
        self._connection.not_reached(failure.value)
        return failure


class Connection:
    """Dials, says hello, asks, and after every loss does so again (ClientService does the retrying).

    What the server refuses for good ends it: a hello that is wrong, a close code of 4400 to 4499.
    """

    _log = Logger()

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        where: Address,
        identity: Identity,
        owner: Owner,
        reactor: Any,
        backoff: Backoff,
    ) -> None:
        self._clock: IReactorTime = reactor
        self._where = where
        self._identity = identity
        self._owner = owner
        self._backoff = backoff
        self._state = State.IDLE
        self._line: Line | None = None
        self._calls: Calls | None = None
        self._heartbeat: Heartbeat | None = None
        self._timer: IDelayedCall | None = None
        self._wait = 0.0
        self._closing: str | None = None
        self._welcome: replies.Welcome | None = None
        self._starters: list[tuple[Deferred[replies.Welcome], int | None]] = []
        self.error: ClientError | None = None
        """Why it has ended."""
        factory = LineFactory(where, self, identity.client, reactor)
        self._service = ClientService(
            _Watched(endpoint, self), factory, lambda _attempts: self._wait, clock=reactor
        )

    @property
    def online(self) -> bool:
        """Whether requests are sent."""
        return self._state is State.ONLINE

    def start(self, attempts: int | None) -> Deferred[replies.Welcome]:
        """Connect. Fires with the welcome; fails after so many attempts that came to nothing, or at once
        where the server refuses us."""
        started: Deferred[replies.Welcome] = Deferred()
        if self.error is not None:
            started.errback(self.error)
        elif self.online and self._welcome is not None:
            started.callback(self._welcome)
        else:
            self._starters.append((started, attempts))
            if self._state is State.IDLE:
                self._service.startService()
        return started

    def stop(self, error: ClientError | None = None) -> Deferred[None]:
        """Take leave, and connect no more. Fires when nothing is left of it."""
        self._end(error or Stopped("the client was stopped"), State.STOPPED)
        return self._leave()

    def _leave(self) -> Deferred[None]:
        line = self._line
        if line is None:
            return self._service.stopService()
        line.hang_up()
        timer = self._clock.callLater(GOODBYE_TIMEOUT, line.drop)

        def gone(_result: object) -> None:
            if timer.active():
                timer.cancel()

        return self._service.stopService().addBoth(gone)

    def ask(self, command: commands.Command) -> Deferred[bytes]:
        """Send a request; fires with the answer as it came. Fails with Disconnected."""
        if self._calls is None or not self.online:
            problem: Deferred[bytes] = Deferred()
            problem.errback(self.error or Disconnected("there is no connection"))
            return problem
        return self._calls.ask(command)

    # What the endpoint and the line tell.

    def dialling(self) -> None:
        """An attempt begins."""
        self._enter(State.CONNECTING)

    def not_reached(self, problem: BaseException | None) -> None:
        """An attempt came to nothing."""
        if self.error is not None:
            return
        self._failed(Unreachable(explained(problem, self._where)))

    def built(self, line: Line) -> None:
        """The network is there."""
        self._line = line
        self._timer = self._clock.callLater(WELCOME_TIMEOUT, line.drop)

    def opened(self, line: Line) -> None:
        """The server speaks the protocol: say hello."""
        self._calls = Calls(self._clock, line.say, line.drop)
        Deferred.fromCoroutine(self._hello(line, self._calls)).addErrback(self._blunder)

    def received(self, line: Line, payload: bytes) -> None:
        """The server says something."""
        if line is not self._line or self._calls is None:
            return
        if self._heartbeat is not None:
            self._heartbeat.heard()
        head = decoding.head(payload)
        if head is None:
            return
        if head.type in decoding.REPLIES:
            self._calls.answered(head.id, payload)
            return
        event = decoding.event(payload, head.type)
        if isinstance(event, Closing):
            self._closing = event.reason
            self._backoff.ask(event.reconnect_after)
        self._owner.heard(event)

    def lost(self, line: Line, loss: Loss) -> None:
        """The line is gone."""
        if line is not self._line:
            return
        was_online = self.online
        self._line = None
        self._quiet()
        calls, self._calls = self._calls, None
        error = self._explained(loss)
        if self.error is None:
            # Nothing is asked any more before everybody knows that it is gone.
            self._state = State.WAITING
        if calls is not None:
            gone = Disconnected(error.message, too_long=loss.code == 1009)
            calls.end(self.error or gone)
        if self.error is not None:
            return
        final = isinstance(error, Refused) and loss.code != 1009
        if final or (isinstance(error, Untrusted) and not self._welcome):
            self._refuse(error)
            return
        if was_online:
            self._owner.disconnected()
        self._failed(error)

    async def _hello(self, line: Line, calls: Calls) -> None:
        try:
            welcome = decoding.reply(await calls.ask(self._introduction()), replies.Welcome)
        except Refused as error:
            self._turned_away(line, error)
            return
        except ClientError:
            return  # `lost` has seen to it
        if line is not self._line:
            return
        self._quiet()
        self._identity.password = None
        if welcome.token is not None:
            self._identity.token = welcome.token
        self._backoff.succeeded()
        self._welcome = welcome
        self._heartbeat = Heartbeat(self._clock, self._ping, line.drop)
        self._enter(State.ONLINE)
        self._owner.welcomed(welcome)
        starters, self._starters = self._starters, []
        for started, _attempts in starters:
            started.callback(welcome)

    def _introduction(self) -> commands.Command:
        me = self._identity
        if me.password is not None:
            return commands.Login(name=me.name or "", password=me.password, client=me.client)
        return commands.Hello(name=me.name, token=me.token, client=me.client)

    def _turned_away(self, line: Line, error: Refused) -> None:
        if error.code == "name_taken" and self._welcome:
            # Somebody took it while we were away; the token says who we are in any case.
            self._identity.name = None
            error = Refused("unavailable", error.message, 0)
        if not error.temporary:
            self._refuse(error)
            return
        if error.retry_after is not None:
            self._backoff.ask(error.retry_after)
        self._closing = error.message
        line.hang_up()

    def _explained(self, loss: Loss) -> ClientError:
        """What the end of a connection means."""
        place = self._where.authority
        closing, self._closing = self._closing, None
        untrusted = distrust(loss.problem)
        if untrusted is not None:
            return Untrusted(f"{place} is not trusted: {untrusted}")
        if speaks_no_tls(loss.problem):
            return Unreachable(f"{place} does not speak TLS: is its URL http: or ws:?")
        if loss.status is not None and loss.status not in _GATEWAY:
            said = f"{place} answered HTTP {loss.status}: there is no chatroom server at {self._where.url}"
            return Unreachable(said) if not self._welcome else Disconnected(said)
        if loss.code in _REFUSALS or 4400 <= loss.code < 4500:
            return Refused(_REFUSALS.get(loss.code, "forbidden"), loss.reason or "the server wants us to go")
        if loss.code in _OBJECTIONS:
            return Refused("bad_request", f"the server does not understand us ({loss.code} {loss.reason})")
        if loss.status is not None:
            return Unreachable(f"{place} answered HTTP {loss.status}: its server is away")
        return Disconnected(f"the connection to {place} is lost: {closing or loss.reason or loss.problem}")

    def _failed(self, error: ClientError) -> None:
        """Wait, and try again; who wants no more attempts is told."""
        self._wait = self._backoff.next()
        if isinstance(error, Disconnected) and not self._welcome:
            error = Unreachable(error.message)
        starters, self._starters = self._starters, []
        for started, attempts in starters:
            if attempts is not None and attempts <= 1:
                started.errback(error)
            else:
                self._starters.append((started, None if attempts is None else attempts - 1))
        self._enter(State.WAITING, error, self._wait)

    def _refuse(self, error: ClientError) -> None:
        self._end(error, State.REFUSED)
        self._leave()

    def _end(self, error: ClientError, state: State) -> None:
        if self.error is not None:
            return
        self.error = error
        self._quiet()
        self._state = state
        calls = self._calls
        if calls is not None:
            calls.end(error)
        starters, self._starters = self._starters, []
        for started, _attempts in starters:
            started.errback(error)
        self._owner.ended(error)
        self._owner.stands(Standing(state, error))

    def _ping(self) -> None:
        self.ask(commands.Ping()).addErrback(lambda failure: failure.trap(ClientError))

    def _quiet(self) -> None:
        """Stop the timers."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        heartbeat, self._heartbeat = self._heartbeat, None
        if heartbeat is not None:
            heartbeat.stop()

    def _enter(self, state: State, error: ClientError | None = None, wait: float | None = None) -> None:
        if self.error is None:
            self._state = state
            self._owner.stands(Standing(state, error, wait))

    def _blunder(self, failure: Failure) -> None:
        self._log.failure("saying hello failed", failure)
