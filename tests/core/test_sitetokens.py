"""Logging in with a site's own login."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.task import Clock

from chatroom.domain.errors import Unavailable
from chatroom.jwks import Jwks
from chatroom.sitetokens import LEEWAY, SiteTokens, SiteUser, site_tokens

from .sitesigning import (
    NOW,
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
from .test_jwks import Publisher, published
from .test_sitekeys import EC, ED, RSA, SECRET, jwk


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
