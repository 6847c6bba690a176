"""The client for asyncio: the same names, awaited under asyncio's event loop.

Twisted runs either in a thread of its own, which is started when it is first needed, or, where
Twisted's asyncio reactor drives the loop, in it: then hand that reactor in.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from chatroom.client import client, room
from chatroom.client.connection import Standing
from chatroom.client.decoding import Heard, Told
from chatroom.client.room import Page, Position
from chatroom.domain import commands, model, replies
from chatroom.domain.model import Seq, User

Loop = asyncio.AbstractEventLoop
T = TypeVar("T")
Answer = TypeVar("Answer", bound=replies.Reply)
Work = Callable[[], Coroutine[Any, Any, T]]


class _Bridge(Protocol):
    """Runs the client's coroutines where Twisted is, for somebody who awaits them under asyncio."""

    def run(self, work: Work[T]) -> asyncio.Future[T]:
        """Begin it; cancelling what is returned cancels it."""

    def call(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object
    ) -> None:
        """From where Twisted is: call it under asyncio."""


class _SameLoop:
    """Twisted's asyncio reactor runs on this very loop."""

    def run(self, work: Work[T]) -> asyncio.Future[T]:
        return Deferred.fromCoroutine(work()).asFuture(asyncio.get_running_loop())

    def call(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object
    ) -> None:
        loop.call_soon(function, *arguments)


class _Thread:
    """Twisted's reactor runs in another thread."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def run(self, work: Work[T]) -> asyncio.Future[T]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        begun: list[Deferred[T]] = []

        def begin() -> None:
            working = Deferred.fromCoroutine(work())
            begun.append(working)
            working.addCallbacks(lambda result: self.call(loop, _settle, future, result, None), failed)

        def failed(failure: Failure) -> None:
            self.call(loop, _settle, future, None, failure.value)

        def cancel() -> None:
            for one in begun:
                one.cancel()

        def ended(_future: object) -> None:
            if future.cancelled():
                self._reactor.callFromThread(cancel)

        future.add_done_callback(ended)
        self._reactor.callFromThread(begin)
        return future

    def call(
        self, loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object
    ) -> None:
        try:
            loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            pass  # the loop is closed: nobody waits any more


def _settle(future: asyncio.Future[Any], result: object, problem: BaseException | None) -> None:
    if future.done():
        return
    if problem is None:
        future.set_result(result)
    else:
        future.set_exception(problem)


_starting = threading.Lock()


def _reactor_in_a_thread() -> Any:
    """The process's reactor, which runs in a thread from now on if it does not run yet."""
    from twisted.internet import reactor as installed

    reactor: Any = installed
    with _starting:
        if not reactor.running:
            up = threading.Event()
            reactor.callWhenRunning(up.set)
            running = threading.Thread(
                target=reactor.run, args=(False,), name="Twisted's reactor", daemon=True
            )
            running.start()
            up.wait()
            atexit.register(_stop, reactor, running)
    return reactor


def _stop(reactor: Any, running: threading.Thread) -> None:
    reactor.callFromThread(reactor.stop)
    running.join(5)


class Client:
    """As `chatroom.client.Client`, for asyncio; `async with` starts and stops it.

    `reactor` is Twisted's asyncio reactor where that drives the running loop; without it, Twisted
    runs in a thread.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str | None = None,
        token: str | None = None,
        key: str | None = None,
        password: str | None = None,
        ca: str | Path | None = None,
        insecure: bool = False,
        capacity: int = 1000,
        agent: str = "chatroom.client",
        reactor: Any = None,
    ) -> None:
        self._bridge: _Bridge = _SameLoop()
        if reactor is None:
            reactor = _reactor_in_a_thread()
            self._bridge = _Thread(reactor)
        self._client = client.Client(
            url,
            name=name,
            token=token,
            key=key,
            password=password,
            ca=ca,
            insecure=insecure,
            capacity=capacity,
            agent=agent,
            reactor=reactor,
        )
        self.on_state: Callable[[Standing], None] | None = None
        """Called when the connection is made or lost."""
        self.on_event: Callable[[Heard], None] | None = None
        """Called with what belongs to no room that was joined."""

    @property
    def me(self) -> User | None:
        """Who the server says we are; None before the first welcome."""
        return self._client.me

    @property
    def limits(self) -> dict[str, float]:
        """The server's limits."""
        return self._client.limits

    @property
    def unsent(self) -> int:
        """How many posts are not acknowledged."""
        return self._client.unsent

    async def __aenter__(self) -> Client:
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def start(self, *, attempts: int | None = None) -> replies.Welcome:
        """Connect, and go on trying; see `chatroom.client.Client.start`."""
        loop = asyncio.get_running_loop()
        self._client.on_state = lambda standing: self._bridge.call(loop, self._stands, standing)
        self._client.on_event = lambda event: self._bridge.call(loop, self._heard, event)
        return await self._bridge.run(lambda: self._client.start(attempts=attempts))

    async def stop(self) -> None:
        """Take leave. What is not acknowledged fails with Stopped; rooms end."""
        await self._bridge.run(self._client.stop)

    async def join(
        self, room: str, *, since: Seq | None = None, epoch: str | None = None, buffer: int = 1000
    ) -> Room:
        """Come into a room."""
        joined = await self._bridge.run(
            lambda: self._client.join(room, since=since, epoch=epoch, buffer=buffer)
        )
        return Room(joined, self._bridge)

    async def post(
        self,
        text: str,
        *,
        room: str = "",
        to: str | None = None,
        key: str | None = None,
        reply_to: Seq | None = None,
        data: dict[str, Any] | None = None,
    ) -> replies.Posted:
        """Say something; returns when it is on the server's disk."""
        return await self._bridge.run(
            lambda: self._client.post(text, room=room, to=to, key=key, reply_to=reply_to, data=data)
        )

    async def edit(self, room: str, seq: Seq, text: str, *, key: str | None = None) -> replies.Posted:
        """Give a message another text."""
        return await self._bridge.run(lambda: self._client.edit(room, seq, text, key=key))

    async def delete(self, room: str, seq: Seq, *, key: str | None = None) -> replies.Posted:
        """Take a message back."""
        return await self._bridge.run(lambda: self._client.delete(room, seq, key=key))

    async def rooms(self) -> list[model.Room]:
        """The rooms that we may see."""
        return await self._bridge.run(self._client.rooms)

    async def who(self, room: str) -> replies.Members:
        """Who is in a room now."""
        return await self._bridge.run(lambda: self._client.who(room))

    async def ask(self, command: commands.Command, kind: type[Answer]) -> Answer:
        """Any other request, with the type of its answer."""
        return await self._bridge.run(lambda: self._client.ask(command, kind))

    def _stands(self, standing: Standing) -> None:
        if self.on_state is not None:
            self.on_state(standing)

    def _heard(self, event: Heard) -> None:
        if self.on_event is not None:
            self.on_event(event)


class Room:
    """As `chatroom.client.Room`, for asyncio: `async for event in room`."""

    def __init__(self, joined: room.Room, bridge: _Bridge) -> None:
        self._room = joined
        self._bridge = bridge
        self._position = joined.position
        self._next: asyncio.Future[tuple[Told, Position | None]] | None = None

    @property
    def name(self) -> str:
        """Its name, as the server spells it."""
        return self._room.name

    @property
    def info(self) -> model.Room:
        """As it was when it was last come into."""
        return self._room.info

    @property
    def members(self) -> tuple[User, ...]:
        """Who was there then, at most 100."""
        return self._room.members

    @property
    def recent(self) -> list[Told]:
        """The newest events (at most 50) of before, where it was joined without a position."""
        return self._room.recent

    @property
    def position(self) -> Position | None:
        """The place after the event that was given last."""
        return self._position

    def __aiter__(self) -> AsyncIterator[Told]:
        return self

    async def __anext__(self) -> Told:
        # Who gives up waiting (asyncio.wait_for) gets the event the next time.
        if self._next is None:
            self._next = self._bridge.run(self._take)
        try:
            event, self._position = await asyncio.shield(self._next)
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._next = None
            raise
        self._next = None
        return event

    async def _take(self) -> tuple[Told, Position | None]:
        event = await self._room.__anext__()
        return event, self._room.position

    async def post(
        self,
        text: str,
        *,
        key: str | None = None,
        reply_to: Seq | None = None,
        data: dict[str, Any] | None = None,
    ) -> replies.Posted:
        """Say something here."""
        return await self._bridge.run(lambda: self._room.post(text, key=key, reply_to=reply_to, data=data))

    async def who(self) -> tuple[User, ...]:
        """Who is there now, at most 500."""
        return await self._bridge.run(self._room.who)

    async def history(self, *, before: Seq | None = None, after: Seq | None = None, limit: int = 50) -> Page:
        """Up to 500 events before or after one; the newest without either."""
        return await self._bridge.run(lambda: self._room.history(before=before, after=after, limit=limit))

    async def leave(self) -> None:
        """Be in it no more."""
        await self._bridge.run(self._room.leave)
