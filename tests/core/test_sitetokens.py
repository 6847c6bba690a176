"""Logging in with a site's own login."""

from __future__ import annotations

import base64
import hmac
import json
import string
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chatroom.domain.errors import BadToken, Unavailable
from chatroom.jwks import Jwks
from chatroom.sitekeys import OneKey, SigningKey
from chatroom.sitetokens import LEEWAY, SiteTokens, SiteUser, site_tokens

from ..store.keeping import outcome
from .test_jwks import Publisher, published
from .test_sitekeys import EC, ED, RSA, SECRET, jwk, public

NOW = 1_700_000_000
HS256 = SigningKey("HS256", SECRET.encode())
RS256 = SigningKey("RS256", RSA.public_key())
SIGNERS = [("HS256", SECRET, HS256), ("RS256", RSA, RS256)]
SIGNERS += [("ES256", EC, SigningKey("ES256", EC.public_key()))]
SIGNERS += [("EdDSA", ED, SigningKey("EdDSA", ED.public_key()))]

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


@pytest.mark.parametrize(("algorithm", "private", "key"), SIGNERS)
def test_a_token_signed_with_the_sites_key_is_good(algorithm, private, key):
    token = signed(claims(name="Ana"), key=private, algorithm=algorithm)
    assert checked(token, judge(key)) == SiteUser("42", "Ana", "member", None, (NOW + 630) * 1000)


def test_somebody_is_the_same_for_as_long_as_the_site_calls_them_the_same():
    first = checked(signed(claims(name="Ana"))).id
    assert first == checked(signed(claims(name="Anna", exp=NOW + 99))).id
    assert (first[0], len(first)) == ("s", 25)
    others = [checked(signed(claims(**more))).id for more in ({"sub": "43"}, {"iss": "a"}, {"iss": "b"})]
    assert len({first, *others}) == 4


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Ana", "Ana"),
        ("  Ana   Maria ", "Ana Maria"),
        ("A" * 40, "A" * 32),
        (None, None),
        ("", None),
        ("Ana\u202e", None),
        ("\u200b", None),
    ],
)
def test_whatever_the_site_knows_them_by_they_have_a_name(name, shown):
    user = checked(signed(claims(name=name)))
    assert user.name == shown or (shown is None and user.name == f"user-{user.id[1:7]}")


def test_a_token_may_be_for_some_rooms_only():
    assert checked(signed(claims())).rooms is None
    assert checked(signed(claims(rooms=[]))).rooms == ()
    rooms = checked(signed(claims(rooms=["Lobby", "News-*", "*"]))).rooms
    assert rooms == ("lobby", "news-*", "*")


@pytest.mark.parametrize(
    ("claim", "counts", "role"),
    [
        ("owner", True, "owner"),
        ("moderator", True, "moderator"),
        ("member", True, "member"),
        ("guest", True, "guest"),
        (None, True, "member"),
        ("owner", False, "member"),
        ("guest", False, "member"),
        (["whatever", {"an": "identity provider"}], False, "member"),
    ],
)
def test_a_role_counts_where_the_operator_says_so(claim, counts, role):
    assert checked(signed(claims(role=claim)), judge(roles=counts)).role == role


@pytest.mark.parametrize("role", ["admin", "Owner", "", 1, True, ["owner"], {"owner": 1}])
def test_a_role_that_is_none_is_refused_where_roles_count(role):
    assert "none of owner, moderator, member, guest" in refusal(signed(claims(role=role)), judge(roles=True))


@pytest.mark.parametrize(
    ("times", "good"),
    [
        ({"exp": NOW + 1}, True),
        ({"exp": NOW - LEEWAY + 1}, True),
        ({"exp": NOW - LEEWAY}, False),
        ({"exp": 0}, False),
        ({"exp": NOW + 0.5}, True),
        ({"nbf": NOW + LEEWAY}, True),
        ({"nbf": NOW + LEEWAY + 1}, False),
        ({"iat": NOW + LEEWAY}, True),
        ({"iat": NOW + LEEWAY + 1}, False),
        ({"nbf": NOW - 99, "iat": NOW - 99}, True),
    ],
)
def test_a_token_is_good_for_its_time_give_or_take_a_little(times, good):
    token = signed(claims(**times))
    if good:
        assert checked(token).until > NOW * 1000
    else:
        assert refusal(token) in {
            "the site's token has expired; get a new one from the site",
            "the site's token is good only later (nbf, iat); is the site's clock right?",
        }


@pytest.mark.parametrize(
    ("settings", "more", "said"),
    [
        ({"audience": "chat"}, {"aud": "chat"}, None),
        ({"audience": "chat"}, {"aud": ["mail", "chat"]}, None),
        ({"audience": "chat"}, {"aud": "mail"}, "its aud is not 'chat'"),
        ({"audience": "chat"}, {"aud": []}, "its aud is not 'chat'"),
        ({"audience": "chat"}, {}, "its aud is not 'chat'"),
        ({"audience": "chat"}, {"aud": "chats"}, "its aud is not 'chat'"),
        ({"issuer": "site"}, {"iss": "site"}, None),
        ({"issuer": "site"}, {"iss": "elsewhere"}, "its iss is not 'site'"),
        ({"issuer": "site"}, {}, "its iss is not 'site'"),
        ({}, {"aud": "anybody", "iss": "anybody"}, None),
    ],
)
def test_whom_a_token_is_for_and_from_counts_where_the_operator_says_so(settings, more, said):
    token = signed(claims(**more))
    if said is None:
        assert checked(token, judge(**settings)).sub == "42"
    else:
        assert said in refusal(token, judge(**settings))


WRONG: list[tuple[Any, str]] = [
    ({"exp": NOW + 9}, "missing required field `sub`"),
    ({"sub": "42"}, "missing required field `exp`"),
    (claims(sub=42), "Expected `str`, got `int` - at `$.sub`"),
    (claims(sub=None), "Expected `str`, got `null` - at `$.sub`"),
    (claims(sub=""), "Expected `str` of length >= 1 - at `$.sub`"),
    (claims(sub="x" * 201), "Expected `str` of length <= 200 - at `$.sub`"),
    (claims(sub="a\0b"), "U+0000"),
    (claims(iss="a\0b"), "U+0000"),
    (claims(exp=str(NOW + 9)), "Expected `float`, got `str` - at `$.exp`"),
    (claims(exp=True), "Expected `float`, got `bool` - at `$.exp`"),
    (claims(exp=None), "at `$.exp`"),
    (claims(exp=-1), "at `$.exp`"),
    (claims(exp=1e300), "at `$.exp`"),
    (b'{"sub":"42","exp":1e999}', "at `$.exp`"),
    (b'{"sub":"42","exp":NaN}', "malformed"),
    (b'{"sub":"42","exp":' + b"9" * 5000 + b"}", "at `$.exp`"),
    (claims(nbf="soon"), "at `$.nbf`"),
    (claims(iat=[]), "at `$.iat`"),
    (claims(aud=5), "at `$.aud`"),
    (claims(aud=[5]), "$.aud["),
    (claims(iss=5), "at `$.iss`"),
    (claims(name=5), "at `$.name`"),
    (claims(rooms="lobby"), "at `$.rooms`"),
    (claims(rooms=[5]), "$.rooms["),
    (claims(rooms=["a/b"]), "names rooms that cannot be"),
    (claims(rooms=["@*"]), "names rooms that cannot be"),
    (claims(rooms=["a*b"]), "names rooms that cannot be"),
    (claims(rooms=["x"] * 201), "at `$.rooms`"),
    (b"null", "Expected `object`"),
    (b"[]", "Expected `object`"),
    (b"\xff\xfe", "malformed"),
    (b'{"sub":"\xed\xa0\x80"}', "codec"),
    (b'{"sub":"\\ud800","exp":1}', "surrogate"),
    (b'{"sub":"42","x":' + b"[" * 2000 + b"]" * 2000 + b"}", "its claims will not do"),
]


@pytest.mark.parametrize(("content", "said"), WRONG, ids=lambda one: repr(one)[:40])
def test_what_is_wrong_with_a_signed_tokens_claims_is_said(content, said):
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    assert said in refusal(signed(payload))


def forged(header: Any, payload: bytes | None = None, signature: bytes = b"") -> str:
    return f"{encoded(json.dumps(header).encode())}.{encoded(payload or json.dumps(claims()).encode())}." + (
        encoded(signature)
    )


def with_secret(header: Any, secret: bytes) -> str:
    """Signed as HS256 is, whatever the header says."""
    token = forged(header)
    signature = hmac.digest(secret, token.rpartition(".")[0].encode(), "sha256")
    return token + encoded(signature)


PUBLIC = public(RSA)
MALLORYS = Ed25519PrivateKey.generate()
DER = RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("key", [key for _, _, key in SIGNERS])
@pytest.mark.parametrize(
    "token",
    [
        "",
        "..",
        "a.b.c",
        signed(b""),
        signed(key="another secret, as long as the first"),
        signed() + "A",
        signed()[:-2],
        signed() + "=",
        signed() + "\n",
        signed().replace(".", ".."),
        "\ud800.\ud800.\ud800",
        "x" * 9000,
        "a." * 5000,
        forged({"alg": "none"}),
        forged({"alg": "None"}),
        forged({"alg": "NONE"}, signature=b"x"),
        forged({}),
        forged([]),
        forged("x"),
        forged(None),
        forged({"alg": None}),
        forged({"alg": ["HS256"]}),
        forged({"alg": {"HS256": 1}}),
        forged({"alg": ""}),
        forged({"alg": "HS512"}, signature=b"x" * 64),
        with_secret({"alg": "RS256"}, SECRET.encode()),
        with_secret({"alg": "none"}, SECRET.encode()),
        # Key confusion: a public key, which everybody knows, as HS256's secret.
        with_secret({"alg": "HS256"}, PUBLIC),
        with_secret({"alg": "HS256"}, PUBLIC.strip()),
        with_secret({"alg": "HS256"}, DER),
        with_secret({"alg": "HS256"}, b""),
        # A key that comes with the token.
        signed(key=MALLORYS, algorithm="EdDSA", jwk=jwk(MALLORYS, as_="EdDSA")),
        with_secret({"alg": "HS256", "crit": ["exp"]}, SECRET.encode()),
        with_secret({"alg": "HS256", "crit": "b64"}, SECRET.encode()),
        with_secret({"alg": "HS256", "b64": False}, SECRET.encode()),
        with_secret({"alg": "HS256", "b64": False, "crit": ["b64"]}, SECRET.encode()),
        with_secret({"alg": "HS256", "kid": 5}, SECRET.encode()),
        with_secret({"alg": "HS256", "kid": None}, SECRET.encode()),
    ],
    ids=lambda one: repr(one)[:30],
)
def test_a_token_that_nobody_signed_is_refused_and_told_nothing_more(key, token):
    assert refusal(token, judge(key, audience="chat", issuer="site", roles=True)) == UNSIGNED


def test_an_expired_token_that_nobody_signed_is_not_told_that_it_expired():
    assert refusal(signed(claims(exp=1), key="another secret, as long as the first")) == UNSIGNED


def test_a_token_in_which_anything_was_changed_is_refused():
    token = signed(claims(name="Ana", role="member"), key=ED, algorithm="EdDSA")
    tokens = judge(SigningKey("EdDSA", ED.public_key()))
    assert checked(token, tokens).name == "Ana"
    alphabet = string.ascii_letters + string.digits + "-_."
    for place in range(len(token)):
        for char in alphabet[place % 8 :: 8]:
            if char != token[place]:
                assert refusal(f"{token[:place]}{char}{token[place + 1 :]}", tokens) == UNSIGNED


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=8,
)
claim_names = st.sampled_from(["sub", "exp", "name", "rooms", "role", "nbf", "iat", "aud", "iss", "jti"])
headers = st.dictionaries(
    st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "jku", "x5c", "cty", "zip"]), json_values
)


def judged(token: str, tokens: SiteTokens) -> None:
    """Good, or BadToken: never anything else."""
    try:
        checked(token, tokens)
    except BadToken:
        return


@given(st.text(st.characters(), max_size=200), st.sampled_from([key for _, _, key in SIGNERS]))
def test_any_text_is_judged(text, key):
    assert refusal(text, judge(key)) == UNSIGNED


@given(st.dictionaries(claim_names, json_values), st.booleans(), st.booleans())
def test_any_signed_claims_are_judged(more, complete, settled):
    content = {**(claims() if complete else {}), **more}
    settings = {"audience": "chat", "issuer": "site", "roles": True} if settled else {}
    judged(signed(json.dumps(content).encode()), judge(**settings))


@given(st.binary(min_size=1, max_size=200))
def test_any_signed_bytes_are_judged(payload):
    assert "will not do" in refusal(signed(payload))


@given(headers, st.binary(max_size=100), st.binary(max_size=80))
def test_any_header_is_judged(header, payload, signature):
    header = json.dumps(header, default=str)
    token = f"{encoded(header.encode())}.{encoded(payload)}.{encoded(signature)}"
    for _, _, key in SIGNERS:
        assert refusal(token, judge(key)) == UNSIGNED


@given(headers)
def test_any_header_around_good_claims_is_judged(header):
    header = {**header, "alg": "HS256"}
    judged(with_secret(header, SECRET.encode()), judge())


@given(st.data())
def test_any_change_to_a_good_token_is_judged(data):
    algorithm, private, key = data.draw(st.sampled_from(SIGNERS))
    token = signed(claims(name="Ana"), key=private, algorithm=algorithm)
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, len(token)))
    changed = token[:start] + data.draw(st.text(max_size=8)) + token[end:]
    if changed != token:
        assert refusal(changed, judge(key)) == UNSIGNED


class TestPublishedKeys:
    """Keys from a URL, which change."""

    def tokens(self, clock: Clock, publisher: Publisher) -> SiteTokens:
        clock.advance(NOW)
        return SiteTokens(Jwks(clock, publisher), clock)

    def test_the_token_says_which_key_and_the_key_says_which_algorithm(self):
        publisher = Publisher()
        publisher.now = published(jwk(RSA, kid="rsa"), jwk(EC, kid="ec"), jwk(ED, kid="ed"))
        tokens = self.tokens(Clock(), publisher)
        for kid, private, algorithm in (("rsa", RSA, "RS256"), ("ec", EC, "ES256"), ("ed", ED, "EdDSA")):
            assert checked(signed(key=private, algorithm=algorithm, kid=kid), tokens).sub == "42"
            assert refusal(signed(key=private, algorithm=algorithm, kid="ed" * 2), tokens) == UNSIGNED
            assert refusal(signed(key=private, algorithm=algorithm), tokens) == UNSIGNED
        assert refusal(signed(key=EC, algorithm="ES256", kid="rsa"), tokens) == UNSIGNED
        assert refusal(with_secret({"alg": "HS256", "kid": "rsa"}, PUBLIC), tokens) == UNSIGNED
        assert publisher.fetches == 1

    def test_keys_rotate(self):
        publisher, clock = Publisher(), Clock()
        publisher.now = published(jwk(EC, kid="old"))
        tokens = self.tokens(clock, publisher)
        assert checked(signed(key=EC, algorithm="ES256", kid="old"), tokens).sub == "42"
        clock.advance(60)
        publisher.now = published(jwk(EC, kid="old"), jwk(ED, kid="new"))
        assert checked(signed(key=ED, algorithm="EdDSA", kid="new"), tokens).sub == "42"
        assert checked(signed(key=EC, algorithm="ES256", kid="old"), tokens).sub == "42"

    def test_a_published_secret_is_none(self):
        publisher = Publisher()
        publisher.now = published({"kty": "oct", "k": encoded(SECRET.encode()), "kid": "a"}, jwk(ED, kid="b"))
        assert refusal(signed(kid="a"), self.tokens(Clock(), publisher)) == UNSIGNED

    def test_a_token_is_not_judged_while_nobody_can(self):
        publisher = Publisher()
        publisher.now = OSError("no route")
        with pytest.raises(Unavailable):
            checked(signed(key=ED, algorithm="EdDSA"), self.tokens(Clock(), publisher))

    def test_what_is_no_token_fetches_nothing(self):
        publisher = Publisher()
        tokens = self.tokens(Clock(), publisher)
        assert {refusal(text, tokens) for text in ("", "a.b.c", forged([]), "x" * 9000)} == {UNSIGNED}
        assert publisher.fetches == 0


class TestOptions:
    """What the command line says."""

    def test_a_key_in_a_file(self, tmp_path):
        (tmp_path / "key").write_text(SECRET)
        clock = Clock()
        clock.advance(NOW)
        tokens = site_tokens(clock, key=tmp_path / "key", audience="chat", issuer="site", roles=True)
        token = signed(claims(aud="chat", iss="site", role="moderator"))
        assert checked(token, tokens).role == "moderator"
        assert "aud" in refusal(signed(), tokens)

    def test_a_file_that_holds_no_key(self, tmp_path):
        (tmp_path / "key").write_text("short")
        with pytest.raises(ValueError, match="it needs 32"):
            site_tokens(Clock(), key=tmp_path / "key")

    def test_keys_at_a_url_are_not_fetched_before_a_token_comes(self):
        assert site_tokens(Clock(), url="https://example.org/jwks.json", audience="chat")

    def test_no_key_at_all(self):
        with pytest.raises(ValueError, match="need a key"):
            site_tokens(Clock())
