"""What every answer carries."""

from http import HTTPStatus

from chatroom.doors.headers import HEADERS, last_answer

from .rawframes import answer


def test_a_last_answer_is_whole_and_says_that_it_is_the_last() -> None:
    found = answer(last_answer(HTTPStatus.FORBIDDEN, "not you, señor", [("Sec-WebSocket-Version", "13")]))
    assert (found.status, found.body, found.rest) == (403, "not you, señor\n".encode(), b"")
    assert found.headers["connection"] == "close"
    assert found.headers["sec-websocket-version"] == "13"
    assert found.headers["content-type"] == "text/plain; charset=utf-8"
    for name, value in HEADERS.items():
        assert found.headers[name.lower()] == value


def test_the_policy_allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    for allowance in ("unsafe", "http:", "https:", "*"):
        assert allowance not in policy


def test_what_cannot_be_encoded_does_no_harm() -> None:
    assert answer(last_answer(HTTPStatus.BAD_REQUEST, "\udcff")).body == b"?\n"
