"""A server that does what a test says, connected to a client in memory: real WebSockets, no network."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError as NobodyThere
from twisted.internet.task import Clock
from twisted.test.iosim import FakeTransport, IOPump

from chatroom.client import Client
from chatroom.client.line import SUBPROTOCOL

Json = dict[str, Any]
T = TypeVar("T")
BOB = {"id": "u2", "name": "Bob"}
ANA = {"id": "u1", "name": "Ana", "kind": "user"}


class Pipe(FakeTransport):
    """A transport in memory that can be cut at once."""

    def abortConnection(self) -> None:
        self.disconnect_done = True
        super().abortConnection()


class Peer(WebSocketServerProtocol):
    """The server's end of one connection. `said` are the requests that came, but for pings."""

    def __init__(self, server: ScriptedServer) -> None:
        super().__init__()
        self.server = server
        self.said: list[Json] = []

    def onConnect(self, request: Any) -> str:
        assert SUBPROTOCOL in request.protocols
        return SUBPROTOCOL

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        request = json.loads(payload)
        if request["type"] == "ping":
            if self.server.alive:
                self.tell(type="pong", id=request["id"], time=0)
            return
        self.said.append(request)
        answer = self.server.answer(self, request)
        if answer is not None:
            self.tell(**{"type": "ok", "id": request["id"], **answer})

    def tell(self, **message: Any) -> None:
        """Send one message, if the connection is open."""
        if self.state == self.STATE_OPEN:
            self.sendMessage(json.dumps(message).encode())


class ScriptedServer:
    """Rooms with logs, as the real one; each test bends what it is about.

    `scripts` answer a type of request in its place: with the fields of the answer, or None for none.
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.epoch = "e1"
        self.down = False
        self.alive = True
        self.limits: dict[str, float] = {}
        self.logs: dict[str, list[Json]] = {}
        self.keys: dict[str, Json] = {}
        self.scripts: dict[str, Callable[[Json], Json | None]] = {}
        self.peers: list[Peer] = []
        self._pumps: list[IOPump] = []
        self._factory = WebSocketServerFactory(reactor=self.clock)
        self._factory.setProtocolOptions(openHandshakeTimeout=0, closeHandshakeTimeout=0)

    @property
    def peer(self) -> Peer:
        """The newest connection."""
        return self.peers[-1]

    def connect(self, factory: Any) -> Deferred[Any]:
        """An endpoint's."""
        if self.down:
            return fail(NobodyThere())
        client = factory.buildProtocol(None)
        peer = Peer(self)
        peer.factory = self._factory
        self.peers.append(peer)
        near, far = Pipe(client, False), Pipe(peer, True)
        self._pumps.append(IOPump(client, peer, near, far, False))
        peer.makeConnection(far)
        client.makeConnection(near)
        self.clock.callLater(0, self.flush)
        return succeed(client)

    def flush(self) -> None:
        """Let everything that was written arrive."""
        for pump in self._pumps:
            pump.flush()

    def turn(self, seconds: float = 0) -> None:
        """Time passes, and what is written arrives."""
        self.clock.advance(seconds)
        self.flush()
        self.clock.advance(0)
        self.flush()

    def cut(self) -> None:
        """The connection breaks."""
        self.peer.transport.abortConnection()
        self.flush()

    def close(self, code: int, reason: str = "") -> None:
        """The server ends the connection."""
        self.peer.sendCloseFrame(code=code, reasonUtf8=reason.encode(), isReply=False)
        self.flush()

    def happens(self, room: str, text: str, key: str | None = None, **fields: Any) -> Json:
        """An event more in a room's log, of which nobody is told yet."""
        log = self.logs.setdefault(room, [])
        event = {
            "type": "message",
            "room": room,
            "seq": len(log) + 1,
            "at": 1,
            "by": {"id": "u2", "name": "Bob"},
        }
        event |= {"text": text} | ({} if key is None else {"key": key}) | fields
        log.append(event)
        return event

    def says(self, room: str, text: str, **fields: Any) -> None:
        """An event more, of which the newest connection is told."""
        self.peer.tell(**self.happens(room, text, **fields))
        self.flush()

    def asked(self, kind: str) -> list[Json]:
        """The requests of a type that came on any connection, but for their `id`."""
        said = [request for peer in self.peers for request in peer.said if request["type"] == kind]
        return [{name: value for name, value in one.items() if name not in ("id", "type")} for one in said]

    def answer(self, peer: Peer, request: Json) -> Json | None:
        """What a request is answered with."""
        kind = request["type"]
        if kind in self.scripts:
            return self.scripts[kind](request)
        return getattr(self, f"_{kind}")(request)  # type: ignore[no-any-return]

    def _hello(self, _request: Json) -> Json:
        return {
            "type": "welcome",
            "user": ANA,
            "epoch": self.epoch,
            "limits": self.limits,
            "time": 1,
            "token": "t1",
        }

    _login = _hello

    def _join(self, request: Json) -> Json:
        name = request["room"].lower()
        log = self.logs.setdefault(name, [])
        since = request["since"]
        recovered = since is not None and request["epoch"] in (None, self.epoch)
        events = log[since : since + 500] if recovered else log[-50:]
        return {
            "room": {"name": name, "title": name, "head": len(log)},
            "members": [ANA],
            "events": events,
            "recovered": recovered,
            "more": False,
        }

    def _history(self, request: Json) -> Json:
        log = self.logs[request["room"]]
        if request["after"] is not None:
            return {"events": log[request["after"] :][: request["limit"]], "more": False}
        before = len(log) + 1 if request["before"] is None else request["before"]
        return {"events": log[: before - 1][-request["limit"] :], "more": False}

    def _post(self, request: Json) -> Json:
        key = request["key"]
        if key not in self.keys:
            event = self.happens(request["room"] or "dm", request["text"], key)
            self.keys[key] = {"room": event["room"], "seq": event["seq"], "at": 1}
        return self.keys[key]

    def _leave(self, _request: Json) -> Json:
        return {}

    def _who(self, _request: Json) -> Json:
        return {"members": [ANA], "count": 1}

    def _rooms(self, _request: Json) -> Json:
        return {"rooms": [{"name": name, "title": name} for name in self.logs]}


class Running:
    """A coroutine that has begun."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self.results: list[Any] = []
        self.errors: list[BaseException] = []
        self.deferred = Deferred.fromCoroutine(coroutine)
        self.deferred.addCallbacks(self.results.append, lambda failure: self.errors.append(failure.value))

    @property
    def done(self) -> bool:
        """Whether it has ended, either way."""
        return bool(self.results or self.errors)

    @property
    def result(self) -> Any:
        """What it came to."""
        if self.errors:
            raise self.errors[0]
        assert self.results, "it has not ended yet"
        return self.results[0]

    @property
    def error(self) -> Any:
        """What it failed with."""
        assert self.errors, f"it has not failed: {self.results}"
        return self.errors[0]


def client_of(server: ScriptedServer, **more: Any) -> Client:
    """A client on that server, not started."""
    return Client("ws://server.example/ws", reactor=server.clock, endpoint=server, chance=lambda: 1.0, **more)


def started(server: ScriptedServer, **more: Any) -> Client:
    """A client that is online."""
    client = client_of(server, **more)
    running = Running(client.start())
    server.turn()
    assert running.result.user.name == "Ana"
    return client


def joined(server: ScriptedServer, client: Client, room: str = "lobby", **more: Any) -> Any:
    """A room that a client is in."""
    running = Running(client.join(room, **more))
    server.turn()
    return running.result


class Listener:
    """Takes a room's events as they come; `told` are those it has."""

    def __init__(self, room: Any) -> None:
        self.told: list[Any] = []
        self.running = Running(self._listen(room))

    async def _listen(self, room: Any) -> str:
        async for event in room:
            self.told.append(event)
        return "ended"

    @property
    def texts(self) -> list[str]:
        """What the messages say."""
        return [event.text for event in self.told]


def refusal(code: str, message: str, retry_after: float | None = None) -> Json:
    """What a request that is not done is answered with."""
    return {"type": "error", "code": code, "message": message, "retry_after": retry_after}
