"""The README's examples do what it says, in a page of another site."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from .live_server import Server

README = (Path(__file__).parents[2] / "README.md").read_text()


def example(language: str) -> str:
    """The README's one example in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return found


class Quiet(SimpleHTTPRequestHandler):
    """A web server that logs nothing."""

    def log_message(self, *_line: object) -> None:
        pass


@pytest.fixture
def other_site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and the address of the web site that serves it."""
    folder = tmp_path / "site"
    folder.mkdir()
    site = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=site.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{site.server_port}"
    site.shutdown()
    thread.join()
    site.server_close()


def said_in(browser, url: str, begun) -> str:
    """What a page writes to the console first, once `begun` has been done."""
    page = browser.new_page()
    try:
        with page.expect_console_message(lambda line: "hello" in line.text, timeout=30_000) as heard:
            page.goto(url)
            begun(page)
        return str(heard.value.text)
    finally:
        page.close()


def test_three_lines_make_another_sites_page_live(browser, server: Server, other_site, open_tab) -> None:
    folder, address = other_site
    server.stop()
    server.start("--origin", address)
    script = example("html").replace("localhost:9000", server.url.removeprefix("http://"))
    (folder / "index.html").write_text(f"<!doctype html><title>Mine</title>{script}")

    def say_hello(_page) -> None:
        tab = open_tab(server)
        tab.enter("Ana")
        tab.say("hello from the chat")

    assert said_in(browser, address, say_hello) == "Ana hello from the chat"


def test_a_bare_websocket_is_in_the_room(browser, server: Server, other_site) -> None:
    folder, address = other_site
    server.stop()
    server.start("--origin", address)
    code = example("js").replace("localhost:9000", server.url.removeprefix("http://"))
    (folder / "index.html").write_text(f"<!doctype html><title>Bare</title><script>{code}</script>")
    other = browser.new_page()
    try:
        # Each says hello when it comes; who is there already hears it.
        assert said_in(browser, address, lambda _page: other.goto(address)) == "hello"
    finally:
        other.close()


def test_the_python_example_is_the_one_in_examples() -> None:
    assert example("python").strip() in (Path(__file__).parents[2] / "examples/sala.py").read_text()
