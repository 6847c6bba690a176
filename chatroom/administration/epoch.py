"""`chatroom epoch`: the log begins another life, after its database has lost something."""

from __future__ import annotations

from chatroom.administration.desk import (
    Commands,
    Mistake,
    Options,
    command,
    database_url,
    note,
    opened,
    remark,
)
from chatroom.store import opening, postgresql
from chatroom.store.opening import is_file


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = command(
        commands,
        "epoch",
        _begin,
        "begin another life of a log that its PostgreSQL server lost part of",
    )
    parser.epilog = "Stop all servers of the database first. Clients that come back read the log anew."


def _begin(options: Options) -> None:
    if is_file(database_url(options)):
        raise Mistake("`chatroom restore` does that by itself, when it puts a backup in its place")
    with opened(options) as database, database.writing() as connection:
        postgresql.check_alone(connection)
        epoch = opening.begin_epoch(connection)
        note(connection, "epoch", detail=epoch)
    remark("the log's epoch is another now; clients read it anew when they come back")
