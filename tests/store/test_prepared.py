"""Statements that the driver runs: what goes in, what comes out, what is raised."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from sqlalchemy import (
    JSON,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.exc import IntegrityError, OperationalError

from chatroom.store import commit
from chatroom.store.prepared import Prepared

metadata = MetaData()
box = Table(
    "box", metadata, Column("name", String, primary_key=True), Column("size", Integer, nullable=False)
)


@pytest.fixture(params=["qmark", "named"])
def connection(request) -> Iterator[Connection]:
    engine = create_engine("sqlite://", paramstyle=request.param)
    with engine.connect() as made:
        metadata.create_all(made)
        made.execute(insert(box), [{"name": "a", "size": 1}, {"name": "b", "size": 2}])
        yield made
    engine.dispose()


def boxes(connection: Connection) -> list[tuple]:
    return [tuple(row) for row in connection.execute(select(box).order_by(box.c.name))]


@pytest.mark.parametrize("names", [("name", "size"), ("size", "name")])
def test_values_are_in_the_order_of_the_names(connection, names):
    values = {"name": "c", "size": 3}
    statement = Prepared(connection.dialect, insert(box), *names)
    assert statement.run(connection, tuple(values[name] for name in names)) == 1
    assert boxes(connection) == [("a", 1), ("b", 2), ("c", 3)]


def test_a_parameter_may_be_used_twice(connection):
    same = (box.c.name == bindparam("x")) | (box.c.size == bindparam("y")) | (box.c.name > bindparam("x"))
    query = Prepared(connection.dialect, select(box.c.size).where(same).order_by(box.c.name), "y", "x")
    assert query.first(connection, (2, "c")) == (2,)
    assert query.first(connection, (9, "a")) == (1,)
    assert query.first(connection, (9, "c")) is None


def test_many_rows_are_one_call(connection):
    statement = Prepared(connection.dialect, insert(box), "size", "name")
    statement.run_many(connection, [(3, "c"), (4, "d")])
    assert boxes(connection)[2:] == [("c", 3), ("d", 4)]


def test_it_is_told_how_many_rows_were_changed(connection):
    raised = update(box).where(box.c.name >= bindparam("from_name")).values(size=box.c.size + bindparam("by"))
    statement = Prepared(connection.dialect, raised, "from_name", "by")
    assert [statement.run(connection, (name, 1)) for name in "abc"] == [2, 1, 0]


def test_it_is_part_of_the_transaction(connection):
    connection.commit()
    with connection.begin() as transaction:
        Prepared(connection.dialect, insert(box), "name", "size").run(connection, ("c", 3))
        transaction.rollback()
    assert boxes(connection) == [("a", 1), ("b", 2)]


def test_errors_are_sqlalchemys(connection):
    statement = Prepared(connection.dialect, insert(box), "name", "size")
    with pytest.raises(IntegrityError) as error:
        statement.run(connection, ("a", 1))
    assert "UNIQUE" in str(error.value.orig)
    with pytest.raises(IntegrityError):
        statement.run_many(connection, [("c", 1), ("d", None)])
    query = Prepared(connection.dialect, text("SELECT * FROM nothing"))
    for run in (query.run, query.first):
        with pytest.raises(OperationalError):
            run(connection, ())


def test_a_value_that_is_no_parameter_is_refused(connection):
    with pytest.raises(TypeError, match="size_1"):
        Prepared(connection.dialect, select(box).where(box.c.size == 1))


def test_a_type_that_converts_its_values_is_refused():
    table = Table("other", MetaData(), Column("data", JSON))
    with pytest.raises(TypeError, match="data"):
        Prepared(create_engine("sqlite://").dialect, insert(table), "data")


@pytest.mark.parametrize("paramstyle", ["pyformat", "format"])
def test_a_commits_statements_can_be_said_to_postgresql(paramstyle):
    dialect = psycopg.dialect(paramstyle=paramstyle)
    dialect.dbapi = SimpleNamespace(Error=Exception)
    statements = vars(commit._Statements(dialect)).values()
    said = [getattr(one, "_statement", one)._sql for one in statements]
    assert len(said) == 9
    assert not any("?" in one for one in said)
    assert any("RETURNING" in one for one in said)
