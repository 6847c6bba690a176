"""Every store there is, for the tests of what they promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chatroom.domain.events import Event

from ..keeping import InMemory, OnDisk, OnServer
from .asking import Kept, fresh


@pytest.fixture(params=["memory", "sqlite", "postgresql"], scope="module")
def kept(request, tmp_path_factory) -> Iterator[Kept]:
    makers: dict[str, Callable[[], Kept]] = {
        "memory": InMemory,
        "sqlite": lambda: OnDisk(tmp_path_factory.mktemp("store")),
        "postgresql": OnServer,
    }
    made = makers[request.param]()
    yield made
    made.close()


@pytest.fixture
def room() -> str:
    """A room that no other test has used: the store is opened once for all of them."""
    return fresh()


@pytest.fixture
def told(kept: Kept) -> Iterator[list[tuple[Event, Any]]]:
    """What on_commit was told."""
    heard: list[tuple[Event, Any]] = []
    kept.store.on_commit = heard.extend
    yield heard
    kept.store.on_commit = lambda _committed: None
