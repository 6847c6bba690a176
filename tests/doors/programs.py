"""Programs that use the HTTP API of a server in memory."""

from __future__ import annotations

import json
from typing import Any

from chatroom.doors.origins import Origins
from chatroom.house import Outbox

from ..core.receiving import FakeCourier
from ..store.memory import MemoryStore
from ..store.memory_registry import MemoryRegistry
from ..store.memory_webhooks import MemoryWebhooks
from .premises import Premises
from .rawframes import Answer, answer


class Office(Premises):
    """A server with an HTTP API. `publishing`: whether the commonest requests take the shorter way."""

    def __init__(self, *arguments: Any, publishing: bool = True, **settings: Any) -> None:
        registry = settings.pop("registry", None) or MemoryRegistry(MemoryStore())
        self.courier = FakeCourier()
        outbox = Outbox(MemoryWebhooks(registry), self.courier)
        super().__init__(*arguments, registry=registry, outbox=outbox, **settings)
        # Only imported where it is needed: klein takes a tenth of a second.
        from chatroom.doors.api import ApiDoor
        from chatroom.doors.publishing import Publishing
        from chatroom.doors.webhooks import HookDoor

        core = self.core
        door = ApiDoor(core, Origins(list(arguments[1:])))
        self.web.resource.putChild(b"api", door.resource())
        if publishing:
            self.web.publishing = Publishing(door, self.web.hosts)
        self.web.resource.putChild(b"hooks", HookDoor(core.reception).resource())

    def program(self, *scopes: str, **headers: str) -> Program:
        """A program with a key for that."""
        return Program(self, self.key(*scopes), headers)

    def person(self, name: str, role: Any = "member") -> Program:
        """A program that has somebody's login."""
        return Program(self, self.account(name, role), {})

    def anybody(self, **headers: str) -> Program:
        """A program without a key."""
        return Program(self, None, headers)


class Program:
    """Asks the API, on a connection of its own each time."""

    def __init__(
        self, office: Office, key: str | None, headers: dict[str, str], host: str = "192.0.2.1"
    ) -> None:
        self.office = office
        self.key = key
        self.headers = headers
        self.host = host

    def raw(self, method: str, path: str, body: bytes | None = None, **headers: str | None) -> bytes:
        """The request's bytes."""
        fields: dict[str, str | None] = {"Host": "chat.example"}
        if self.key is not None:
            fields["Authorization"] = f"Bearer {self.key}"
        if body is not None:
            fields |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
        fields |= {name.replace("_", "-"): value for name, value in {**self.headers, **headers}.items()}
        lines = [f"{name}: {value}\r\n" for name, value in fields.items() if value is not None]
        target = path if path.startswith("/hooks/") else f"/api/v1{path}"
        return f"{method} {target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + (body or b"")

    def send(self, method: str, path: str, body: bytes | None = None, **headers: str | None) -> Answer:
        """One request; the answer."""
        caller = self.office.call(self.raw(method, path, body, **headers), host=self.host)
        found = answer(caller.took(), method)
        caller.vanish()
        return found

    def ask(self, method: str, path: str, body: object = None, **headers: str | None) -> Answer:
        """The same with JSON."""
        return self.send(method, path, None if body is None else json.dumps(body).encode(), **headers)

    def done(self, method: str, path: str, body: object = None, **headers: str | None) -> Any:
        """What is told of a request that is done."""
        found = self.ask(method, path, body, **headers)
        assert found.status < 300, found
        return json.loads(found.body) if found.body else None

    def wrong(self, method: str, path: str, body: object = None, **headers: str | None) -> tuple[int, str]:
        """Status and code of a request that cannot be done."""
        return refusal(self.ask(method, path, body, **headers))

    def publish(self, text: str, room: str = "lobby", **more: Any) -> Any:
        """Publish something."""
        return self.done("POST", f"/rooms/{room}/messages", {"text": text, **more})


def refusal(found: Answer) -> tuple[int, str]:
    """Status and code of an error, which has a sentence too."""
    error = json.loads(found.body)["error"]
    assert found.status >= 400, found
    assert error["message"], found
    return found.status, error["code"]
