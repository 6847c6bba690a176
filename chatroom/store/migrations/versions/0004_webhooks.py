"""Webhooks, how far each was told, and what is told apart."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "webhook",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("url", sa.String, nullable=False),
        sa.Column("secret", sa.String, nullable=False),
        sa.Column("rooms", sa.String, nullable=False),
        sa.Column("events", sa.String, nullable=False),
        sa.Column("account", sa.String, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("disabled", sa.BigInteger),
        sa.Column("reason", sa.String, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "webhook_cursor",
        sa.Column("hook", sa.String, primary_key=True),
        sa.Column("room", sa.String, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["hook"], ["webhook.id"]),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "letter",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("hook", sa.String, sa.ForeignKey("webhook.id"), nullable=False),
        sa.Column("room", sa.String, nullable=False),
        sa.Column("after", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger),
        sa.Column("body", sa.Text),
        sa.Column("dead", sa.BigInteger),
        sa.Column("reason", sa.String, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("letter_room", "letter", ["hook", "room"])


def downgrade() -> None:
    """Back to nobody being told."""
    for table in ("letter", "webhook_cursor", "webhook"):
        op.drop_table(table)
