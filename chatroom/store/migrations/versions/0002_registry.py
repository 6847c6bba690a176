"""Accounts and what lets them in, rooms' rules and members, moderation."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Forward."""
    op.add_column("room", sa.Column("topic", sa.String, nullable=False, server_default=sa.text("''")))
    op.add_column("room", sa.Column("slow", sa.Float, nullable=False, server_default=sa.text("0")))
    op.create_index("room_kind", "room", ["kind"])
    _accounts()
    _entry()
    _members()
    _moderation()
    op.create_table(
        "change",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
    )


def downgrade() -> None:
    """Back to logs alone."""
    for table in ("change", "deed", "report", "sanction", "read_mark", "membership"):
        op.drop_table(table)
    for table in ("invitation", "api_key", "login", "account"):
        op.drop_table(table)
    op.drop_index("room_kind", "room")
    op.drop_column("room", "slow")
    op.drop_column("room", "topic")


def _accounts() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("key", sa.String),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("password", sa.String),
        sa.Column("created", sa.BigInteger, nullable=False),
    )
    op.create_index("account_key", "account", ["key"], unique=True)


def _entry() -> None:
    op.create_table(
        "login",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("account", sa.String, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("client", sa.String, nullable=False),
        sa.Column("address", sa.String, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("seen", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("login_account", "login", ["account"])
    op.create_index("login_until", "login", ["until"])
    op.create_table(
        "api_key",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("account", sa.String, sa.ForeignKey("account.id"), nullable=False),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("used", sa.BigInteger),
        sa.Column("revoked", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    good = sa.text("revoked IS NULL")
    op.create_index(
        "api_key_name", "api_key", ["name"], unique=True, sqlite_where=good, postgresql_where=good
    )
    op.create_table(
        "invitation",
        sa.Column("digest", sa.String, primary_key=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("room", sa.String),
        sa.Column("by", sa.String, nullable=False),
        sqlite_with_rowid=False,
    )


def _members() -> None:
    op.create_table(
        "membership",
        sa.Column("room", sa.String, primary_key=True),
        sa.Column("user", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("membership_user", "membership", ["user"])
    op.create_table(
        "read_mark",
        sa.Column("user", sa.String, primary_key=True),
        sa.Column("room", sa.String, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def _moderation() -> None:
    op.create_table(
        "sanction",
        sa.Column("standing", sa.String, primary_key=True),
        sa.Column("room", sa.String, primary_key=True),
        sa.Column("subject", sa.String, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("until", sa.BigInteger),
        sa.Column("reason", sa.String, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "report",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("room", sa.String, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("done", sa.Boolean, nullable=False),
    )
    op.create_index("report_once", "report", ["room", "seq", "by"], unique=True)
    op.create_table(
        "deed",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.String, nullable=False),
        sa.Column("what", sa.String, nullable=False),
        sa.Column("room", sa.String, nullable=False),
        sa.Column("subject", sa.String, nullable=False),
        sa.Column("detail", sa.String, nullable=False),
    )
    op.create_index("deed_at", "deed", ["at"])
