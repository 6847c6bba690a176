"""The page behind a proxy that lets no WebSocket through: it talks and hears all the same."""

from collections.abc import Iterator
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
