"""chatroom.v1 for those whose network breaks WebSockets: requests by POST, all else as a stream.

    POST /session                    201 {"session": SECRET}
    GET  /session/SECRET/events      replies and events, each a server-sent event's data
    POST /session/SECRET             one request, or an array of them: 202

A session is one connection, and its stream's life is its life: nothing that was sent on a stream that
broke is sent again. Who comes back begins another one, and resumes as after any lost connection.
"""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec
from klein import Klein
from msgspec import Raw
from twisted.web.resource import IResource
from werkzeug.exceptions import HTTPException

from chatroom.domain.errors import BadJson, Conflict, NotFound, TooLong, Unavailable
from chatroom.domain.ports import Timer
from chatroom.domain.replies import Error
from chatroom.doors.cookies import login_token
from chatroom.doors.http import StrictRequest
from chatroom.doors.jsonhttp import Guarded, Mistake, endpoint, not_routed, told
from chatroom.doors.origins import Origins, is_own
from chatroom.doors.sharing import share
from chatroom.doors.stream import Stream
from chatroom.metering import Meters
from chatroom.session import Doorman, Session
from chatroom.wire import sse
from chatroom.wire.dialects import session_dialect
from chatroom.wire.json import refusal

PATIENCE = 10.0
"""Seconds for a session's stream to come."""

MOST_WAITING = 10_000

_NO_SESSION = "there is no such session: its stream has ended, or never began; begin another"


class Offer(NamedTuple):
    """A session that waits for its stream."""

    cookie: str | None
    timer: Timer


class SessionFeed:
    """What is told in a session."""

    def __init__(self, sessions: Sessions, secret: str, cookie: str | None, address: str | None) -> None:
        self._sessions = sessions
        self._secret = secret
        self._cookie = cookie
        self._address = address
        self._session: Session | None = None

    def open(self, stream: Stream) -> None:
        """From now on there is somebody to say hello to."""
        stream.dialect = session_dialect()
        stream.begin()
        # So that whoever waits for the stream to begin sees it begin.
        stream.send(sse.COMMENT)
        self._session = Session(self._sessions.doorman, stream, self._address, self._cookie)

    def receive(self, payload: bytes) -> None:
        """A request, which is answered on the stream."""
        if self._session is None:
            return
        most = self._sessions.doorman.chat.limits.message_bytes
        if 0 < most < len(payload):
            self._session.refuse(refusal(TooLong(f"a request has at most {most} bytes")))
            return
        self._session.read(payload)

    def last_words(self, code: int, why: Error) -> bytes:
        """What a WebSocket's close frame would say."""
        said = msgspec.json.encode({"code": code, "reason": why.message})
        return sse.fields(said, event="close") + sse.END

    def closed(self) -> None:
        """The connection is gone, and so is the session."""
        self._sessions.forget(self._secret)
        session, self._session = self._session, None
        if session is not None:
            session.closed()


class Sessions:
    """All of them, by their secrets."""

    def __init__(self, doorman: Doorman) -> None:
        self.doorman = doorman
        self._offers: dict[str, Offer] = {}
        self._feeds: dict[str, SessionFeed] = {}

    def offer(self, cookie: str | None) -> str:
        """The secret of a new one. Raises Unavailable where too many wait for their streams."""
        if len(self._offers) >= MOST_WAITING:
            raise Unavailable("too many sessions wait to begin", PATIENCE)
        secret = secrets.token_urlsafe(32)
        deadlines = self.doorman.chat.deadlines
        timer = deadlines.call_later(PATIENCE, lambda: self._offers.pop(secret, None))
        self._offers[secret] = Offer(cookie, timer)
        return secret

    def feed(self, secret: str, address: str | None) -> SessionFeed:
        """For its stream, which comes once. Raises NotFound and Conflict."""
        if secret in self._feeds:
            raise Conflict("this session has its stream already")
        offer = self._offers.pop(secret, None)
        if offer is None:
            raise NotFound(_NO_SESSION)
        offer.timer.cancel()
        feed = self._feeds[secret] = SessionFeed(self, secret, offer.cookie, address)
        return feed

    def receive(self, secret: str, requests: list[bytes]) -> None:
        """What somebody says in a session. Raises NotFound."""
        feed = self._feeds.get(secret)
        if feed is None:
            raise NotFound(_NO_SESSION)
        for payload in requests:
            feed.receive(payload)

    def forget(self, secret: str) -> None:
        """Its stream has ended."""
        self._feeds.pop(secret, None)


class SessionDoor:
    """/session, but for the streams."""

    app = Klein()
    app.url_map.merge_slashes = False

    def __init__(self, sessions: Sessions, meters: Meters, origins: Origins) -> None:
        self._sessions = sessions
        self._meters = meters
        self._origins = origins

    def resource(self) -> IResource:
        """For the web site, at /session."""
        return _Shared(self.app, self._origins)

    @endpoint(app, "POST", "/")
    async def begin(self, request: StrictRequest) -> bytes:
        """Make a session, whose stream is to come within PATIENCE."""
        _check(request, self._origins)
        self._meters.request(None, request.source.address)
        own = is_own(request.field("origin") or "", request.asked_host, request.source.secure)
        cookie = login_token(request.field("cookie"), request.source.secure) if own else None
        return told(request, {"session": self._sessions.offer(cookie)}, HTTPStatus.CREATED)

    @endpoint(app, "POST", "/<secret>")
    async def receive(self, request: StrictRequest, secret: str) -> bytes:
        """One request or several, answered on the stream."""
        _check(request, self._origins)
        self._sessions.receive(secret, _requests(request.content.read()))
        return told(request, {}, HTTPStatus.ACCEPTED)

    @app.handle_errors(HTTPException)
    def _not_routed(self, request: Any, failure: Any) -> bytes:
        return not_routed(request, failure)


class _Shared(Guarded):
    """The door, for pages of some other origins too."""

    def __init__(self, app: Klein, origins: Origins) -> None:
        super().__init__(app)
        self._origins = origins

    def render(self, request: Any) -> Any:
        """The door's answer."""
        return b"" if share(request, self._origins) else super().render(request)


def _check(request: StrictRequest, origins: Origins) -> None:
    """Raises Mistake for pages that may not connect, and for a body that is too long."""
    origin = request.field("origin") or ""
    if not origins.allow(origin, request.asked_host, request.source.secure):
        raise Mistake(
            HTTPStatus.FORBIDDEN,
            "forbidden",
            f"pages of {origin} may not connect: start the server with --origin {origin}",
        )
    if request.oversized:
        raise Mistake(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_long", f"a body has at most {request.bound} bytes"
        )


def _requests(body: bytes) -> list[bytes]:
    """Those in a body: one, or an array of them. Raises BadJson. What is no request is answered as
    such, on the stream."""
    if not body.lstrip(b" \t\r\n").startswith(b"["):
        return [body]
    try:
        return [bytes(one) for one in msgspec.json.decode(body, type=list[Raw])]
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadJson(f"not JSON: {error}") from None
    except RecursionError:
        raise BadJson("nested too deeply") from None
