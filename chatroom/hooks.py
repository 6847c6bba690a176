"""An application's own rooms: three hooks, as in the tutorial this grew out of.

    import chatroom

    class Sala(chatroom.Room):
        def process(self, user, message):
            self.broadcast(f"{user.name}: {message}", but=user)

`twistd -n chatroom --app sala:Sala` then makes one `Sala` for each room that somebody is in. A hook
may be `async`. One that raises is logged with its traceback; the server goes on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from chatroom.domain.events import Event
from chatroom.domain.model import User


class Said(str):
    """What somebody posted: its text, and `data` and `reply_to` where a client sent them."""

    __slots__ = ("data", "reply_to")

    def __new__(cls, text: str, data: dict[str, Any] | None = None, reply_to: int | None = None) -> Said:
        """The text, with what came along."""
        said = super().__new__(cls, text)
        said.data = data
        said.reply_to = reply_to
        return said

    data: dict[str, Any] | None
    reply_to: int | None


class Stage(Protocol):
    """What a room's hooks can do to the room."""

    def broadcast(self, room: Room, text: str, but: User | None, posting: Posting | None) -> Awaitable[Event]:
        """Post to the room."""

    def send(self, room: Room, user: User, text: str) -> None:
        """Tell one user something."""

    def members(self, room: Room) -> Sequence[User]:
        """Who is there."""


class Posting:
    """The post that a `process` hook is at work on. `first` is what it was posted as, if it was."""

    __slots__ = ("first", "key", "origin", "room", "user")

    def __init__(self, room: Room, user: User, key: str | None, origin: Any) -> None:
        self.room = room
        self.user = user
        self.key = key
        self.origin = origin
        self.first: Awaitable[Event] | None = None


posting: ContextVar[Posting | None] = ContextVar("posting", default=None)
"""Which post the code that runs now is working on, also across awaits."""


class Room:
    """One room of an application. Subclass it; override the hooks; call the rest."""

    def __init__(self, name: str, stage: Stage) -> None:
        self.name = name
        self._stage = stage

    def connected(self, user: User) -> object:
        """`user` has come in, on one more connection."""

    def process(self, user: User, message: Said) -> object:
        """`user` has posted `message`. Nobody has it yet: what is to be kept is broadcast."""
        return self.broadcast(message, but=user)

    def closed(self, user: User) -> object:
        """One connection of `user` is gone."""

    def broadcast(self, text: str, but: User | None = None) -> Awaitable[Event]:
        """Post `text`: it is committed, then told to everybody in the room.

        While a post is processed, it is its author's; otherwise the application's own. `but`: the
        user whose plain connection is not told (JSON members always are, that is how they know
        that their post is kept). Await it to know that it is on disk, and as which event.
        """
        current = posting.get()
        mine = current if current is not None and current.room is self else None
        return self._stage.broadcast(self, text, but, mine)

    def send(self, user: User, text: str) -> None:
        """Tell one user something, on all their connections in this room, to other nodes too; it is not
        kept, and lost to those while the bus is down."""
        self._stage.send(self, user, text)

    @property
    def members(self) -> Sequence[User]:
        """Who is in the room now, each once."""
        return self._stage.members(self)
