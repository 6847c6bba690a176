"""Accounts on a real server: from the link in its log to a conversation, and out again."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from .clients import PATIENCE, JsonClient, careless, socket_to
from .conftest import Start
from .server import ON_LOOPBACK, TLS, Server

PASSWORD = "correct horse battery staple"
_LINK = re.compile(r"open (\S+)/#invite=(ci_\S+) within a day to become its owner")


class Browser:
    """What a browser does that has one page of the server open. `sent` are headers of its own."""

    def __init__(self, server: Server, **sent: str) -> None:
        scheme, port = server.ports[0]
        self.server = server
        self.origin = f"{scheme}://127.0.0.1:{port}"
        self.sent = {name.replace("_", "-"): value for name, value in sent.items()}
        self.page = f"{self.sent.get('X-Forwarded-Proto', scheme)}://127.0.0.1:{port}"
        """The origin of what it shows."""
        self.cookie: str | None = None
        self.set: str = ""
        """The last Set-Cookie, whole."""

    def ask(self, method: str, path: str, fields: object = None, **headers: str) -> HTTPResponse:
        """One request; its answer, with its `told`. Its cookie is kept."""
        host = self.origin.partition("://")[2]
        connection = (
            HTTPSConnection(host, timeout=PATIENCE, context=careless())
            if self.origin.startswith("https")
            else HTTPConnection(host, timeout=PATIENCE)
        )
        cookie = {} if self.cookie is None else {"Cookie": self.cookie}
        own = {"Origin": self.page, "Content-Type": "application/json"}
        body = None if fields is None else json.dumps(fields)
        connection.request(method, path, body, {**own, **cookie, **self.sent, **headers})
        answer = connection.getresponse()
        text = answer.read()
        answer.told = json.loads(text) if text else None  # type: ignore[attr-defined]
        connection.close()
        self.set = answer.headers.get("Set-Cookie", "")
        if self.set:
            pair = self.set.partition(";")[0]
            self.cookie = pair if pair.partition("=")[2] else None
        return answer

    def sign_up(self, name: str, invitation: str) -> HTTPResponse:
        """Make an account."""
        fields = {"name": name, "password": PASSWORD, "invitation": invitation}
        return self.ask("POST", "/account/sign-up", fields)

    def talk(self, **hello: Any) -> JsonClient:
        """A WebSocket from the page, which has said hello."""
        cookie = {} if self.cookie is None else {"Cookie": self.cookie}
        url = self.origin.replace("http", "ws", 1) + "/ws"
        client = JsonClient(url, origin=self.page, additional_headers={**cookie, **self.sent})
        client.me = client.hello(**hello)
        return client


def invitation_of(server: Server) -> str:
    """The one that the log offers to whoever becomes the owner."""
    server.wait_for(lambda: _LINK.search(server.log))
    found = _LINK.search(server.log)
    assert found is not None
    return found[2]


def owner(server: Server, **sent: str) -> Browser:
    """The owner's browser."""
    browser = Browser(server, **sent)
    answer = browser.sign_up("Olga", invitation_of(server))
    assert (answer.status, answer.told["account"]["role"]) == (201, "owner")
    return browser


@pytest.mark.parametrize(
    ("endpoint", "prefix", "flags"),
    [(ON_LOOPBACK, "chatroom=cs_", ""), (TLS, "__Host-chatroom=cs_", " Secure;")],
    ids=["plain", "tls"],
)
def test_from_the_first_link_to_a_conversation_and_out_again(
    server: Start, pem: Any, endpoint: str, prefix: str, flags: str
) -> None:
    one = server(endpoints=(endpoint,), files={"key.pem": pem.read_text()})
    olga = owner(one)
    assert olga.set.startswith(prefix)
    assert olga.set.endswith(f"; Path=/; Max-Age=2592000;{flags} HttpOnly; SameSite=strict")
    assert olga.ask("GET", "/account").told["account"]["name"] == "Olga"
    link = olga.ask("POST", "/account/invitations", {"uses": 1}).told["link"]
    ben = Browser(one)
    assert ben.sign_up("Ben", link.partition("#invite=")[2]).status == 201
    assert Browser(one).sign_up("Eva", link.partition("#invite=")[2]).status == 401
    with olga.talk() as first, ben.talk() as second:
        assert first.me["user"]["name"] == "Olga"
        assert (second.me["user"]["name"], second.me["user"]["kind"]) == ("Ben", "user")
        first.join()
        second.join()
        second.post("hello")
        assert first.event()["by"]["name"] == "Ben"
        assert ben.ask("POST", "/account/logout", {}).status == 204
        assert second.end() == 4401
    again = Browser(one)
    assert again.ask("POST", "/account/login", {"name": "ben", "password": PASSWORD}).status == 200
    (session,) = again.ask("GET", "/account/sessions").told["sessions"]
    assert session["current"] is True
    assert again.ask("DELETE", f"/account/sessions/{session['id']}").status == 204
    assert again.ask("GET", "/account").told["account"] is None


def test_another_password_logs_the_other_devices_out(server: Start) -> None:
    one = server()
    first = owner(one)
    second = Browser(one)
    credentials = {"name": "Olga", "password": PASSWORD}
    assert second.ask("POST", "/account/login", credentials).status == 200
    with second.talk() as talking:
        new = {"old": PASSWORD, "new": "something else entirely"}
        assert first.ask("POST", "/account/password", new).status == 204
        assert talking.end() == 4401
    assert first.ask("GET", "/account").told["account"]["name"] == "Olga"
    assert second.ask("GET", "/account").told["account"] is None
    assert second.ask("POST", "/account/login", credentials).status == 401
    assert first.ask("POST", "/account/delete", {"password": new["new"]}).status == 204
    assert first.cookie is None
    assert first.ask("POST", "/account/login", {**credentials, "password": new["new"]}).status == 401


def test_a_foreign_page_gets_nothing_done_with_the_visitors_cookie(server: Start) -> None:
    one = server("--origin=https://friend.example")
    olga = owner(one)
    for origin in ("https://foe.example", "https://friend.example", "null"):
        assert olga.ask("POST", "/account/logout", {}, Origin=origin).status == 403
    with JsonClient(
        one.ws, origin="https://friend.example", additional_headers={"Cookie": str(olga.cookie)}
    ) as friend:
        assert friend.hello()["user"]["kind"] == "guest"
    assert olga.ask("GET", "/account").told["account"]["name"] == "Olga"


def test_behind_a_trusted_proxy_addresses_are_the_clients_and_cookies_for_tls(server: Start) -> None:
    one = server("--trusted-proxy=127.0.0.1", "--limit=connections_per_address=1", "--sign-up=open")
    olga = owner(one, X_Forwarded_For="198.51.100.7", X_Forwarded_Proto="https")
    assert olga.set.startswith("__Host-chatroom=")
    assert " Secure;" in olga.set
    (session, *_) = olga.ask("GET", "/account/sessions").told["sessions"]
    assert session["address"] == "198.51.100.7"
    sent = {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "https"}
    with JsonClient(one.ws, "Ana", additional_headers=sent):
        with JsonClient(one.ws, additional_headers=sent) as second:
            assert second.end() == 4429
        with JsonClient(one.ws, "Ben", additional_headers={**sent, "X-Forwarded-For": "203.0.113.9"}) as ben:
            ben.join()


def test_only_under_its_own_names_is_it_reached(server: Start) -> None:
    one = server("--host=chat.example", "--host=*.friend.example")
    browser = Browser(one)
    for host, status in (("chat.example", 200), ("a.friend.example", 200), ("foe.example", 421)):
        browser.sent["Host"] = host
        if status == 200:
            assert browser.ask("GET", "/account").status == 200
        else:
            with pytest.raises(json.JSONDecodeError):
                browser.ask("GET", "/account")
    with pytest.raises(InvalidStatus) as refused:
        JsonClient(f"ws://foe.example:{one.port}/ws", sock=socket_to(one.url))
    assert refused.value.response.status_code == 421
    one.wait_for(lambda: "--host foe.example would serve it" in one.log)
