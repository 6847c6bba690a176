"""Who is let in to a real server, and what it serves them."""

import pytest
from websockets.exceptions import InvalidStatus

from .clients import Client, JsonClient, PlainClient
from .conftest import Start
from .server import Server


def test_without_guests_nobody_gets_in_without_an_account(server: Start) -> None:
    one = server("--guests=no")
    with JsonClient(one.ws) as client:
        refused = client.hello(name="Ana")
        assert (refused["type"], refused["code"]) == ("error", "forbidden")
        assert client.end() == 4403
    with PlainClient(one.ws) as plain:
        assert plain.end() == 4403


def test_a_foreign_page_is_refused_with_the_option_that_lets_it_in(server: Start) -> None:
    one = server("--origin=https://friend.example")
    with JsonClient(one.ws, "Ana", origin="https://friend.example"):
        pass
    with JsonClient(one.ws, "Ben", origin=one.url):
        pass
    with pytest.raises(InvalidStatus) as refused:
        JsonClient(one.ws, "Eve", origin="https://foe.example")
    assert refused.value.response.status_code == 403
    assert b"--origin https://foe.example" in refused.value.response.body
    one.wait_for(lambda: "--origin https://foe.example would let it in" in one.log)


def test_the_echo_is_there_only_for_compliance(room: Server, server: Start) -> None:
    with Client(room.ws.replace("/ws", "/echo")) as echo:
        echo.send("hello?")
        assert echo.text() == "hello?"
        echo.send(b"\0\1\2")
        assert echo.text() == b"\0\1\2"
    one = server()
    with pytest.raises(InvalidStatus) as refused:
        Client(one.ws.replace("/ws", "/echo"))
    assert refused.value.response.status_code == 404


def test_rates_hold_until_no_limits_takes_them_off(room: Server, server: Start) -> None:
    one = server("--limit=posts_per_second=1", "--limit", "text_length=10")
    with JsonClient(one.ws, "Ana") as ana:
        ana.join()
        replies = [ana.ask("post", room="lobby", text="x") for _ in range(4)]
        assert [reply["type"] for reply in replies[:2]] == ["ok", "ok"]
        assert replies[-1]["code"] == "rate_limited"
        assert 0 < replies[-1]["retry_after"] <= 1
        assert ana.ask("ping")["type"] == "pong"
    with JsonClient(room.ws, "Ben") as ben:
        ben.join("fast")
        numbers = [ben.begin("post", room="fast", text="x" * 11) for _ in range(100)]
        assert all(ben.reply(number)["type"] == "ok" for number in numbers)
