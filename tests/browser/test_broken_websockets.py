"""The page behind a proxy that lets no WebSocket through: it talks and hears all the same."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from .breaking_proxy import BreakingProxy
from .browser_tab import OpenTab, expect
from .live_server import Server
from .test_survival import arrived_once_and_in_order, kill_in_a_burst


@pytest.fixture
def proxy(server: Server) -> Iterator[BreakingProxy]:
    proxy = BreakingProxy(urlsplit(server.url).port)
    yield proxy
    proxy.close()


def test_it_chats_both_ways_and_a_crash_loses_and_doubles_nothing(
    server: Server, proxy: BreakingProxy, open_tab: OpenTab
) -> None:
    ana = open_tab(proxy).enter("Ana")
    bea = open_tab(server).enter("Bea")
    assert proxy.refused >= 2
    ana.say("hello")
    bea.shows("hello")
    bea.say("hi")
    ana.shows("hello", "hi")
    refused = proxy.refused
    kill_in_a_burst(server, ana, bea)
    server.start()
    arrived_once_and_in_order(ana, bea, before=["hello", "hi"])
    assert proxy.refused == refused, "it keeps to the way that works"


def test_a_login_counts_there_too(server: Server, proxy: BreakingProxy, open_tab: OpenTab) -> None:
    ana = open_tab(proxy).sign_up(server.owner_link().replace(server.url, proxy.url), "Ana")
    ana.say("I own this")
    ana.shows("I own this")
    ana.page.reload()
    ana.known_as("Ana")
    expect(ana.page.get_by_role("button", name="Account")).to_be_visible()
    assert proxy.refused >= 4


def test_the_browsers_own_event_source_comes_back_and_misses_nothing(
    server: Server, open_tab: OpenTab
) -> None:
    page = (Path(__file__).parents[2] / "docs/events.md").read_text()
    (code,) = re.findall(r"```js\n(.*?)```", page, re.DOTALL)
    tab = open_tab(server).enter("Ana", "ops")
    heard: list[str] = []
    tab.page.on("console", lambda line: heard.append(line.text) if line.type == "log" else None)
    tab.page.evaluate(
        f"() => {{ {code.replace('https://chat.example.org', server.url)} window.events = events; }}"
    )
    tab.page.wait_for_function("events.readyState === EventSource.OPEN")
    tab.say("before")
    tab.shows("before")
    server.kill()
    server.start()
    tab.connected()
    tab.say("after")
    tab.shows("before", "after")
    tab.page.wait_for_function("events.readyState === EventSource.OPEN")
    tab.say("later")
    while "Ana: later" not in heard:
        tab.page.wait_for_timeout(50)
    assert heard == ["Ana: before", "Ana: after", "Ana: later"]
