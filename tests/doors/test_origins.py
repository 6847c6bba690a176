"""Which web pages may connect."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.doors.origins import Origins, is_own

HOST = "chat.example"


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://chat.example", "chat.example"),
        ("https://chat.example", "chat.example"),
        ("https://chat.example:443", "chat.example"),
        ("https://chat.example", "chat.example:443"),
        ("http://chat.example:80", "chat.example"),
        ("http://chat.example:9000", "chat.example:9000"),
        ("HTTP://Chat.Example:9000", "cHAT.eXAMPLE:9000"),
        ("http://chat.example", "chat.example."),
        ("http://127.0.0.1:9000", "127.0.0.1:9000"),
        ("http://[::1]:9000", "[::1]:9000"),
        ("http://[::1]", "[::1]"),
    ],
)
def test_the_servers_own_pages_may(origin: str, host: str) -> None:
    assert Origins([]).allow(origin, host)


@pytest.mark.parametrize(
    "origin",
    [
        "https://foe.example",
        "http://chat.example:9000",
        "https://chat.example:9443",
        "https://chat.example.foe.example",
        "https://foechat.example",
        "https://sub.chat.example",
        "https://chat.example@foe.example",
        "https://foe.example/chat.example",
        "https://foe.example?chat.example",
        "https://foe.example#chat.example",
        "https://chat.example:x",
        "https://chat.example:99999",
        "https://",
        "https:",
        "chat.example",
        "//chat.example",
        "ftp://chat.example",
        "chrome-extension://chat.example",
        "http://[chat.example",
        "http://chat.example, http://foe.example",
        "null",
        "file://",
        "file:///home/me/page.html",
    ],
)
def test_no_other_pages_may(origin: str) -> None:
    assert not Origins([]).allow(origin, HOST)


def test_what_is_no_browser_sends_no_origin_and_may() -> None:
    assert Origins([]).allow("", HOST)


@pytest.mark.parametrize("host", ["", ":", ":9000", "[", "[::1", "chat.example:x", "/", "@"])
def test_a_host_that_is_none_is_nobodys_own(host: str) -> None:
    assert not Origins([]).allow("http://chat.example", host)


@pytest.mark.parametrize(
    ("named", "may", "may_not"),
    [
        (
            "https://friend.example",
            ["https://friend.example", "https://friend.example:443", "HTTPS://FRIEND.example"],
            ["http://friend.example", "https://friend.example:444", "https://a.friend.example", "null"],
        ),
        ("https://friend.example/", ["https://friend.example"], ["https://friend.example.foe"]),
        ("http://friend.example:8080", ["http://friend.example:8080"], ["http://friend.example"]),
        (
            "https://*.friend.example",
            ["https://a.friend.example", "https://a.b.friend.example"],
            ["https://friend.example", "https://friend.example.foe", "https://a.friend.example:8"],
        ),
        ("https://a*.friend.example", ["https://ab.friend.example"], ["https://b.friend.example"]),
        ("http://[fd00::7]:9000", ["http://[fd00::7]:9000"], ["http://[fd00::8]:9000"]),
        ("null", ["null", "file://"], ["https://friend.example"]),
        ("*", ["null", "file://", "https://anybody.example", "what ever"], []),
    ],
)
def test_those_that_are_named_may_and_no_others(named: str, may: list[str], may_not: list[str]) -> None:
    origins = Origins(["https://also.example", named])
    for origin in [*may, "https://also.example", f"https://{HOST}"]:
        assert origins.allow(origin, HOST), origin
    for origin in may_not:
        assert not origins.allow(origin, HOST), origin


@pytest.mark.parametrize(
    "named",
    [
        *(
            "",
            "nonsense",
            "friend.example",
            "https://",
            "https://friend.example/path",
            "ftp://friend.example",
        ),
        *(
            "https://friend.example:x",
            "https://me@friend.example",
            "https://friend.example:*",
            "**//",
            "https:*",
        ),
        *("https://friend.example?x", "https://friend.example#x", "https://fri end.example"),
    ],
)
def test_what_is_no_origin_is_refused_with_examples(named: str) -> None:
    with pytest.raises(ValueError, match=r"--origin takes an origin such as https://example\.org or "):
        Origins([named])


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_sent_there_is_an_answer(origin: str, host: str) -> None:
    assert Origins(["https://*.friend.example"]).allow(origin, host) in (True, False)


@pytest.mark.parametrize("authority", ["chat.example", "chat.example:9000", "[::1]:9000"])
def test_where_it_is_known_how_the_client_speaks_the_own_origin_speaks_so_too(authority: str) -> None:
    plain, encrypted = f"http://{authority}", f"https://{authority}"
    for secure, own in ((None, [plain, encrypted]), (True, [encrypted]), (False, [plain])):
        for origin in (plain, encrypted):
            assert is_own(origin, authority, secure) == (origin in own)
            assert Origins([]).allow(origin, authority, secure) == (origin in own)


def test_origins_that_are_let_in_are_not_therefore_the_servers_own() -> None:
    for named in ("*", "null", "https://friend.example"):
        origin = "https://friend.example" if named == "*" else named
        assert Origins([named]).allow(origin, HOST, True)
        assert not is_own(origin, HOST, True)
    assert not is_own("", HOST)
