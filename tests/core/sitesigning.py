"""A site's tokens: signed, judged, and what comes of it."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chatroom.domain.errors import BadToken
from chatroom.sitekeys import OneKey, SigningKey
from chatroom.sitetokens import SiteTokens, SiteUser

from ..store.keeping import outcome
from .test_sitekeys import EC, ED, RSA, SECRET, public

NOW = 1_700_000_000
HS256 = SigningKey("HS256", SECRET.encode())
RS256 = SigningKey("RS256", RSA.public_key())
SIGNERS = [("HS256", SECRET, HS256), ("RS256", RSA, RS256)]
SIGNERS += [("ES256", EC, SigningKey("ES256", EC.public_key()))]
SIGNERS += [("EdDSA", ED, SigningKey("EdDSA", ED.public_key()))]

PUBLIC = public(RSA)

UNSIGNED = "this token is not signed with the site's key"


def judge(key: SigningKey = HS256, **settings: Any) -> SiteTokens:
    clock = Clock()
    clock.advance(NOW)
    return SiteTokens(OneKey(key), clock, **settings)


def claims(**more: Any) -> dict[str, Any]:
    return {"sub": "42", "exp": NOW + 600, **more}


def signed(content: Any = None, *, key: Any = SECRET, algorithm: str = "HS256", **header: Any) -> str:
    """A token with any JSON, or any bytes, for its claims."""
    payload = content if isinstance(content, bytes) else json.dumps(content or claims()).encode()
    return jwt.PyJWS().encode(payload, key, algorithm, headers=header)


def checked(token: str, tokens: SiteTokens | None = None) -> SiteUser:
    return outcome(Deferred.fromCoroutine((tokens or judge()).check(token)))


def refusal(token: str, tokens: SiteTokens | None = None) -> str:
    with pytest.raises(BadToken) as refused:
        checked(token, tokens)
    return refused.value.message


def encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def forged(header: Any, payload: bytes | None = None, signature: bytes = b"") -> str:
    return f"{encoded(json.dumps(header).encode())}.{encoded(payload or json.dumps(claims()).encode())}." + (
        encoded(signature)
    )


def with_secret(header: Any, secret: bytes) -> str:
    """Signed as HS256 is, whatever the header says."""
    token = forged(header)
    signature = hmac.digest(secret, token.rpartition(".")[0].encode(), "sha256")
    return token + encoded(signature)
