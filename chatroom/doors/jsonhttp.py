"""JSON over HTTP, strictly: a request is checked before anybody acts on it, and every answer is JSON."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from functools import wraps
from http import HTTPStatus
from math import ceil
from typing import Any, TypeVar

import msgspec
from klein import Klein
from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.resource import Resource
from werkzeug.exceptions import MethodNotAllowed

from chatroom.domain.errors import BadJson, BadRequest, ChatError, Internal
from chatroom.doors.http import StrictRequest
from chatroom.doors.origins import is_own
from chatroom.reception import told_by

S = TypeVar("S", bound=Struct)

Use = Callable[..., Awaitable[bytes]]
"""An endpoint's work: it is given its object, the request, and the parts of the path that are its own."""

STATUSES = {
    "bad_json": 400,
    "bad_request": 400,
    "bad_token": 401,
    "banned": 403,
    "conflict": 409,
    "forbidden": 403,
    "hello_first": 401,
    "internal": 500,
    "muted": 403,
    "name_taken": 409,
    "not_found": 404,
    "rate_limited": 429,
    "too_long": 413,
    "unavailable": 503,
    "unknown_type": 400,
    "unsupported": 400,
}
"""What a `ChatError`'s code is in HTTP."""

_SEGMENT = re.compile(rb"[A-Za-z0-9_.~-]+")

_log = Logger()


class Mistake(Exception):
    """A request that is none, by HTTP's own rules."""

    def __init__(self, status: HTTPStatus, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


_NOTHING_HERE = Mistake(HTTPStatus.NOT_FOUND, "not_found", "there is nothing here")


def asked(request: StrictRequest, kind: type[S]) -> S:
    """The JSON object in the body of a request of a page of this server. Raises Mistake and ChatError."""
    check_origin(request)
    return body_of(request, msgspec.json.Decoder(kind))


def body_of(request: StrictRequest, decoder: msgspec.json.Decoder[S]) -> S:
    """The JSON object in a request's body. Raises Mistake and ChatError."""
    content_type = (request.field("content-type") or "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Mistake(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported",
            "the body is JSON: Content-Type: application/json",
        )
    check_size(request)
    return decoded(request.content.read(), decoder)


def check_size(request: StrictRequest) -> None:
    """Raises Mistake for a body that is too long."""
    if request.oversized:
        raise Mistake(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_long", f"a body has at most {request.bound} bytes"
        )


def decoded(payload: bytes, decoder: msgspec.json.Decoder[S]) -> S:
    """The object in some JSON. Raises BadRequest and BadJson."""
    try:
        return decoder.decode(payload)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadJson(f"not JSON: {error}") from None
    except RecursionError:
        raise BadJson("nested too deeply") from None


def check_origin(request: StrictRequest) -> None:
    """Raises Mistake for what does not come from a page of this server (cross-site request forgery).

    A browser says so in Origin, in Sec-Fetch-Site, or in both, and no page can change either. What
    says neither is no browser that this could be asked of.
    """
    origin, site = request.field("origin"), request.field("sec-fetch-site")
    own = origin is None or is_own(origin, request.asked_host, request.source.secure)
    if (origin is None and site is None) or not own or site not in (None, "same-origin"):
        raise Mistake(
            HTTPStatus.FORBIDDEN,
            "forbidden",
            "only pages of this server may ask that, and they say their Origin",
        )


def told(request: StrictRequest, body: object = None, status: HTTPStatus = HTTPStatus.OK) -> bytes:
    """An answer that nobody keeps: JSON, or nothing with the status 204."""
    request.setResponseCode(status.value, status.phrase.encode())
    request.setHeader(b"cache-control", b"no-store")
    if status is HTTPStatus.NO_CONTENT:
        return b""
    payload = msgspec.json.encode(body) + b"\n"
    request.setHeader(b"content-type", b"application/json")
    request.setHeader(b"content-length", b"%d" % len(payload))
    return payload


def told_wrong(request: StrictRequest, error: ChatError) -> bytes:
    """The answer that tells of `error`."""
    scheme = b"Bearer" if request.path.startswith(b"/api/") else b"Cookie"
    for name, value in refusal_fields(error, scheme):
        request.setHeader(name, value)
    return told(request, {"error": told_by(error)}, status_of(error))


def status_of(error: ChatError) -> HTTPStatus:
    """What an error is in HTTP."""
    return HTTPStatus(STATUSES.get(error.code, 400))


def refusal_fields(error: ChatError, scheme: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The header fields that tell of an error; `scheme` is how one shows who one is."""
    if error.retry_after is not None:
        yield b"Retry-After", b"%d" % ceil(error.retry_after)
    if status_of(error) is HTTPStatus.UNAUTHORIZED:
        # RFC 9110, section 11.6.1, wants one; no browser asks for a password because of these.
        yield b"WWW-Authenticate", b'%b realm="chatroom"' % scheme


def _told_mistake(request: StrictRequest, mistake: Mistake) -> bytes:
    return told(request, {"error": {"code": mistake.code, "message": mistake.message}}, mistake.status)


def endpoint(app: Klein, method: str, path: str) -> Callable[[Use], Use]:
    """Makes a coroutine method an endpoint of `app`. What it raises becomes the answer."""

    def made(use: Use) -> Use:
        @app.route(path, methods=[method])
        @wraps(use)
        def answer(place: Any, request: StrictRequest, **parts: str) -> Deferred[bytes]:
            # Klein cancels this when the client goes. The work goes on to its end all the same:
            # half of it would leave a change without its line in the audit log.
            answered: Deferred[bytes] = Deferred()
            work = Deferred.fromCoroutine(_answered(request, use(place, request, **parts)))
            work.addCallbacks(answered.callback, answered.errback)
            return answered

        return use

    return made


async def _answered(request: StrictRequest, work: Awaitable[bytes]) -> bytes:
    try:
        return await work
    except Mistake as mistake:
        return _told_mistake(request, mistake)
    except ChatError as error:
        return told_wrong(request, error)
    except Exception:
        # A webhook's path is a secret.
        path = b"/hooks" if request.path.startswith(b"/hooks/") else request.path
        _log.failure("{method} {path} failed", method=request.method, path=path)
        return told_wrong(request, Internal("the server made a mistake; it is logged"))


def not_routed(request: StrictRequest, failure: Failure) -> bytes:
    """The answer where there is no such endpoint, or not with that method. For `handle_errors`."""
    error: Any = failure.value
    if isinstance(error, MethodNotAllowed):
        allowed = ", ".join(sorted(error.valid_methods or ()))
        request.setHeader(b"allow", allowed.encode())
        mistake = Mistake(HTTPStatus.METHOD_NOT_ALLOWED, "unsupported", f"the methods here are: {allowed}")
    else:
        mistake = _NOTHING_HERE
    return _told_mistake(request, mistake)


def _is_text(segment: bytes) -> bool:
    """Whether a part of a path can be a name: not a path within, as an encoded slash would make it."""
    try:
        return b"/" not in segment and bool(segment.decode())
    except UnicodeDecodeError:
        return False


class Guarded(Resource):
    """A Klein app behind a check of what Klein cannot bear: it logs a traceback for a path that is not
    UTF-8, and for a Host that is no name. The parts of paths are plain ASCII, or any text (`unicode`)."""

    isLeaf = True

    def __init__(self, app: Any, *, unicode: bool = False) -> None:
        super().__init__()
        self._app = app.resource()
        self._sound = _is_text if unicode else _SEGMENT.fullmatch

    def render(self, request: Any) -> Any:
        """The app's answer."""
        # Klein knows "/" only by its slash.
        request.postpath = request.postpath or [b""]
        if request.postpath != [b""] and not all(map(self._sound, request.postpath)):
            return _told_mistake(request, _NOTHING_HERE)
        return self._app.render(request)
