"""The secrets that let somebody in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom import tokens


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [(tokens.LOGIN, "login"), (tokens.KEY, "key"), (tokens.INVITATION, "invitation")],
)
def test_a_secret_says_what_it_is(prefix, kind):
    made = tokens.make(prefix)
    assert made.startswith(prefix)
    assert len(made) == 46
    assert tokens.kind(made) == kind


def test_no_two_secrets_are_the_same():
    assert len({tokens.make(tokens.LOGIN) for _ in range(1000)}) == 1000


def test_a_digest_is_sha256_in_hex():
    assert tokens.digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("A" * 22, "guest"),
        ("cs_" + "A" * 19, "guest"),
        ("e30.e30.", "site"),
        ("e30.e30.c2ln", "site"),
    ],
)
def test_other_tokens_are_known_by_their_shape(token, kind):
    assert tokens.kind(token) == kind


@pytest.mark.parametrize(
    "token",
    [
        "",
        "cs_",
        "cs_" + "A" * 42,
        "cs_" + "A" * 44,
        "cx_" + "A" * 43,
        "cs_" + "A" * 43 + "\n",
        "A" * 22 + "\n",
        "A" * 21,
        "e30.e30",
        ".e30.c2ln",
        "e30.e30.c2ln.c2ln.c2ln",
        "e30.e30.c2l\u0131",
        "\ud800" * 22,
        "a.b." + "c" * tokens.MAX_LENGTH,
    ],
)
def test_what_can_be_no_token_has_no_kind(token):
    assert tokens.kind(token) is None


@given(st.text())
def test_any_text_has_a_digest_and_perhaps_a_kind(text):
    assert len(tokens.digest(text)) == 64
    assert tokens.kind(text) in {None, "login", "key", "invitation", "guest", "site"}


@given(st.text(), st.text())
def test_different_texts_have_different_digests(one, other):
    assert (tokens.digest(one) == tokens.digest(other)) == (one == other)
