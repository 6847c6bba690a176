"""What the core needs from the world, and how it wants it: ports, each with adapters elsewhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import NamedTuple, Protocol

from chatroom.domain.events import Event, Message, Passing
from chatroom.domain.model import Seq
from chatroom.domain.replies import AnyReply

PAGE_BYTES = 256 * 1024
"""About how many bytes of events one answer carries: well below what a backlog may hold."""


class Timer(Protocol):
    """Something that will be called later, unless it is cancelled first."""

    def cancel(self) -> None:
        """Not any more. Once only, and not after it was called."""

    def active(self) -> bool:
        """Whether it is still to be called."""


class Clock(Protocol):
    """Time, and calls later in it. Twisted's reactor is one, and so is its `task.Clock`."""

    def seconds(self) -> float:
        """Seconds since 1970."""

    def callLater(
        self,
        delay: float,
        callable: Callable[..., object],
        *args: object,
        **kw: object,
    ) -> Timer:
        """Call after `delay` seconds."""


class Dialect(Protocol):
    """How events and replies become the bytes of one kind of connection, ready for the wire.

    One object for each kind: outlets that share a dialect get the very same bytes.
    """

    echoes: bool
    """Whether a member gets the events it caused itself."""

    def event(self, event: Event | Passing) -> bytes | None:
        """An event's bytes without framing; None where this dialect does not tell of such events."""

    def reply(self, reply: AnyReply) -> bytes:
        """A reply's bytes without framing."""

    def frame(self, payload: bytes) -> bytes:
        """Those bytes as the connection's transport carries them."""

    def binary(self, payload: bytes) -> bytes | None:
        """A binary message, framed; None where this dialect has none."""


class Outlet(Protocol):
    """One connection, as the hub sees it: a place to put bytes. Never waits, never raises."""

    dialect: Dialect

    @property
    def behind(self) -> bool:
        """Whether the reader has not taken yet what was sent; not once the connection ends."""

    def write(self, frames: bytes) -> None:
        """Whole frames, now: at the end of a tick, after what was sent before."""

    def send(self, frames: bytes) -> None:
        """Whole frames, with the rest of this tick's."""

    def close(self, code: int, reason: str) -> None:
        """End the connection, after what was sent before."""

    def row(self) -> Row:
        """An empty row that takes outlets like this one."""


class Row(Protocol):
    """Outlets of one kind, in one room, that are written to together as cheaply as that kind can be."""

    def __len__(self) -> int:
        """How many they are."""

    def __contains__(self, outlet: object) -> bool:
        """Whether `outlet` is among them."""

    def add(self, outlet: Outlet) -> bool:
        """Take `outlet` in; False where it is of another kind."""

    def discard(self, outlet: Outlet) -> None:
        """Let it go, if it is here."""

    def write(self, frames: bytes, but: Collection[Outlet] = ()) -> None:
        """What their `write` does, for all of them but some."""


class Page(NamedTuple):
    """A stretch of a room's log, oldest first. `more`: there is more the way it was read."""

    events: Sequence[Event]
    more: bool


Origin = Outlet | None
"""The connection that caused an event, where it is one of this process."""

Committed = Sequence[tuple[Event, Origin]]
"""Events of one commit, in the order of their rooms' logs."""


class Store(Protocol):
    """Where the logs are kept. Its errors are `Unavailable`, and it mends itself."""

    epoch: str
    """The random id of this log's life."""

    on_commit: Callable[[Committed], None]
    """Told of each commit, on the reactor's thread, after the posters' Awaitables have fired."""

    def append(self, draft: Event, origin: Origin = None) -> Awaitable[Event]:
        """Commit a draft: the event with its `seq`, or the first one of the same author and key. A
        reaction that is there already, or is not and is taken away, comes back as it is, with `seq` 0.

        Calls made in an order commit in that order. Raises NotFound where the target of an edit,
        deletion or reaction is not there (any more), Conflict where there are too many different
        reactions, Unavailable where it could not be kept.
        """

    def repeated(self, room: str, author: str, key: str) -> Awaitable[Event | None]:
        """The event that `author` once appended with `key`."""

    def after(self, room: str, seq: Seq, limit: int, size: int = PAGE_BYTES) -> Awaitable[Page]:
        """The first events after `seq`, at most `limit`, about `size` bytes, at least one."""

    def before(self, room: str, seq: Seq | None, limit: int, size: int = PAGE_BYTES) -> Awaitable[Page]:
        """The last events before `seq`, or of all; oldest first."""

    def head(self, room: str) -> Awaitable[Seq]:
        """The `seq` of the newest event; 0 for a room that has none yet."""

    def heads(self, rooms: Collection[str]) -> Awaitable[Mapping[str, Seq]]:
        """As `head`, of many rooms at once; each of them is in it."""

    def search(
        self, words: Sequence[str], rooms: Collection[str], limit: int
    ) -> Awaitable[Sequence[Message]]:
        """The newest messages of these rooms that have all of the words now, newest first. Words are
        letters and digits; whether they are capitals makes no difference."""

    def message(self, room: str, seq: Seq) -> Awaitable[Message | None]:
        """Message `seq` with its current text."""


class Bus(Protocol):
    """Carries what is news now between the nodes of one server.

    It may lose anything, bring it twice, late, or in another order: nobody relies on it. Nothing here
    waits or raises, however the bus fares, and it mends itself.
    """

    up: bool
    """Whether what is published now comes to those who listen, as far as is known."""

    heard: Callable[[str, bytes], None]
    """Told of each payload under a topic that is listened to; of one's own too, it may be."""

    mended: Callable[[], None]
    """Told when it is `up` again, or for the first time."""

    def start(self, server: str) -> None:
        """Begin: topics are those of `server` alone, whoever else uses the same bus."""

    def stop(self) -> Awaitable[None]:
        """End, once what was published has left, or after a moment."""

    def publish(self, topic: str, payload: bytes) -> None:
        """To every node that listens to `topic`."""

    def listen(self, topic: str) -> None:
        """Hear what is published under `topic` from about now on."""

    def ignore(self, topic: str) -> None:
        """Hear no more of `topic`."""


class Lead(Protocol):
    """What one node has of all that work on one database: it does what only one is to do.

    Another has it within seconds when that node stops or dies. Two may have it at once for a moment,
    where one cannot know yet that it lost it: what is done by it is done so that this spoils nothing.
    """

    changed: Callable[[bool], None]
    """Told, on the reactor's thread, that this node leads now (True), or no more."""

    def start(self) -> None:
        """Try to have it, from now on."""

    def stop(self) -> Awaitable[None]:
        """Give it up, within a moment whatever the database does; `changed` is not told of that."""
