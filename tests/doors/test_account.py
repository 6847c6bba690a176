"""The account door: what pages of the server can ask it, and what nobody else can."""

from __future__ import annotations

import json
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogLevel

from chatroom.domain import errors
from chatroom.domain.errors import RateLimited, Unavailable
from chatroom.domain.limits import Limits
from chatroom.doors.headers import HEADERS
from chatroom.doors.proxies import Proxies

from ..logs import Logs
from .accounts import PASSWORD, Bureau, Visitor, request
from .rawframes import Answer

INVITATION = "ci_" + "i" * 43


@pytest.fixture
def bureau() -> Bureau:
    return Bureau()


@pytest.fixture
def visitor(bureau: Bureau) -> Visitor:
    return bureau.visitor(User_Agent="Firefox")


def post(visitor: Visitor, path: str, fields: object = None, **headers: str | None) -> Answer:
    return visitor.ask("POST", f"/account{path}", json.dumps(fields or {}).encode(), **headers)


def told(found: Answer) -> Any:
    """The JSON that an answer tells, which nobody may keep."""
    assert found.headers["cache-control"] == "no-store"
    assert found.headers["content-type"] == "application/json"
    for name, value in HEADERS.items():
        assert found.headers[name.lower()] == value
    return json.loads(found.body)


def wrong(found: Answer, status: int, code: str) -> str:
    """The sentence of an error."""
    error = told(found)["error"]
    assert (found.status, error["code"]) == (status, code), found
    return str(error["message"])


def logged_in(visitor: Visitor) -> Visitor:
    assert post(visitor, "/login", {"name": "Ana", "password": PASSWORD}).status == 200
    visitor.bureau.keeping.calls.clear()
    return visitor


ANA = {"id": "u1", "name": "Ana", "role": "moderator"}


class TestLoggingIn:
    """And out."""

    def test_who_is_not_logged_in_learns_how_they_could_be(self, visitor: Visitor) -> None:
        for path in ("/account", "/account/"):
            found = visitor.ask("GET", path)
            assert told(found) == {"account": None, "sign_up": "invited", "guests": True}
            assert "set-cookie" not in found.headers

    def test_a_name_and_its_password_make_a_cookie_and_the_cookie_an_account(
        self, bureau: Bureau, visitor: Visitor
    ) -> None:
        found = post(visitor, "/login", {"name": "Ana", "password": PASSWORD})
        assert (found.status, told(found)) == (200, {"account": ANA})
        assert found.headers["set-cookie"].startswith("chatroom=cs_")
        assert "HttpOnly; SameSite=strict" in found.headers["set-cookie"]
        assert bureau.keeping.calls == [("log_in", "Ana", PASSWORD, "Firefox", "192.0.2.1")]
        assert told(visitor.ask("GET", "/account"))["account"] == ANA

    def test_a_wrong_password_is_no_cookie(self, visitor: Visitor) -> None:
        found = post(visitor, "/login", {"name": "Ana", "password": "guess"})
        assert wrong(found, 401, "bad_token") == "the name or the password is wrong"
        assert "set-cookie" not in found.headers
        assert found.headers["www-authenticate"] == 'Cookie realm="chatroom"'

    def test_signing_up_is_logging_in(self, bureau: Bureau, visitor: Visitor) -> None:
        wanted = {"name": "Ben", "password": "another one", "invitation": INVITATION}
        found = post(visitor, "/sign-up", wanted)
        assert (found.status, told(found)["account"]["name"]) == (201, "Ben")
        assert bureau.keeping.calls == [("sign_up", "Ben", "another one", INVITATION, "Firefox", "192.0.2.1")]
        assert told(visitor.ask("GET", "/account"))["account"]["name"] == "Ben"

    def test_what_signing_up_fails_for_is_told(self, visitor: Visitor) -> None:
        wanted = {"name": "Ana", "password": "another one"}
        wrong(post(visitor, "/sign-up", wanted), 403, "forbidden")
        wrong(post(visitor, "/sign-up", {**wanted, "invitation": INVITATION}), 409, "name_taken")

    def test_logging_out_ends_the_login_and_the_cookie(self, bureau: Bureau, visitor: Visitor) -> None:
        logged_in(visitor)
        cookie = visitor.cookie
        found = post(visitor, "/logout")
        assert (found.status, found.body) == (204, b"")
        assert "content-type" not in found.headers
        assert found.headers["cache-control"] == "no-store"
        assert found.headers["set-cookie"].startswith("chatroom=; Path=/; Max-Age=0")
        assert bureau.keeping.logins == {}
        # Also for who has copied the cookie.
        visitor.cookie = cookie
        found = visitor.ask("GET", "/account")
        assert told(found)["account"] is None
        assert "Max-Age=0" in found.headers["set-cookie"]

    def test_who_is_not_logged_in_can_log_out(self, bureau: Bureau, visitor: Visitor) -> None:
        assert post(visitor, "/logout").status == 204
        assert bureau.keeping.calls == []

    def test_behind_a_proxy_that_does_tls_the_cookie_is_for_tls_only(self, bureau: Bureau) -> None:
        bureau.web.proxies = Proxies(["192.0.2.0/24"])
        visitor = bureau.visitor(
            X_Forwarded_Proto="https", X_Forwarded_For="203.0.113.9", Origin="https://chat.example"
        )
        found = post(visitor, "/login", {"name": "Ana", "password": PASSWORD})
        assert found.headers["set-cookie"].startswith("__Host-chatroom=cs_")
        assert "; Secure; HttpOnly; SameSite=strict" in found.headers["set-cookie"]
        assert bureau.keeping.calls[0][-1] == "203.0.113.9"
        assert told(visitor.ask("GET", "/account", Origin=None))["account"] == ANA
        wrong(post(visitor, "/logout", Origin="http://chat.example"), 403, "forbidden")
        assert post(visitor, "/logout").headers["set-cookie"].startswith("__Host-chatroom=;")


class TestBeingLoggedIn:
    """What only an account can ask."""

    @pytest.mark.parametrize(
        ("method", "path", "fields"),
        [
            ("POST", "/password", {"old": PASSWORD, "new": "another one"}),
            ("POST", "/delete", {"password": PASSWORD}),
            ("POST", "/invitations", {}),
            ("GET", "/sessions", None),
            ("DELETE", "/sessions/l0", None),
        ],
    )
    def test_nobody_else_can(
        self, bureau: Bureau, visitor: Visitor, method: str, path: str, fields: object
    ) -> None:
        body = None if fields is None else json.dumps(fields).encode()
        wrong(visitor.ask(method, f"/account{path}", body), 401, "bad_token")
        assert bureau.keeping.calls == []

    def test_another_password(self, bureau: Bureau, visitor: Visitor) -> None:
        logged_in(visitor)
        found = post(visitor, "/password", {"old": PASSWORD, "new": "another one"})
        assert (found.status, found.body) == (204, b"")
        assert bureau.keeping.calls == [("change_password", "u1", PASSWORD, "another one", "l0")]
        wrong(post(visitor, "/password", {"old": "x", "new": "another one"}), 401, "bad_token")

    def test_the_end_of_an_account(self, bureau: Bureau, visitor: Visitor) -> None:
        logged_in(visitor)
        wrong(post(visitor, "/delete", {"password": "x"}), 401, "bad_token")
        assert visitor.cookie
        found = post(visitor, "/delete", {"password": PASSWORD})
        assert (found.status, visitor.cookie) == (204, None)
        assert bureau.keeping.calls[-1] == ("delete", "u1", PASSWORD)

    def test_an_invitation_is_a_link_to_where_it_was_asked(self, bureau: Bureau, visitor: Visitor) -> None:
        logged_in(visitor)
        found = post(visitor, "/invitations", {"role": "moderator", "room": "Lobby", "uses": 3, "days": 1})
        token = "ci_" + "x" * 43
        assert found.status == 201
        assert told(found) == {"invitation": token, "link": f"http://chat.example/#invite={token}"}
        assert bureau.keeping.calls == [("invite", "Ana", "moderator", "lobby", 3, 1)]
        assert told(post(visitor, "/invitations"))["invitation"] == token
        assert bureau.keeping.calls[-1] == ("invite", "Ana", "member", None, 1, 7)

    @pytest.mark.parametrize(
        "wanted",
        [{"uses": 0}, {"uses": 1001}, {"days": 0}, {"days": 366}, {"role": "guest"}, {"room": "no room!"}],
    )
    def test_an_invitation_has_its_bounds(
        self, bureau: Bureau, visitor: Visitor, wanted: dict[str, Any]
    ) -> None:
        wrong(post(logged_in(visitor), "/invitations", wanted), 400, "bad_request")
        assert bureau.keeping.calls == []

    def test_devices(self, bureau: Bureau, visitor: Visitor) -> None:
        logged_in(visitor)
        other = logged_in(bureau.visitor())
        sessions = told(visitor.ask("GET", "/account/sessions"))["sessions"]
        device = {"client": "Firefox", "address": "192.0.2.1", "created": 1, "seen": 2, "until": 3}
        assert sessions == [{"id": "l0", **device, "current": True}, {"id": "l1", **device, "current": False}]
        assert visitor.ask("DELETE", "/account/sessions/l1").status == 204
        assert visitor.cookie
        wrong(visitor.ask("DELETE", "/account/sessions/l7"), 404, "not_found")
        assert other.ask("DELETE", "/account/sessions/l1").headers["set-cookie"].startswith("chatroom=;")


EVERYTHING = [
    ("POST", "/login", {"name": "Ana", "password": PASSWORD}),
    ("POST", "/sign-up", {"name": "Ben", "password": PASSWORD, "invitation": INVITATION}),
    ("POST", "/logout", {}),
    ("POST", "/password", {"old": PASSWORD, "new": "another one"}),
    ("POST", "/delete", {"password": PASSWORD}),
    ("POST", "/invitations", {}),
    ("DELETE", "/sessions/l0", None),
]


class TestForeignPages:
    """Cross-site request forgery: a foreign page has the visitor's browser ask, cookie and all."""

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://foe.example"},
            {"Origin": "http://chat.example:9000"},
            {"Origin": "http://sub.chat.example"},
            {"Origin": "null"},
            {"Origin": ""},
            {"Origin": None},
            {"Origin": None, "Sec_Fetch_Site": "none"},
            {"Origin": None, "Sec_Fetch_Site": "cross-site"},
            {"Sec_Fetch_Site": "same-site"},
            {"Sec_Fetch_Site": "cross-site"},
            {"Origin": "https://foe.example", "Sec_Fetch_Site": "same-origin"},
            {"Host": "other.example"},
        ],
        ids=str,
    )
    @pytest.mark.parametrize(("method", "path", "fields"), EVERYTHING, ids=lambda one: str(one))
    def test_they_change_nothing(
        self,
        bureau: Bureau,
        visitor: Visitor,
        method: str,
        path: str,
        fields: object,
        headers: dict[str, str | None],
    ) -> None:
        logged_in(visitor)
        body = None if fields is None else json.dumps(fields).encode()
        wrong(visitor.ask(method, f"/account{path}", body, **headers), 403, "forbidden")
        assert bureau.keeping.calls == []
        assert visitor.cookie is not None

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": None, "Sec_Fetch_Site": "same-origin"},
            {"Sec_Fetch_Site": "same-origin"},
            {"Origin": "https://chat.example"},
            {"Origin": "http://[::1]:9000", "Host": "[::1]:9000"},
        ],
        ids=str,
    )
    def test_the_servers_own_do(self, visitor: Visitor, headers: dict[str, str | None]) -> None:
        assert post(logged_in(visitor), "/logout", **headers).status == 204

    @pytest.mark.parametrize(
        "content_type",
        [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"],
    )
    def test_a_form_is_no_request(self, bureau: Bureau, visitor: Visitor, content_type: str | None) -> None:
        found = post(visitor, "/login", {"name": "Ana", "password": PASSWORD}, Content_Type=content_type)
        if content_type and content_type.startswith("multipart"):
            # Twisted looks at those before anybody else does.
            assert found.status in (400, 415)
        else:
            wrong(found, 415, "unsupported")
        assert bureau.keeping.calls == []

    def test_json_may_say_that_it_is_utf8(self, visitor: Visitor) -> None:
        logged_in(visitor)
        assert post(visitor, "/logout", Content_Type="Application/JSON; charset=utf-8").status == 204


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
