"""The database's history: one step a file, applied in order at every start (Alembic)."""
