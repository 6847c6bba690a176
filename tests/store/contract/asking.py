"""A store of any kind, asked and waited for."""

from __future__ import annotations

from itertools import count
from typing import Any

from chatroom.domain.errors import NotFound
from chatroom.domain.events import Event
from chatroom.domain.ports import Page

from ..keeping import InMemory, OnDisk, OnServer

Kept = InMemory | OnDisk | OnServer

_numbers = count()


def fresh() -> str:
    """The name of a room that no other test has used: the store is opened once for all of a file."""
    return f"room{next(_numbers)}"


def append(kept: Kept, *drafts: Event) -> list[Any]:
    """Append all without waiting for any; then what each came to, an error too."""
    waiting = [kept.store.append(draft) for draft in drafts]
    results = []
    for done in waiting:
        try:
            results.append(kept.wait(done))
        except NotFound as error:
            results.append(error)
    return results


def log(kept: Kept, room: str) -> list[Event]:
    page = kept.wait(kept.store.after(room, 0, 10_000, 2**30))
    assert not page.more
    return list(page.events)


def texts(page: Page) -> list[str]:
    return [event.text for event in page.events]
