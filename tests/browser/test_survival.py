"""What is posted arrives, once and in order, whatever happens to the server and the network."""

from .browser_tab import OpenTab, Tab, expect
from .live_server import Server

COUNT = 40


def test_killed_in_a_burst(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    plain = open_tab(server)
    plain.page.goto(f"{server.url}/plain.html")
    log = plain.page.get_by_role("log")
    expect(log).to_contain_text("Connected")

    kill_in_a_burst(server, ana, bea)
    expect(log).to_contain_text("Disconnected")
    server.start()
    everything = arrived_once_and_in_order(ana, bea)

    # The acknowledged ones had been shown to the plain page too; the others come when it is back.
    plain.page.get_by_role("button", name="Reconnect").click()
    expect(log).to_contain_text("Disconnected\nConnected")
    ana.say("there again?")
    expect(log).to_contain_text("< there again?")
    carl = open_tab(server).enter("Carl")
    carl.shows(*[*everything, "there again?"][-50:])


def test_the_same_over_tls(tls_server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(tls_server).enter("Ana")
    bea = open_tab(tls_server).enter("Bea")
    plain = open_tab(tls_server)
    plain.page.goto(f"{tls_server.url}/plain.html")
    log = plain.page.get_by_role("log")
    expect(log).to_contain_text("Connected")
    ana.say("hello over TLS")
    expect(log).to_contain_text("< hello over TLS")
    bea.shows("hello over TLS")

    kill_in_a_burst(tls_server, ana, bea)
    tls_server.start()
    arrived_once_and_in_order(ana, bea, before=["hello over TLS"])


def kill_in_a_burst(server: Server, *tabs: Tab) -> None:
    for tab in tabs:
        tab.say_at_once(burst_of(tab, tabs))
    # At least this many have been acknowledged, and not all.
    expect(tabs[0].messages.nth(COUNT // 4)).to_be_attached()
    server.kill()
    for tab in tabs:
        expect(tab.page.locator("#connection")).to_have_attribute("data-state", "waiting")
    assert any(tab.unsent.count() for tab in tabs), "the burst was over before the server was killed"


def burst_of(tab: Tab, tabs: tuple[Tab, ...]) -> list[str]:
    return [f"burst {tabs.index(tab)}-{number}" for number in range(COUNT)]


def arrived_once_and_in_order(*tabs: Tab, before: list[str] | None = None) -> list[str]:
    before = before or []
    total = len(before) + COUNT * len(tabs)
    for tab in tabs:
        tab.connected()
        expect(tab.unsent).to_have_count(0)
        expect(tab.messages).to_have_count(total)
    everything = tabs[0].messages.all_inner_texts()
    for tab in tabs:
        assert tab.messages.all_inner_texts() == everything
        ours = burst_of(tab, tabs)
        assert [text for text in everything if text in ours] == ours
    return everything


def test_faster_than_the_server_allows(server: Server, open_tab: OpenTab) -> None:
    server.stop()
    server.start(limited=True)
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    eager = [f"eager {number}" for number in range(COUNT)]  # ten a second, bursts of twenty
    ana.say_at_once(eager)
    for tab in (ana, bea):
        tab.shows(*eager)
    expect(ana.unsent).to_have_count(0)


def test_a_restart_announced(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    ana.say("before")
    ana.shows("before")
    server.stop()
    expect(ana.page.locator("#connection")).to_have_attribute("data-state", "waiting")
    server.start()
    ana.connected()
    ana.say("after")
    ana.shows("before", "after")


def test_what_was_acknowledged_is_there_for_who_comes_later(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    ana.say_at_once([f"burst {number}" for number in range(COUNT)])
    expect(ana.messages.nth(5)).to_be_attached()
    server.kill()
    ana.state_is_not("Connected")
    acknowledged = ana.messages.all_inner_texts()
    ana.page.close()  # and with it the outbox: nobody posts again what the server had
    server.start()
    bea = open_tab(server).enter("Bea")
    expect(bea.messages.nth(len(acknowledged) - 1)).to_be_attached()
    there = bea.messages.all_inner_texts()
    # Besides, at most the one whose acknowledgement was under way.
    assert there[: len(acknowledged)] == acknowledged
    assert len(there) <= len(acknowledged) + 1


def test_written_offline_sent_later(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    ana.say("before")
    ana.shows("before")
    server.kill()
    ana.state_is_not("Connected")
    for text in ("one", "two", "three"):
        ana.say(text)
    expect(ana.unsent.locator(".progress")).to_contain_text(["Waiting to be sent"] * 3)
    ana.unsent.filter(has_text="two").get_by_role("button", name="Discard").click()
    ana.message("before").hover()
    ana.message("before").get_by_role("button", name="Edit").click()
    ana.say("before, edited")
    expect(ana.message("before").locator(".progress")).to_contain_text("Waiting to be saved")
    server.start()
    for tab in (ana, bea):
        tab.shows("before, edited", "one", "three")
    expect(ana.page.locator(".progress")).to_have_count(0)


def test_a_reload_loses_nothing_unsent(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    ana.page.get_by_role("button", name="Quit").click()
    ana.state_is("Disconnected")
    ana.say("kept")
    expect(ana.unsent).to_have_count(1)
    ana.page.reload()
    ana.connected()
    for tab in (ana, bea):
        tab.shows("kept")
    expect(ana.unsent).to_have_count(0)


def test_what_is_looked_at_is_looked_at_still_once_it_is_sent(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    ana.page.get_by_role("button", name="Quit").click()
    for text in ("one", "two"):
        ana.say(text)
    expect(ana.unsent).to_have_count(2)
    ana.page.get_by_role("log").focus()
    ana.page.keyboard.press("ArrowUp")
    expect(ana.message("two")).to_be_focused()
    ana.page.get_by_role("button", name="Reconnect").dispatch_event("click")
    ana.shows("one", "two")
    expect(ana.unsent).to_have_count(0)
    expect(ana.message("two")).to_be_focused()


def test_quit_connect_reconnect(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    button = {
        name: ana.page.get_by_role("button", name=name, exact=True)
        for name in ("Connect", "Quit", "Reconnect")
    }
    enabled = {
        "Connected": ["Quit", "Reconnect"],
        "Disconnected": ["Connect"],
    }

    def only_what_makes_sense(state: str) -> None:
        ana.state_is(state)
        for name, each in button.items():
            expect(each).to_be_enabled(enabled=name in enabled[state])

    only_what_makes_sense("Connected")
    button["Quit"].click()
    only_what_makes_sense("Disconnected")
    expect(bea.people).to_have_text(["Bea"])
    bea.say("while you were away")
    bea.shows("while you were away")
    button["Connect"].click()
    only_what_makes_sense("Connected")
    ana.shows("while you were away")
    button["Reconnect"].click()
    only_what_makes_sense("Connected")
    bea.say("again")
    ana.shows("while you were away", "again")


def test_a_long_absence_is_read_to_the_end(server: Server, open_tab: OpenTab) -> None:
    ana = open_tab(server).enter("Ana")
    bea = open_tab(server).enter("Bea")
    ana.say("first")
    bea.shows("first")
    bea.page.get_by_role("button", name="Quit").click()
    bea.state_is("Disconnected")
    missed = [f"missed {number}" for number in range(620)]  # more than one reply holds
    ana.say_at_once(missed)
    expect(ana.unsent).to_have_count(0, timeout=60_000)
    bea.page.get_by_role("button", name="Connect", exact=True).click()
    bea.shows("first", *missed)
