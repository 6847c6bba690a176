"""Which pages of other origins may read an answer (CORS: https://fetch.spec.whatwg.org/#http-cors-protocol).

Those that `--origin` names, and no others. The API takes no cookies, so that a page can do nothing in
the name of whoever looks at it; it needs a token of its own.
"""

from __future__ import annotations

from http import HTTPStatus

from chatroom.doors.http import StrictRequest
from chatroom.doors.origins import Origins

_PREFLIGHT = {
    b"access-control-allow-methods": b"GET, POST, PATCH, PUT, DELETE",
    b"access-control-allow-headers": (
        b"Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID"
    ),
    b"access-control-max-age": b"600",
}


def share(request: StrictRequest, origins: Origins) -> bool:
    """Let the page that asks read the answer, if it may; whether the request was only the question
    whether it may, and is answered."""
    # The answer depends on it, also where there is none.
    request.setHeader(b"vary", b"Origin")
    origin = request.field("origin")
    allowed = origin is not None and origins.allow(origin, request.asked_host, request.source.secure)
    if allowed and origin is not None:
        request.setHeader(b"access-control-allow-origin", origin.encode("latin-1"))
        request.setHeader(b"access-control-expose-headers", b"ETag, Retry-After")
        request.setHeader(b"cross-origin-resource-policy", b"cross-origin")
    asked = request.method == b"OPTIONS" and request.field("access-control-request-method") is not None
    if asked:
        request.setResponseCode(HTTPStatus.NO_CONTENT.value, b"No Content")
        for name, value in _PREFLIGHT.items() if allowed else ():
            request.setHeader(name, value)
    return asked
