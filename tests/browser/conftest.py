"""A real server, a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatroom.certificate import write_own

from .live_server import Server, free_port


# Not for the session: while playwright runs, an event loop does too, which other tests make of
# their own.
@pytest.fixture(scope="module")
def browser() -> Iterator:
    # Not at the top: a conftest that cannot be imported would take along the tests that need none.
    from playwright.sync_api import sync_playwright

    from .browser_tab import launch

    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    address = f"tcp:{port}:interface=127.0.0.1"
    yield from running(Server(tmp_path, address, port, f"http://127.0.0.1:{port}"))


@pytest.fixture
def tls_server(tmp_path: Path) -> Iterator[Server]:
    port = free_port()
    key = write_own(tmp_path / "key.pem", "127.0.0.1")
    address = f"ssl:{port}:privateKey={key}:interface=127.0.0.1"
    yield from running(Server(tmp_path, address, port, f"https://127.0.0.1:{port}"))


def running(server: Server) -> Iterator[Server]:
    server.start()
    yield server
    server.stop()


@pytest.fixture
def open_tab(browser) -> Iterator:
    """Opens a tab of a person of their own, or one more of the person of another tab."""
    from .browser_tab import Tab

    contexts = []
    tabs = []

    def open_tab(server: Server, beside: Tab | None = None, **settings) -> Tab:
        if beside is None:
            contexts.append(browser.new_context(ignore_https_errors=True, **settings))
        context = beside.page.context if beside else contexts[-1]
        tabs.append(Tab(context.new_page(), server.url))
        return tabs[-1]

    yield open_tab
    complaints = [complaint for tab in tabs for complaint in tab.complaints]
    for context in contexts:
        context.close()
    assert complaints == [], "the browser complained"
