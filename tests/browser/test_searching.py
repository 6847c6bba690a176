"""Finding what was said, and going there."""

from __future__ import annotations

from .browser_tab import OpenTab, Tab, expect
from .live_server import Server


def found(tab: Tab) -> list[str]:
    return tab.page.locator("#found .words").all_text_contents()


def test_what_was_said_is_found_and_shown(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    ana.say_at_once(["Tea at five", *(f"line {number}" for number in range(200)), "no more tea"])
    expect(ana.unsent).to_have_count(0)
    expect(ana.messages.last).to_have_text("no more tea")

    bea = open_tab(server).enter("Bea", "garden")
    bea.say("tea in the garden")
    bea.shows("tea in the garden")
    bea.page.keyboard.press("Control+k")
    words = bea.dialog.get_by_label("Words to look for")
    words.press_sequentially("TEA")
    expect(bea.page.locator("#found mark")).to_have_text(["tea"])
    bea.dialog.get_by_label("In all rooms that I may read").check()
    expect(bea.page.locator("#found mark")).to_have_text(["tea", "tea", "Tea"])
    assert found(bea) == ["tea in the garden", "no more tea", "Tea at five"]

    words.press("ArrowDown")
    bea.page.keyboard.press("ArrowDown")
    bea.page.keyboard.press("ArrowDown")
    bea.page.keyboard.press("Enter")
    bea.is_in("lobby")
    expect(bea.dialog).to_have_count(0)
    expect(bea.message("Tea at five")).to_be_focused()
    expect(bea.message("Tea at five")).to_be_in_viewport()


def test_where_nothing_is_found_that_is_said(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    ana.page.get_by_role("button", name="Search", exact=True).click()
    ana.dialog.get_by_label("Words to look for").fill("biscuits")
    expect(ana.dialog).to_contain_text("Nothing was found.")
    server.kill()
    ana.state_is_not("Connected")
    ana.dialog.get_by_label("Words to look for").fill("tea")
    expect(ana.dialog).to_contain_text("There is no connection to the server just now.")
    ana.page.keyboard.press("Escape")
    expect(ana.dialog).to_have_count(0)
    expect(ana.page.get_by_role("button", name="Search", exact=True)).to_be_focused()
