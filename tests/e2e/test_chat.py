"""Chatting through a real server."""

from .clients import JsonClient, PlainClient, get
from .server import Server


def test_what_one_says_everybody_in_the_room_is_told(room: Server) -> None:
    with JsonClient(room.ws, "Ana") as ana, JsonClient(room.ws, "Ben") as ben:
        ana.join("told")
        ben.join("told")
        seq = ana.post("good morning", "told")
        heard = ben.event()
    assert (heard["seq"], heard["text"], heard["by"]["name"]) == (seq, "good morning", "Ana")


def test_both_dialects_hear_each_other(room: Server) -> None:
    with PlainClient(f"{room.ws}?room=mixed&name=Pia") as plain, JsonClient(room.ws, "Joe") as joe:
        joe.join("mixed")
        joe.post("hello, plain one", "mixed")
        assert plain.text() == "hello, plain one"
        plain.send("hello, modern one")
        assert joe.event()["text"] == "hello, plain one"
        heard = joe.event()
    assert (heard["text"], heard["by"]["name"]) == ("hello, modern one", "Pia")


def test_a_plain_member_who_comes_back_is_told_what_came_since(room: Server) -> None:
    with JsonClient(room.ws, "Kim") as kim:
        kim.join("since")
        seqs = [kim.post(f"word {number}", "since") for number in range(3)]
    with PlainClient(f"{room.ws}?room=since&since={seqs[0]}") as plain:
        assert [plain.text(), plain.text()] == ["word 1", "word 2"]


def test_the_page_and_the_health_check_are_there(room: Server) -> None:
    page = get(room.url)
    assert page.status == 200
    assert b"<!doctype html>" in page.body.lower()
    assert get(room.url, "/healthz").body == b'{"status":"ok"}\n'
