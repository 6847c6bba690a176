"""Registries to test, each with the logs beside it, and what to keep in them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from chatroom.domain.accounts import Account, ApiKey, Invitation, Login, Membership, RoomRecord, Sanction
from chatroom.domain.errors import ChatError
from chatroom.domain.events import Event
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


class OnServer(keeping.OnServer):
    """The same, on PostgreSQL."""

    @property
    def registry(self) -> SqlRegistry:
        return self.store.registry


Kept = InMemory | OnDisk | OnServer

KINDS = ["memory", "sqlite", "postgresql"]


def kept_by(kind: str, folder: Path) -> Kept:
    """One of each kind; SQLite keeps its file in `folder`."""
    if kind == "postgresql":
        return OnServer()
    return InMemory() if kind == "memory" else OnDisk(folder)


class Asked:
    """A registry, waited for."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: self._kept.wait(
            getattr(self._kept.registry, name)(*arguments, **named)
        )


def append(kept: Kept, *drafts: Event) -> None:
    """Put events into the logs."""
    for draft in drafts:
        kept.wait(kept.store.append(draft))


def changed(registry: Any, call: Callable[[], object]) -> list[tuple[str, str]]:
    """The changes that a call leaves."""
    before = registry.last_change()
    call()
    found = registry.changes(before)
    assert [one.id for one in found] == list(range(before + 1, registry.last_change() + 1))
    return [(one.what, one.subject) for one in found]


def refused(error: type[ChatError], call: Callable[..., object], *arguments: Any) -> None:
    """A call fails so."""
    with pytest.raises(error):
        call(*arguments)


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
