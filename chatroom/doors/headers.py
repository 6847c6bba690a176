"""What every answer carries, whichever part of the server gives it."""

from collections.abc import Iterable
from http import HTTPStatus

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:;"
        " frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Server": "chatroom",
}
"""Scripts and styles are files of this server; nothing is inline."""


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
