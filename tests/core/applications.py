"""Applications for tests to run, and members of their rooms."""

from __future__ import annotations

from typing import Any, ClassVar

import chatroom

from .house import House, Talker


class Noted(chatroom.Room):
    """Does what it does by default, and notes what it was asked."""

    calls: ClassVar[list[tuple[str, ...]]] = []
    made: ClassVar[list[Noted]] = []

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.made.append(self)

    def connected(self, user):
        self.calls.append(("connected", self.name, user.name))

    def process(self, user, message):
        self.calls.append(("process", self.name, user.name, message))
        return super().process(user, message)

    def closed(self, user):
        self.calls.append(("closed", self.name, user.name))


def app(**hooks: Any) -> House:
    """A server with an application that has these hooks."""
    return House(app=type("App", (Noted,), hooks))


def joined(house: House, name: str, room: str = "lobby") -> Talker:
    talker = house.json(name)
    talker.ask("join", room=room)
    return talker


def texts(talker) -> list[str]:
    return [one["text"] for one in talker.events("message")]
