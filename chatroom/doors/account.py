"""The account door: signing up, logging in and out, and devices, for the pages of this server.

JSON in and out; who is logged in has a cookie that no script can read (`cookies`). Only pages of
this server are answered where anything changes (`jsonhttp.check_origin`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Any, Literal, Protocol

from klein import Klein
from msgspec import Meta, Struct
from werkzeug.exceptions import HTTPException

from chatroom.domain import names
from chatroom.domain.accounts import Login, Principal
from chatroom.domain.commands import Hello, Password, RoomName
from chatroom.domain.errors import BadToken
from chatroom.domain.model import Role
from chatroom.domain.replies import Device
from chatroom.doors.cookies import clear_login, login_token, set_login
from chatroom.doors.hosts import url_of
from chatroom.doors.http import StrictRequest
from chatroom.doors.jsonhttp import Guarded, asked, check_origin, endpoint, not_routed, told
from chatroom.metering import Meters

CLIENT_LENGTH = 256
"""So many characters of a browser's name for itself are kept."""

Name = Annotated[str, Meta(max_length=256)]


class Keeping(Protocol):
    """The use cases of accounts (`chatroom.accountkeeping`), as far as this door goes to them."""

    @property
    def sign_up_mode(self) -> str:
        """Who may sign up: open, invited or closed."""

    async def log_in(
        self, name: str, password: str, client: str | None, address: str | None
    ) -> tuple[Principal, str]:
        """Who that is, and the token of a new login."""

    async def sign_up(
        self, name: str, password: str, invitation: str | None, client: str | None, address: str | None
    ) -> tuple[Principal, str]:
        """The same, of a new account."""

    async def log_out(self, token: str) -> None:
        """End a login."""

    async def change_password(self, account: str, old: str, new: str, login: str | None) -> None:
        """Another password; all logins end but `login`."""

    async def delete(self, account: str, password: str) -> None:
        """End an account."""

    async def sessions(self, account: str) -> Sequence[Login]:
        """Where somebody is logged in."""

    async def end_session(self, account: str, login: str) -> None:
        """Log one device out."""

    async def invite(
        self,
        principal: Principal,
        role: Role = "member",
        room: str | None = None,
        uses: int = 1,
        days: int = 7,
    ) -> str:
        """An invitation's token."""


class Credentials(Struct, frozen=True):
    """Who logs in."""

    name: Name
    password: Password


class Candidate(Struct, frozen=True):
    """Who signs up."""

    name: Name
    password: Password
    invitation: Annotated[str, Meta(max_length=256)] | None = None


class NewPassword(Struct, frozen=True):
    """A password in place of another."""

    old: Password
    new: Password


class Confirmation(Struct, frozen=True):
    """The password again, for what cannot be undone."""

    password: Password


class Invited(Struct, frozen=True):
    """Whom an invitation is for: `uses` people, within so many `days`."""

    role: Literal["owner", "moderator", "member"] = "member"
    room: RoomName | None = None
    uses: Annotated[int, Meta(ge=1, le=1000)] = 1
    days: Annotated[int, Meta(ge=1, le=365)] = 7


class Nothing(Struct, frozen=True):
    """An empty object."""


class AccountDoor:
    """/account. `identify` is asked who says hello with a login's token (`chatroom.identity`);
    `guests`: whether one can come in without an account."""

    app = Klein()
    app.url_map.merge_slashes = False

    def __init__(
        self,
        keeping: Keeping,
        identify: Callable[[Hello], Awaitable[tuple[Principal, str | None]]],
        meters: Meters,
        *,
        guests: bool,
    ) -> None:
        self._keeping = keeping
        self._identify = identify
        self._meters = meters
        self._guests = guests

    def resource(self) -> Guarded:
        """For the web site, at /account."""
        return Guarded(self.app)

    @endpoint(app, "GET", "/")
    async def show(self, request: StrictRequest) -> bytes:
        """Who is logged in, and who could be."""
        self._meters.request(None, request.source.address)
        principal = await self._principal(request)
        account = None if principal is None else _account(principal)
        mode = self._keeping.sign_up_mode
        return told(request, {"account": account, "sign_up": mode, "guests": self._guests})

    @endpoint(app, "POST", "/login")
    async def log_in(self, request: StrictRequest) -> bytes:
        """Come in by name and password."""
        wanted = asked(request, Credentials)
        self._meters.login(request.source.address)
        principal, token = await self._keeping.log_in(wanted.name, wanted.password, *_device(request))
        set_login(request, token, request.source.secure)
        return told(request, {"account": _account(principal)})

    @endpoint(app, "POST", "/sign-up")
    async def sign_up(self, request: StrictRequest) -> bytes:
        """Make an account, and come in."""
        wanted = asked(request, Candidate)
        self._meters.login(request.source.address)
        principal, token = await self._keeping.sign_up(
            wanted.name, wanted.password, wanted.invitation, *_device(request)
        )
        set_login(request, token, request.source.secure)
        return told(request, {"account": _account(principal)}, HTTPStatus.CREATED)

    @endpoint(app, "POST", "/logout")
    async def log_out(self, request: StrictRequest) -> bytes:
        """Log this browser out; one that is not logged in has what it wants."""
        asked(request, Nothing)
        self._meters.request(None, request.source.address)
        token = _token(request)
        clear_login(request, request.source.secure)
        if token is not None:
            await self._keeping.log_out(token)
        return told(request, status=HTTPStatus.NO_CONTENT)

    @endpoint(app, "POST", "/password")
    async def change_password(self, request: StrictRequest) -> bytes:
        """Take another password; all other devices are logged out."""
        wanted = asked(request, NewPassword)
        self._meters.login(request.source.address)
        principal = await self._known(request)
        await self._keeping.change_password(principal.user.id, wanted.old, wanted.new, principal.login)
        return told(request, status=HTTPStatus.NO_CONTENT)

    @endpoint(app, "POST", "/delete")
    async def delete(self, request: StrictRequest) -> bytes:
        """End the account."""
        wanted = asked(request, Confirmation)
        self._meters.login(request.source.address)
        principal = await self._known(request)
        await self._keeping.delete(principal.user.id, wanted.password)
        clear_login(request, request.source.secure)
        return told(request, status=HTTPStatus.NO_CONTENT)

    @endpoint(app, "POST", "/invitations")
    async def invite(self, request: StrictRequest) -> bytes:
        """Make a link that lets others sign up."""
        wanted = asked(request, Invited)
        principal = await self._metered(request)
        room = None if wanted.room is None else names.room_name(wanted.room)
        token = await self._keeping.invite(principal, wanted.role, room, wanted.uses, wanted.days)
        link = f"{url_of(request.asked_host, request.source.secure)}/#invite={token}"
        return told(request, {"invitation": token, "link": link}, HTTPStatus.CREATED)

    @endpoint(app, "GET", "/sessions")
    async def sessions(self, request: StrictRequest) -> bytes:
        """Where the account is logged in."""
        principal = await self._metered(request)
        logins = await self._keeping.sessions(principal.user.id)
        return told(request, {"sessions": [_shown(login, principal) for login in logins]})

    @endpoint(app, "DELETE", "/sessions/<string:login>")
    async def end_session(self, request: StrictRequest, login: str) -> bytes:
        """Log one device out."""
        check_origin(request)
        principal = await self._metered(request)
        await self._keeping.end_session(principal.user.id, login)
        if login == principal.login:
            clear_login(request, request.source.secure)
        return told(request, status=HTTPStatus.NO_CONTENT)

    @app.handle_errors(HTTPException)
    def _not_routed(self, request: Any, failure: Any) -> bytes:
        return not_routed(request, failure)

    async def _principal(self, request: StrictRequest) -> Principal | None:
        """Who is logged in, if anybody is."""
        token = _token(request)
        if token is None:
            return None
        try:
            principal, _again = await self._identify(Hello(token=token))
        except BadToken:
            clear_login(request, request.source.secure)
            return None
        return principal

    async def _known(self, request: StrictRequest) -> Principal:
        principal = await self._principal(request)
        if principal is None:
            raise BadToken("log in first")
        return principal

    async def _metered(self, request: StrictRequest) -> Principal:
        """Who is logged in, and asks not too fast; raises BadToken and RateLimited."""
        self._meters.request(None, request.source.address)
        principal = await self._known(request)
        self._meters.request(principal.user.id, None)
        return principal


def _token(request: StrictRequest) -> str | None:
    return login_token(request.field("cookie"), request.source.secure)


def _device(request: StrictRequest) -> tuple[str | None, str | None]:
    """What the browser calls itself, and its address."""
    client = request.field("user-agent")
    return (None if client is None else client[:CLIENT_LENGTH], request.source.address)


def _account(principal: Principal) -> dict[str, str]:
    return {"id": principal.user.id, "name": principal.user.name, "role": principal.role}


def _shown(login: Login, principal: Principal) -> Device:
    return Device(
        login.id,
        login.client,
        login.address,
        login.created,
        login.seen,
        login.until,
        login.id == principal.login,
    )
