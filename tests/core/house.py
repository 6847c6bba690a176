"""A whole chat server but for its doors and its disk, and those who talk there."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from typing import Any

from msgspec import structs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chatroom import house, tokens
from chatroom.domain import names
from chatroom.domain.accounts import Account, ApiKey, Membership
from chatroom.domain.events import MemberChanged
from chatroom.domain.limits import Limits, limited
from chatroom.domain.model import Role
from chatroom.hooks import Room
from chatroom.plain import PlainSession
from chatroom.session import Session
from chatroom.wire.dialects import json_dialect, plain_dialect

from ..store.keeping import outcome
from ..store.memory import MemoryStore
from ..store.memory_registry import MemoryRegistry
from .outlets import FakeOutlet

ADDRESS = "192.0.2.1"
UNMETERED = limited([], unmetered=True)
PASSWORD = "correct horse"


class PlainPasswords:
    """Hashes nothing: what a real one takes so long for is not what is tested here."""

    async def hash(self, password: str) -> str:
        return f"plain {password}"

    async def verify(self, digest: str | None, password: str) -> bool:
        return digest == f"plain {password}"


class House:
    """A server's core on a clock, a store and a registry of the test's."""

    def __init__(
        self,
        limits: Limits = UNMETERED,
        app: type[Room] | None = None,
        *,
        registry: MemoryRegistry | None = None,
        store: MemoryStore | None = None,
        clock: Clock | None = None,
        **options: Any,
    ) -> None:
        self.clock = clock or Clock()
        if clock is None:
            self.clock.advance(1_000_000)
        self.registry = registry or MemoryRegistry(MemoryStore())
        self.store = store or self.registry._store
        self.core = house.House(
            self.store, self.registry, PlainPasswords(), self.clock, limits, app=app, **options
        )
        self.hub = self.core.hub
        self.people = self.core.people
        self.admission = self.core.admission
        self.chat = self.core.chat
        self._numbers = count(1)
        Deferred.fromCoroutine(self.core.start())

    def account(self, name: str, role: Role = "member", password: str = PASSWORD) -> str:
        """A new account; its login's token."""
        self.registry.add_account(self.known(name, role), f"plain {password}")
        self.look()
        return self.login(name, password)

    def known(self, name: str, role: Role = "member") -> Account:
        """The account of that name, as it is kept once it is added."""
        key = names.name_key(name)
        return Account("u" + sha256(key.encode()).hexdigest()[:24], name, key, "user", role)

    def login(self, name: str, password: str = PASSWORD) -> str:
        """One device more; its token."""
        return str(self.done(self.core.accounts.log_in(name, password, None, None)).token)

    def member(self, name: str, role: Role = "member") -> Talker:
        """Somebody new with an account, on a JSON connection."""
        return self.json(token=self.account(name, role))

    def key(self, *scopes: str, account: str | None = None) -> str:
        """A new API key, of a bot of its own where no account is named."""
        token, number = tokens.make(tokens.KEY), next(self._numbers)
        if account is None:
            bot = self.known(f"Bot {number}")
            account = bot.id
            self.registry.add_account(structs.replace(bot, kind="bot"), None)
        self.registry.add_key(ApiKey(f"k{number}", f"key {number}", account, scopes, 0), tokens.digest(token))
        self.look()
        return token

    def place(self, room: str, user: str, role: Role | None = "member") -> None:
        """Somebody has another role in a room, or (None) no place there any more."""
        if role is None:
            self.registry.end_membership(room, user)
        else:
            self.registry.set_membership(Membership(room, user, "?", role))
        self.look()

    def look(self) -> None:
        """Notice what was changed in the registry."""
        Deferred.fromCoroutine(self.core.changes.catch_up())
        self.settle()

    def done(self, coroutine: Any) -> Any:
        """What a use case comes to once everything has happened; raises what it raises."""
        found = Deferred.fromCoroutine(coroutine)
        self.settle()
        return outcome(found)

    @property
    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(self.clock.seconds() * 1000)

    def elapse(self, seconds: float) -> None:
        """Let time go on."""
        self.clock.advance(seconds)
        self.settle()

    @property
    def steps(self) -> list[Callable[[], None]]:
        """What the store and the registry have to do."""
        return [*self.store.steps, *self.registry.steps]

    def settle(self) -> None:
        """Let everything happen that waits for the store, or for its turn."""
        while self.steps or any(call.getTime() <= self.clock.seconds() for call in self.clock.calls):
            self.store.settle()
            self.registry.settle()
            self.clock.advance(0)

    def json(self, name: str | None = None, **hello: Any) -> Talker:
        """A JSON connection that has said hello."""
        talker = Talker(self)
        talker.welcome = talker.ask("hello", name=name, **hello)
        return talker

    def plain(
        self,
        name: str | None = None,
        room: str = "lobby",
        since: int | None = None,
        cookie: str | None = None,
    ) -> PlainTalker:
        """A plain connection that is coming in; `settle` lets it."""
        return PlainTalker(self, name, room, since, cookie)

    def log(self, room: str = "lobby") -> list[Any]:
        """The room's events."""
        found: list[Any] = []
        self.store.after(room, 0, 100_000, 2**40).addCallback(found.append)
        self.settle()
        return list(found[0].events)

    def empty(self) -> bool:
        """Whether nothing at all is left of anybody."""
        deadlines = self.chat.deadlines
        standing = (deadlines._due, self.core.changes._due)
        return not (
            list(self.hub.rooms())
            or self.people._names
            or self.people._members
            or self.chat.attendance.loading
            or [line for line in deadlines._lines.values() if line.waiting]
            or [call for call in self.clock.calls if call.func not in standing]
        )


class Talker:
    """A JSON connection, as its door drives it."""

    def __init__(self, house: House, address: str | None = ADDRESS, cookie: str | None = None) -> None:
        self.house = house
        self.outlet = FakeOutlet(json_dialect())
        self.session = Session(house.core.doorman, self.outlet, address, cookie)
        self.welcome: dict[str, Any] = {}
        self.heard: list[dict[str, Any]] = []
        self._numbers = count(1)

    def say(self, request: str, /, **fields: Any) -> int:
        """Send a request; its number."""
        number = next(self._numbers)
        present = {name: value for name, value in fields.items() if value is not None}
        self.send(json.dumps({"type": request, "id": number} | present).encode())
        return number

    def send(self, payload: bytes) -> None:
        """Send anything."""
        self.session.read(payload)

    def ask(self, request: str, /, **fields: Any) -> dict[str, Any]:
        """Send a request and let everything happen; its answer."""
        number = self.say(request, **fields)
        self.house.settle()
        return self.answer(number)

    def answer(self, number: int) -> dict[str, Any]:
        """The one answer to that request."""
        (found,) = [one for one in self.hear() if one.get("id") == number]
        return found

    def answered(self, number: int) -> bool:
        """Whether that request has been answered."""
        return any(one.get("id") == number for one in self.hear())

    def hear(self) -> list[dict[str, Any]]:
        """All it was told so far."""
        self.heard += self.outlet.objects()
        return self.heard

    def events(self, *kinds: str) -> list[dict[str, Any]]:
        """The events it was told live, of those types if any are named."""
        return [one for one in self.hear() if one["type"] in (kinds or ("message", "edited", "deleted"))]

    @property
    def closed(self) -> int | None:
        """The close code, once the server has closed it."""
        return self.outlet.closed[0] if self.outlet.closed else None

    def fails(self, request: str, /, **fields: Any) -> str:
        """Send a request that cannot be done; the error's code."""
        answer = self.ask(request, **fields)
        assert answer["type"] == "error", answer
        return str(answer["code"])

    def does(self, request: str, /, **fields: Any) -> dict[str, Any]:
        """Send a request that can be done; its answer."""
        answer = self.ask(request, **fields)
        assert answer["type"] != "error", answer
        return answer

    @property
    def id(self) -> str:
        return self.welcome["user"]["id"]

    @property
    def token(self) -> str:
        return self.welcome["token"]

    def drop(self) -> None:
        """The connection is gone."""
        self.hear()
        self.outlet.close(1006, "")
        self.session.closed()


class PlainTalker:
    """A plain connection, as its door drives it."""

    def __init__(
        self, house: House, name: str | None, room: str, since: int | None, cookie: str | None = None
    ) -> None:
        self.house = house
        self.outlet = FakeOutlet(plain_dialect())
        self.session = PlainSession(house.core.doorman, self.outlet, room, ADDRESS, cookie)
        self.heard: list[str | bytes] = []
        self.session.open(name, since)

    def say(self, message: str | bytes) -> None:
        """Send a text, or binary data."""
        if isinstance(message, bytes):
            self.session.receive(message, True)
        else:
            self.session.receive(message.encode(), False)

    def hear(self) -> list[str | bytes]:
        """All it was told so far."""
        for frame in self.outlet.read():
            self.heard.append(frame.payload.decode() if frame.opcode == 1 else frame.payload)
        return self.heard

    def drop(self) -> None:
        """The connection is gone."""
        self.hear()
        self.outlet.close(1006, "")
        self.session.closed()


def made(talker: Talker, room: str = "plans", **more: Any) -> str:
    """The name of a room that somebody makes."""
    return str(talker.does("room.create", room=room, **more)["room"]["name"])


def members(house: House, room: str) -> list[tuple[str, str, str]]:
    """What a room's log says of people's places: of whom, what, and which role."""
    events = [event for event in house.log(room) if isinstance(event, MemberChanged)]
    return [(event.user.name, event.change, event.role or "") for event in events]
