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

PASSWORD = "correct horse battery"

INVITE = """
async (invitation) => (await fetch("account/invitations", {
    method: "POST",
    headers: {"Content-Type": "application/json"},
    body: JSON.stringify(invitation),
})).json()
"""

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

    def sign_up(self, link: str, name: str, password: str = PASSWORD) -> "Tab":
        """By an invitation's link."""
        self.page.goto(link)
        self.page.get_by_label("Name", exact=True).fill(name)
        self.page.get_by_label("New password").fill(password)
        self.page.locator("#signup-form").get_by_role("button", name="Make account").click()
        return self.known_as(name)

    def log_in(self, name: str, password: str = PASSWORD) -> "Tab":
        """At the entrance, wherever it is opened."""
        if not self.page.get_by_label("Account name").is_visible():
            self.page.get_by_role("button", name="Log in with an account").click()
        self.page.get_by_label("Account name").fill(name)
        self.page.get_by_label("Password", exact=True).fill(password)
        self.page.get_by_label("Password", exact=True).press("Enter")
        return self

    def known_as(self, name: str) -> "Tab":
        expect(self.page.locator("#my-name")).to_have_text(name)
        self.connected()
        return self

    def choose(self, item: str) -> None:
        """In the menu that is open."""
        self.page.get_by_role("menuitem", name=item).click()

    def account(self, item: str) -> None:
        self.page.get_by_role("button", name="Account").click()
        self.choose(item)

    def room_menu(self, item: str) -> None:
        self.page.locator("#room-menu").click()
        self.choose(item)

    def about(self, person: str, item: str) -> None:
        """In the menu of somebody who is here."""
        self.page.locator("#members").get_by_role("button", name=person).click()
        self.choose(item)

    def about_message(self, text: str, item: str) -> None:
        self.message(text).hover()
        self.message(text).get_by_role("button", name="More").click()
        self.choose(item)

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    def answer(self, button: str, **fields: str) -> None:
        """Fill the dialog that is open in, and press its button."""
        for label, value in fields.items():
            self.dialog.get_by_label(label.replace("_", " ")).fill(value)
        self.dialog.get_by_role("button", name=button, exact=True).click()

    def make_room(self, name: str, kind: str = "Public") -> None:
        self.page.get_by_role("button", name="Make a room").click()
        self.dialog.get_by_text(kind, exact=True).click()
        self.answer("Make room", Name=name)
        self.is_in(name)

    def is_in(self, room: str) -> None:
        expect(self.page.get_by_role("heading", name=room, exact=True)).to_be_visible()

    def listed(self, room: str) -> Locator:
        """A room's line in the list."""
        return self.page.locator("#rooms").get_by_role("link", name=room)

    @property
    def happened(self) -> Locator:
        """What happened, between what was said."""
        return self.page.locator("#messages .line")

    @property
    def closed(self) -> Locator:
        """Why one cannot write."""
        return self.page.locator("#closed-words")

    @property
    def toast(self) -> Locator:
        return self.page.locator("#toast")

    def invitation(self, uses: int = 10) -> str:
        """A link that lets others make accounts."""
        return str(self.page.evaluate(INVITE, {"uses": uses})["link"])

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
