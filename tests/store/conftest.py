"""Every registry there is, for the tests of what they promise; and a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatroom.domain.accounts import Account

from .. import postgresql as testing
from .registries import KINDS, Asked, Kept, account, kept_by


@pytest.fixture(params=KINDS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """A registry, with the logs beside it."""
    made = kept_by(request.param, tmp_path)
    yield made
    made.close()


@pytest.fixture
def registry(kept: Kept) -> Any:
    """The registry, waited for."""
    return Asked(kept)


@pytest.fixture
def ana(registry: Any) -> Account:
    """Somebody with an account."""
    made = account("Ana")
    registry.add_account(made, "hash of Ana's")
    return made


@pytest.fixture
def bob(registry: Any) -> Account:
    """Somebody else."""
    made = account("Bob")
    registry.add_account(made, "hash of Bob's")
    return made


@pytest.fixture
def server() -> testing.Server:
    """The session's server."""
    return testing.server()


@pytest.fixture
def database(server: testing.Server) -> Iterator[str]:
    """An empty database."""
    name = server.database()
    yield name
    server.drop(name)
