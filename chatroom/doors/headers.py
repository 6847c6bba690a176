"""What every answer carries, whichever part of the server gives it."""

from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus

from chatroom.doors.hosts import url_of

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "chatroom",
}
"""What is no page of the client may do nothing at all."""

NODE = "Chatroom-Node"
"""Of several servers, which one has answered."""


def headers_of(node: str | None) -> dict[str, str]:
    """What every answer of the server with that name carries."""
    return HEADERS if node is None else {**HEADERS, NODE: node}


@lru_cache(maxsize=256)
def page_policy(host: str, secure: bool | None) -> str:
    """The Content-Security-Policy of the web client, called `host`; `secure` as `proxies.Source`.

    Scripts and styles are files of this server, and nothing is inline. A page connects to this
    server only: for its WebSockets 'self' is enough in Chromium since 71, in Firefox, and in Safari
    since 16 (w3c/webappsec-csp#7); for older iPads they are named.
    """
    schemes = (True, False) if secure is None else (secure,)
    sockets = [url_of(host, one).replace("http", "ws", 1) for one in schemes]
    connect = " ".join(["'self'", *filter(None, sockets)])
    return (
        f"default-src 'self'; connect-src {connect}; img-src 'self' data:;"
        " frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
    )


def last_answer(status: HTTPStatus, why: str, extra: Iterable[tuple[str, str]] = ()) -> bytes:
    """A whole answer, a sentence in plain text, after which the connection ends."""
    body = (why + "\n").encode("utf-8", "replace")
    fields = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Length": str(len(body)),
        "Connection": "close",
        **HEADERS,
        **dict(extra),
    }
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {fields[name]}" for name in fields)]
    return "\r\n".join([*lines, "", ""]).encode() + body
