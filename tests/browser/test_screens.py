"""Long rooms, small screens, dark rooms, no mouse."""

import re

import pytest

from .browser_tab import OpenTab, Tab, expect
from .live_server import Server

PHONE = {"viewport": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
LONG = 1300


# Straight to the server, without waiting for each: a room's past, not what is tested.
POST_ALL = """(texts) => new Promise((done) => {
    const url = new URL("ws", location);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = new WebSocket(url, ["chatroom.v1"]);
    const send = (message) => socket.send(JSON.stringify(message));
    let acknowledged = 0;
    socket.onopen = () => {
        send({type: "hello", name: "Past"});
        for (const text of texts) send({type: "post", room: "lobby", text});
    };
    socket.onmessage = ({data}) => {
        if (JSON.parse(data).type === "ok") acknowledged++;
        if (acknowledged === texts.length) done(socket.close());
    };
})"""


def fill(tab: Tab, count: int) -> list[str]:
    texts = [f"line {number}" for number in range(count)]
    tab.page.evaluate(POST_ALL, texts)
    expect(tab.messages.last).to_have_text(texts[-1], timeout=90_000)
    expect(tab.unsent).to_have_count(0)
    return texts


def scroll_to(tab: Tab, where: str) -> None:
    place = {"top": "0", "bottom": "scroll.scrollHeight"}[where]
    tab.page.evaluate(
        f"() => {{const scroll = document.getElementById('scroll'); scroll.scrollTop = {place}}}"
    )


def test_older_messages_come_when_scrolling_up(server: Server, open_tab: OpenTab) -> None:
    texts = fill(open_tab(server).enter("Ana"), 330)
    bea = open_tab(server).enter("Bea")
    bea.connected()
    expect(bea.messages.last).to_have_text(texts[-1])
    assert bea.messages.count() < len(texts)
    beginning = bea.page.locator("#beginning")
    for _ in range(20):
        if beginning.is_visible():
            break
        first = bea.messages.first.inner_text()
        scroll_to(bea, "top")
        expect(bea.messages.first).not_to_have_text(first)
        # What was being read has stayed where it was: the new ones are above it.
        expect(bea.message(first).first).to_be_attached()
        assert bea.page.evaluate("() => document.getElementById('scroll').scrollTop") > 0
    expect(beginning).to_have_text("lobby begins here.")
    bea.shows(*texts)


def test_a_long_room_keeps_a_short_document(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    texts = fill(ana, LONG)
    expect(ana.messages.last).to_have_text(texts[-1])
    assert ana.messages.count() <= 1000
    expect(ana.messages.first).not_to_have_text(texts[0])
    for _ in range(30):
        if ana.messages.first.inner_text() == texts[0]:
            break
        first = ana.messages.first.inner_text()
        scroll_to(ana, "top")
        expect(ana.messages.first).not_to_have_text(first)
        assert ana.messages.count() <= 1000
    shown = ana.messages.all_inner_texts()
    assert shown == texts[: len(shown)]
    ana.page.locator("#pill").click()
    expect(ana.messages.last).to_have_text(texts[-1])
    expect(ana.messages.last).to_be_in_viewport()


def test_who_reads_above_is_not_moved(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    texts = fill(ana, 60)
    expect(bea.messages.last).to_have_text(texts[-1])
    expect(bea.messages.last).to_be_in_viewport()
    scroll_to(bea, "top")
    expect(bea.messages.first).to_be_in_viewport()
    ana.say("news")
    ana.say("more news")
    pill = bea.page.locator("#pill")
    expect(pill).to_have_text("2 new messages")
    expect(bea.messages.first).to_be_in_viewport()
    scroll_to(bea, "bottom")
    expect(bea.messages.last).to_have_text("more news")
    scroll_to(bea, "bottom")
    expect(bea.messages.last).to_be_in_viewport()
    expect(pill).to_be_hidden()
    ana.say("latest")
    expect(bea.message("latest")).to_be_in_viewport()


def test_on_a_phone(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server, **PHONE).enter("Ana")
    bea = open_tab(server).enter("Bea", room="garden")
    page = ana.page
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= PHONE["viewport"]["width"]
    expect(page.get_by_role("navigation", name="Rooms")).to_be_hidden()
    page.get_by_role("button", name="Rooms", exact=True).tap()
    page.get_by_label("Join or make a room").fill("garden")
    page.get_by_role("button", name="Join").tap()
    expect(page.get_by_role("heading", name="garden")).to_be_visible()
    expect(page.get_by_role("navigation", name="Rooms")).to_be_hidden()

    ana.box.fill("from the phone")
    page.get_by_role("button", name="Send").tap()
    bea.shows("from the phone")
    ana.message("from the phone").tap()
    ana.message("from the phone").get_by_role("button", name="Edit").tap()
    ana.box.fill("edited on the phone")
    page.get_by_role("button", name="Send").tap()
    bea.shows("edited on the phone")

    page.get_by_role("button", name="People", exact=True).tap()
    expect(ana.people).to_have_text(["Ana", "Bea"])
    page.get_by_role("button", name="Close the list of people").tap()
    expect(ana.people.first).to_be_hidden()

    quit_button = page.get_by_role("button", name="Quit")
    expect(quit_button).to_be_hidden()
    page.locator("#state").tap()
    quit_button.tap()
    ana.state_is("Disconnected")
    expect(quit_button).to_be_hidden()


def test_where_servers_have_names_the_page_says_which_one_it_is(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    ana.connected()
    served_by = ana.page.locator("#state .served-by")
    expect(served_by).to_be_hidden()
    server.stop()
    server.start("--node=node2")
    expect(served_by).to_have_text("served by node2")
    server.stop()
    expect(served_by).to_be_hidden()
    server.start("--node=node3")
    expect(served_by).to_have_text("served by node3")
    ana.page.set_viewport_size(PHONE["viewport"])
    expect(served_by).to_be_hidden()
    ana.page.locator("#state").click()
    expect(ana.page.locator("#actions .served-by")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark(server: Server, open_tab: OpenTab, scheme: str) -> None:
    ana = open_tab(server, color_scheme=scheme).enter("Ana")
    bea = open_tab(server).enter("Bea")
    ana.say("ours")
    bea.say("theirs")
    ana.shows("ours", "theirs")
    for selector in (
        "body",
        ".ours .bubble",
        ".message:not(.ours) .bubble",
        ".byline time",
        ".state",
        ".section h2",
        "#rename",
    ):
        light, dark = brightness(ana, selector)
        assert (light < dark) == (scheme == "dark"), selector
        assert contrast(light, dark) >= 4.5, selector


def brightness(tab: Tab, selector: str) -> tuple[float, float]:
    """Of what is behind the text, and of the text: relative luminance, WCAG 2.2."""
    colours = tab.page.evaluate(
        """(selector) => {
            const text = document.querySelector(selector);
            let back = text;
            const colour = (node) => getComputedStyle(node).backgroundColor;
            while (colour(back) === "rgba(0, 0, 0, 0)") back = back.parentElement;
            return [colour(back), getComputedStyle(text).color];
        }""",
        selector,
    )
    return tuple(luminance(colour) for colour in colours)


def luminance(colour: str) -> float:
    channels = [int(part) / 255 for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_by_keyboard_alone(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    expect(ana.box).to_be_focused()
    ana.page.keyboard.type("frist")
    ana.page.keyboard.press("Enter")
    bea.shows("frist")
    # What is still being sent has no buttons yet.
    expect(ana.unsent).to_have_count(0)
    ana.page.get_by_role("log").focus()
    ana.page.keyboard.press("ArrowUp")
    expect(ana.message("frist")).to_be_focused()
    ana.page.keyboard.press("Tab")
    expect(ana.page.get_by_role("button", name="Edit")).to_be_focused()
    ana.page.keyboard.press("Enter")
    expect(ana.box).to_be_focused()
    ana.page.keyboard.press("Control+A")
    ana.page.keyboard.type("first")
    ana.page.keyboard.press("Enter")
    bea.shows("first")


def test_every_control_has_a_name(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    ana.say("hi")
    ana.shows("hi")
    controls = ana.page.locator("button, input, textarea, a[href]")
    for control in controls.all():
        if control.is_visible():
            expect(control).to_have_accessible_name(re.compile(r"\w"))
    for role in ("navigation", "main", "complementary", "log"):
        expect(ana.page.get_by_role(role)).to_have_count(1)


def test_the_page_asks_nobody_else(server: Server, open_tab: OpenTab) -> None:
    tab = open_tab(server)
    asked: list[str] = []
    tab.page.on("request", lambda request: asked.append(request.url))
    tab.enter("Ana")
    assert asked
    assert [url for url in asked if not url.startswith(server.url)] == []
    policy = tab.page.request.get(server.url).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
