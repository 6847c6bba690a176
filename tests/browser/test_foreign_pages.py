"""What a page of somebody else's can do to a visitor who is logged in here: nothing.

The foreign page is served from another port of the same host, where the browser even sends the
login's cookie along (a cookie's site has no port), and from another host.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http.server import ThreadingHTTPServer
from itertools import count
from threading import Thread
from typing import Any, ClassVar

import pytest

from .live_server import Server, free_port
from .test_readme import Quiet

PASSWORD = "correct horse battery"

SIGN_UP = """
async ([name, password]) => (await fetch("/account/sign-up", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name, password }),
})).status
"""

CONNECT = """
([url, protocols]) => new Promise((resolve) => {
    const socket = new WebSocket(url, protocols);
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("refused");
})
"""

FETCH = """
async ([url, settings]) => {
    try {
        const answer = await fetch(url, { credentials: "include", ...settings });
        return [answer.type, answer.status, await answer.text()];
    } catch (error) {
        return error.name;
    }
}
"""

SUBMIT = """
([url, enctype, name, value]) => {
    const form = Object.assign(document.createElement("form"), { method: "POST", action: url, enctype });
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
    document.body.append(form);
    form.submit();
}
"""

LOAD = """
([element, attribute, url]) => new Promise((resolve) => {
    const made = document.createElement(element);
    made.onload = () => resolve("loaded");
    made.onerror = () => resolve("refused");
    made[attribute] = url;
    document.body.append(made);
})
"""

CHANGES = {
    "/account/logout": "{}",
    "/account/delete": f'{{"password":"{PASSWORD}"}}',
    "/account/password": f'{{"old":"{PASSWORD}","new":"taken by another"}}',
    "/account/login": f'{{"name":"Mallory","password":"{PASSWORD}"}}',
    "/account/sign-up": f'{{"name":"Eve","password":"{PASSWORD}"}}',
    "/account/invitations": "{}",
}


class Curious(Quiet):
    """The other site: it keeps the cookies that it is shown."""

    cookies: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.cookies.append(self.headers.get("Cookie", ""))
        super().do_GET()


class Visitor:
    """A browser that is logged in here, and has a page of another site open."""

    def __init__(self, context: Any, server: Server, elsewhere: str, name: str) -> None:
        self.server = server
        self.name = name
        self.own = context.new_page()
        self.own.goto(server.url)
        assert self.own.evaluate(SIGN_UP, [name, PASSWORD]) == 201
        self.foreign = context.new_page()
        self.foreign.goto(elsewhere)

    def is_still_logged_in(self) -> bool:
        """Whether all is as it was."""
        account = self.own.evaluate(FETCH, ["/account", {}])
        found = self.own.evaluate(FETCH, ["/account/sessions", {}])
        return f'"name":"{self.name}"' in account[2] and found[2].count('"id"') == 1


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that anybody can sign up at."""
    port = free_port()
    address = f"tcp:{port}:interface=127.0.0.1"
    one = Server(tmp_path_factory.mktemp("chat"), address, port, f"http://127.0.0.1:{port}")
    one.start("--sign-up=open")
    yield one
    one.stop()


@pytest.fixture(scope="module")
def another_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of another web site."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "index.html").write_text("<!doctype html><title>Win a prize</title><body>")
    site = ThreadingHTTPServer(("127.0.0.1", 0), partial(Curious, directory=str(folder)))
    thread = Thread(target=site.serve_forever)
    thread.start()
    yield site.server_port
    site.shutdown()
    thread.join()
    site.server_close()


@pytest.fixture(params=["127.0.0.1", "localhost"], ids=["same host", "another host"])
def visitor(request, browser, open_to_all: Server, another_site: int) -> Iterator[Visitor]:
    context = browser.new_context()
    Curious.cookies.clear()
    yield Visitor(context, open_to_all, f"http://{request.param}:{another_site}/", f"Ana {next(_numbers)}")
    context.close()


_numbers = count(1)


def test_a_foreign_page_opens_no_websocket(visitor: Visitor) -> None:
    for path, protocols in (("/ws", []), ("/", []), ("/ws", ["chatroom.v1"])):
        url = visitor.server.url.replace("http", "ws", 1) + path
        assert visitor.own.evaluate(CONNECT, [url, protocols]) == "open"
        assert visitor.foreign.evaluate(CONNECT, [url, protocols]) == "refused"


def test_a_foreign_page_changes_nothing_of_the_visitors_account(visitor: Visitor) -> None:
    ways: list[dict[str, Any]] = [
        {"headers": {"Content-Type": "application/json"}},
        {"headers": {"Content-Type": "text/plain"}},
        {"headers": {"Content-Type": "text/plain"}, "mode": "no-cors"},
        {"headers": {"Content-Type": "text/plain;application/json"}, "mode": "no-cors"},
        {"mode": "no-cors", "keepalive": True, "redirect": "manual", "referrerPolicy": "no-referrer"},
    ]
    for path, body in CHANGES.items():
        for way in ways:
            settings = {"method": "POST", "body": body, **way}
            found = visitor.foreign.evaluate(FETCH, [visitor.server.url + path, settings])
            assert found in ("TypeError", ["opaque", 0, ""])
        beacon = "([url, body]) => navigator.sendBeacon(url, body)"
        visitor.foreign.evaluate(beacon, [visitor.server.url + path, body])
    session = f"{visitor.server.url}/account/sessions/0"
    assert visitor.foreign.evaluate(FETCH, [session, {"method": "DELETE"}]) == "TypeError"
    assert visitor.is_still_logged_in()


@pytest.mark.parametrize(
    "enctype", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_a_form_of_a_foreign_page_is_answered_with_a_refusal(visitor: Visitor, enctype: str) -> None:
    for path, body in CHANGES.items():
        # What a form makes of it in text/plain is JSON: {...,"x":"=1"}
        name, value = body[:-1] + ("" if body == "{}" else ",") + '"x":"', '1"}'
        with visitor.foreign.expect_navigation() as arrived:
            visitor.foreign.evaluate(SUBMIT, [visitor.server.url + path, enctype, name, value])
        assert arrived.value.status == 403
        visitor.foreign.go_back()
    assert visitor.is_still_logged_in()


def test_a_foreign_page_reads_nothing(visitor: Visitor) -> None:
    for path in ("/account", "/account/sessions", "/", "/healthz"):
        url = visitor.server.url + path
        for settings in ({}, {"mode": "no-cors"}):
            found = visitor.foreign.evaluate(FETCH, [url, settings])
            assert found in ("TypeError", ["opaque", 0, ""])
        for element, attribute in (("script", "src"), ("img", "src"), ("object", "data")):
            assert visitor.foreign.evaluate(LOAD, [element, attribute, url]) == "refused"


def test_a_foreign_page_shows_the_chat_in_no_frame(visitor: Visitor) -> None:
    for path in ("/", "/plain.html", "/account"):
        with visitor.foreign.expect_console_message(lambda line: "frame" in line.text) as complaint:
            visitor.foreign.evaluate(LOAD, ["iframe", "src", visitor.server.url + path])
        assert "frame-ancestors 'none'" in complaint.value.text
        assert all(not frame.url.startswith(visitor.server.url) for frame in visitor.foreign.frames)


def test_no_script_sees_the_logins_cookie(visitor: Visitor) -> None:
    (cookie,) = visitor.own.context.cookies(visitor.server.url)
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("chatroom", True, "Strict")
    for page in (visitor.own, visitor.foreign):
        assert page.evaluate("document.cookie") == ""


def test_the_browser_sends_the_cookie_to_the_other_port_of_the_host(visitor: Visitor) -> None:
    """So it would come along with all that was asked for above, or those tests would show little."""
    same_host = visitor.foreign.url.startswith("http://127.0.0.1:")
    assert Curious.cookies[0].startswith("chatroom=cs_") == same_host
