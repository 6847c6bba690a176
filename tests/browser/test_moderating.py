"""Keeping the peace: what moderators do, and what it is like for whom they do it to."""

from __future__ import annotations

import re

import pytest

from .browser_tab import OpenTab, Tab, expect
from .live_server import Server


@pytest.fixture
def owner(server: Server, open_tab: OpenTab) -> Tab:
    return open_tab(server).sign_up(server.owner_link(), "Olga")


@pytest.fixture
def ana(server: Server, open_tab: OpenTab, owner: Tab) -> Tab:
    ana = open_tab(server).enter("Ana")
    expect(owner.people).to_have_text(["Olga", "Ana"])
    return ana


def test_who_is_removed_is_told_why_and_may_come_back(owner: Tab, ana: Tab) -> None:
    ana.say("hello")
    owner.about("Ana", "Remove from room…")
    owner.answer("Remove", Reason="a little pause")
    expect(ana.closed).to_have_text("You were removed from this room by Olga: a little pause")
    expect(ana.box).to_be_hidden()
    ana.connected()
    expect(owner.people).to_have_text(["Olga"])
    expect(owner.happened).to_have_text("Ana was removed by Olga: a little pause")
    ana.page.get_by_role("button", name="Reconnect").click()
    ana.connected()
    expect(ana.closed).to_be_visible()  # nobody is brought back by a bad connection
    ana.page.get_by_role("button", name="Come back").click()
    expect(owner.people).to_have_text(["Olga", "Ana"])
    ana.say("hello again")
    owner.shows("hello", "hello again")


def test_who_is_removed_elsewhere_hears_of_it(owner: Tab, ana: Tab) -> None:
    owner.make_room("Garden")
    ana.page.goto(f"{ana.url}/#garden")
    ana.is_in("Garden")
    ana.listed("lobby").click()
    owner.about("Ana", "Remove from room…")
    owner.answer("Remove")
    expect(ana.toast).to_have_text("Garden: You were removed from this room by Olga.")
    expect(ana.page.locator("#your-rooms li")).to_have_count(1)
    ana.is_in("lobby")


def test_who_is_muted_reads_along_until_it_is_undone(owner: Tab, ana: Tab) -> None:
    ana.box.fill("half a")
    owner.about("Ana", "Mute…")
    owner.answer("Mute", Reason="too loud")
    expect(ana.closed).to_have_text(re.compile(r"You are muted until .+: too loud"))
    owner.say("listen")
    ana.shows("listen")
    ana.page.reload()
    expect(ana.closed).to_contain_text("You are muted until")
    owner.message("was muted").get_by_role("button", name="Undo").click()
    expect(owner.happened.last).to_have_text("Olga lets Ana speak again.")
    expect(ana.closed).to_be_hidden()
    ana.say("whisper")
    owner.shows("listen", "whisper")


def test_who_is_muted_on_the_whole_server_hears_of_it_when_writing(owner: Tab, ana: Tab) -> None:
    owner.about("Ana", "Mute…")
    owner.dialog.get_by_text("For good").click()
    owner.dialog.get_by_text("On the whole server").click()
    owner.answer("Mute", Reason="enough")
    expect(owner.dialog).to_have_count(0)
    ana.box.press_sequentially("h")
    expect(ana.closed).to_have_text("You are muted: enough")


def test_who_is_banned_from_a_room_is_out_and_stays_out(owner: Tab, ana: Tab) -> None:
    for text in ("buy", "my", "things"):
        ana.say(text)
    owner.shows("buy", "my", "things")
    owner.about_message("things", "Ban…")
    owner.dialog.get_by_label("Delete their messages, too").check()
    owner.answer("Ban", Reason="selling")
    expect(ana.closed).to_have_text(re.compile(r"banned from this room by Olga until .*: selling"))
    expect(ana.page.get_by_role("button", name="Come back")).to_be_hidden()
    expect(owner.message("Message deleted")).to_have_count(3)
    ana.page.reload()
    expect(ana.page.locator("#banner")).to_contain_text("You are banned from lobby: selling. (Until")
    owner.message("was banned").get_by_role("button", name="Undo").click()
    expect(owner.happened.last).to_have_text("Olga lets Ana in again.")
    ana.page.reload()
    ana.say("sorry")
    owner.shows("sorry")


def test_who_is_banned_from_the_server_is_told_and_does_not_come_back(owner: Tab, ana: Tab) -> None:
    owner.about("Ana", "Ban…")
    owner.dialog.get_by_text("1 day").click()
    owner.dialog.get_by_text("On the whole server").click()
    owner.answer("Ban", Reason="spam")
    banner = ana.page.locator("#banner")
    expect(banner).to_contain_text("You are banned from this server: spam")
    ana.state_is("Not let in")
    expect(owner.people).to_have_text(["Olga"])
    tries: list[str] = []
    ana.page.on("websocket", lambda socket: tries.append(socket.url))
    ana.page.get_by_role("button", name="Connect", exact=True).click()
    expect(banner).to_contain_text("You are banned from this server: spam")
    ana.state_is("Not let in")
    assert len(tries) == 1


def test_a_report_leads_to_the_message_and_its_end(
    server: Server, open_tab: OpenTab, owner: Tab, ana: Tab
) -> None:
    bea = open_tab(server).enter("Bea", room="garden")
    bea.say("fine")
    bea.say("rude words")
    ana.page.goto(f"{ana.url}/#garden")
    ana.shows("fine", "rude words")
    ana.about_message("rude words", "Report message…")
    ana.answer("Report", What_is_wrong_with_it="not nice")
    expect(ana.toast).to_have_text("The moderators are told.")

    owner.page.reload()
    owner.known_as("Olga")
    expect(owner.page.locator("#open-reports")).to_have_text("1")
    owner.page.locator("#moderation").click()
    report = owner.dialog.locator(".reports li")
    expect(report).to_contain_text("Ana reported in garden")
    expect(report.locator("blockquote")).to_have_text("Bea rude words")
    expect(report).to_contain_text("not nice")
    report.get_by_role("button", name="Show").click()
    owner.is_in("garden")
    expect(owner.message("rude words")).to_be_focused()

    owner.page.locator("#moderation").click()
    report.get_by_role("button", name="Delete").click()
    expect(owner.dialog).to_contain_text("Nothing is waiting")
    expect(owner.page.locator("#open-reports")).to_be_hidden()
    for tab in (ana, bea):
        tab.shows("fine")
        expect(tab.message("Message deleted")).to_have_count(1)
    owner.dialog.get_by_role("tab", name="Audit log").click()
    expect(owner.dialog.locator(".deeds li")).to_contain_text(["Olga closed report"])


def test_a_moderator_deletes_what_others_say_and_a_member_does_not(
    server: Server, open_tab: OpenTab, owner: Tab, ana: Tab
) -> None:
    bea = open_tab(server).enter("Bea")
    ana.say("one")
    bea.message("one").hover()
    bea.message("one").get_by_role("button", name="More").click()
    expect(bea.page.get_by_role("menuitem")).to_have_text(["Write to Ana", "Report message…"])
    bea.page.keyboard.press("Escape")
    owner.about("Bea", "Make moderator")
    expect(bea.happened).to_have_text("Olga made you a moderator.")
    bea.about_message("one", "Delete message…")
    bea.answer("Delete")
    for tab in (owner, ana, bea):
        expect(tab.message("Message deleted")).to_have_count(1)


def test_every_control_of_every_dialog_has_a_name(owner: Tab, ana: Tab) -> None:
    ana.say("hello")
    owner.shows("hello")
    opened = [
        lambda: owner.account("Invite people…"),
        lambda: owner.account("Devices…"),
        lambda: owner.account("Change password…"),
        lambda: owner.account("Delete account…"),
        lambda: owner.room_menu("Room settings…"),
        lambda: owner.room_menu("Invite somebody…"),
        lambda: owner.about("Ana", "Write to Ana"),
        lambda: owner.about("Ana", "Mute…"),
        lambda: owner.about("Ana", "Ban…"),
        lambda: owner.about("Ana", "Remove from room…"),
        lambda: owner.about_message("hello", "Report message…"),
        lambda: owner.about_message("hello", "Delete message…"),
        lambda: owner.page.get_by_role("button", name="Make a room").click(),
        lambda: owner.page.get_by_role("button", name="Write to somebody").click(),
        lambda: owner.page.locator("#moderation").click(),
    ]
    for open_dialog in opened:
        open_dialog()
        expect(owner.dialog).to_have_accessible_name(re.compile(r"\w"))
        for control in owner.dialog.locator("button, input, textarea, select").all():
            if control.is_visible():
                expect(control).to_have_accessible_name(re.compile(r"\w"))
        owner.page.keyboard.press("Escape")
        expect(owner.dialog).to_have_count(0)


def test_menus_by_keyboard(owner: Tab, ana: Tab) -> None:
    person = owner.page.locator("#members").get_by_role("button", name="Ana")
    person.focus()
    owner.page.keyboard.press("Enter")
    expect(person).to_have_attribute("aria-expanded", "true")
    expect(owner.page.get_by_role("menuitem", name="Write to Ana")).to_be_focused()
    owner.page.keyboard.press("ArrowUp")
    expect(owner.page.get_by_role("menuitem", name="Ban…")).to_be_focused()
    owner.page.keyboard.press("ArrowDown")
    owner.page.keyboard.press("Escape")
    expect(owner.page.get_by_role("menu")).to_have_count(0)
    expect(person).to_be_focused()
    expect(person).to_have_attribute("aria-expanded", "false")
    owner.page.keyboard.press("Enter")
    owner.page.keyboard.press("Enter")
    expect(owner.dialog.get_by_label("Message")).to_be_focused()
    owner.page.keyboard.type("hello")
    owner.page.keyboard.press("Control+Enter")
    owner.is_in("Ana")
