"""Rooms of all kinds, and messages to one person."""

from __future__ import annotations

import re

import pytest

from .browser_tab import OpenTab, Tab, expect
from .live_server import Server


@pytest.fixture
def owner(server: Server, open_tab: OpenTab) -> Tab:
    return open_tab(server).sign_up(server.owner_link(), "Olga")


def test_a_private_room_appears_for_who_is_invited_and_for_nobody_else(
    server: Server, open_tab: OpenTab, owner: Tab
) -> None:
    bea = open_tab(server).sign_up(owner.invitation(), "Bea")
    ana = open_tab(server).enter("Ana")
    owner.make_room("Team plans", "Private")
    assert "#~team-plans-" in owner.page.url.replace("%7E", "~")
    owner.say("first")
    owner.shows("first")
    owner.room_menu("Invite somebody…")
    owner.answer("Invite", Their_name="Zoe")
    expect(owner.dialog).to_contain_text("Nobody here is called Zoe.")
    owner.answer("Invite", Their_name="Bea")
    expect(owner.happened).to_have_text("Bea was invited by Olga.")

    bea.listed("Team plans").click()
    bea.is_in("Team plans")
    bea.shows("first")
    expect(bea.happened).to_have_text("You were invited by Olga.")
    bea.say("I am in")
    owner.shows("first", "I am in")
    expect(ana.listed("Team plans")).to_have_count(0)
    ana.page.goto(owner.page.url)
    expect(ana.page.locator("#room-error")).to_contain_text("There is no such room.")
    ana.is_in("lobby")


def test_a_link_leads_into_a_private_room(server: Server, open_tab: OpenTab, owner: Tab) -> None:
    owner.make_room("Plans", "Private")
    owner.room_menu("Invitation link…")
    owner.answer("Make link")
    link = owner.dialog.get_by_label("Invitation link", exact=True).last.input_value()
    bea = open_tab(server).sign_up(link, "Bea")
    bea.listed("Plans").click()
    bea.is_in("Plans")


def test_what_a_room_is_called_and_about(server: Server, open_tab: OpenTab, owner: Tab) -> None:
    bea = open_tab(server).enter("Bea")
    owner.room_menu("Room settings…")
    owner.answer("Save", Title="The hall", Topic="Tea, mostly")
    for tab in (owner, bea):
        tab.is_in("The hall")
        expect(tab.page.locator("#room-topic")).to_have_text("Tea, mostly")
        expect(tab.listed("The hall")).to_be_visible()
        expect(tab.happened).to_have_text("Olga named the room “The hall”. The topic is now “Tea, mostly”.")
    bea.page.reload()
    bea.is_in("The hall")
    expect(bea.page.locator("#room-menu")).to_be_disabled()


def test_slow_mode_counts_down(server: Server, open_tab: OpenTab, owner: Tab) -> None:
    bea = open_tab(server).enter("Bea")
    owner.room_menu("Room settings…")
    owner.dialog.get_by_label("Slow mode").select_option("One message every 10 seconds")
    owner.answer("Save")
    expect(bea.happened).to_have_text("Slow mode: one message every 10 s.")
    bea.say("one")
    wait = bea.page.locator("#wait")
    expect(wait).to_have_text(re.compile(r"Slow mode: next message in \d+ s"))
    bea.box.fill("two")
    bea.box.press("Enter")
    expect(bea.page.get_by_role("button", name="Send")).to_be_disabled()
    expect(bea.box).to_have_value("two")
    expect(wait).to_have_text("")
    bea.box.press("Enter")
    owner.shows("one", "two")
    for text in ("for", "moderators", "there is none"):
        owner.say(text)
    owner.shows("one", "two", "for", "moderators", "there is none")
    expect(owner.page.locator("#wait")).to_have_text("")


def test_announcements_are_read_along(server: Server, open_tab: OpenTab, owner: Tab) -> None:
    owner.make_room("News", "Announcements")
    owner.say("the first")
    bea = open_tab(server).enter("Bea", room="news")
    bea.shows("the first")
    expect(bea.closed).to_contain_text("Only moderators write in this room")
    expect(bea.box).to_be_hidden()
    owner.about("Bea", "Make moderator")
    expect(bea.happened).to_have_text("Olga made you a moderator.")
    bea.say("the second")
    owner.shows("the first", "the second")


def test_the_room_one_makes_is_ones_own_and_its_name_is_taken(
    server: Server, open_tab: OpenTab, owner: Tab
) -> None:
    bea = open_tab(server).sign_up(owner.invitation(), "Bea")
    bea.make_room("Garden")
    bea.page.get_by_role("button", name="Make a room").click()
    bea.answer("Make room", Name="garden")
    expect(bea.dialog).to_contain_text("There is a room garden.")
    bea.page.keyboard.press("Escape")
    ana = open_tab(server).enter("Ana", room="garden")
    bea.about("Ana", "Remove from room…")
    bea.answer("Remove", Reason="only to try")
    expect(ana.closed).to_contain_text("only to try")


def test_writing_to_somebody_who_is_here(server: Server, open_tab: OpenTab, owner: Tab) -> None:
    ana = open_tab(server).enter("Ana")
    owner.about("Ana", "Write to Ana")
    owner.answer("Send", Message="just to you")
    owner.is_in("Ana")
    owner.shows("just to you")
    letter = ana.listed("Olga")
    expect(letter.locator(".badge")).to_have_text("1")
    letter.click()
    ana.is_in("Olga")
    ana.shows("just to you")
    expect(ana.page.locator("#room-count")).to_have_text("Only the two of you")
    ana.say("and back")
    owner.shows("just to you", "and back")
    ana.listed("lobby").click()
    ana.about("Olga", "Write to Olga")
    ana.is_in("Olga")

    ana.listed("Olga").hover()
    ana.page.get_by_role("button", name="Put away Olga").click()
    expect(ana.listed("Olga")).to_have_count(0)
    owner.say("still there?")
    expect(ana.listed("Olga").locator(".badge")).to_have_text("1")


def test_writing_to_somebody_who_is_away(server: Server, open_tab: OpenTab, owner: Tab) -> None:
    bea = open_tab(server).sign_up(owner.invitation(), "Bea")
    bea.account("Log out")
    expect(bea.page.locator("#entrance-note")).to_have_text("You are logged out.")
    owner.page.get_by_role("button", name="Write to somebody").click()
    owner.answer("Send", To="Bee", Message="when you are back")
    expect(owner.dialog).to_contain_text("Nobody here is called Bee.")
    owner.answer("Send", To="Bea")
    owner.is_in("Bea")
    owner.say("no hurry")
    owner.shows("when you are back", "no hurry")

    bea.log_in("Bea").known_as("Bea")
    expect(bea.listed("Olga").locator(".badge")).to_have_text("2")
    bea.listed("Olga").click()
    bea.shows("when you are back", "no hurry")
    bea.say("here I am")
    owner.shows("when you are back", "no hurry", "here I am")
