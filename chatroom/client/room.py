"""A room that a client is in."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple, Protocol, TypeVar

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from chatroom.client import decoding
from chatroom.client.decoding import Heard, Reset, Told, Unknown
from chatroom.client.errors import ClientError, Disconnected, Refused
from chatroom.client.sequence import Sequence
from chatroom.domain import commands, model, replies
from chatroom.domain.events import Logged, MemberChanged, Passing, RoomChanged
from chatroom.domain.model import Seq, User

PAGE = commands.MAX_PAGE

Answer = TypeVar("Answer", bound=replies.Reply)


class Position(NamedTuple):
    """How far a room has been read: give it to `join` in another process to go on from there."""

    since: Seq
    epoch: str


class Page(NamedTuple):
    """A stretch of a room's log, oldest first; `more` whether there is more that way."""

    events: list[Told]
    more: bool


class Link(Protocol):
    """What a room needs of its client."""

    @property
    def me(self) -> User | None:
        """Who we are."""

    @property
    def epoch(self) -> str:
        """The server's log."""

    async def insist(self, command: commands.Command, kind: type[Answer]) -> Answer:
        """Ask, and again where the server asks for patience. Raises Refused, Disconnected."""

    async def post(
        self, text: str, *, room: str, key: str | None, reply_to: Seq | None, data: dict[str, Any] | None
    ) -> replies.Posted:
        """See Client.post."""

    def renamed(self, room: Room, name: str) -> None:
        """The server spells its name otherwise."""

    def forget(self, room: Room) -> None:
        """It is left."""


class Room:
    """`async for event in room` gives every event of its log that comes after the place where it was
    joined: each once, in order, also across lost connections and restarts of the server.

    It ends when the room is left or the client stopped, and raises Refused where the server does not
    let us in any more. At most `buffer` events wait to be taken; the others stay in the server's log
    until there is room for them, so that who takes them slowly loses nothing.
    """

    _log = Logger()

    def __init__(self, name: str, link: Link, position: tuple[Seq, str | None] | None, buffer: int) -> None:
        self.name = name
        self.info: model.Room = model.Room(name, name)
        """As it was when it was last come into."""
        self.members: tuple[User, ...] = ()
        """Who was there then, at most 100."""
        self.recent: list[Told] = []
        """The newest events (at most 50) of before, where it was joined without a position."""
        self.on_passing: Callable[[Passing | Unknown], None] | None = None
        """Called with what is told and not kept: presence, typing, notices."""
        self.entered: Deferred[None] = Deferred()
        """For the client: fires the first time that it is in."""
        self._link = link
        self._sequence = Sequence(buffer, position and position[0])
        self._epoch = position and position[1]
        self._enough = buffer // 2
        self._waiters: list[Deferred[None]] = []
        self._position: Position | None = None
        self._inside = False
        self._entry = 0
        self._fetching = False
        self._over: ClientError | None = None
        self._left = False

    def __aiter__(self) -> AsyncIterator[Told]:
        return self

    async def __anext__(self) -> Told:
        while True:
            event = self._sequence.take()
            if event is not None:
                self._passed(event)
                self._catch_up()
                return event
            if self._left:
                raise StopAsyncIteration
            if self._over is not None:
                raise self._over
            waiting: Deferred[None] = Deferred()
            self._waiters.append(waiting)
            await waiting

    @property
    def position(self) -> Position | None:
        """The place after the event that was given last: what `join` takes to go on from there, also
        in another process. None before it was come into."""
        return self._position

    async def post(
        self,
        text: str,
        *,
        key: str | None = None,
        reply_to: Seq | None = None,
        data: dict[str, Any] | None = None,
    ) -> replies.Posted:
        """Say something here; see `Client.post`."""
        return await self._link.post(text, room=self.name, key=key, reply_to=reply_to, data=data)

    async def who(self) -> tuple[User, ...]:
        """Who is there now, at most 500. Raises Refused, Disconnected."""
        return (await self._link.insist(commands.Who(room=self.name), replies.Members)).members

    async def history(self, *, before: Seq | None = None, after: Seq | None = None, limit: int = 50) -> Page:
        """Up to 500 events before or after one; the newest without either. Raises Refused,
        Disconnected."""
        command = commands.History(room=self.name, before=before, after=after, limit=limit)
        found = await self._link.insist(command, replies.Events)
        return Page([_told(bytes(raw)) for raw in found.events], found.more)

    async def leave(self) -> None:
        """Be in it no more: iterating ends with what has come already."""
        inside, self._inside, self._left = self._inside, False, True
        self._link.forget(self)
        self._wake()
        if inside:
            try:
                await self._link.insist(commands.Leave(room=self.name), replies.Reply)
            except (Refused, Disconnected):
                pass  # then we are not in it either

    # What the client tells.

    async def enter(self) -> None:
        """There is a connection: come in, or come back."""
        self._entry += 1
        entry = self._entry
        since = self._sequence.seq
        command = commands.Join(room=self.name, since=since, epoch=None if since is None else self._epoch)
        try:
            joined = await self._link.insist(command, replies.Joined)
        except Disconnected:
            return  # the next connection brings us here again
        except ClientError as error:
            if entry == self._entry:
                self.end(error)
            return
        if entry != self._entry or self._left or self._over is not None:
            return  # the connection was lost meanwhile, and another entry has begun
        self._joined(joined, since)
        if not self.entered.called:
            self.entered.callback(None)
        self._catch_up()

    def lost(self) -> None:
        """The connection is gone."""
        self._inside = False

    def end(self, error: ClientError) -> None:
        """Nothing comes any more."""
        self._inside, self._over = False, error
        if not self.entered.called:
            self.entered.errback(error)
        self._link.forget(self)
        self._wake()

    def stop(self, error: ClientError) -> None:
        """The client was stopped: what has come can still be taken."""
        self._inside, self._left = False, True
        if not self.entered.called:
            self.entered.errback(error)
        self._wake()

    def hear(self, heard: Heard) -> None:
        """The server told something about this room."""
        if isinstance(heard, Logged) or (isinstance(heard, Unknown) and heard.seq is not None):
            self._take_in(heard)
            self._catch_up()
        elif self.on_passing is not None:
            self.on_passing(heard)

    def _joined(self, joined: replies.Joined, since: Seq | None) -> None:
        self._inside = True
        self._epoch = self._link.epoch
        self.info, self.members = joined.room, joined.members
        if joined.room.name != self.name:
            self._link.renamed(self, joined.room.name)
            self.name = joined.room.name
        events = [_told(bytes(raw)) for raw in joined.events]
        if since is None:
            self.recent = events
            self._sequence.begin(joined.room.head)
        elif not joined.recovered:
            self._begin_anew(events, joined.room.head)
        if self._position is None:
            self._position = Position(joined.room.head if since is None else since, self._epoch)
        for event in events:
            self._take_in(event)
        self._sequence.expect(joined.room.head)

    def _begin_anew(self, events: list[Told], head: Seq) -> None:
        """The server has nothing to join what we have to these events, or to the head."""
        first = decoding.seq_of(events[0]) if events else None
        self._sequence.reset(Reset(self.name, head if first is None else first - 1, self._epoch or ""), head)
        self._wake()

    def _take_in(self, event: Told) -> None:
        seq = decoding.seq_of(event)
        if seq is None or not self._sequence.offer(seq, event):
            return
        if isinstance(event, RoomChanged) and event.title is not None and seq > self.info.head:
            self.info = structs.replace(self.info, title=event.title)
        if isinstance(event, MemberChanged) and self._put_out(event):
            reason = event.reason or f"{event.by.name} has put us out of {self.name}"
            self.end(Refused("banned" if event.change == "banned" else "kicked", reason))
        self._wake()

    def _put_out(self, event: MemberChanged) -> bool:
        me = self._link.me
        now = event.seq > self.info.head
        return now and me is not None and event.user.id == me.id and event.change in ("kicked", "banned")

    def _catch_up(self) -> None:
        if self._behind() and len(self._sequence) <= self._enough and not self._fetching:
            self._fetching = True
            Deferred.fromCoroutine(self._fetch()).addErrback(
                lambda failure: self._log.failure("reading the log of {room} failed", failure, room=self.name)
            )

    def _passed(self, event: Told) -> None:
        if isinstance(event, Reset):
            self._position = Position(event.seq, event.epoch)
        elif self._position is not None:
            self._position = Position(decoding.seq_of(event) or 0, self._position.epoch)

    def _behind(self) -> bool:
        return self._inside and self._sequence.behind

    async def _fetch(self) -> None:
        """Ask for what is missing, as far as there is room for it."""
        try:
            while self._behind() and self._sequence.space:
                after = self._sequence.seq or 0
                page = await self.history(after=after, limit=min(PAGE, self._sequence.space))
                for event in page.events:
                    self._take_in(event)
                if self._sequence.seq == after and self._sequence.behind:
                    self._begin_anew(page.events, self._sequence.head)
        except Disconnected:
            pass  # coming back asks again
        except ClientError as error:
            self.end(error)
        finally:
            self._fetching = False

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiting in waiters:
            if not waiting.called:  # by giving up
                waiting.callback(None)


def _told(payload: bytes) -> Told:
    """An event of a log."""
    event = decoding.event(payload)
    if isinstance(event, Logged | Unknown) and decoding.seq_of(event) is not None:
        return event
    raise Refused("internal", "the server's log holds what is no event")
