"""Making an account, logging in and out, and several devices of one person."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from .browser_tab import PASSWORD, OpenTab, Tab, expect
from .live_server import Server

Restart = Callable[..., None]


@pytest.fixture
def owner(server: Server, open_tab: OpenTab) -> Tab:
    return open_tab(server).sign_up(server.owner_link(), "Olga")


def forgive(tab: Tab, *statuses: str) -> None:
    """The browser complains of every refusal; these are what the test is about."""
    for complaint in tab.complaints:
        assert any(f"status of {status}" in complaint for status in statuses), complaint
    tab.complaints.clear()


def test_an_invitation_makes_an_account_and_leaves_the_address_at_once(
    server: Server, open_tab: OpenTab, owner: Tab
) -> None:
    expect(owner.page.locator("#my-role")).to_have_text("Owner")
    owner.account("Invite people…")
    owner.answer("Make link")
    link = owner.dialog.get_by_label("Invitation link", exact=True).last.input_value()
    assert re.fullmatch(re.escape(server.url) + r"/#invite=ci_[\w-]{43}", link)
    owner.dialog.get_by_role("button", name="Done").click()

    bea = open_tab(server)
    bea.page.goto(link)
    expect(bea.page.get_by_role("heading", name="Make an account")).to_be_visible()
    assert bea.page.url == f"{server.url}/"
    for name, password, complaint in (
        ("", PASSWORD, "A name is needed"),
        ("olga", PASSWORD, "Pick another one"),
        ("Bea", "short", "at least 8"),
    ):
        bea.page.get_by_label("Name", exact=True).fill(name)
        bea.page.get_by_label("New password").fill(password)
        bea.page.get_by_label("New password").press("Enter")
        expect(bea.page.locator("#signup-form")).to_contain_text(complaint)
    bea.page.get_by_label("New password").fill(PASSWORD)
    bea.page.get_by_label("New password").press("Enter")
    bea.known_as("Bea")
    expect(bea.page.locator("#my-role")).to_have_text("Member")
    expect(bea.page.locator("#moderation")).to_be_hidden()
    forgive(bea, "409", "400")

    carl = open_tab(server)
    carl.page.goto(link)
    carl.page.get_by_label("Name", exact=True).fill("Carl")
    carl.page.get_by_label("New password").fill(PASSWORD)
    carl.page.get_by_label("New password").press("Enter")
    expect(carl.page.locator("#signup-form")).to_contain_text("used already")
    carl.page.get_by_role("button", name="Come in as a guest").click()
    carl.page.get_by_label("Your name", exact=True).fill("Carl")
    carl.page.get_by_role("button", name="Start talking").click()
    carl.known_as("Carl")
    forgive(carl, "401")


def test_two_devices_share_what_is_read(server: Server, open_tab: OpenTab, owner: Tab) -> None:
    laptop = open_tab(server).sign_up(owner.invitation(), "Bea")
    phone = open_tab(server)
    phone.page.goto(server.url)
    phone.log_in("bea").known_as("Bea")
    ana = open_tab(server).enter("Ana", room="garden")
    ana.is_in("garden")
    for device in (laptop, phone):
        device.page.goto(f"{server.url}/#garden")
        device.is_in("garden")
        expect(device.people).to_have_text(["Bea", "Ana"])
        device.page.goto(f"{server.url}/#lobby")
        device.is_in("lobby")
    for text in ("one", "two"):
        ana.say(text)
    for device in (laptop, phone):
        expect(device.listed("garden").locator(".badge")).to_have_text("2")
    phone.listed("garden").click()
    phone.shows("one", "two")
    for device in (laptop, phone):
        expect(device.listed("garden").locator(".badge")).to_be_hidden()
    phone.listed("lobby").click()
    ana.say("three")
    for device in (laptop, phone):
        expect(device.listed("garden").locator(".badge")).to_have_text("1")

    # A device that has never been here knows the rooms, and what is new in them.
    tablet = open_tab(server)
    tablet.page.goto(server.url)
    tablet.log_in("Bea").known_as("Bea")
    expect(tablet.listed("garden").locator(".badge")).to_have_text("1")


def test_a_wrong_password_and_one_too_many(server: Server, open_tab: OpenTab, owner: Tab) -> None:
    tab = open_tab(server)
    tab.page.goto(server.url)
    error = tab.page.locator("#login-password-error")
    button = tab.page.locator("#login-form .primary")
    for _ in range(6):
        tab.log_in("Olga", "guessed wrong")
        expect(error).not_to_be_empty()
        if "Too many" in error.inner_text():
            break
        expect(error).to_have_text("The name or the password is wrong.")
    expect(error).to_contain_text("Too many tries")
    expect(button).to_have_text(re.compile(r"Log in in \d+ s"))
    expect(button).to_be_disabled()
    expect(button).to_have_text("Log in", use_inner_text=True)
    tab.log_in("Olga").known_as("Olga")
    forgive(tab, "401", "429")


def test_where_guests_are_not_let_in_a_login_greets(server: Server, open_tab: OpenTab) -> None:
    server.stop()
    server.start("--guests", "no", "--sign-up", "closed")
    olga = open_tab(server).sign_up(server.owner_link(), "Olga")
    olga.account("Log out")
    expect(olga.page.locator("#entrance-note")).to_have_text("You are logged out.")
    expect(olga.page.get_by_role("heading", name="Log in")).to_be_visible()
    stranger = open_tab(server)
    stranger.page.goto(server.url)
    expect(stranger.page.get_by_role("heading", name="Log in")).to_be_visible()
    for button in ("Come in as a guest", "Make an account"):
        expect(stranger.page.get_by_role("button", name=button)).to_have_count(0)
    stranger.log_in("Olga").known_as("Olga")


def test_where_anybody_may_sign_up(server: Server, open_tab: OpenTab) -> None:
    server.stop()
    server.start("--sign-up", "open")
    ana = open_tab(server).enter("Ana")
    ana.account("Make an account")
    ana.page.get_by_label("Name", exact=True).fill("Ana")
    ana.page.get_by_label("New password").fill(PASSWORD)
    ana.page.get_by_role("button", name="Show").click()
    expect(ana.page.get_by_label("New password")).to_have_attribute("type", "text")
    ana.page.locator("#signup-form").get_by_role("button", name="Make account").click()
    ana.known_as("Ana")
    expect(ana.page.locator("#my-role")).to_have_text("Member")
    ana.page.reload()
    ana.known_as("Ana")


def test_a_guest_logs_in_and_is_somebody_else(server: Server, open_tab: OpenTab, owner: Tab) -> None:
    tab = open_tab(server).enter("Ana", room="garden")
    tab.is_in("garden")
    tab.page.locator("#log-in").click()
    tab.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    tab.known_as("Ana")
    tab.page.locator("#log-in").click()
    tab.log_in("Olga").known_as("Olga")
    tab.is_in("garden")
    expect(tab.people).to_have_text(["Olga"])


def test_devices_are_logged_out_from_afar(server: Server, open_tab: OpenTab, owner: Tab) -> None:
    phone, tablet = open_tab(server), open_tab(server)
    for device in (phone, tablet):
        device.page.goto(server.url)
        device.log_in("Olga").known_as("Olga")
    owner.account("Devices…")
    devices = owner.dialog.locator(".devices li")
    expect(devices).to_have_count(3)
    expect(devices.filter(has_text="this device")).to_have_count(1)
    devices.get_by_role("button", name="Log out").first.click()
    expect(devices).to_have_count(2)
    gone, there = (phone, tablet) if not signed_in(phone) else (tablet, phone)
    expect(gone.page.locator("#entrance-note")).to_contain_text("logged out on this device")
    gone.state_is("Not connected")
    there.connected()
    owner.dialog.get_by_role("button", name="Log out all others").click()
    expect(devices).to_have_count(1)
    expect(there.page.locator("#entrance-note")).to_contain_text("logged out on this device")
    owner.dialog.get_by_role("button", name="Close", exact=True).click()

    gone.log_in("Olga").known_as("Olga")
    owner.account("Change password…")
    owner.answer("Change password", Your_password_now="wrong", The_new_one="another battery")
    expect(owner.dialog).to_contain_text("The password is wrong.")
    owner.answer("Change password", Your_password_now=PASSWORD, The_new_one="short")
    expect(owner.dialog).to_contain_text("at least 8")
    owner.answer("Change password", The_new_one="another battery")
    expect(owner.toast).to_have_text("Your password is changed.")
    expect(gone.page.locator("#entrance-note")).to_contain_text("logged out on this device")
    gone.log_in("Olga", "another battery").known_as("Olga")


def signed_in(tab: Tab) -> bool:
    """Whether its login still holds."""
    return tab.page.request.get(f"{tab.url}/account").json()["account"] is not None


def test_an_account_ends(server: Server, open_tab: OpenTab, owner: Tab) -> None:
    bea = open_tab(server).sign_up(owner.invitation(), "Bea")
    bea.say("before I go")
    owner.shows("before I go")
    bea.account("Delete account…")
    bea.answer("Delete account", Your_password="wrong")
    expect(bea.dialog).to_contain_text("The password is wrong.")
    bea.answer("Delete account", Your_password=PASSWORD)
    expect(bea.page.locator("#entrance-note")).to_have_text("Your account is deleted.")
    bea.log_in("Bea")
    expect(bea.page.locator("#login-password-error")).to_have_text("The name or the password is wrong.")
    forgive(bea, "401")
    expect(owner.people).to_have_text(["Olga"])
    owner.page.reload()
    owner.shows("before I go")
    expect(owner.message("before I go").locator(".name")).to_have_text("deleted")


def test_an_account_outlives_the_server_and_its_cookie_does_not_make_a_guest(
    server: Server, open_tab: OpenTab, owner: Tab
) -> None:
    server.kill()
    owner.state_is_not("Connected")
    owner.say("written meanwhile")
    server.start()
    owner.known_as("Olga")
    owner.shows("written meanwhile")
    owner.page.context.clear_cookies()
    owner.page.get_by_role("button", name="Reconnect").click()
    expect(owner.page.locator("#entrance-note")).to_have_text("You were logged out. Log in again.")
    owner.log_in("Olga").known_as("Olga")


def test_an_invitation_opened_by_a_guest_who_is_here_already(
    server: Server, open_tab: OpenTab, owner: Tab
) -> None:
    ana = open_tab(server).enter("Ana")
    link = owner.invitation()
    ana.page.evaluate("(link) => (location.href = link)", link)
    expect(ana.page.get_by_role("heading", name="Make an account")).to_be_visible()
    assert ana.page.url == f"{server.url}/"
    ana.dialog.get_by_role("button", name="Cancel").click()
    ana.known_as("Ana")


def test_an_invitation_for_who_has_an_account_is_kept_for_somebody_new(
    server: Server, open_tab: OpenTab, owner: Tab
) -> None:
    link = owner.invitation(uses=1)
    again = open_tab(server, beside=owner)
    again.page.goto(link)
    again.known_as("Olga")
    expect(again.toast).to_contain_text("for somebody new")
    open_tab(server).sign_up(link, "Bea")
