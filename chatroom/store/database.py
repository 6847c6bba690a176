"""The database, for a command that works on it beside a running server, one call after the other."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event as ThreadEvent

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from chatroom.store import deletion
from chatroom.store.opening import Unusable, is_file, open_engines, path_of, told
from chatroom.store.postgresql import write_alone

__all__ = ["Connection", "Database"]


class Database:
    """The database at `url`, which must be there unless it may be made. Making one and using it raise
    Unusable, with a sentence for whoever gave the command; so do the functions beside this module
    that are given its connections. `made`: it was not there before."""

    def __init__(self, url: str, *, make: bool = False) -> None:
        self._url = url
        self.made = is_file(url) and not path_of(url).exists()
        if self.made and not make:
            raise Unusable(
                f"there is no database {path_of(url)}: start the server once (twistd -n chatroom), or say"
                " where it keeps its data with --data"
            )
        self._writing, self._reading = open_engines(url, checked=False)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to look things up."""
        with self._told(), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: what is written is kept when it ends without an error."""
        with self._told(), self._writing.begin() as connection:
            write_alone(connection)
            yield connection

    def delete_account(self, account: str, name: str) -> None:
        """See the port. Raises NotFound."""
        with self._told():
            deletion.delete_account(self._reading.connect, self.writing, account, name, ThreadEvent())

    def close(self) -> None:
        """Let go of the files."""
        for engine in (self._writing, self._reading):
            engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise Unusable(told(error, self._url)) from error
