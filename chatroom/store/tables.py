"""The tables. Alembic's migrations make them; a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)
"""A few facts of the log as a whole; `epoch` is the random id of its life."""

room = Table(
    "room",
    metadata,
    Column("name", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("head", BigInteger, nullable=False),
)
"""`head` is raised in the transaction that inserts the events: gapless, whoever writes."""

event = Table(
    "event",
    metadata,
    Column("room", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("author", String, nullable=False),
    Column("name", String, nullable=False),
    Column("key", String),
    Column("target", BigInteger),
    Column("body", Text),
    ForeignKeyConstraint(["room"], ["room.name"]),
    sqlite_with_rowid=False,
)
"""The log: append-only. `name` is the author's at the time; `target` the message that an edit or a
deletion is about; `body` what else the event has, as JSON."""

Index(
    "event_key",
    event.c.room,
    event.c.author,
    event.c.key,
    unique=True,
    sqlite_where=event.c.key.is_not(None),
    postgresql_where=event.c.key.is_not(None),
)

message = Table(
    "message",
    metadata,
    Column("room", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("edited", BigInteger),
    Column("deleted", Boolean, nullable=False),
    ForeignKeyConstraint(["room", "seq"], ["event.room", "event.seq"]),
    sqlite_with_rowid=False,
)
"""What each message says now. The only place that holds a text, so that deleting one deletes it."""
