"""Where applications play: makes their rooms, calls their hooks, keeps their faults to themselves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from inspect import isawaitable
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from chatroom.domain import rules
from chatroom.domain.commands import MAX_PAGE, Post
from chatroom.domain.errors import ChatError, Internal
from chatroom.domain.events import Event, Message, Notice
from chatroom.domain.limits import Limits
from chatroom.domain.model import User
from chatroom.domain.ports import Clock, Origin, Store
from chatroom.hooks import Posting, Room, Said, posting
from chatroom.hub import Hub


class Kept:
    """What `broadcast` returns: await it, once, often or never."""

    def __init__(self, done: Deferred[Event], failed: Callable[[Failure], None]) -> None:
        self._event: Event | None = None
        self._failure: Failure | None = None
        self._waiters: list[Deferred[Event]] = []
        self._failed = failed
        done.addCallbacks(self._succeed, self._fail)

    def __await__(self) -> Generator[Deferred[Event], Any, Event]:
        if self._failure is not None:
            self._failure.raiseException()
        if self._event is not None:
            return self._event
        waiter: Deferred[Event] = Deferred()
        self._waiters.append(waiter)
        return (yield from waiter.__await__())

    def _succeed(self, event: Event) -> None:
        self._event = event
        for waiter in self._waiters:
            waiter.callback(event)

    def _fail(self, failure: Failure) -> None:
        self._failure = failure
        if not self._waiters:
            self._failed(failure)
        for waiter in self._waiters:
            waiter.errback(failure)


class Hall(Protocol):
    """The rooms that applications play in."""

    def append(self, draft: Event, origin: Origin) -> Awaitable[Event]:
        """As `Store.append`."""

    def notify(self, user: str, notice: Notice) -> None:
        """Tell a user's connections in the notice's room, on whichever node they are."""


class Applications:
    """One instance of the application's class for each room that somebody is in."""

    _log = Logger()

    def __init__(self, made: type[Room], store: Store, hub: Hub, clock: Clock, limits: Limits) -> None:
        self._made = made
        self._store = store
        self._hub = hub
        self._clock = clock
        self._limits = limits
        self._rooms: dict[str, Room] = {}
        self._me = User("app", made.__name__, "bot")
        self.hall: Hall | None = None
        """Set by it."""

    # For the chat.

    def connected(self, name: str, user: User) -> None:
        """Call the hook of that name."""
        self._soon(name, "connected", user)

    def closed(self, name: str, user: User) -> None:
        """Call the hook of that name; a room that nobody is in is forgotten."""
        self._soon(name, "closed", user)

    async def process(self, name: str, user: User, command: Post, origin: Origin) -> Event | None:
        """Let the hook have a post; the event it became, None if it did not become one.

        Raises Internal where the hook raised, and what the store raises.
        """
        if command.key is not None:
            done = await self._store.repeated(name, user.id, command.key)
            if done is not None:
                return done
        room = self._room(name)
        current = Posting(room, user, command.key, origin)
        token = posting.set(current)
        try:
            result = room.process(user, Said(command.text, command.data, command.reply_to))
            if isawaitable(result):
                await result
        except ChatError:
            raise
        except Exception:
            self._log.failure("the application's process failed in {room}", room=name)
            raise Internal("the application failed on this message") from None
        finally:
            posting.reset(token)
            self._forget(name)
        return None if current.first is None else await current.first

    # For the rooms: chatroom.hooks.Stage.

    def broadcast(self, room: Room, text: str, but: User | None, current: Posting | None) -> Awaitable[Event]:
        """See `Room.broadcast`."""
        rules.check_text(text, self._limits)
        first = current is not None and current.first is None
        user = self._me if current is None else current.user
        draft = Message(
            room=room.name,
            at=int(self._clock.seconds() * 1000),
            by=rules.author(user),
            key=current.key if current is not None and first else None,
            text=str(text),
            data=text.data if isinstance(text, Said) else None,
            reply_to=text.reply_to if isinstance(text, Said) else None,
        )
        kept = Kept(self._append(draft, self._origin(room, but, current)), self._lost)
        if current is not None and first:
            current.first = kept
        return kept

    def send(self, room: Room, user: User, text: str) -> None:
        """See `Room.send`."""
        if self.hall is not None:
            self.hall.notify(user.id, Notice(room=room.name, text=str(text)))

    def members(self, room: Room) -> Sequence[User]:
        """See `Room.members`."""
        live = self._hub.room(room.name)
        return [] if live is None else live.presences.some(MAX_PAGE)

    def _origin(self, room: Room, but: User | None, current: Posting | None) -> Origin:
        if but is None:
            return None
        if current is not None and current.user.id == but.id:
            return current.origin  # type: ignore[no-any-return]
        live = self._hub.room(room.name)
        for members in live.fan_out.members.values() if live is not None else ():
            for outlet, user in members.items():
                if user.id == but.id:
                    return outlet
        return None

    def _append(self, draft: Message, origin: Origin) -> Deferred[Event]:
        async def append() -> Event:
            hall = self.hall or self._store
            return await hall.append(draft, origin)

        return Deferred.fromCoroutine(append())

    def _room(self, name: str) -> Room:
        room = self._rooms.get(name)
        if room is None:
            room = self._rooms[name] = self._made(name, self)
        return room

    def _forget(self, name: str) -> None:
        if self._hub.room(name) is None:
            self._rooms.pop(name, None)

    def _soon(self, name: str, hook: str, user: User) -> None:
        # Not at once: what a hook sends to who has just joined comes after the answer to their join.
        self._clock.callLater(0, self._call, name, hook, user)

    def _call(self, name: str, hook: str, user: User) -> None:
        async def call() -> None:
            try:
                result = getattr(self._room(name), hook)(user)
                if isawaitable(result):
                    await result
            except Exception:
                self._log.failure("the application's {hook} failed in {room}", hook=hook, room=name)

        Deferred.fromCoroutine(call())
        self._forget(name)

    def _lost(self, failure: Failure) -> None:
        self._log.error(
            "what the application broadcast is not kept: {error}", error=failure.getErrorMessage()
        )
