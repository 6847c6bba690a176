"""Reading: on a connection that was kept, or on another one where that turns out to be dead."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from chatroom.store.postgresql import unanswered

_T = TypeVar("_T")


def read(engine: Engine, work: Callable[[Connection], _T]) -> _T:
    """What `work`, which only reads, comes to. A database server that was started again since the last
    time is no error. Raises DBAPIError."""
    try:
        with engine.connect() as connection:
            return work(connection)
    except DBAPIError as error:
        if not error.connection_invalidated or unanswered(error):
            raise
    with engine.connect() as connection:
        return work(connection)
