"""The login's cookie."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.web.http import Request
from twisted.web.test.requesthelper import DummyChannel

from chatroom.doors.cookies import clear_login, login_token, set_login

TOKEN, OTHER, KEY = (kind + letter * 43 for kind, letter in (("cs_", "A"), ("cs_", "B"), ("ck_", "C")))


def told(action: Any, *arguments: Any) -> str:
    """The Set-Cookie field that this leaves on an answer."""
    request = Request(DummyChannel(), False)
    action(request, *arguments)
    (cookie,) = request.cookies
    return cookie.decode()


def test_over_tls_the_cookie_is_this_hosts_alone() -> None:
    cookie = told(set_login, TOKEN, True)
    assert cookie == (f"__Host-chatroom={TOKEN}; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=strict")


@pytest.mark.parametrize("secure", [False, None])
def test_without_tls_it_is_as_close_to_that_as_can_be(secure: bool | None) -> None:
    assert told(set_login, TOKEN, secure) == (
        f"chatroom={TOKEN}; Path=/; Max-Age=2592000; HttpOnly; SameSite=strict"
    )


@pytest.mark.parametrize("secure", [True, False, None])
def test_it_is_forgotten_by_the_name_it_has(secure: bool | None) -> None:
    cookie = told(clear_login, secure)
    assert cookie.split("=")[0] == told(set_login, TOKEN, secure).split("=")[0]
    assert "Max-Age=0;" in cookie


@pytest.mark.parametrize("secure", [True, False, None])
def test_what_is_set_is_found_again_among_others(secure: bool | None) -> None:
    pair = told(set_login, TOKEN, secure).split(";")[0]
    for cookies in (pair, f"a=b; {pair}", f"{pair}; a=b", f'odd="x; {{}} ,; =; {pair};', f"a={OTHER};{pair}"):
        assert login_token(cookies, secure) == TOKEN


def test_over_tls_only_the_one_counts_that_nobody_else_can_set() -> None:
    both = f"chatroom={OTHER}; __Host-chatroom={TOKEN}"
    assert login_token(both, True) == TOKEN
    assert login_token(f"chatroom={OTHER}", True) is None
    assert login_token(both, False) == OTHER


@pytest.mark.parametrize(
    "cookies",
    [
        None,
        "",
        ";;;",
        "chatroom",
        "chatroom=",
        "chatroom=x",
        f'chatroom="{TOKEN}"',
        f"chatroom={TOKEN}x",
        f"chatroom={KEY}",
        f"Chatroom={TOKEN}",
        f"xchatroom={TOKEN}",
        f"a=chatroom={TOKEN}",
        f"chatroom={TOKEN},b",
    ],
)
def test_what_is_no_login_is_none(cookies: str | None) -> None:
    assert login_token(cookies, False) is None


def test_of_two_the_first_that_may_be_one_counts() -> None:
    assert login_token(f"chatroom=; chatroom={TOKEN}; chatroom={OTHER}", False) == TOKEN


@given(st.text(max_size=60), st.sampled_from([True, False, None]))
def test_whatever_is_sent_there_is_an_answer(cookies: str, secure: bool | None) -> None:
    assert login_token(cookies, secure) is None
