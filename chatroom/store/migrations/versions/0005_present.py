"""Who is in the rooms of which webhooks are told who comes and goes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Forward."""
    op.create_table(
        "present",
        sa.Column("room", sa.String, primary_key=True),
        sa.Column("user", sa.String, primary_key=True),
        sa.Column("node", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("present_node", "present", ["node"])


def downgrade() -> None:
    """Back to each node's knowing it of itself."""
    op.drop_table("present")
