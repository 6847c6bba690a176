"""The account door: what pages of the server can ask it, and what nobody else can."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatroom.doors.proxies import Proxies

from .accounts import ANA, EVERYTHING, INVITATION, PASSWORD, Bureau, Visitor, logged_in, post, told, wrong


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
