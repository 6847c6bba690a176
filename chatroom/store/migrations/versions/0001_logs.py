"""Rooms, their events, the current text of each message."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "meta",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("value", sa.String, nullable=False),
    )
    op.create_table(
        "room",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("title", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("head", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "event",
        sa.Column("room", sa.String, sa.ForeignKey("room.name"), primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("author", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("key", sa.String),
        sa.Column("target", sa.BigInteger),
        sa.Column("body", sa.Text),
        sqlite_with_rowid=False,
    )
    keyed = sa.text("key IS NOT NULL")
    op.create_index(
        "event_key",
        "event",
        ["room", "author", "key"],
        unique=True,
        sqlite_where=keyed,
        postgresql_where=keyed,
    )
    op.create_table(
        "message",
        sa.Column("room", sa.String, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("edited", sa.BigInteger),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(["room", "seq"], ["event.room", "event.seq"]),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Back to nothing."""
    for table in ("message", "event", "room", "meta"):
        op.drop_table(table)
