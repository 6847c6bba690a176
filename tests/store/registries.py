"""Registries to test, each with the logs beside it, and what to keep in them."""

from __future__ import annotations

from itertools import count
from typing import Any

from chatroom.domain.accounts import Account, ApiKey, Invitation, Login, Membership, RoomRecord, Sanction
from chatroom.domain.names import name_key
from chatroom.store.registry import SqlRegistry

from . import keeping
from .memory_registry import MemoryRegistry

NOW = 1_700_000_000_000
DAY = 86_400_000

_numbers = count(1)


class InMemory(keeping.InMemory):
    """The fakes."""

    def __init__(self) -> None:
        super().__init__()
        self.registry = MemoryRegistry(self.store)


class OnDisk(keeping.OnDisk):
    """The real ones, on a SQLite file."""

    @property
    def registry(self) -> SqlRegistry:
        return self.store.registry


def account(name: str = "Ana", **more: Any) -> Account:
    """An account of that name, with an id of its own."""
    return Account(more.pop("id", f"u{next(_numbers):024x}"), name, name_key(name), created=NOW, **more)


def login(of: Account, **more: Any) -> Login:
    """A login of an account."""
    fields = {"client": "Firefox", "address": "192.0.2.7", "created": NOW, "seen": NOW, "until": NOW + DAY}
    return Login(f"login{next(_numbers)}", of.id, **(fields | more))


def key(of: Account, name: str = "sensor", **more: Any) -> ApiKey:
    """An API key of an account."""
    scopes = more.pop("scopes", ("publish:lobby", "read:*"))
    return ApiKey(f"k{next(_numbers)}", name, of.id, scopes, created=NOW, **more)


def invitation(**more: Any) -> Invitation:
    """To be a member, within a day."""
    return Invitation(**({"role": "member", "until": NOW + DAY, "by": "u1"} | more))


def record(name: str, **more: Any) -> RoomRecord:
    """A room of that name."""
    return RoomRecord(name, more.pop("title", name.title()), **more)


def place(room: str, user: str, role: Any = "member", **more: Any) -> Membership:
    """A user's place in a room."""
    return Membership(room, user, more.pop("name", user.upper()), role, **more)


def ban(subject: str = "u1", room: str = "", **more: Any) -> Sanction:
    """A ban, for good."""
    fields = {"standing": "ban", "room": room, "subject": subject, "at": NOW, "by": "u9"}
    return Sanction(**(fields | more))
