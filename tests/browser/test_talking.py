"""People talking, each in a browser of their own."""

from .browser_tab import OpenTab, expect
from .live_server import Server


def test_two_tabs_talk_both_ways(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    ana.say("Hello, Bea")
    bea.shows("Hello, Bea")
    bea.say("Hello, Ana")
    for tab in (ana, bea):
        tab.shows("Hello, Bea", "Hello, Ana")
        expect(tab.unsent).to_have_count(0)
    expect(ana.message("Hello, Ana").locator(".name")).to_have_text("Bea")
    expect(ana.page.locator("#messages > li.ours .text")).to_have_text(["Hello, Bea"])


def test_edit_and_delete(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    for text in ("first", "secnod", "third"):
        ana.say(text)
    bea.shows("first", "secnod", "third")

    ana.message("secnod").hover()
    ana.message("secnod").get_by_role("button", name="Edit").click()
    expect(ana.box).to_have_value("secnod")
    ana.say("second")
    ana.message("first").hover()
    ana.message("first").get_by_role("button", name="Delete").click()
    ana.page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    carl = open_tab(server).enter("Carl")  # reads it all from the log
    for tab in (ana, bea, carl):
        tab.shows("second", "third")
        expect(tab.message("Message deleted")).to_have_count(1)
        expect(tab.message("second").locator(".mark")).to_have_text("edited")
    expect(bea.message("second").get_by_role("button", name="Edit")).to_have_count(0)


def test_arrow_up_edits_the_last_own_message(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    ana.say("helo")
    ana.shows("helo")
    ana.box.press("ArrowUp")
    expect(ana.box).to_have_value("helo")
    ana.box.press("Escape")
    expect(ana.box).to_have_value("")
    ana.box.press("ArrowUp")
    ana.say("hello")
    ana.shows("hello")


def test_shift_enter_makes_a_line(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    ana.box.fill("one")
    ana.box.press("Shift+Enter")
    ana.box.press_sequentially("two")
    ana.box.press("Enter")
    expect(ana.messages).to_have_text(["one\ntwo"], use_inner_text=True)


def test_typing_is_seen_until_the_message(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    typing = bea.page.locator("#typing")
    ana.box.press_sequentially("hm")
    expect(typing).to_have_text("Ana is writing…")
    expect(ana.page.locator("#typing")).to_have_text("")
    ana.box.press("Enter")
    bea.shows("hm")
    expect(typing).to_have_text("")


def test_members_come_and_go(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    for tab, names in ((ana, ["Ana", "Bea"]), (bea, ["Bea", "Ana"])):
        expect(tab.people).to_have_text(names)
        expect(tab.page.locator("#room-count")).to_have_text("2 people")
    bea.page.close()
    expect(ana.people).to_have_text(["Ana"])
    expect(ana.page.locator("#room-count")).to_have_text("1 person")


def test_the_same_name_in_the_same_browser_is_the_same_person(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    again = open_tab(server, beside=ana)
    again.page.goto(server.url)
    expect(again.page.get_by_label("Your name", exact=True)).to_have_value("Ana")
    again.page.get_by_role("button", name="Start talking").click()
    again.connected()
    expect(ana.people).to_have_text(["Ana"])
    again.say("from the other tab")
    expect(ana.page.locator("#messages > li.ours .text")).to_have_text("from the other tab")
    again.page.reload()
    again.connected()
    expect(again.page.locator("#messages > li.ours .text")).to_have_text("from the other tab")


def test_a_name_taken_by_somebody_else(server: Server, open_tab: OpenTab) -> None:
    open_tab(server).enter("Ana")
    other = open_tab(server)
    other.page.goto(server.url)
    name = other.page.get_by_label("Your name", exact=True)
    name.fill("Ana")
    name.press("Enter")
    expect(other.page.locator("#name-error")).to_contain_text("Pick another one")
    name.fill("Anna")
    name.press("Enter")
    other.connected()
    expect(other.people).to_have_text(["Anna", "Ana"])


def test_change_name(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    ana.say("as Ana")
    ana.shows("as Ana")
    ana.page.get_by_role("button", name="Change name").click()
    ana.page.get_by_label("Your name", exact=True).fill("Bea")
    ana.page.get_by_label("Your name", exact=True).press("Enter")
    expect(ana.page.locator("#name-error")).to_contain_text("Pick another one")
    ana.page.get_by_role("button", name="Cancel").click()
    ana.connected()
    expect(bea.people).to_have_text(["Bea", "Ana"])

    ana.page.get_by_role("button", name="Change name").click()
    ana.page.get_by_label("Your name", exact=True).fill("Zoe")
    ana.page.get_by_label("Your name", exact=True).press("Enter")
    expect(bea.people).to_have_text(["Bea", "Zoe"])
    ana.say("as Zoe")
    expect(ana.page.locator("#messages > li.ours .text")).to_have_text(["as Zoe"])
    bea.shows("as Ana", "as Zoe")


def test_rooms_and_what_is_unread_in_them(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea", room="garden")
    expect(bea.page.get_by_role("heading", name="garden")).to_be_visible()

    field = ana.page.get_by_label("Join or make a room")
    field.fill("Garden")
    field.press("Enter")
    expect(ana.page.get_by_role("heading", name="garden")).to_be_visible()
    expect(ana.people).to_have_text(["Ana", "Bea"])
    ana.page.locator("#your-rooms").get_by_role("link", name="lobby").click()
    bea.say("is anybody here?")
    bea.say("nobody then")
    garden = ana.page.locator("#your-rooms").get_by_role("link", name="garden")
    expect(garden.locator(".badge")).to_have_text("2")
    expect(ana.page).to_have_title("(2) lobby · chatroom")

    ana.page.reload()  # what is unread is still unread
    expect(garden.locator(".badge")).to_have_text("2")
    garden.click()
    ana.shows("is anybody here?", "nobody then")
    expect(garden.locator(".badge")).to_be_hidden()

    garden.hover()
    ana.page.get_by_role("button", name="Leave garden").click()
    expect(ana.page.get_by_role("heading", name="lobby")).to_be_visible()
    expect(bea.people).to_have_text(["Bea"])


def test_a_room_that_cannot_be(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    field = ana.page.get_by_label("Join or make a room")
    field.fill("no such/room!")
    field.press("Enter")
    expect(ana.page.locator("#room-error")).not_to_be_empty()
    expect(ana.page.get_by_role("heading", name="lobby")).to_be_visible()


def test_hostile_text_and_names_are_text(server: Server, open_tab: OpenTab) -> None:
    markup = "<img src=x onerror=\"document.title='broken'\"><script>alert(1)</script>"
    ana = open_tab(server).enter("<b>Ana</b>")
    bea = open_tab(server).enter("Bea")
    link = "https://example.org/a?b=(c)&d=<e>"
    ana.say(markup)
    ana.say("javascript:alert(1) " + link)
    bea.shows(markup, "javascript:alert(1) " + link)
    expect(bea.message(markup).locator(".name")).to_have_text("<b>Ana</b>")
    expect(bea.people).to_have_text(["Bea", "<b>Ana</b>"])
    expect(bea.page.locator("#messages img, #messages script, #messages b")).to_have_count(0)
    links = bea.page.locator("#messages a")
    expect(links).to_have_count(1)
    expect(links).to_have_attribute("href", "https://example.org/a?b=(c)&d=")
    expect(links).to_have_attribute("rel", "noopener noreferrer nofollow")


def test_too_long_is_said_before_it_is_sent(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    limit = 8000
    ana.box.fill("x" * (limit + 3))
    expect(ana.page.locator("#left")).to_have_text("-3")
    expect(ana.page.get_by_role("button", name="Send")).to_be_disabled()
    ana.box.fill("é" * limit)
    expect(ana.page.locator("#left")).to_have_text("0")
    ana.box.press("Enter")
    ana.shows("é" * limit)


def test_the_plain_page_talks_with_the_others(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    plain = open_tab(server)
    plain.page.goto(f"{server.url}/plain.html?name=Pia")
    log = plain.page.get_by_role("log")
    expect(log).to_have_text("Connected\n", use_inner_text=True)
    expect(ana.people).to_have_text(["Ana", "Pia"])

    ana.say("hello <all>")
    expect(log).to_contain_text("< hello <all>")
    plain.page.get_by_label("Message").fill("hello from the plain page")
    plain.page.get_by_role("button", name="Send").click()
    ana.shows("hello <all>", "hello from the plain page")
    expect(log).to_contain_text("> hello from the plain page")
    expect(log).not_to_contain_text("< hello from the plain page")

    plain.page.get_by_role("button", name="Quit").click()
    expect(log).to_contain_text("Disconnected")
    expect(ana.people).to_have_text(["Ana"])
    plain.page.get_by_role("button", name="Reconnect").click()
    expect(ana.people).to_have_text(["Ana", "Pia"])
