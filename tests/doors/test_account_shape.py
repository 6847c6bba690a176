"""The account door: what is no request of its kind, and what goes wrong."""

from __future__ import annotations

import json

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel

from chatroom.domain import errors
from chatroom.domain.errors import RateLimited, Unavailable
from chatroom.domain.limits import Limits

from ..logs import Logs
from .accounts import PASSWORD, Bureau, Visitor, logged_in, post, request, told, wrong
from .rawframes import Answer


class TestShape:
    """Methods, paths, sizes."""

    @pytest.mark.parametrize(
        ("path", "allowed"),
        [
            ("", "GET, HEAD"),
            ("/login", "POST"),
            ("/sessions", "GET, HEAD"),
            ("/sessions/l0", "DELETE"),
        ],
    )
    @pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE"])
    def test_other_methods_are_told_which_there_are(
        self, visitor: Visitor, path: str, allowed: str, method: str
    ) -> None:
        found = visitor.ask(method, f"/account{path}", b"{}")
        wrong(found, 405, "unsupported")
        assert found.headers["allow"] == allowed

    @pytest.mark.parametrize(
        "path",
        [
            "/x",
            "/login/",
            "/login/x",
            "//",
            "//login",
            "/LOGIN",
            "/%6cogin%00",
            "/%ff",
            "/sessions/a/b",
            "/;",
            "/..",
        ],
    )
    def test_there_is_nothing_else(self, bureau: Bureau, visitor: Visitor, path: str) -> None:
        with Logs() as logs:
            wrong(visitor.ask("POST", f"/account{path}", b"{}"), 404, "not_found")
        assert logs.events == []
        assert bureau.keeping.calls == []

    @pytest.mark.parametrize("host", ["ä.example", "a" * 300, "a..b", "xn--a", "[", "%", "a b", "..", ""])
    def test_a_host_that_is_none_breaks_nothing(self, visitor: Visitor, host: str) -> None:
        with Logs() as logs:
            assert visitor.ask("GET", "/account", Host=host).status == 200
            wrong(post(visitor, "/logout", Host=host), 403, "forbidden")
        assert logs.events == []

    def test_head_is_get_without_the_body(self, visitor: Visitor) -> None:
        found = visitor.ask("HEAD", "/account")
        assert (found.status, found.body, found.rest) == (200, b"", b"")

    @pytest.mark.parametrize("chunked", [False, True])
    def test_a_body_has_its_bounds(self, bureau: Bureau, chunked: bool) -> None:
        def answer(size: int) -> Answer:
            body = json.dumps({"name": "Ana", "password": PASSWORD}).encode()
            body += b" " * (size - len(body))
            if not chunked:
                return bureau.visitor().ask("POST", "/account/login", body)
            pieces = [body[start : start + 1000] for start in range(0, size, 1000)] + [b""]
            sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
            head = request("POST", "/account/login", Transfer_Encoding="chunked", Connection="close")
            return bureau.call(head, sent[:500], sent[500:]).answer()

        assert answer(8192).status == 200
        assert "at most 8192 bytes" in wrong(answer(8193), 413, "too_long")
        assert "at most 8192 bytes" in wrong(answer(500_000), 413, "too_long")
        found = answer(1_100_000)
        assert (found.status, found.headers["connection"]) == (413, "close")
        assert len(bureau.keeping.calls) == 1

    def test_what_is_too_long_is_not_kept(self, bureau: Bureau) -> None:
        caller = bureau.call(request("POST", "/account/login", Content_Length="1000000"))
        for _ in range(90):
            caller.send(b"x" * 10_000)
        (pending,) = caller.protocol.requests
        assert len(pending.content.getvalue()) == 8192


class TestTrouble:
    """What goes wrong behind the door."""

    def test_who_is_too_fast_is_told_when_to_come_again(self) -> None:
        visitor = Bureau(Limits(logins_per_minute=2)).visitor()
        for _ in range(2):
            wrong(post(visitor, "/login", {"name": "Ana", "password": "x"}), 401, "bad_token")
        found = post(visitor, "/login", {"name": "Ana", "password": PASSWORD})
        wrong(found, 429, "rate_limited")
        assert (told(found)["error"]["retry_after"], found.headers["retry-after"]) == (30, "30")

    def test_passwords_can_be_tried_nowhere_else_either(self) -> None:
        bureau = Bureau(Limits(logins_per_minute=3))
        visitor = logged_in(bureau.visitor())
        for path, fields in (("/password", {"old": "x", "new": "y"}), ("/delete", {"password": "x"})):
            wrong(post(visitor, path, fields), 401, "bad_token")
        for path, fields in (
            ("/password", {"old": "x", "new": "y"}),
            ("/delete", {"password": "x"}),
            ("/sign-up", {"name": "x", "password": "y"}),
        ):
            wrong(post(visitor, path, fields), 429, "rate_limited")

    def test_all_else_is_metered_too(self) -> None:
        visitor = logged_in(Bureau(Limits(requests_per_second=1)).visitor())
        assert [visitor.ask("GET", "/account/sessions").status for _ in range(3)] == [200, 200, 429]
        visitor = Bureau(Limits(requests_per_second_per_address=1)).visitor()
        assert [visitor.ask("GET", "/account").status for _ in range(3)] == [200, 200, 429]

    @pytest.mark.parametrize(
        ("error", "status", "code"),
        [
            (Unavailable("the disk is full", 1.2), 503, "unavailable"),
            (RateLimited("too many", 7), 429, "rate_limited"),
            (errors.BadRequest("no name"), 400, "bad_request"),
            (errors.Banned("you are banned"), 403, "banned"),
        ],
    )
    def test_what_the_use_cases_refuse_is_told(
        self, bureau: Bureau, visitor: Visitor, error: Exception, status: int, code: str
    ) -> None:
        bureau.keeping.fails = error
        found = post(visitor, "/login", {"name": "Ana", "password": PASSWORD})
        assert wrong(found, status, code) == str(error)
        assert found.headers.get("retry-after") == {503: "2", 429: "7"}.get(status)

    def test_every_error_has_a_status_of_its_own_choosing(self) -> None:
        from chatroom.doors.jsonhttp import STATUSES

        missing = {one.code for one in errors.ChatError.__subclasses__()} - set(STATUSES)
        assert missing == set()

    def test_a_mistake_of_the_server_is_logged_and_not_told(self, bureau: Bureau, visitor: Visitor) -> None:
        bureau.keeping.fails = RuntimeError("secret")
        with Logs() as logs:
            found = post(visitor, "/login", {"name": "Ana", "password": PASSWORD})
        assert wrong(found, 500, "internal") == "the server made a mistake; it is logged"
        assert logs.of(LogLevel.critical) == ["b'POST' b'/account/login' failed"]
        assert "secret" in logs.tracebacks()[0]

    def test_what_was_begun_is_finished_when_the_client_goes(self, bureau: Bureau) -> None:
        bureau.keeping.pause = Deferred()
        body = json.dumps({"name": "Ana", "password": PASSWORD}).encode()
        caller = bureau.call(request("POST", "/account/login", body))
        assert bureau.keeping.calls
        with Logs() as logs:
            caller.vanish()
            assert bureau.keeping.finished == []
            bureau.keeping.pause.callback(None)
        assert bureau.keeping.finished == ["log_in"]
        assert logs.events == []
