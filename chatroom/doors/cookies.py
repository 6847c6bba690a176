"""The login's cookie: what a browser shows instead of a password (RFC 6265)."""

from __future__ import annotations

from typing import Any

from chatroom import tokens

MAX_AGE = 30 * 24 * 3600
"""Seconds that a browser keeps it: as long as a login lasts."""

NAME = "chatroom"
BOUND = "__Host-chatroom"
"""Its name where the client speaks TLS: a browser then takes it only from this very host, over TLS
and for all of it, so that neither a neighbouring host nor a tampered-with plain connection can set
one (RFC 6265bis, section 4.1.3.2)."""


def login_token(cookies: str | None, secure: bool | None) -> str | None:
    """The token in a Cookie field, if it has one that may be a login's; `secure` as `proxies.Source`.

    Whether that login is good is for others to say. Python's own parser of cookies takes the field
    apart only up to the first thing it does not like, which may be another program's.
    """
    wanted = BOUND if secure else NAME
    for pair in (cookies or "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == wanted and tokens.kind(value) == "login":
            return value
    return None


def set_login(request: Any, token: str, secure: bool | None) -> None:
    """Have the browser keep a login."""
    _set(request, token, MAX_AGE, secure)


def clear_login(request: Any, secure: bool | None) -> None:
    """Have the browser forget it."""
    _set(request, "", 0, secure)


def _set(request: Any, token: str, max_age: int, secure: bool | None) -> None:
    request.addCookie(
        BOUND if secure else NAME,
        token,
        max_age=str(max_age),
        path="/",
        secure=bool(secure),
        httpOnly=True,
        sameSite="strict",
    )
