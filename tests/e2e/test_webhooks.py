"""Webhooks of a real server to a real receiver, which fails in every way that it can."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from .clients import PATIENCE, JsonClient
from .conftest import Start
from .receivers import Answer, Receiver, free_port
from .server import Server
from .test_administration import given


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.go()


@pytest.fixture
def one(server: Start) -> Server:
    return server("--webhook-allow", "127.0.0.1", "--no-limits")


def hooked(server: Server, receiver: Receiver, *events: str, name: str = "Otto") -> str:
    """Make a webhook of a server that runs, which is told of what comes after this; its secret."""
    chosen = [word for event in events or ("message",) for word in ("--event", event)]
    return given(server, "webhook", "add", receiver.url, "--room", "*", "--name", name, *chosen)


def post(server: Server, *texts: str, room: str = "lobby") -> None:
    with JsonClient(server.ws, "Ana") as ana:
        for text in texts:
            ana.post(text, room=room)


def test_what_is_told_is_signed_and_the_answer_is_posted(one: Server, receiver: Receiver) -> None:
    secret = hooked(one, receiver)
    receiver.answer = lambda got: Answer(200, json.dumps({"text": got.text.upper()}).encode())
    with JsonClient(one.ws, "Ana") as ana:
        ana.join()
        ana.post("hellö")
        said, answered = ana.event(), ana.event()
    assert (said["text"], answered["text"], answered["by"]["name"]) == ("hellö", "HELLÖ", "Otto")
    (got,) = receiver.got
    assert Webhook(secret).verify(got.body, got.headers)["data"] == said
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body + b" ", got.headers)


def test_killed_between_a_delivery_and_its_record_it_tells_it_again(one: Server, receiver: Receiver) -> None:
    secret = hooked(one, receiver)
    hang = threading.Event()
    receiver.answer = lambda _got: (hang.wait(PATIENCE), Answer())[1]
    post(one, "a", "b")
    receiver.wait_for(lambda got: got)
    courier = children(one)
    one.kill()
    hang.set()
    assert gone(courier)
    receiver.answer = lambda _got: Answer()
    one.start()
    receiver.wait_for(lambda got: len(got) >= 3)
    assert receiver.texts() == ["a", "a", "b"]
    assert receiver.got[0].id == receiver.got[1].id != receiver.got[2].id
    for got in receiver.got:
        Webhook(secret).verify(got.body, got.headers)


def test_a_receiver_that_fails_in_every_way_is_told_everything_in_order(
    one: Server, receiver: Receiver
) -> None:
    hooked(one, receiver)
    answers = [Answer(500), Answer(302, b"", (("Location", "http://127.0.0.1:9/"),)), Answer(503)]
    receiver.answer = lambda _got: answers.pop(0) if answers else Answer()
    post(one, "a")
    receiver.wait_for(lambda got: len(got) == 4)
    assert len({got.id for got in receiver.got}) == 1
    receiver.go()
    receiver.got.clear()
    post(one, "b", "c")
    one.wait_for(lambda: "cannot be told: " in one.log)
    receiver.come()
    receiver.wait_for(lambda got: len(got) >= 2)
    assert receiver.texts() == ["b", "c"]


def test_one_that_hangs_delays_neither_the_others_nor_the_chat(one: Server, receiver: Receiver) -> None:
    slow = Receiver()
    hang = threading.Event()
    hooked(one, slow, name="Slow")
    hooked(one, receiver)
    slow.answer = lambda _got: (hang.wait(3 * PATIENCE), Answer())[1]
    for number in range(20):
        post(one, "x", room=f"room-{number}")
    receiver.wait_for(lambda got: len(got) == 20)
    assert len(slow.got) <= 8
    hang.set()
    slow.wait_for(lambda got: len(got) >= 20)
    slow.go()


def test_without_leave_no_private_address_is_sent_to(server: Start, receiver: Receiver) -> None:
    one = server()
    given(one, "webhook", "add", receiver.url, "--room", "*", "--event", "message", "--name", "Otto")
    post(one, "x")
    one.wait_for(lambda: "127.0.0.1 is at 127.0.0.1, which is no public address" in one.log)
    assert receiver.connections == 0


def test_a_courier_that_dies_is_replaced_and_nothing_is_lost(one: Server, receiver: Receiver) -> None:
    hooked(one, receiver)
    post(one, "first")
    receiver.wait_for(lambda got: got)
    (courier,) = children(one)
    os.kill(courier, signal.SIGKILL)
    one.wait_for(lambda: "the courier of webhooks has ended" in one.log)
    post(one, "a", "b")
    receiver.wait_for(lambda got: got[-1].text == "b")
    # The first one again, where the courier died before it had said that it was told.
    assert list(dict.fromkeys(receiver.texts())) == ["first", "a", "b"]
    assert children(one) != [courier]


def test_a_server_that_stops_takes_the_courier_along_and_tells_nothing_twice(
    one: Server, receiver: Receiver
) -> None:
    hooked(one, receiver, "message", "connected", "disconnected")
    with JsonClient(one.ws, "Ana") as ana:
        ana.post("x")
        receiver.wait_for(lambda got: got)
        ana.join()
        receiver.wait_for(lambda got: got[-1].told["type"] == "connected")
        courier = children(one)
        one.stop()
    assert gone(courier)
    before = len(receiver.got)
    one.start()
    receiver.wait_for(lambda got: len(got) > before)
    post(one, "new")
    receiver.wait_for(lambda got: len(got) > before + 1)
    assert [got.told["type"] for got in receiver.got[before:]] == ["disconnected", "message"]


def test_the_bot_of_the_page_answers(one: Server, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/webhooks.md").read_text()
    (bot,) = [code for code in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "class Dice" in code]
    (tmp_path / "dice.py").write_text(bot)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "dice.py"],
        cwd=tmp_path,
        env={**os.environ, "PORT": str(port)},
        stderr=subprocess.DEVNULL,
    )
    try:
        words = re.search(r"chatroom (webhook add) http://127.0.0.1:8000/ (.*)", page)
        assert words is not None
        options = words[2].replace("'", "").split()
        given(one, "webhook", "add", f"http://127.0.0.1:{port}/", *options)
        with JsonClient(one.ws, "Ana") as ana:
            ana.join()
            ana.post("hello")
            ana.post("@dice roll")
            answered = [ana.event() for _ in range(3)][-1]
        assert answered["by"]["name"] == "Dice"
        assert re.fullmatch("Ana rolls a [1-6]", answered["text"])
    finally:
        process.kill()
        process.wait()


def children(server: Server) -> list[int]:
    """The processes that a server has started."""
    found = []
    for task in os.listdir(f"/proc/{server.pid}/task"):
        with open(f"/proc/{server.pid}/task/{task}/children") as file:
            found += [int(pid) for pid in file.read().split()]
    return found


def gone(pids: list[int]) -> bool:
    """Whether these processes end."""
    assert pids
    deadline = time.monotonic() + PATIENCE
    while any(os.path.exists(f"/proc/{pid}/exe") for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
