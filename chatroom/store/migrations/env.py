"""Runs migrations on the connection it is given: there is no alembic.ini to find."""

from alembic import context

from chatroom.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
