"""A command that talks to a server, from its start to its exit status."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet import reactor as installed
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from chatroom import terminal
from chatroom.client import Client, ClientError, Refused, Standing, State, Unreachable
from chatroom.console.profiles import KEY, Profile
from chatroom.terminal import Mistake, remark

reactor: Any = installed

Talk = Callable[[Client], Coroutine[Any, Any, None]]
"""What a command does with a client that is online."""


def talk(
    profile: Profile,
    doing: Talk,
    *,
    agent: str,
    wait: bool = False,
    capacity: int = 1000,
    password: str | None = None,
) -> None:
    """Connect, do it, and take leave. Raises Mistake with what went wrong and the exit status; an
    interrupt cancels what is being done, and raises it too."""
    client = client_of(profile, agent=agent, capacity=capacity, password=password)
    client.on_state = News(wait).told
    run(_whole(client, doing, wait))


def client_of(profile: Profile, *, agent: str, capacity: int = 1000, password: str | None = None) -> Client:
    """A client for what a profile says, to be started. Raises Mistake."""
    try:
        return Client(
            profile.url,
            name=profile.name,
            token=profile.token,
            key=profile.key,
            password=password,
            ca=profile.ca,
            insecure=profile.insecure,
            capacity=capacity,
            agent=f"chatroom {agent}",
            reactor=reactor,
        )
    except ValueError as error:
        raise Mistake(str(error), terminal.MISUSED) from None


async def _whole(client: Client, doing: Talk, wait: bool) -> None:
    try:
        await client.start(attempts=None if wait else 1)
        await doing(client)
    finally:
        await client.stop()


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run it under the reactor. Raises Mistake."""
    ended: list[Failure | None] = []
    signals: list[int] = []
    working: Deferred[None] = Deferred()

    def begin() -> None:
        nonlocal working
        working = Deferred.fromCoroutine(coroutine)
        working.addBoth(end)

    def end(result: Failure | None) -> None:
        ended.append(result)
        if reactor.running:
            reactor.stop()

    def interrupted(number: int, _frame: object) -> None:
        signals.append(number)
        # Who asks a second time does not want to wait for the server.
        signal.signal(number, signal.SIG_DFL)
        reactor.callFromThread(working.cancel)

    before = {one: signal.signal(one, interrupted) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        reactor.callWhenRunning(begin)
        reactor.run(installSignalHandlers=False)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    _raise(ended[0] if ended else None, signals)


def _raise(result: Failure | None, signals: list[int]) -> None:
    problem = None if result is None else result.value
    if signals and (problem is None or isinstance(problem, CancelledError | Interrupted)):
        raise Mistake(str(problem) if isinstance(problem, Interrupted) else "", 128 + signals[0])
    if isinstance(problem, ClientError):
        hint = f"; check --key and {KEY}, or `chatroom login` again" if _unknown(problem) else ""
        raise Mistake(problem.message + hint, status_of(problem)) from None
    if result is not None:
        result.raiseException()


def status_of(problem: ClientError) -> int:
    """What a command exits with that fails with this."""
    if isinstance(problem, Unreachable):
        return terminal.UNREACHABLE
    return terminal.REFUSED if isinstance(problem, Refused) else terminal.COULD_NOT


def _unknown(problem: ClientError) -> bool:
    return isinstance(problem, Refused) and problem.code == "bad_token"


class Interrupted(Exception):
    """A command that was interrupted, with what there is to say about it."""


class News:
    """Tells once that the connection is lost, and once that it is there again; with `waiting` also
    that it is not there at first."""

    def __init__(self, waiting: bool) -> None:
        self._lost = False
        self._known = waiting

    def told(self, standing: Standing) -> None:
        """The client's `on_state`."""
        if standing.state is State.ONLINE:
            if self._lost:
                remark("chatroom: connected again")
            self._lost, self._known = False, True
        elif standing.state is State.WAITING and not self._lost and self._known:
            self._lost = True
            remark(f"chatroom: {standing.error.message if standing.error else 'disconnected'}; trying again")


def add_wait(parser: argparse.ArgumentParser) -> None:
    """The option to wait for a server."""
    parser.add_argument("--wait", action="store_true", help="wait for a server that is not there yet")
