"""The lead: one node has it, and another as soon as that one is gone, cannot be reached, or lets go."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Engine
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from chatroom.store import lead
from chatroom.store.lead import DEADLINE, EVERY, FAREWELL, SqlLead
from chatroom.store.postgresql import address, open_engines
from chatroom.store.watch import Watch

from .. import postgresql as testing
from .keeping import Calls


class Reactor(Clock):
    """A clock, and what threads ask for."""

    def __init__(self) -> None:
        super().__init__()
        self.threads = Calls()
        self.callFromThread = self.threads.callFromThread


class Node:
    """One that would lead. `told` is what it heard of that."""

    def __init__(self, engine: Engine) -> None:
        self.reactor = Reactor()
        self.lead = SqlLead(engine, self.reactor)
        self.told: list[bool] = []
        self.lead.changed = self.told.append
        self.lead.start()

    @property
    def leads(self) -> bool:
        return bool(self.told) and self.told[-1]

    def until(self, condition: Callable[[], object]) -> None:
        """Let the thread go on until it is so."""
        while not condition():
            self.reactor.threads.call_one()

    def look(self) -> None:
        """Let it ask once more."""
        asked: list[int] = []
        self.reactor.callFromThread(asked.append, 1)
        self.until(lambda: asked)
        self.reactor.threads.call_one()

    def ends(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.lead.stop())

    def stop(self) -> None:
        stopped = self.ends()
        self.until(lambda: stopped.called)


@pytest.fixture
def database() -> Iterator[str]:
    name = testing.server().database()
    yield name
    testing.server().drop(name)


@pytest.fixture
def node(database: str) -> Iterator[Callable[[], Node]]:
    """Starts nodes."""
    engines = open_engines(address(testing.server().url(database)), Watch())
    nodes: list[Node] = []

    def start() -> Node:
        nodes.append(Node(engines[0]))
        return nodes[-1]

    yield start
    for one in nodes:
        if not one.lead._ended.called:
            one.stop()
    for engine in engines:
        engine.dispose()


def holder(database: str) -> int:
    """The process of the server's that is connected to the node that leads."""
    query = (
        "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database"
        f" WHERE locktype = 'advisory' AND granted AND datname = '{database}'"
    )
    ((pid,),) = testing.server().execute(query)
    return int(pid)


def test_one_of_two_leads_and_the_other_when_that_one_stops(node: Any) -> None:
    one = node()
    one.until(lambda: one.leads)
    two = node()
    for _ in range(3):
        two.look()
    assert two.told == []
    one.stop()
    two.until(lambda: two.leads)
    assert one.told == [True], "who stops knows"


def test_whose_connection_is_ended_leads_no_more_and_somebody_does(node: Any, database: str) -> None:
    one = node()
    one.until(lambda: one.leads)
    testing.server().execute(f"SELECT pg_terminate_backend({holder(database)})")
    one.until(lambda: not one.leads)
    one.until(lambda: one.leads)
    assert one.told == [True, False, True]


def test_a_database_that_hangs_ends_it_in_time_and_holds_up_no_stop(node: Any, database: str) -> None:
    one = node()
    one.until(lambda: one.leads)
    hung = holder(database)
    os.kill(hung, signal.SIGSTOP)
    try:
        one.reactor.advance(EVERY + DEADLINE)
        assert one.told == [True, False]
    finally:
        os.kill(hung, signal.SIGCONT)
    # The connection was cut from this side: the lock is free again.
    one.until(lambda: one.leads)
    hung = holder(database)
    os.kill(hung, signal.SIGSTOP)
    try:
        stopped = one.ends()
        one.reactor.advance(FAREWELL)
        assert stopped.called
    finally:
        os.kill(hung, signal.SIGCONT)


def test_a_late_answer_over_a_connection_that_was_given_up_counts_for_nothing(node: Any) -> None:
    one = node()
    one.until(lambda: one.leads)
    life = one.lead._life
    one.reactor.advance(EVERY + DEADLINE)
    one.lead._taken(life)
    assert one.told == [True, False]


def test_whose_node_is_halted_the_server_lets_go_of(node: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if testing.server().execute("SHOW server_version_num") < [("140000",)]:
        pytest.skip("this PostgreSQL ends no connection of a node that is halted")
    monkeypatch.setattr(lead, "_ENDED_WHEN_IDLE", "SET idle_session_timeout = 300")
    # It asks nothing more once it leads.
    monkeypatch.setattr(lead, "EVERY", 60.0)
    one = node()
    one.until(lambda: one.told)
    one.until(lambda: not one.leads)
    assert one.told == [True, False]


def test_it_needs_no_database_to_begin_with(database: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        engines = open_engines(address(f"postgresql://nobody@127.0.0.1:1/{database}"), Watch())
        one = Node(engines[0])
        problems: list[str | None] = []
        patch.setattr(one.lead, "_over", lambda _life, problem: problems.append(problem))
        one.until(lambda: problems)
        assert problems[0] is not None
        assert "refused" in problems[0]
        one.stop()
    assert one.told == []
