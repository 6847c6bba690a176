"""What is under each message."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "reaction",
        sa.Column("room", sa.String, primary_key=True),
        sa.Column("target", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("emoji", sa.String, primary_key=True),
        sa.Column("author", sa.String, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("reaction_author", "reaction", ["author"])


def downgrade() -> None:
    """Back to messages alone."""
    op.drop_table("reaction")
