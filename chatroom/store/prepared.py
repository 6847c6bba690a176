"""Statements that run so often that SQLAlchemy is asked for their SQL only once."""

from collections.abc import Callable, Sequence
from typing import Any, cast

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Connection,
    Dialect,
    Insert,
    Table,
    insert,
    literal_column,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Values = tuple[Any, ...]
"""A statement's parameters, in the order of its `names`."""


class Prepared:
    """A statement compiled for `dialect`, which the driver's own cursor then runs.

    `Connection.execute` takes several times as long as SQLite does for a short statement. Here values
    go to the driver as they are, and come back as the driver has them (SQLite: a Boolean is an int).
    Errors are the same, DBAPIError and its kinds. It begins no transaction: the connection has begun
    one. `names` are the parameters, of an insert its columns; raises TypeError where they are not all,
    or one has a type that converts its values.
    """

    def __init__(self, dialect: Dialect, statement: ClauseElement, *names: str) -> None:
        keys = names if isinstance(statement, Insert) and statement.select is None else None
        compiled = cast(SQLCompiler, statement.compile(dialect=dialect, column_keys=keys))
        for bind, name in compiled.bind_names.items():
            if name not in names or bind.type.dialect_impl(dialect).bind_processor(dialect):
                raise TypeError(f"{name} is no parameter that the driver takes as it is")
        self._sql = str(compiled)
        self._arranged = _arrangement(names, compiled.positiontup)
        self._dialect = dialect
        self._error: type[Exception] = dialect.loaded_dbapi.Error

    def run(self, connection: Connection, values: Values = ()) -> int:
        """Run it; how many rows it concerned."""
        try:
            cursor = connection.connection.cursor()
            cursor.execute(self._sql, self._arranged(values) if self._arranged else values)
            return int(cursor.rowcount)
        except self._error as error:
            raise self._told(error) from error

    def run_many(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Run it once for each of `rows`."""
        try:
            cursor = connection.connection.cursor()
            cursor.executemany(self._sql, [self._arranged(row) for row in rows] if self._arranged else rows)
        except self._error as error:
            raise self._told(error) from error

    def first(self, connection: Connection, values: Values) -> Values | None:
        """Run it; the first row that it gives."""
        try:
            cursor = connection.connection.cursor()
            cursor.execute(self._sql, self._arranged(values) if self._arranged else values)
            # All of them: SQLite has not ended a statement that has more to give.
            rows = cursor.fetchall()
        except self._error as error:
            raise self._told(error) from error
        return rows[0] if rows else None

    def _told(self, error: Exception) -> Exception:
        return DBAPIError.instance(self._sql, None, error, self._error, dialect=self._dialect)


class Rows:
    """Rows of `table` that are inserted together, compiled for `dialect`: values of the columns `names`,
    and in the columns of `fixed` the same in all.

    One statement, also where psycopg would send one for each row and an end after the last: a node that is
    halted between them would keep what it has locked, and the server wait for it without any time-out.
    """

    def __init__(self, dialect: Dialect, table: Table, *names: str, **fixed: ColumnElement[Any]) -> None:
        self._as_columns = dialect.name == "postgresql"
        statement: Insert = insert(table).values(**fixed)
        if self._as_columns:
            types = {name: table.c[name].type.compile(dialect=dialect) for name in names}
            columns = ", ".join(f"CAST(:{name} AS {types[name]}[])" for name in names)
            given = text(f"unnest({columns}) AS given ({', '.join(names)})")
            values: list[Any] = [*(literal_column(f"given.{name}") for name in names), *fixed.values()]
            statement = insert(table).from_select([*names, *fixed], select(*values).select_from(given))
        self._statement = Prepared(dialect, statement, *names)

    def insert(self, connection: Connection, rows: Sequence[Values]) -> None:
        """Insert them."""
        if self._as_columns:
            self._statement.run(connection, tuple(map(list, zip(*rows, strict=True))))
        else:
            self._statement.run_many(connection, rows)


def _arrangement(names: Sequence[str], order: Sequence[str] | None) -> Callable[[Values], Any] | None:
    """What makes values what the driver takes; None where it takes them as they are."""
    if order is None:
        return lambda values: dict(zip(names, values, strict=True))
    if list(order) == list(names):
        return None
    places = [names.index(name) for name in order]
    return lambda values: tuple([values[place] for place in places])
