"""What people put under messages, and who is a bot."""

import json
from urllib.request import Request, urlopen

from .browser_tab import OpenTab, Tab, expect
from .live_server import Server


def under(tab: Tab, text: str):
    """What is under a message."""
    return tab.message(text).locator(".reactions button")


def test_a_reaction_by_keyboard_is_seen_by_all_and_joined_by_a_click(
    server: Server, open_tab: OpenTab
) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    ana.say("tea?")
    bea.shows("tea?")
    bea.page.get_by_role("log").focus()
    press = bea.page.keyboard.press
    press("ArrowUp")
    press("Tab")  # the author's name is no stop
    expect(bea.page.get_by_role("button", name="React", exact=True)).to_be_focused()
    press("Enter")
    expect(bea.page.get_by_role("menuitemcheckbox", name="Thumbs up")).to_be_focused()
    for key in ("ArrowDown", "ArrowUp", "ArrowRight", "ArrowLeft", "ArrowRight"):
        press(key)
    expect(bea.page.get_by_role("menuitemcheckbox", name="Heart")).to_be_focused()
    press("Enter")

    expect(under(ana, "tea?")).to_have_accessible_name("❤️ 1: Bea")
    expect(under(bea, "tea?")).to_have_accessible_name("❤️ 1: You")
    expect(bea.page.get_by_role("button", name="React", exact=True)).to_be_focused()
    under(ana, "tea?").click()
    expect(under(ana, "tea?")).to_be_focused()
    expect(under(ana, "tea?")).to_have_attribute("aria-pressed", "true")
    carl = open_tab(server).enter("Carl")  # reads it from the log
    expect(under(carl, "tea?")).to_have_accessible_name("❤️ 2: Bea and Ana")
    expect(under(carl, "tea?")).to_have_attribute("title", "Bea and Ana")

    under(bea, "tea?").click()
    expect(under(carl, "tea?")).to_have_accessible_name("❤️ 1: Ana")
    under(ana, "tea?").click()
    for tab in (ana, bea, carl):
        expect(under(tab, "tea?")).to_have_count(0)


def test_a_bots_message_says_that_it_is_one(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    key = server.command("key", "add", "alerts", "--can", "publish:lobby")
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = json.dumps({"text": "disk full"}).encode()
    urlopen(Request(f"{server.url}/api/v1/rooms/lobby/messages", body, headers), timeout=20).close()
    ana.say("on it")
    ana.shows("disk full", "on it")
    expect(ana.message("disk full").locator(".byline")).to_contain_text("alertsbot")
    expect(ana.page.locator(".byline .kind")).to_have_count(1)
