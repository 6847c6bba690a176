"""Signed as Standard Webhooks says: HMAC-SHA256 over id, time and body (standardwebhooks.com, 1.0)."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from hashlib import sha256

PREFIX = "whsec_"


def new_secret() -> str:
    """256 random bits, in the spelling that the libraries of Standard Webhooks take."""
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


def signed(secret: str, message: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of a body: `message` is its id, the same at every attempt; `at` this one's time, in
    seconds since 1970."""
    key = b64decode(secret.removeprefix(PREFIX))
    proof = hmac.digest(key, b"%s.%d." % (message.encode(), at) + body, "sha256")
    return {
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": "v1," + b64encode(proof).decode(),
    }


def message_id(*parts: object) -> str:
    """The id that what is told has, each time that it is: 24 hex digits of what it is made from."""
    return "msg_" + sha256("\0".join(map(str, parts)).encode()).hexdigest()[:24]
