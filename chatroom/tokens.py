"""The secrets that let somebody in: made here, and kept as hashes only."""

from __future__ import annotations

import re
import secrets
from hashlib import sha256
from typing import Literal

Prefix = Literal["cs_", "ck_", "ci_"]
"""How each kind begins, so that it is known by sight, in a log or a repository too."""

LOGIN: Prefix = "cs_"
KEY: Prefix = "ck_"
INVITATION: Prefix = "ci_"

Kind = Literal["login", "key", "invitation", "guest", "site"]

BYTES = 32
"""Random bytes in a secret: as many as its hash has."""

MAX_LENGTH = 8192
"""The longest token of any kind, in characters: a site's may carry claims of its own."""

_KINDS: dict[str, Kind] = {LOGIN: "login", KEY: "key", INVITATION: "invitation"}
_SECRET = re.compile(r"(c[ski]_)[A-Za-z0-9_-]{43}\Z")
_GUEST = re.compile(r"[A-Za-z0-9_-]{22}\Z")
_SITE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*\Z")


def make(prefix: Prefix) -> str:
    """A new secret of 256 random bits, 46 characters: its prefix, and base64url (RFC 4648, section 5)."""
    return prefix + secrets.token_urlsafe(BYTES)


def digest(token: str) -> str:
    """What is kept of a token: its SHA-256, 64 hex digits.

    Without salt or stretching, which are for secrets that can be guessed. Takes any text, also such
    as UTF-8 has no bytes for (a lone surrogate), which is the hash of no token.
    """
    return sha256(token.encode(errors="surrogatepass")).hexdigest()


def kind(token: str) -> Kind | None:
    """What a token says that it is: a login's, an API key, an invitation, a guest's, a site's (a JWT:
    two dots); None where it cannot be any. Whether it is good is for others to say."""
    if len(token) > MAX_LENGTH:
        return None
    secret = _SECRET.match(token)
    if secret:
        return _KINDS[secret[1]]
    if _GUEST.match(token):
        return "guest"
    return "site" if _SITE.match(token) else None
