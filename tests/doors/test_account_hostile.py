"""Whatever is sent to the account door, it is answered with a code, and nothing is logged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chatroom.doors.jsonhttp import STATUSES

from ..logs import Logs
from ..wire.json_values import objects, scalars
from .accounts import EVERYTHING, INVITATION, PASSWORD, Bureau, Visitor, logged_in, request

FIELDS = ["name", "password", "invitation", "old", "new", "role", "room", "uses", "days"]
FORMS = [(path, fields) for method, path, fields in EVERYTHING if method == "POST"]
PATHS = ["", "/", "/sessions", "/sessions/l0", "/nowhere", *[path for path, _fields in FORMS]]

ODD_TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            *("", "\0", "\u202e", "a" * 5000, "ÅÄ" * 2000, "\U0001f468\u200d\U0001f469", "ci_", INVITATION),
            *("__proto__", "' or 1=1 --", "../../etc/passwd", "<script>", "%s%n", "{0}"),
        ]
    ),
)
VALUES = st.one_of(scalars, ODD_TEXTS, objects, st.lists(scalars, max_size=3), st.just(10**30))
NEARLY_RIGHT = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6).map(json.dumps).map(str.encode)
DEEP = st.integers(1, 2000).flatmap(
    lambda depth: st.sampled_from([b"[" * depth + b"]" * depth, b'{"name":' * depth + b"1" + b"}" * depth])
)
NO_JSON = st.sampled_from(
    [
        *(
            b"",
            b" ",
            b"null",
            b"[]",
            b'""',
            b"{",
            b"{}x",
            b"nan",
            b"\xff\xfe{}",
            b"\xef\xbb\xbf{}",
            b"{'a':1}",
        ),
        *(b'{"name":"\\ud800","password":"\\udfff\\udfff"}', b'{"name":"\xed\xa0\x80","password":"x"}'),
        *(b'{"name":"Ana","name":"Ben","password":"x"}', b'{"name":"a\x00b"}', b'{"name":1e999}'),
    ]
)
BODIES = st.one_of(
    NEARLY_RIGHT, DEEP, NO_JSON, st.binary(max_size=60), objects.map(json.dumps).map(str.encode)
)

HEADERS: dict[str, st.SearchStrategy[str | None]] = {
    "Origin": st.sampled_from(
        [None, "", "null", "http://chat.example", "https://foe.example", "http://[", "x" * 500]
    ),
    "Sec-Fetch-Site": st.sampled_from([None, "same-origin", "cross-site", "none", "", "x"]),
    "Content-Type": st.sampled_from(
        [None, "", "application/json", "application/json;;;=", "text/json", "\xe4"]
    ),
    "Cookie": st.sampled_from([None, "", ";", "chatroom=" + "cs_" + "x" * 43, "chatroom=\xe4", "a" * 3000]),
    "User-Agent": st.sampled_from([None, "", "\xe4" * 400, "Firefox"]),
    "X-Forwarded-For": st.sampled_from([None, "", "x, y", "203.0.113.9"]),
    "Content-Encoding": st.sampled_from([None, "gzip"]),
    "Expect": st.sampled_from([None, "100-continue", "nonsense"]),
    "Host": st.sampled_from(["chat.example", "", "[", "x" * 400, "foe.example", "\xe4"]),
}


def check(found: Any, logs: Logs) -> None:
    """An answer is coded, and nobody has logged anything."""
    assert logs.events == []
    if found.status in (200, 201, 204):
        return
    error = json.loads(found.body)["error"]
    assert found.headers["content-type"] == "application/json"
    allowed = {405: {"unsupported"}, 413: {"too_long"}, 415: {"unsupported"}}.get(found.status)
    if allowed is None:
        assert STATUSES[error["code"]] == found.status, found
    else:
        assert error["code"] in allowed
    assert error["message"].isprintable()


@pytest.fixture(scope="module")
def visitor() -> Visitor:
    return logged_in(Bureau().visitor())


@pytest.mark.parametrize(("path", "fields"), FORMS)
@given(body=BODIES)
@example(body=b"[" * 8192)
@example(body=b'{"password":' * 600)
def test_whatever_is_in_a_form(visitor: Visitor, path: str, fields: object, body: bytes) -> None:
    with Logs() as logs:
        found = visitor.bureau.visitor().ask("POST", f"/account{path}", body, Cookie=visitor.cookie)
    check(found, logs)
    assert found.status in (200, 201, 204, 400, 401, 403, 404, 409, 413), found


@pytest.mark.parametrize(("path", "fields"), [form for form in FORMS if form[1]])
@given(data=st.data())
def test_whatever_one_field_is(visitor: Visitor, path: str, fields: dict[str, Any], data: Any) -> None:
    name = data.draw(st.sampled_from(sorted(fields)))
    body = json.dumps({**fields, name: data.draw(VALUES)}).encode()
    with Logs() as logs:
        found = visitor.bureau.visitor().ask("POST", f"/account{path}", body, Cookie=visitor.cookie)
    check(found, logs)
    if not isinstance(json.loads(body)[name], str | None):
        assert found.status == 400


@given(
    path=st.sampled_from(PATHS),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]),
    headers=st.fixed_dictionaries({}, optional=HEADERS),
    body=st.one_of(st.none(), BODIES),
)
def test_whatever_the_headers_say(
    visitor: Visitor, path: str, method: str, headers: dict[str, str | None], body: bytes | None
) -> None:
    with Logs() as logs:
        caller = visitor.bureau.call(request(method, f"/account{path}", body, **headers))
        data = caller.took().removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert data
    caller._taken = data
    found = caller.answer(method)
    caller.vanish()
    check(found, logs)


@given(
    st.lists(st.sampled_from(["%ff", "%00", "%2f", "/", ".", "..", "~", "login", "sessions", ";", "?", "%"]))
)
def test_whatever_the_path_is(pieces: list[str]) -> None:
    bureau = Bureau()
    with Logs() as logs:
        found = bureau.visitor().ask("POST", "/account/" + "".join(pieces), b"{}")
    check(found, logs)
    assert bureau.keeping.calls == []


def test_the_right_answer_is_among_those_that_are_tried(visitor: Visitor) -> None:
    """Or the tests above would show nothing."""
    body = json.dumps({"name": "Ana", "password": PASSWORD}).encode()
    assert visitor.bureau.visitor().ask("POST", "/account/login", body).status == 200
