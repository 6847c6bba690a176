"""Tokens that the site did not sign, and tokens that nobody would make."""

from __future__ import annotations

import json
import string

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from chatroom.domain.errors import BadToken
from chatroom.sitekeys import SigningKey
from chatroom.sitetokens import SiteTokens

from .sitesigning import (
    PUBLIC,
    SIGNERS,
    UNSIGNED,
    checked,
    claims,
    encoded,
    forged,
    judge,
    refusal,
    signed,
    with_secret,
)
from .test_sitekeys import ED, RSA, SECRET, jwk

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
