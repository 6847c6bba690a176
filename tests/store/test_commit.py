"""One transaction: what is checked, numbered and inserted together."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import IntegrityError

from chatroom.domain.errors import NotFound
from chatroom.domain.events import Message
from chatroom.store import commit as module
from chatroom.store.commit import commit
from chatroom.store.opening import open_engines

from .drafts import ANA, BOB, deleted, edited, said


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    writing, reading = open_engines(f"sqlite:///{tmp_path / 'log.sqlite3'}")
    yield writing
    writing.dispose()
    reading.dispose()


def committed(engine: Engine, *drafts, careful: bool = True):
    with engine.begin() as connection:
        return commit(connection, drafts, careful=careful)


def rows(engine: Engine, query: str) -> list[tuple]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_nothing_to_commit_changes_nothing(engine):
    assert committed(engine) == []
    assert rows(engine, "SELECT * FROM room") == []


def test_new_and_repeated_are_told_apart(engine):
    committed(engine, said("a", key="k"))
    outcomes = committed(engine, said("b"), said("a", key="k"), said("c", key="k2"), said("c", key="k2"))
    assert [(one.seq, new) for one, new in outcomes] == [(2, True), (1, False), (3, True), (3, False)]
    assert rows(engine, "SELECT head FROM room") == [(3,)]


@pytest.mark.parametrize("careful", [True, False])
def test_what_is_refused_uses_no_number(engine, careful):
    outcomes = committed(engine, said("a"), edited(9), said("b"), deleted(9), said("c"), careful=careful)
    assert [type(one) for one, _ in outcomes] == [Message, NotFound, Message, NotFound, Message]
    assert rows(engine, "SELECT seq FROM event ORDER BY seq") == [(1,), (2,), (3,)]
    assert rows(engine, "SELECT head FROM room") == [(3,)]


@pytest.mark.parametrize("careful", [True, False])
def test_a_change_finds_a_message_of_the_same_commit(engine, careful):
    drafts = [said("a"), said("b"), edited(2, "bb"), said("c"), deleted(1), edited(1)]
    outcomes = committed(engine, *drafts, careful=careful)
    assert [new for _, new in outcomes] == [True, True, True, True, True, False]
    assert rows(engine, "SELECT seq, text, deleted FROM message ORDER BY seq") == [
        (1, "", 1),
        (2, "bb", 0),
        (4, "c", 0),
    ]


def test_a_text_is_in_one_row_alone(engine):
    committed(engine, said("first text"), edited(1, "second text"), said("a", data={"x": "y"}))
    everything = rows(engine, "SELECT * FROM event") + rows(engine, "SELECT * FROM message")
    assert sum("second text" in str(row) for row in everything) == 1
    assert not any("first text" in str(row) for row in everything)


def test_more_keys_and_rooms_than_one_query_lists(engine, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 3)
    drafts = [said(room=f"r{n}", key=f"k{n}", by=by) for n in range(10) for by in (ANA, BOB)]
    first = committed(engine, *drafts)
    assert [one.seq for one, _ in first] == [1, 2] * 10
    assert committed(engine, *drafts) == [(one, False) for one, _ in first]


def test_a_thousand_drafts_take_few_statements(engine):
    statements: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *arguments: statements.append(arguments[2]))
    drafts = [said(str(n), f"r{n % 3}", key=str(n)) for n in range(1000)]
    outcomes = committed(engine, *drafts, careful=False)
    assert all(new for _, new in outcomes)
    assert len(statements) < 20


def test_a_repetition_is_refused_where_none_is_looked_for(engine):
    committed(engine, said("first", key="k"))
    with pytest.raises(IntegrityError):
        committed(engine, said("other"), said("again", key="k"), careful=False)
    assert rows(engine, "SELECT seq FROM event") == [(1,)]


def test_without_care_what_is_repeated_at_once_is_still_seen(engine):
    outcomes = committed(engine, said("a", key="k"), said("a", key="k"), careful=False)
    assert [(one.seq, new) for one, new in outcomes] == [(1, True), (1, False)]


def test_without_care_a_repeated_change_is_still_seen(engine):
    first = committed(engine, said("a"), deleted(1, key="k"))
    assert committed(engine, deleted(1, key="k"), careful=False) == [(first[1][0], False)]


def test_nothing_of_a_transaction_that_fails_is_kept(engine):
    with pytest.raises(UnicodeEncodeError):
        committed(engine, said("fine"), said("\ud800"))
    assert rows(engine, "SELECT * FROM room") == []
    assert committed(engine, said("fine"))[0][0].seq == 1
