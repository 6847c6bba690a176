"""One transaction: what is checked, numbered and inserted together."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import IntegrityError

from chatroom.domain.errors import NotFound
from chatroom.domain.events import Message
from chatroom.store.commit import Outcome, commit
from chatroom.store.opening import open_engines
from chatroom.store.prepared import Prepared

from .drafts import ANA, BOB, deleted, edited, said


def opened(folder: Path, paramstyle: str = "qmark") -> Engine:
    url = f"sqlite:///{folder / 'log.sqlite3'}"
    for engine in open_engines(url):
        engine.dispose()
    return create_engine(url, paramstyle=paramstyle)


@pytest.fixture(params=["qmark", "named"])
def engine(request, tmp_path: Path) -> Iterator[Engine]:
    """With each way in which drivers take parameters: psycopg wants names."""
    made = opened(tmp_path, request.param)
    yield made
    made.dispose()


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


def test_each_room_has_its_own_numbers(engine):
    drafts = [said(room=f"r{n % 10}", key=f"k{n}", by=by) for n in range(20) for by in (ANA, BOB)]
    first = committed(engine, *drafts)
    assert [one.seq for one, _ in first] == [1, 2] * 10 + [3, 4] * 10
    assert committed(engine, *drafts) == [(one, False) for one, _ in first]
    assert rows(engine, "SELECT DISTINCT head FROM room") == [(4,)]


@pytest.mark.parametrize("careful", [True, False])
def test_a_room_is_made_by_what_is_said_in_it_alone(engine, careful):
    outcomes = committed(engine, edited(1, room="a"), deleted(1, room="b"), said(room="c"), careful=careful)
    assert [new for _, new in outcomes] == [False, False, True]
    assert rows(engine, "SELECT name, head FROM room") == [("c", 1)]


def test_a_thousand_drafts_take_few_statements(engine, monkeypatch):
    ran: list[Prepared] = []
    for way in ("run", "run_many", "first"):
        run = getattr(Prepared, way)
        monkeypatch.setattr(
            Prepared, way, lambda self, *arguments, run=run: ran.append(self) or run(self, *arguments)
        )
    drafts = [said(str(n), f"r{n % 3}", key=str(n)) for n in range(1000)]
    outcomes = committed(engine, *drafts, careful=False)
    assert all(new for _, new in outcomes)
    assert len(ran) == 3 + 3 + 2, "a head raised and a room made for each room, events, messages"


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


# The two ways.

ROOMS = st.sampled_from(["a", "b", "c"])
AUTHORS = st.sampled_from([ANA, BOB])
KEYS = st.sampled_from([None, None, None, "k1", "k2", "k3"])
CHANGES = st.builds(dict, target=st.integers(1, 8), room=ROOMS, by=AUTHORS, key=KEYS)
DRAFTS = st.one_of(
    st.builds(said, st.text(max_size=3), room=ROOMS, by=AUTHORS, key=KEYS),
    CHANGES.map(lambda fields: edited(text="new", **fields)),
    CHANGES.map(lambda fields: deleted(**fields)),
)
BATCHES = st.lists(st.lists(DRAFTS, max_size=12), max_size=5)


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> Iterator[list[Engine]]:
    engines = [opened(tmp_path_factory.mktemp(name)) for name in ("careful", "careless")]
    yield engines
    for engine in engines:
        engine.dispose()


def careless(engine: Engine, *drafts) -> list[Outcome]:
    """As the writer does it."""
    try:
        return committed(engine, *drafts, careful=False)
    except IntegrityError:
        return committed(engine, *drafts, careful=True)


def everything(engine: Engine) -> list[list[tuple]]:
    return [rows(engine, f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("room", "event", "message")]


@given(batches=BATCHES)
@settings(max_examples=150, deadline=None)
def test_both_ways_come_to_the_same(two, batches):
    for engine in two:
        with engine.begin() as connection:
            for table in ("message", "event", "room"):
                connection.execute(text(f"DELETE FROM {table}"))
    for batch in batches:
        assert shape(committed(two[0], *batch)) == shape(careless(two[1], *batch))
    assert everything(two[0]) == everything(two[1])
    gapless(two[0])


def shape(outcomes: list[Outcome]) -> list[object]:
    return [(str(one) if isinstance(one, NotFound) else one, new) for one, new in outcomes]


def gapless(engine: Engine) -> None:
    heads = dict(rows(engine, "SELECT name, head FROM room"))
    seqs = {name: [] for name in heads}
    for name, seq in rows(engine, "SELECT room, seq FROM event ORDER BY seq"):
        seqs[name].append(seq)
    assert seqs == {name: list(range(1, head + 1)) for name, head in heads.items()}
    assert 0 not in heads.values()
