"""A client of a chatroom server: one connection, the rooms on it, and what is to be sent."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from random import random
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.task import deferLater
from twisted.logger import Logger

from chatroom.client import decoding, trust
from chatroom.client.address import address
from chatroom.client.backoff import Backoff
from chatroom.client.connection import Connection, Identity, Standing
from chatroom.client.decoding import Heard
from chatroom.client.errors import ClientError, Refused
from chatroom.client.outbox import PAUSE, Outbox, Writing
from chatroom.client.pace import Pace
from chatroom.client.room import Room
from chatroom.domain import commands, model, replies
from chatroom.domain.model import Seq, User

Answer = TypeVar("Answer", bound=replies.Reply)


class Client:
    """Connects to the server whose page or WebSocket is at `url`, and stays connected.

    Who it is: a guest called `name`, or whom a `token` (a login's) or a `key` (`chatroom key add`)
    speaks for, or the account `name` with its `password`. With TLS, the server's certificate is
    checked against the system's authorities, or those in the PEM file `ca`; `insecure` takes any.

    Posts that are not acknowledged, at most `capacity` of them, are sent again after a lost
    connection, with the same key, so that each is there once. Raises ValueError for a URL or a `ca`
    that is none.
    """

    _log = Logger()

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
        endpoint: IStreamClientEndpoint | None = None,
        chance: Callable[[], float] = random,
    ) -> None:
        if reactor is None:
            from twisted.internet import reactor  # whichever is installed by now
        where = address(url)
        self.url = where.url
        self._reactor = reactor
        self._identity = Identity(name, key or token, password, agent)
        self._connection = Connection(
            endpoint or trust.endpoint(reactor, where, ca=ca, insecure=insecure),
            where,
            self._identity,
            self,
            reactor,
            Backoff(reactor, chance),
        )
        self._outbox = Outbox(self._send, lambda: self._connection.online, reactor, capacity)
        self._posting, self._asking = Pace(reactor), Pace(reactor)
        self._rooms: dict[str, Room] = {}
        self._welcome: replies.Welcome | None = None
        self.on_state: Callable[[Standing], None] | None = None
        """Called when the connection is made or lost."""
        self.on_event: Callable[[Heard], None] | None = None
        """Called with what belongs to no room that was joined, such as the first direct message of
        somebody: join its `room` with `since=event.seq - 1` to go on from there."""

    @property
    def me(self) -> User | None:
        """Who the server says we are; None before the first welcome."""
        return None if self._welcome is None else self._welcome.user

    @property
    def epoch(self) -> str:
        """Which log the server's is; the empty text before the first welcome."""
        return "" if self._welcome is None else self._welcome.epoch

    @property
    def limits(self) -> dict[str, float]:
        """The server's limits, by their names in docs/protocol.md."""
        return {} if self._welcome is None else self._welcome.limits

    @property
    def token(self) -> str | None:
        """What makes another client this same user, if it is shown; a secret."""
        return self._identity.token

    @property
    def unsent(self) -> int:
        """How many posts are not acknowledged."""
        return len(self._outbox)

    async def start(self, *, attempts: int | None = None) -> replies.Welcome:
        """Connect, and go on trying until the server is there.

        Raises Refused where it does not want us, Untrusted where its certificate is wrong, and
        Unreachable after so many `attempts`; then the client goes on trying until it is stopped.
        """
        return await self._connection.start(attempts)

    async def stop(self) -> None:
        """Take leave. What is not acknowledged fails with Stopped; rooms end."""
        await self._connection.stop()

    async def join(
        self, room: str, *, since: Seq | None = None, epoch: str | None = None, buffer: int = 1000
    ) -> Room:
        """Come into a room. It gives what happens from now on; with `since` all that came after that
        event, as far as the log (`epoch`) reaches. Waits for the connection. Raises Refused."""
        if room in self._rooms:
            raise Refused("conflict", f"this client is in {room} already")
        made = Room(room, self, None if since is None else (since, epoch), buffer)
        self._rooms[room] = made
        if self._connection.error is not None:
            made.end(self._connection.error)
        elif self._connection.online:
            self._enter(made)
        await made.entered
        return made

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
        """Say something in `room`, or to the user `to` alone; returns when it is on the server's disk.

        Waits for the connection, and for its turn: what goes to one room arrives in the order it was
        given. A post repeated with its `key` is there once. Raises Refused, and Stopped.
        """
        key = key or secrets.token_hex(16)
        command = commands.Post(room=room, to=to, text=text, key=key, reply_to=reply_to, data=data)
        return await self._outbox.put(command)

    async def edit(self, room: str, seq: Seq, text: str, *, key: str | None = None) -> replies.Posted:
        """Give a message another text; as `post`, and the answer is the event that says so."""
        key = key or secrets.token_hex(16)
        return await self._outbox.put(commands.Edit(room=room, seq=seq, text=text, key=key))

    async def delete(self, room: str, seq: Seq, *, key: str | None = None) -> replies.Posted:
        """Take a message back; as `post`, and the answer is the event that says so."""
        key = key or secrets.token_hex(16)
        return await self._outbox.put(commands.Delete(room=room, seq=seq, key=key))

    async def rooms(self) -> list[model.Room]:
        """The rooms that we may see. Raises Refused, Disconnected."""
        return (await self.insist(commands.Rooms(), replies.RoomList)).rooms

    async def who(self, room: str) -> replies.Members:
        """Who is in a room now: at most 500 of the `count` there. Raises Refused, Disconnected."""
        return await self.insist(commands.Who(room=room), replies.Members)

    async def ask(self, command: commands.Command, kind: type[Answer]) -> Answer:
        """Any other request, with the type of its answer. Raises Refused; Disconnected where the
        connection is not there, or is lost before the answer comes."""
        return decoding.reply(await self._connection.ask(command), kind)

    async def insist(self, command: commands.Command, kind: type[Answer]) -> Answer:
        """As `ask`, and again as long as the server asks for patience."""
        while True:
            if wait := self._asking.wait():
                await deferLater(self._reactor, wait)
            try:
                return await self.ask(command, kind)
            except Refused as error:
                if not error.temporary:
                    raise
                # At least so long: a server closes the connection of whom it has to refuse too often.
                patience = max(PAUSE, error.retry_after or 0)
            await deferLater(self._reactor, patience)

    # What rooms ask, and what the connection tells.

    def renamed(self, room: Room, name: str) -> None:
        """The server spells a room's name otherwise."""
        self._rooms.pop(room.name, None)
        self._rooms[name] = room

    def forget(self, room: Room) -> None:
        """A room is left."""
        if self._rooms.get(room.name) is room:
            del self._rooms[room.name]

    def welcomed(self, welcome: replies.Welcome) -> None:
        """There is a connection: come back into the rooms, and send what waits."""
        self._welcome = welcome
        self._posting.set(welcome.limits.get("posts_per_second", 0))
        self._asking.set(welcome.limits.get("requests_per_second", 0))
        for room in list(self._rooms.values()):
            self._enter(room)
        self._outbox.pump()

    def heard(self, event: Heard) -> None:
        """The server said something that answers nothing."""
        room = self._rooms.get(getattr(event, "room", None) or "")
        if room is not None:
            room.hear(event)
        elif self.on_event is not None:
            self.on_event(event)

    def disconnected(self) -> None:
        """The connection is lost."""
        for room in self._rooms.values():
            room.lost()

    def ended(self, error: ClientError) -> None:
        """It is over."""
        self._outbox.end(error)
        for room in list(self._rooms.values()):
            if isinstance(error, Refused):
                room.end(error)
            else:
                room.stop(error)

    def stands(self, standing: Standing) -> None:
        """The connection's state is another."""
        if self.on_state is not None:
            self.on_state(standing)

    def _enter(self, room: Room) -> None:
        Deferred.fromCoroutine(room.enter()).addErrback(
            lambda failure: self._log.failure("joining {room} failed", failure, room=room.name)
        )

    def _send(self, writing: Writing) -> Deferred[replies.Posted]:
        return Deferred.fromCoroutine(self._written(writing))

    async def _written(self, writing: Writing) -> replies.Posted:
        if wait := self._posting.wait():
            await deferLater(self._reactor, wait)
        if isinstance(writing, commands.Post):
            return await self.ask(writing, replies.Posted)
        changed = await self.ask(writing, replies.Changed)
        return replies.Posted(room=writing.room, seq=changed.seq)
