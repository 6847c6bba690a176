"""The rooms' logs in a database: SQLAlchemy Core over SQLite or PostgreSQL."""
