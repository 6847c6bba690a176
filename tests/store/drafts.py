"""Drafts to append."""

from typing import Any

from chatroom.domain.events import Deleted, Edited, MemberChanged, Message, Reaction, RoomChanged
from chatroom.domain.model import By, User

ANA = By("g1", "Ana")
BOB = By("g2", "Bob")


def said(text: str = "hello", room: str = "lobby", by: By = ANA, **more: Any) -> Message:
    return Message(room=room, at=more.pop("at", 1000), by=by, text=text, **more)


def edited(target: int, text: str = "changed", room: str = "lobby", by: By = ANA, **more: Any) -> Edited:
    return Edited(room=room, at=more.pop("at", 2000), by=by, target=target, text=text, **more)


def deleted(target: int, room: str = "lobby", by: By = ANA, **more: Any) -> Deleted:
    return Deleted(room=room, at=more.pop("at", 3000), by=by, target=target, **more)


def reacted(target: int, emoji: str = "👍", room: str = "lobby", by: By = ANA, **more: Any) -> Reaction:
    more = {"at": 3500, "on": True, **more}
    return Reaction(room=room, by=by, target=target, emoji=emoji, **more)


def placed(change: Any = "banned", room: str = "lobby", by: By = ANA, **more: Any) -> MemberChanged:
    user = more.pop("user", User("g2", "Bob"))
    return MemberChanged(room=room, at=more.pop("at", 4000), by=by, user=user, change=change, **more)


def ruled(room: str = "lobby", by: By = ANA, **more: Any) -> RoomChanged:
    return RoomChanged(room=room, at=more.pop("at", 5000), by=by, **more)
