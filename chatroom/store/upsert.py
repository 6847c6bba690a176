"""Insert or write over, in the one way that SQLite and PostgreSQL both have."""

from sqlalchemy import ColumnElement, Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that knows `on_conflict_do_update`."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def put(connection: Connection, table: Table, **values: object) -> None:
    """Insert a row, or write over the one that has its primary key."""
    statement = upsert(connection, table).values(values)
    keys = [column.name for column in table.primary_key]
    others: dict[str, ColumnElement[object]] = {
        name: statement.excluded[name] for name in values if name not in keys
    }
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others))
