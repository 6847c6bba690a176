"""Insert or write over, in the one way that SQLite and PostgreSQL both have."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows `on_conflict_do_update`."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def unless_there(dialect: Dialect, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT of a row that does nothing where there is one of its keys; for `Prepared`."""
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    return insert(table).on_conflict_do_nothing()


def put(connection: Connection, table: Table, *rows: Mapping[str, Any]) -> None:
    """Insert whole rows, or write over those that have their primary keys."""
    if not rows:
        return
    statement = upsert(connection, table)
    keys = [column.name for column in table.primary_key]
    others = {name: column for name, column in statement.excluded.items() if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)
