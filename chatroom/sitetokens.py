"""Logging in with a site's own login: a JSON Web Token (RFC 7519) that the site signs.

Its claims: `sub` (who it is for the site, required), `exp` (required), `name`, `rooms`, `role`, `nbf`,
`iat`, `aud` and `iss`. What is wrong with a token is told to whoever shows it only once the site's
signature is known to be good; before that there is one answer for all.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, NamedTuple, get_args

import jwt
import msgspec
from msgspec import Meta
from twisted.internet.interfaces import IReactorTime
from twisted.web.client import Agent

from chatroom import jwks, tokens
from chatroom.domain import names
from chatroom.domain.errors import BadRequest, BadToken
from chatroom.domain.model import Millis, Role
from chatroom.sitekeys import OneKey, SigningKey, SiteKeys, from_file

LEEWAY = 30.0
"""Seconds by which the site's clock may differ from this one."""
MAX_ROOMS = 200
"""So many rooms, or patterns of them, one token names."""

_UNSIGNED = "this token is not signed with the site's key"

_jws = jwt.PyJWS(algorithms=["HS256", "RS256", "ES256", "EdDSA"])

Seconds = Annotated[float, Meta(ge=0, le=2**53 / 1000)]
"""Seconds since 1970-01-01 UTC, as far as milliseconds are exact: RFC 7519's NumericDate."""


class _Claims(msgspec.Struct):
    sub: Annotated[str, Meta(min_length=1, max_length=200)]
    exp: Seconds
    name: str | None = None
    rooms: Annotated[list[str], Meta(max_length=MAX_ROOMS)] | None = None
    role: Any = None
    nbf: Seconds | None = None
    iat: Seconds | None = None
    aud: str | list[str] | None = None
    iss: str | None = None


_claims = msgspec.json.Decoder(_Claims)


class SiteUser(NamedTuple):
    """Who a site says that somebody is.

    `sub` is what the site calls them, `iss` which site ("" where the token names none). `rooms` are
    names of rooms, or how they begin and a `*`; None for every room. `until` is when the token runs out.
    """

    sub: str
    name: str
    role: Role
    rooms: tuple[str, ...] | None
    until: Millis
    iss: str = ""

    @property
    def id(self) -> str:
        """Their id in rooms: always the same for the same site and `sub`, and of no other kind's shape."""
        return _id(self.iss, self.sub)


class SiteTokens:
    """Judges tokens by their signature, the clock, and who they must be for and from.

    `roles`: whether a token's `role` counts. By default everybody is a member: the key that says who
    people are is often one of a service that many sites share, where a claim of that name may mean
    something else, or be what people write about themselves.
    """

    def __init__(
        self,
        keys: SiteKeys,
        clock: IReactorTime,
        *,
        audience: str | None = None,
        issuer: str | None = None,
        roles: bool = False,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._audience = audience
        self._issuer = issuer
        self._roles = roles

    async def check(self, token: str) -> SiteUser:
        """Who `token` is for.

        Raises BadToken, and Unavailable where the site's keys cannot be had just now.
        """
        key = await self._keys.key(_key_id(token))
        try:
            claims = _claims.decode(_payload(token, key))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadToken(f"the site's token is signed, but its claims will not do: {error}") from None
        self._check_time(claims)
        self._check_site(claims)
        return self._user(claims)

    def _check_time(self, claims: _Claims) -> None:
        now = self._clock.seconds()
        if claims.exp + LEEWAY <= now:
            raise BadToken("the site's token has expired; get a new one from the site")
        if max(claims.nbf or 0, claims.iat or 0) > now + LEEWAY:
            raise BadToken("the site's token is good only later (nbf, iat); is the site's clock right?")

    def _check_site(self, claims: _Claims) -> None:
        audiences = claims.aud if isinstance(claims.aud, list) else [claims.aud]
        if self._audience is not None and self._audience not in audiences:
            raise BadToken(f"the site's token is not for this server: its aud is not {self._audience!r}")
        if self._issuer is not None and claims.iss != self._issuer:
            raise BadToken(f"the site's token is from somebody else: its iss is not {self._issuer!r}")
        if "\0" in claims.sub or "\0" in (claims.iss or ""):
            raise BadToken("the site's token has a U+0000 in sub or iss")

    def _user(self, claims: _Claims) -> SiteUser:
        role: Role = "member"
        if self._roles and claims.role is not None:
            if claims.role not in get_args(Role):
                raise BadToken(f"the site's token has a role that is none of {', '.join(get_args(Role))}")
            role = claims.role
        try:
            rooms = None if claims.rooms is None else tuple(map(names.room_pattern, claims.rooms))
        except BadRequest as error:
            raise BadToken(f"the site's token names rooms that cannot be: {error}") from None
        issuer = claims.iss or ""
        name = _name(claims.name, _id(issuer, claims.sub))
        return SiteUser(claims.sub, name, role, rooms, int((claims.exp + LEEWAY) * 1000), issuer)


def site_tokens(
    reactor: Any,
    *,
    key: Path | None = None,
    url: str | None = None,
    audience: str | None = None,
    issuer: str | None = None,
    roles: bool = False,
) -> SiteTokens:
    """What judges tokens by the key in a file (`--jwt-key`), or else by those at a URL (`--jwt-jwks`).

    Raises ValueError, with the sentence to show, for a file that holds no key.
    """
    keys: SiteKeys
    if key is not None:
        keys = OneKey(from_file(key))
    elif url is not None:
        agent, address = Agent(reactor, connectTimeout=jwks.TIMEOUT), url
        keys = jwks.Jwks(reactor, lambda: jwks.fetch(agent, address))
    else:
        raise ValueError("a site's tokens need a key: a file with one, or a URL of a JWK set")
    return SiteTokens(keys, reactor, audience=audience, issuer=issuer, roles=roles)


def _key_id(token: str) -> str | None:
    """The key that a token says it is signed with."""
    if tokens.kind(token) != "site":
        raise BadToken(_UNSIGNED)
    try:
        kid: str | None = jwt.get_unverified_header(token).get("kid")
    except jwt.PyJWTError:
        raise BadToken(_UNSIGNED) from None
    return kid


def _payload(token: str, key: SigningKey | None) -> bytes:
    """What a token says, where `key` has signed it."""
    try:
        if key is None:
            raise jwt.InvalidKeyError
        payload: bytes = _jws.decode(token, key.key, algorithms=[key.algorithm])
    except jwt.PyJWTError:
        raise BadToken(_UNSIGNED) from None
    return payload


def _id(issuer: str, sub: str) -> str:
    return "s" + sha256(f"{issuer}\0{sub}".encode()).hexdigest()[:24]


def _name(wanted: str | None, user_id: str) -> str:
    """A name that can be shown, from what the site knows: people cannot mend their token."""
    try:
        return names.user_name((wanted or "").strip()[: names.NAME_LENGTH])
    except BadRequest:
        return f"user-{user_id[1:7]}"
