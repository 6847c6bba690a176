"""What every answer carries."""

from http import HTTPStatus

import pytest

from chatroom.doors.headers import HEADERS, last_answer, page_policy

from .rawframes import answer


def test_a_last_answer_is_whole_and_says_that_it_is_the_last() -> None:
    found = answer(last_answer(HTTPStatus.FORBIDDEN, "not you, señor", [("Sec-WebSocket-Version", "13")]))
    assert (found.status, found.body, found.rest) == (403, "not you, señor\n".encode(), b"")
    assert found.headers["connection"] == "close"
    assert found.headers["sec-websocket-version"] == "13"
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    for name, value in HEADERS.items():
        assert found.headers[name.lower()] == value


def test_what_is_no_page_may_do_nothing() -> None:
    assert HEADERS["Content-Security-Policy"].startswith("default-src 'none'; ")


@pytest.mark.parametrize("secure", [True, False, None])
@pytest.mark.parametrize("host", ["chat.example", "[::1]:9000", "nonsense; script-src *", "a b", ""])
def test_a_page_may_do_nothing_inline_and_nothing_elsewhere(host: str, secure: bool | None) -> None:
    policy = page_policy(host, secure)
    assert "default-src 'self'; " in policy
    for allowance in ("unsafe", "http:", "https:", "*", "ws: ", "wss: ", "ws:;", "wss:;", "script-src"):
        assert allowance not in policy


@pytest.mark.parametrize(
    ("host", "secure", "connect"),
    [
        ("chat.example", True, "'self' wss://chat.example"),
        ("chat.example:9000", False, "'self' ws://chat.example:9000"),
        ("chat.example:9000", None, "'self' wss://chat.example:9000 ws://chat.example:9000"),
        ("[::1]:9000", True, "'self' wss://[::1]:9000"),
        ("a b", True, "'self'"),
        ("chat.example;", None, "'self'"),
        ("", None, "'self'"),
    ],
)
def test_a_page_connects_to_its_own_server_only(host: str, secure: bool | None, connect: str) -> None:
    assert f"; connect-src {connect}; " in page_policy(host, secure)


def test_what_cannot_be_encoded_does_no_harm() -> None:
    assert answer(last_answer(HTTPStatus.BAD_REQUEST, "\udcff")).body == b"?\n"
