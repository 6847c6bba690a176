"""A PostgreSQL that hangs, is cut off or is another one than before."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Any

import pytest
from sqlalchemy import event
from twisted.internet.defer import Deferred

from chatroom.domain.accounts import Membership
from chatroom.domain.errors import Unavailable
from chatroom.store import postgresql, watch, watched

from .. import postgresql as testing
from ..cable import Cable
from .drafts import said
from .keeping import Real


class Cut(Real):
    """A store on a database of its own, at the end of a cable."""

    def __init__(self, options: str = "") -> None:
        server = testing.server()
        self.database = server.database(testing.migrated())
        self.cable = Cable(server.port)
        url = server.url(self.database).replace(f":{server.port}/", f":{self.cable.port}/")
        super().__init__(url + options)

    def close(self) -> None:
        if not self._closed:
            self.cable.release()
            super().close()
            self.cable.close()
            testing.server().drop(self.database)

    def refuses(self, *asked: Any) -> None:
        """All of that is refused."""
        for done in asked:
            with pytest.raises(Unavailable) as error:
                self.wait(done)
            assert error.value.retry_after

    def texts(self) -> list[str]:
        return [one.text for one in self.wait(self.store.after("lobby", 0, 100)).events]


@pytest.fixture
def impatient(monkeypatch):
    """An answer may take a second."""
    monkeypatch.setattr(postgresql, "STATEMENT_SECONDS", 1)
    monkeypatch.setattr(postgresql, "CONNECT_SECONDS", 2)
    monkeypatch.setattr(watched, "SLACK_SECONDS", 0.5)


@pytest.fixture
def kept(impatient) -> Iterator[Cut]:
    made = Cut()
    yield made
    made.close()


def test_what_a_server_does_not_answer_is_refused_and_goes_on_when_it_does(kept):
    kept.wait(kept.store.append(said("before")))
    kept.wait(kept.store.head("lobby"))
    kept.cable.hold()
    place = kept.store.registry.set_membership(Membership("den", "u1", "Ana", "member"))
    asked = [kept.store.append(said("meanwhile", key="k")), kept.store.head("lobby"), place]
    kept.refuses(*asked)
    assert kept.cable.held
    kept.cable.release()
    assert kept.wait(kept.store.append(said("meanwhile", key="k"))).seq == 2
    kept.wait(kept.store.registry.set_membership(Membership("den", "u1", "Ana", "member")))
    assert kept.texts() == ["before", "meanwhile"]


def test_a_commit_whose_answer_is_lost_is_found_by_its_key(kept):
    kept.wait(kept.store.append(said("before")))
    # The last word that the server hears is COMMIT.
    event.listen(kept.store._writing, "commit", lambda _connection: kept.cable.hold("down"), once=True)
    told: list[Any] = []
    kept.store.on_commit = told.extend
    kept.refuses(kept.store.append(said("meanwhile", key="k")))
    kept.cable.release()
    assert kept.wait(kept.store.head("lobby")) == 2, "it was committed all the same"
    assert kept.wait(kept.store.append(said("meanwhile", key="k"))).seq == 2
    assert kept.texts() == ["before", "meanwhile"]
    assert told == [], "who reads the log tells of it"


def test_many_who_wait_are_refused_together(kept):
    kept.wait(kept.store.append(said("before")))
    kept.cable.hold()
    asked = [kept.store.after("lobby", 0, 10) for _ in range(100)]
    asked += [kept.store.registry.account("u1") for _ in range(100)]
    asked += [kept.store.registry.mark_read("u1", "lobby", 1)]
    kept.refuses(*asked)
    assert kept.cable.held < 20, "few have tried"
    kept.cable.release()
    assert kept.texts() == ["before"]


def test_a_slow_server_is_waited_for(kept):
    kept.cable.delay = 0.02
    kept.wait(kept.store.append(said("slowly")))
    assert kept.texts() == ["slowly"]


def test_stopping_does_not_wait_for_a_server_that_hangs(monkeypatch):
    monkeypatch.setattr(watch, "HURRY_SECONDS", 0.3)
    monkeypatch.setattr(postgresql, "CONNECT_SECONDS", 2)
    kept = Cut("?options=-c%20statement_timeout%3D0")
    kept.wait(kept.store.append(said("before")))
    kept.wait(kept.store.head("lobby"))
    kept.cable.hold()
    asked = [kept.store.append(said("late")), kept.store.head("lobby"), kept.store.registry.last_change()]
    stopped = Deferred.fromCoroutine(kept.store.stop())
    kept._closed = True
    kept.refuses(*asked)
    kept.wait(stopped)
    kept.cable.close()
    testing.server().drop(kept.database)


def test_once_a_connection_is_lost_the_others_are_not_used_again(kept):
    """Another server may be in the place of the one that they lead to."""
    kept.wait(kept.store.append(said("before")))
    kept.wait(kept.store.head("lobby"))
    name = f"SELECT pid FROM pg_stat_activity WHERE datname = '{kept.database}'"
    old = set(testing.server().execute(name))
    assert len(old) >= 2
    kept.cable.hold()
    kept.refuses(kept.store.head("lobby"))
    kept.cable.release()
    kept.wait(kept.store.append(said("after")))
    assert kept.texts() == ["before", "after"]
    testing.wait_for(lambda: not old & set(testing.server().execute(name)))


def test_a_server_that_can_only_be_read_any_more_refuses_and_is_left(kept):
    server = testing.server()
    kept.wait(kept.store.append(said("before")))
    switch = f"ALTER DATABASE {kept.database} SET default_transaction_read_only ="
    server.execute(f"{switch} on")
    kept.cable.cut()
    kept.refuses(kept.store.append(said("meanwhile", key="k")))
    server.execute(f"{switch} off")
    assert kept.wait(kept.store.append(said("meanwhile", key="k"))).seq == 2


def test_when_the_primary_server_is_another_one_all_goes_there(impatient):
    first, second = testing.another(), testing.server()
    name = second.database(testing.migrated())
    first.execute(f"CREATE DATABASE {name}")
    hosts = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
    kept = Real(first.url(name).replace(f"127.0.0.1:{first.port}", hosts))
    try:
        assert kept.wait(kept.store.append(said("on the first"))).seq == 1
        assert kept.wait(kept.store.head("lobby")) == 1
        first.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        first.execute("SELECT pg_reload_conf()")
        testing.wait_for(lambda: first.execute("SHOW transaction_read_only") == [("on",)])
        with pytest.raises(Unavailable):
            kept.wait(kept.store.append(said("refused", key="k")))
        kept.wait(kept.store.append(said("on the second", key="k")))
        assert [one.text for one in kept.wait(kept.store.after("lobby", 0, 9)).events] == ["on the second"]
        kept.wait(kept.store.registry.set_membership(Membership("den", "u1", "Ana", "member")))
        assert kept.wait(kept.store.registry.last_change()) == 1
    finally:
        kept.close()
        first.stop()
        second.drop(name)


def test_a_server_that_hangs_is_left_for_the_other(impatient):
    server = testing.server()
    name = server.database(testing.migrated())
    with Cable(server.port) as cable:
        there = f"127.0.0.1:{server.port}"
        kept = Real(server.url(name).replace(there, f"127.0.0.1:{cable.port},{there}"))
        try:
            kept.wait(kept.store.append(said("before")))
            cable.hold()
            with pytest.raises(Unavailable):
                kept.wait(kept.store.append(said("meanwhile", key="k")))
            assert kept.wait(kept.store.append(said("meanwhile", key="k"))).seq == 2
            assert kept.wait(kept.store.head("lobby")) == 2
        finally:
            kept.close()
    server.drop(name)


def test_whoever_allows_statements_more_is_waited_for_longer(impatient):
    server = testing.server()
    name = server.database(testing.migrated())
    limits = []
    for options in ("", "?options=-c%20statement_timeout%3D60000", "?options=-c%20statement_timeout%3D0"):
        engines = postgresql.open_engines(postgresql.address(server.url(name) + options), watch.Watch())
        for engine in engines:
            with engine.connect() as connection:
                limits.append(connection.connection.driver_connection.limit)
            engine.dispose()
    assert limits == [1.5, 1.5, 60.5, 60.5, inf, inf]
    server.drop(name)
