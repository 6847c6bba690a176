"""A browser's tab, and what somebody does in it.

Whoever imports this needs a browser: without playwright it skips them, or under
CHATROOM_REQUIRE_ALL fails them.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

if not os.environ.get("CHATROOM_REQUIRE_ALL"):
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Playwright, expect

__all__ = ["OpenTab", "Tab", "expect", "launch"]

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

expect.set_options(timeout=20_000)


def launch(playwright: Playwright) -> Browser:
    if not CHROMIUM.exists():
        reason = f"there is no {CHROMIUM}"
        if os.environ.get("CHATROOM_REQUIRE_ALL"):
            pytest.fail(reason)
        pytest.skip(reason)
    return playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


class Tab:
    """A browser's tab, and what somebody does in it."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: ConsoleMessage) -> None:
        # That a connection to a killed server fails is the browser's to say and ours to expect.
        network = "WebSocket connection to" in message.text or "net::ERR_" in message.text
        if message.type in ("error", "warning") and not network:
            self.complaints.append(message.text)

    def enter(self, name: str, room: str = "") -> "Tab":
        self.page.goto(f"{self.url}/{'#' + room if room else ''}")
        self.page.get_by_label("Your name", exact=True).fill(name)
        self.page.get_by_label("Your name", exact=True).press("Enter")
        self.connected()
        return self

    def connected(self) -> None:
        self.state_is("Connected")

    def state_is(self, words: str) -> None:
        expect(self.page.locator("#state-words")).to_have_text(words)

    def state_is_not(self, words: str) -> None:
        expect(self.page.locator("#state-words")).not_to_have_text(words)

    def say(self, text: str) -> None:
        self.box.fill(text)
        self.box.press("Enter")

    def say_at_once(self, texts: list[str]) -> None:
        """Faster than anybody types: all in one turn of the page."""
        self.page.evaluate(
            """(texts) => {
                const box = document.getElementById("text");
                for (const text of texts) {
                    box.value = text;
                    box.dispatchEvent(new Event("input"));
                    box.form.requestSubmit();
                }
            }""",
            texts,
        )

    @property
    def box(self) -> Locator:
        return self.page.get_by_label("Message", exact=True)

    @property
    def messages(self) -> Locator:
        """What has been acknowledged, or came from others."""
        return self.page.locator("#messages > li:not(.unsent) .text")

    @property
    def unsent(self) -> Locator:
        return self.page.locator("#messages > li.unsent")

    def message(self, text: str) -> Locator:
        return self.page.locator("#messages > li").filter(has_text=text)

    @property
    def people(self) -> Locator:
        return self.page.locator("#members .name")

    def shows(self, *texts: str) -> None:
        """Exactly these, in this order."""
        expect(self.messages).to_have_text(list(texts))


OpenTab = Callable[..., Tab]
