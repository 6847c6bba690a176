"""What the Content-Security-Policy stops, in a real browser: what a hole in the page would let in."""

from __future__ import annotations

import socket

import pytest

from .browser_tab import OpenTab, Tab, expect
from .live_server import Server

ATTACK = "<script>window.taken = 1</script><img src=x onerror='window.taken = 1'>"

INJECT = """
(html) => new Promise((resolve) => {
    const found = [];
    document.addEventListener("securitypolicyviolation", (event) => {
        found.push(event.effectiveDirective);
        if (found.length === 2) resolve(found);
    });
    const fragment = document.createRange().createContextualFragment(html);
    document.querySelector("#messages > li .text").append(fragment);
})
"""
"""Puts HTML into the page so that its scripts run, were they let: what a hole in the page would do."""

CONNECT = """
(url) => new Promise((resolve) => {
    document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective));
    try {
        const socket = new WebSocket(url);
        socket.onopen = () => resolve("open");
        socket.onerror = () => setTimeout(resolve, 5000, "failed");
    } catch (error) {
        resolve(error.name);
    }
})
"""

LOG_OUT = """
async () => {
    const headers = {"Content-Type": "application/json"};
    return (await fetch("account/logout", {method: "POST", headers, body: "{}"})).status;
}
"""


def forgive(tab: Tab, *words: str) -> None:
    """The browser's own complaints are about what it stopped, and about nothing else."""
    for complaint in tab.complaints:
        assert any(word in complaint for word in words), complaint
    tab.complaints.clear()


def test_an_inline_script_in_a_message_is_text_and_would_not_run_if_it_were_not(
    server: Server, open_tab: OpenTab
) -> None:
    tab = open_tab(server).enter("Ana")
    tab.say(ATTACK)
    tab.shows(ATTACK)
    assert tab.page.locator("#messages .text script, #messages .text img").count() == 0
    violations = tab.page.evaluate(INJECT, ATTACK)
    assert sorted(violations) == ["script-src-attr", "script-src-elem"]
    expect(tab.page.locator("#messages .text script")).to_have_count(1)
    assert tab.page.evaluate("window.taken") is None
    forgive(tab, "Content Security Policy", "404")


def test_a_page_connects_to_its_own_server_and_to_no_other(server: Server, open_tab: OpenTab) -> None:
    tab = open_tab(server).enter("Ana")
    own = server.url.replace("http", "ws", 1)
    assert tab.page.evaluate(CONNECT, f"{own}/ws") == "open"
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        for host in ("127.0.0.1", "localhost"):
            foreign = f"ws://{host}:{elsewhere.getsockname()[1]}/"
            assert tab.page.evaluate(CONNECT, foreign) == "connect-src"
        elsewhere.setblocking(False)
        try:
            elsewhere.accept()
        except BlockingIOError:
            pass
        else:
            raise AssertionError("the browser has connected all the same")
    tab.connected()
    forgive(tab, "Content Security Policy")


@pytest.mark.parametrize("which", ["server", "tls_server"])
def test_a_browser_says_that_the_page_is_the_servers_own(
    which: str, request: pytest.FixtureRequest, open_tab: OpenTab
) -> None:
    tab = open_tab(request.getfixturevalue(which)).enter("Ana")
    assert tab.page.evaluate(LOG_OUT) == 204


def test_the_policy_is_kept_with_the_page_that_the_browser_asks_for_again(
    server: Server, open_tab: OpenTab
) -> None:
    tab = open_tab(server).enter("Ana")
    with tab.page.expect_response(lambda response: response.url == f"{server.url}/") as reloaded:
        tab.page.reload()
    assert "connect-src 'self'" in reloaded.value.headers["content-security-policy"]
    tab.connected()
    tab.say("still here")
    tab.shows("still here")
