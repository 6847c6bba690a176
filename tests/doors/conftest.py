"""Doors in memory: no reactor runs, so what Twisted would have it do is done by the tests' clocks."""

from collections.abc import Iterator

import pytest
from twisted.internet import task

from .accounts import Bureau, Visitor
from .premises import TURNS, Premises


@pytest.fixture(scope="package", autouse=True)
def _no_reactor() -> Iterator[None]:
    """Twisted hands out files in small steps, for which it knows the global reactor only."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(task, "_theCooperator", task.Cooperator(scheduler=TURNS.add))
        yield


@pytest.fixture(scope="module", params=["quick", "public"])
def kind(request: pytest.FixtureRequest) -> Iterator[str]:
    """Connections that know Autobahn's insides, and then others that do not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Premises, "quick", request.param == "quick")
        yield request.param


@pytest.fixture
def bureau() -> Bureau:
    return Bureau()


@pytest.fixture
def visitor(bureau: Bureau) -> Visitor:
    return bureau.visitor(User_Agent="Firefox")
