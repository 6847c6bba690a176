"""chatroom.client against a real server: the examples of its page, and asyncio both ways."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import servers
from .server import Server

PAGE = (Path(__file__).parents[2] / "docs/python-client.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

THREAD = "asyncio.run(main(None))"
SAME_LOOP = """
from twisted.internet.defer import Deferred
from twisted.internet.task import react
react(lambda reactor: Deferred.fromFuture(asyncio.ensure_future(main(reactor))))
"""
INSTALL = """
import asyncio
from twisted.internet import asyncioreactor
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
asyncioreactor.install(loop)
"""

PROGRAM = """
import asyncio, sys
from chatroom.client import Refused, Unreachable
from chatroom.client.aio import Client

async def main(reactor):
    url, room_name = sys.argv[1:]
    states = []
    async with Client(url, name="Eve", reactor=reactor) as client:
        client.on_state = states.append
        room = await client.join(room_name)
        assert (room.name, room.info.count, client.me.name) == (room_name, 1, "Eve")
        try:
            await asyncio.wait_for(room.__anext__(), 0.01)
        except asyncio.TimeoutError:
            pass
        posts = await asyncio.gather(*(room.post(str(number)) for number in range(20)))
        assert [post.seq for post in posts] == list(range(1, 21)), posts
        told = []
        async for event in room:
            told.append(event.text)
            if len(told) == 20:
                break
        assert told == [str(number) for number in range(20)], told
        assert room.position.since == 20
        assert [user.name for user in await room.who()] == ["Eve"]
        assert [event.seq for event in (await room.history(before=4, limit=2)).events] == [2, 3]
        assert (await client.edit(room_name, 1, "new")).seq == 21
        assert (await client.delete(room_name, 2)).seq == 22
        assert room_name in [one.name for one in await client.rooms()]
        assert (await client.who(room_name)).count == 1
        try:
            await client.join("two words")
            raise AssertionError("joined")
        except Refused as error:
            assert error.code == "bad_request", error.code
        waiting = asyncio.ensure_future(anext(room))
        assert (await waiting).text == "new"
        await room.leave()
        assert [event.target async for event in room] == [2]
    try:
        await Client("http://127.0.0.1:1", reactor=reactor).start(attempts=1)
        raise AssertionError("reached")
    except Unreachable:
        pass
    await asyncio.sleep(0)
    assert states[-1].state.value == "stopped", states
    print("well")
"""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests here that leave it running: so many commands take their time."""
    for start in servers(tmp_path_factory.mktemp("commands")):
        yield start("--no-limits")


def run(program: str, *words: str) -> str:
    """What a Python program prints that succeeds."""
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", program, *words],
        env=os.environ | {"PYTHONASYNCIODEBUG": "1"},
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def test_the_examples_on_the_page_work(room: Server) -> None:
    assert len(EXAMPLES) == 4
    url = room.url.replace("127.0.0.1", "localhost")
    said = [run(example.replace("http://localhost:9000", url)) for example in EXAMPLES]
    assert said[0].endswith(" Ana hello\n")
    assert said[1].endswith(" Ben hello\n")
    assert said[2].strip().isdecimal()
    assert "hello\n" in said[3]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("thread", "", THREAD), ("loop", INSTALL, SAME_LOOP)],
    ids=["thread", "loop"],
)
def test_asyncio(room: Server, name: str, before: str, after: str) -> None:
    assert run(before + PROGRAM + after, room.url, f"aio-{name}") == "well\n"
