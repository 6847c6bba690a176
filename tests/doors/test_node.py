"""Which of several servers has answered: what clients are told where it has a name."""

from __future__ import annotations

import pytest

from .programs import Office
from .test_http import request

NAMED = "chatroom-node"


@pytest.fixture(params=["node-2", None])
def node(request: pytest.FixtureRequest) -> str | None:
    """What the server is called, if it is."""
    found: str | None = request.param
    return found


@pytest.fixture
def office(node: str | None) -> Office:
    """One that is called so."""
    return Office(node=node)


def test_the_welcome_says_it(office: Office, node: str | None) -> None:
    welcome = office.enter(subprotocol="chatroom.v1").ask("hello", name="Ana")
    assert welcome.get("node") == node


@pytest.mark.parametrize("path", ["/", "/page.js", "/nowhere", "/healthz", "/api/v1/rooms", "/ws"])
def test_every_answer_says_it(office: Office, node: str | None, path: str) -> None:
    assert office.call(request(path)).answer().headers.get(NAMED) == node


def test_a_stream_says_it(office: Office, node: str | None) -> None:
    assert office.call(request("/events?room=lobby")).answer().headers.get(NAMED) == node


@pytest.mark.parametrize("front", [True, False], ids=["read in front", "by Twisted Web"])
def test_who_publishes_is_told(office: Office, node: str | None, front: bool) -> None:
    program = office.person("Ana")
    more = {} if front else {"TE": "trailers"}
    answered = program.send("POST", "/rooms/lobby/messages", b'{"text":"hello"}', **more)
    assert (answered.status, answered.headers.get(NAMED)) == (201, node)
