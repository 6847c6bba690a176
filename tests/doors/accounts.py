"""Accounts for the account door's tests: kept in memory, and every call of a use case written down; and
those who ask that door."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred

from chatroom import tokens
from chatroom.domain.accounts import Login, Principal
from chatroom.domain.commands import Hello
from chatroom.domain.errors import BadToken, Forbidden, NameTaken, NotFound
from chatroom.domain.model import User
from chatroom.doors.headers import HEADERS
from chatroom.metering import Meters

from ..core.house import UNMETERED
from .premises import Caller, Premises
from .rawframes import Answer

PASSWORD = "correct horse battery"
ANA = {"id": "u1", "name": "Ana", "role": "moderator"}
INVITATION = "ci_" + "i" * 43

EVERYTHING = [
    ("POST", "/login", {"name": "Ana", "password": PASSWORD}),
    ("POST", "/sign-up", {"name": "Ben", "password": PASSWORD, "invitation": INVITATION}),
    ("POST", "/logout", {}),
    ("POST", "/password", {"old": PASSWORD, "new": "another one"}),
    ("POST", "/delete", {"password": PASSWORD}),
    ("POST", "/invitations", {}),
    ("DELETE", "/sessions/l0", None),
]
"""Every request that changes something."""


class FakeKeeping:
    """Accounts by name, logins by token. `fails` is raised by the next use case; `pause` is waited for."""

    def __init__(self, sign_up_mode: str = "invited") -> None:
        self.sign_up_mode = sign_up_mode
        self.calls: list[tuple[Any, ...]] = []
        self.logins: dict[str, Principal] = {}
        self.passwords = {"Ana": PASSWORD}
        self.fails: Exception | None = None
        self.pause: Deferred[None] | None = None
        self.finished: list[str] = []

    async def identify(self, hello: Hello) -> tuple[Principal, None]:
        if hello.token not in self.logins:
            raise BadToken("this login has ended: log in again")
        return self.logins[hello.token], None

    async def log_in(self, name: str, password: str, client: str | None, address: str | None) -> Any:
        await self._called("log_in", name, password, client, address)
        if self.passwords.get(name) != password:
            raise BadToken("the name or the password is wrong")
        return self._enter(name)

    async def sign_up(
        self, name: str, password: str, invitation: str | None, client: str | None, address: str | None
    ) -> Any:
        await self._called("sign_up", name, password, invitation, client, address)
        if invitation is None:
            raise Forbidden("accounts here are made by invitation: ask somebody for a link")
        if name in self.passwords:
            raise NameTaken("somebody has that name")
        self.passwords[name] = password
        return self._enter(name)

    async def log_out(self, token: str) -> None:
        await self._called("log_out", token)
        self.logins.pop(token, None)

    async def change_password(self, account: str, old: str, new: str, login: str | None) -> None:
        await self._called("change_password", account, old, new, login)
        if old != PASSWORD:
            raise BadToken("the password is wrong")

    async def delete(self, account: str, password: str) -> None:
        await self._called("delete", account, password)
        if password != PASSWORD:
            raise BadToken("the password is wrong")

    async def sessions(self, account: str) -> list[Login]:
        await self._called("sessions", account)
        return [
            Login(str(one.login), account, "Firefox", "192.0.2.1", 1, 2, 3) for one in self.logins.values()
        ]

    async def end_session(self, account: str, login: str) -> None:
        await self._called("end_session", account, login)
        if login not in [one.login for one in self.logins.values()]:
            raise NotFound("no such session")

    async def invite(self, principal: Principal, *wanted: Any) -> str:
        await self._called("invite", principal.user.name, *wanted)
        return "ci_" + "x" * 43

    async def _called(self, name: str, *arguments: Any) -> None:
        self.calls.append((name, *arguments))
        if self.pause is not None:
            await self.pause
        self.finished.append(name)
        if self.fails is not None:
            failure, self.fails = self.fails, None
            raise failure

    def _enter(self, name: str) -> tuple[Principal, str]:
        token = tokens.make(tokens.LOGIN)
        self.logins[token] = Principal(User("u1", name, "user"), "moderator", login=f"l{len(self.logins)}")
        return self.logins[token], token


class Bureau(Premises):
    """A server with an account door."""

    def __init__(self, *arguments: Any, sign_up: str = "invited", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        # Only the web is imported where it is needed: klein takes a tenth of a second.
        from chatroom.doors.account import AccountDoor

        self.keeping = FakeKeeping(sign_up)
        limits = arguments[0] if arguments else UNMETERED
        self.meters = Meters(limits, self.clock)
        door = AccountDoor(self.keeping, self.keeping.identify, self.meters, guests=True)
        self.web.resource.putChild(b"account", door.resource())

    def visitor(self, **headers: str) -> Visitor:
        """Somebody with a browser."""
        return Visitor(self, headers)


def request(method: str, path: str, body: bytes | None = None, **headers: str | None) -> bytes:
    """A request as a page of the server makes it; a header that is None is left out."""
    fields: dict[str, str | None] = {"Host": "chat.example"}
    if method not in ("GET", "HEAD"):
        fields |= {"Origin": "http://chat.example", "Content-Type": "application/json"}
    if body is not None:
        fields["Content-Length"] = str(len(body))
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}\r\n" for name, value in fields.items() if value is not None]
    return f"{method} {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1") + (body or b"")


class Visitor:
    """A browser: keeps one cookie, and asks on a connection of its own each time."""

    def __init__(self, bureau: Bureau, headers: dict[str, str]) -> None:
        self.bureau = bureau
        self.headers: dict[str, str | None] = dict(headers)
        self.cookie: str | None = None

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str | None) -> Answer:
        """One request; the answer. Its cookie is kept."""
        caller: Caller = self.bureau.call(
            request(method, path, body, **{"Cookie": self.cookie, **self.headers, **headers})
        )
        found = caller.answer(method)
        if "set-cookie" in found.headers:
            pair = found.headers["set-cookie"].partition(";")[0]
            self.cookie = pair if pair.partition("=")[2] else None
        caller.vanish()
        return found


def post(visitor: Visitor, path: str, fields: object = None, **headers: str | None) -> Answer:
    return visitor.ask("POST", f"/account{path}", json.dumps(fields or {}).encode(), **headers)


def told(found: Answer) -> Any:
    """The JSON that an answer tells, which nobody may keep."""
    assert found.headers["cache-control"] == "no-store"
    assert found.headers["content-type"] == "application/json"
    for name, value in HEADERS.items():
        assert found.headers[name.lower()] == value
    return json.loads(found.body)


def wrong(found: Answer, status: int, code: str) -> str:
    """The sentence of an error."""
    error = told(found)["error"]
    assert (found.status, error["code"]) == (status, code), found
    return str(error["message"])


def logged_in(visitor: Visitor) -> Visitor:
    assert post(visitor, "/login", {"name": "Ana", "password": PASSWORD}).status == 200
    visitor.bureau.keeping.calls.clear()
    return visitor
