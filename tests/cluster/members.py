"""Who is in a room and believes nothing: each event must follow on the one before, whatever happens.

They come back by themselves, to whichever node there is, and ask for what they missed. They fill no hole
and drop nothing that comes twice: that would hide what the server does wrong.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from itertools import count
from random import random
from typing import Any, NamedTuple

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

Json = dict[str, Any]

PAGE = 500
BREATH = 0.2
"""Seconds, at least, before somebody who lost the connection comes back."""

TEMPORARY = ("unavailable", "rate_limited", "internal")
CUT_OFF = (WebSocketException, OSError, TimeoutError, EOFError)
"""The connection is not to be had, or was lost."""


class Said(NamedTuple):
    """What an event says: its author's name, its key, its text."""

    name: str
    key: str | None
    text: str


class Reader:
    """Somebody who reads all that is said in `room`, by way of the server at `url`."""

    def __init__(self, name: str, url: str, room: str) -> None:
        self.name = name
        self.url = url
        self.room = room
        self.view: list[Said] = []
        """What they were told: event 1, 2, ..."""
        self.inside = False
        self.joins = 0
        """How often they came."""
        self.turned_away = 0
        """How often the server could not let them in."""
        self.faults: list[str] = []
        """What the server did wrong."""

    async def stay(self) -> None:
        """Be there until cancelled."""
        while True:
            try:
                await self.visit()
            except CUT_OFF:
                pass
            finally:
                self.inside = False
                self.left()
            await asyncio.sleep(BREATH * (1 + random()))

    async def visit(self) -> None:
        """Be there as long as the connection lasts."""
        raise NotImplementedError

    def left(self) -> None:
        """The connection is gone."""

    def follows(self, event: Json) -> None:
        """This came next."""
        if event["seq"] != len(self.view) + 1:
            self.fault(f"after event {len(self.view)} came {event['seq']}")
        else:
            self.view.append(Said(event["by"]["name"], event.get("key"), event.get("text", "")))

    def fault(self, what: str) -> None:
        """The server did something wrong."""
        self.faults.append(f"{self.name} in {self.room}: {what}")


class Member(Reader):
    """Somebody who is in the room, seen by others, and sees them."""

    def __init__(self, name: str, url: str, room: str) -> None:
        super().__init__(name, url, room)
        self.here: dict[str, str] = {}
        """Who they believe to be in the room: names by id."""
        self._present = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._who: Json = {"name": name}
        self._epoch: str | None = None
        self._early: list[Json] = []
        self._behind = False
        self._numbers = count()
        self._asked: dict[int, asyncio.Future[Json | None]] = {}

    async def visit(self) -> None:
        """See `Reader.visit`."""
        async with connect(
            self.url,
            subprotocols=[Subprotocol("chatroom.v1")],
            compression=None,
            ping_interval=None,
            max_size=None,
            max_queue=None,
            open_timeout=20,
            close_timeout=1,
        ) as self._socket:
            await self._talk(self._socket)

    def left(self) -> None:
        """See `Reader.left`."""
        self._behind = False
        self._early.clear()
        self._present.clear()
        self.here = {}
        asked, self._asked = self._asked, {}
        for answer in asked.values():
            if not answer.done():
                answer.set_result(None)

    async def ask(self, kind: str, /, **fields: Any) -> Json | None:
        """A request's answer; None where the connection was lost first."""
        await self._present.wait()
        assert self._socket is not None
        number = next(self._numbers)
        answer: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            await self._socket.send(json.dumps({"type": kind, "id": number, **fields}))
        except CUT_OFF:
            # `visit` is about to see it too; until then nobody is to try again, and hold up all.
            self._present.clear()
            return None
        return await answer

    async def _talk(self, socket: ClientConnection) -> None:
        await socket.send(json.dumps({"type": "hello", "id": "hello", **self._who}))
        async for message in socket:
            told = json.loads(message)
            if told.get("seq") and told["type"] != "ok":
                self._event(told)
            elif told["type"] == "presence":
                self._presence(told)
            elif told["type"] == "error" and told["id"] in ("hello", "join", "history"):
                self._refused(told)
                return
            elif "id" in told:
                await self._answer(socket, told)

    async def _answer(self, socket: ClientConnection, told: Json) -> None:
        if told["id"] == "hello":
            self._who = {"name": self.name, "token": told["token"]}
            if self._epoch not in (None, told["epoch"]):
                self.fault(f"the epoch is another: {told}")
            self._epoch = told["epoch"]
            place = {"since": len(self.view), "epoch": self._epoch}
            await socket.send(json.dumps({"type": "join", "id": "join", "room": self.room, **place}))
        elif told["id"] == "join":
            if not told["recovered"]:
                self.fault(f"not recovered from event {len(self.view)} on")
            self.here = {one["id"]: one["name"] for one in told["members"]}
            self.joins += 1
            await self._page(socket, told)
        elif told["id"] == "history":
            await self._page(socket, told)
        else:
            answer = self._asked.pop(told["id"])
            if not answer.done():
                answer.set_result(told)

    async def _page(self, socket: ClientConnection, told: Json) -> None:
        for event in told["events"]:
            self.follows(event)
        self._behind = told["more"]
        if self._behind:
            after = {"after": len(self.view), "limit": PAGE}
            await socket.send(json.dumps({"type": "history", "id": "history", "room": self.room, **after}))
            return
        early, self._early = self._early, []
        for event in early:
            # `history` may have had it already.
            if event["seq"] > len(self.view):
                self.follows(event)
        self.inside = True
        self._present.set()

    def _event(self, event: Json) -> None:
        if event["room"] != self.room:
            self.fault(f"an event of another room: {event}")
        elif self._behind:
            self._early.append(event)
        else:
            self.follows(event)

    def _presence(self, told: Json) -> None:
        user = told["user"]
        if told["state"] == "offline":
            self.here.pop(user["id"], None)
        else:
            self.here[user["id"]] = user["name"]

    def _refused(self, told: Json) -> None:
        self.turned_away += 1
        if told["code"] not in (*TEMPORARY, "name_taken"):
            self.fault(f"not let in: {told}")


class Author(Member):
    """Somebody who posts all the time, each post under its key until it is acknowledged."""

    def __init__(self, name: str, url: str, room: str, pace: float) -> None:
        super().__init__(name, url, room)
        self.pace = pace
        """Seconds between an acknowledgement and the next post."""
        self.acknowledged: dict[str, int] = {}
        """The seq of each post, by its key."""
        self.refused = 0
        """How often a post was refused for the moment."""
        self.may_speak = asyncio.Event()
        self.speaking = False

    async def speak(self) -> None:
        """Post until cancelled, while one may."""
        for number in count(1):
            await self.may_speak.wait()
            self.speaking = True
            key = f"{self.name}-{number}"
            self._acknowledged(key, await self._kept(text_of(key), key))
            self.speaking = False
            await asyncio.sleep(self.pace)

    async def _kept(self, text: str, key: str) -> int:
        while True:
            answer = await self.ask("post", room=self.room, text=text, key=key)
            if answer is None:
                continue
            if answer["type"] == "ok":
                return int(answer["seq"])
            self.refused += 1
            if answer["code"] not in TEMPORARY:
                self.fault(f"a post was refused: {answer}")
            await asyncio.sleep(max(BREATH, min(1.0, answer.get("retry_after", 0))))

    def _acknowledged(self, key: str, seq: int) -> None:
        if self.acknowledged and seq <= list(self.acknowledged.values())[-1]:
            self.fault(f"post {key} was kept as {seq}, before the one that was said first")
        self.acknowledged[key] = seq


def text_of(key: str) -> str:
    """What is said under that key."""
    return f"this is {key}"


def names(here: Mapping[str, str]) -> list[str]:
    """Who is there, each as often as there are users of that name."""
    return sorted(here.values())
