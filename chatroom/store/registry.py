"""The registry: what is behind its port, each in a thread and a transaction."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from threading import Event as ThreadEvent
from threading import Lock
from time import monotonic
from typing import Concatenate, ParamSpec, TypeVar

from msgspec import structs
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from chatroom.domain.accounts import (
    Account,
    ApiKey,
    Change,
    Deed,
    Invitation,
    Login,
    Membership,
    Report,
    RoomRecord,
    Sanction,
)
from chatroom.domain.errors import Unavailable
from chatroom.domain.model import Millis, Role, Seq
from chatroom.domain.registry import SEEN_EVERY, USED_EVERY
from chatroom.store import accounts, changes, deletion, invitations, logins, moderation, reactions, rooms
from chatroom.store.gathering import Gathering
from chatroom.store.postgresql import lost, write_alone
from chatroom.store.reading import read
from chatroom.store.watch import Outage, Watch
from chatroom.store.webhooks import SqlWebhooks
from chatroom.store.writer import RETRY_AFTER, problem

READERS = 3

_P = ParamSpec("_P")
_T = TypeVar("_T")


class SqlRegistry:
    """A `chatroom.domain.registry.Registry` on the engines of a SqlStore.

    Writes are done one after the other in their order, by a thread of their own: each is a
    transaction with an fsync, for which it takes `turn` with the store's writer. `start` makes the
    threads, whose results come back to `reactor`; `stop` ends them. `webhooks` is beside it.
    """

    _log = Logger()

    def __init__(
        self, writing: Engine, turn: Lock, reading: Engine, watch: Watch, reactor: IReactorFromThreads
    ) -> None:
        self._writing = writing
        self._turn = turn
        self._reading = reading
        self._watch = watch
        self._outage = Outage()
        self._reactor = reactor
        self._writer = ThreadPool(0, 1, "chatroom-registry-writer")
        self._readers = ThreadPool(0, READERS, "chatroom-registry-reader")
        self._stopping = ThreadEvent()
        self._failing = False
        self._marks = Gathering[tuple[str, str, Seq], Seq](lambda marks: self._write(rooms.mark_read, marks))
        self._seen = Gathering[tuple[str, Millis], None](lambda seen: self._write(logins.see, seen))
        self._used = Gathering[tuple[str, Millis], None](lambda used: self._write(logins.use, used))
        self.webhooks = SqlWebhooks(self._read, self._write)

    def start(self) -> None:
        """Start working."""
        self._writer.start()
        self._readers.start()

    def stop(self) -> None:
        """End what is being done, and refuse the rest. Deleting an account stops between two pieces."""
        self._stopping.set()
        self._writer.stop()
        self._readers.stop()

    # Accounts.

    def add_account(self, account: Account, password: str | None) -> "Deferred[None]":
        """See the port."""
        return self._write(accounts.add_account, account, password)

    def account(self, account: str) -> "Deferred[Account | None]":
        """See the port."""
        return self._read(accounts.account, account)

    def account_named(self, key: str) -> "Deferred[tuple[Account, str | None] | None]":
        """See the port."""
        return self._read(accounts.account_named, key)

    def accounts(self, after: str = "", limit: int = 100) -> "Deferred[Sequence[Account]]":
        """See the port."""
        return self._read(accounts.accounts, after, limit)

    def set_password(self, account: str, password: str, but: str | None = None) -> "Deferred[None]":
        """See the port."""
        return self._write(logins.set_password, account, password, but)

    def set_role(self, account: str, role: Role) -> "Deferred[None]":
        """See the port."""
        return self._write(accounts.set_role, account, role)

    def delete_account(self, account: str, name: str) -> "Deferred[None]":
        """See the port."""
        # Among the readers: most of it is looking through the log, and others' writes need not wait.
        return self._run(
            self._readers,
            lambda: deletion.delete_account(
                self._reading.connect, self._transaction, account, name, self._stopping
            ),
        )

    def open_login(self, login: Login, digest: str) -> "Deferred[None]":
        """See the port."""
        return self._write(logins.open_login, login, digest)

    def login(self, digest: str, now: Millis) -> "Deferred[tuple[Account, Login] | None]":
        """See the port."""
        return Deferred.fromCoroutine(self._login(digest, now))

    async def _login(self, digest: str, now: Millis) -> tuple[Account, Login] | None:
        found = await self._read(logins.login, digest, now)
        if found is None or now - found[1].seen < SEEN_EVERY:
            return found
        try:
            await self._seen.add((digest, now))
        except Unavailable:
            return found  # a full disk keeps nobody out
        return found[0], structs.replace(found[1], seen=now)

    def logins(self, account: str) -> "Deferred[Sequence[Login]]":
        """See the port."""
        return self._read(logins.logins, account)

    def close_login(self, account: str, login: str) -> "Deferred[None]":
        """See the port."""
        return self._write(logins.close_login, account, login)

    def close_logins(self, account: str, but: str | None = None) -> "Deferred[None]":
        """See the port."""
        return self._write(logins.close_logins, account, but)

    def add_key(self, key: ApiKey, digest: str) -> "Deferred[None]":
        """See the port."""
        return self._write(logins.add_key, key, digest)

    def key(self, digest: str, now: Millis) -> "Deferred[tuple[ApiKey, Account] | None]":
        """See the port."""
        return Deferred.fromCoroutine(self._key(digest, now))

    async def _key(self, digest: str, now: Millis) -> tuple[ApiKey, Account] | None:
        found = await self._read(logins.key, digest)
        if found is None or (found[0].used is not None and now - found[0].used < USED_EVERY):
            return found
        try:
            await self._used.add((digest, now))
        except Unavailable:
            return found
        return structs.replace(found[0], used=now), found[1]

    def keys(self) -> "Deferred[Sequence[ApiKey]]":
        """See the port."""
        return self._read(logins.keys)

    def revoke_key(self, name: str, now: Millis) -> "Deferred[ApiKey]":
        """See the port."""
        return self._write(logins.revoke_key, name, now)

    def add_invitation(self, invitation: Invitation, digest: str) -> "Deferred[None]":
        """See the port."""
        return self._write(invitations.add_invitation, invitation, digest)

    def invitation(self, digest: str, now: Millis) -> "Deferred[Invitation | None]":
        """See the port."""
        return self._read(invitations.invitation, digest, now)

    def sign_up(
        self, account: Account, password: str, invitation: str | None, now: Millis
    ) -> "Deferred[None]":
        """See the port."""
        return self._write(invitations.sign_up, account, password, invitation, now)

    def has_owner(self) -> "Deferred[bool]":
        """See the port."""
        return self._read(accounts.has_owner)

    # Rooms.

    def create_room(self, room: RoomRecord, members: Sequence[Membership]) -> "Deferred[None]":
        """See the port."""
        return self._write(rooms.create_room, room, members)

    def set_room(self, room: RoomRecord) -> "Deferred[None]":
        """See the port."""
        return self._write(rooms.set_room, room)

    def room(self, name: str) -> "Deferred[RoomRecord | None]":
        """See the port."""
        return self._read(rooms.room, name)

    def memberships(self, room: str) -> "Deferred[Sequence[Membership]]":
        """See the port."""
        return self._read(rooms.memberships, room)

    def memberships_of(self, user: str) -> "Deferred[Sequence[Membership]]":
        """See the port."""
        return self._read(rooms.memberships_of, user)

    def spoken_with(
        self, users: Collection[str], since: Millis
    ) -> "Deferred[Sequence[tuple[str, str, Seq]]]":
        """See the port."""
        return self._read(rooms.spoken_with, users, since)

    def set_membership(self, membership: Membership) -> "Deferred[None]":
        """See the port."""
        return self._write(rooms.set_membership, membership)

    def end_membership(self, room: str, user: str) -> "Deferred[bool]":
        """See the port."""
        return self._write(rooms.end_membership, room, user)

    def visible(self, user: str) -> "Deferred[Sequence[tuple[RoomRecord, Seq]]]":
        """See the port."""
        return self._read(rooms.visible, user)

    def mark_read(self, user: str, room: str, seq: Seq) -> "Deferred[Seq]":
        """See the port."""
        return self._marks.add((user, room, seq))

    def others(self, room: str, user: str) -> "Deferred[Sequence[Membership]]":
        """See the port."""
        return self._read(rooms.others, room, user)

    # Moderation.

    def impose(self, sanction: Sanction) -> "Deferred[None]":
        """See the port."""
        return self._write(moderation.impose, sanction)

    def lift(self, standing: str, room: str, subject: str) -> "Deferred[bool]":
        """See the port."""
        return self._write(moderation.lift, standing, room, subject)

    def sanctions(self, now: Millis) -> "Deferred[Sequence[Sanction]]":
        """See the port."""
        return self._read(moderation.sanctions, now)

    def messages_of(self, author: str, room: str | None, limit: int) -> "Deferred[Sequence[tuple[str, Seq]]]":
        """See the port."""
        return self._read(moderation.messages_of, author, room, limit)

    def reactions_of(
        self, author: str, room: str | None, limit: int
    ) -> "Deferred[Sequence[tuple[str, Seq, str]]]":
        """See the port."""
        return self._read(reactions.reactions_of, author, room, limit)

    def report(self, room: str, seq: Seq, by: str, at: Millis, reason: str) -> "Deferred[int]":
        """See the port."""
        return self._write(moderation.report, room, seq, by, at, reason)

    def reports(self, limit: int) -> "Deferred[Sequence[Report]]":
        """See the port."""
        return self._read(moderation.reports, limit)

    def close_report(self, report: int) -> "Deferred[None]":
        """See the port."""
        return self._write(moderation.close_report, report)

    def note(self, deed: Deed) -> "Deferred[None]":
        """See the port."""
        return self._write(moderation.note, deed)

    def disconnect(self, deed: Deed) -> "Deferred[None]":
        """See the port."""
        return self._write(moderation.disconnect, deed)

    def deeds(self, before: Millis | None, limit: int) -> "Deferred[Sequence[Deed]]":
        """See the port."""
        return self._read(moderation.deeds, before, limit)

    # Changes.

    def changes(self, after: int) -> "Deferred[Sequence[Change]]":
        """See the port."""
        return self._read(changes.changes, after)

    def last_change(self) -> "Deferred[int]":
        """See the port."""
        return self._read(changes.last_change)

    # The threads.

    def _read(
        self, work: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kw: _P.kwargs
    ) -> "Deferred[_T]":
        return self._run(
            self._readers, lambda: read(self._reading, lambda connection: work(connection, *args, **kw))
        )

    def _write(
        self, work: Callable[Concatenate[Connection, _P], _T], *args: _P.args, **kw: _P.kwargs
    ) -> "Deferred[_T]":
        def write() -> _T:
            with self._transaction() as connection:
                return work(connection, *args, **kw)

        return self._run(self._writer, write)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with self._turn, self._writing.begin() as connection:
            write_alone(connection)
            yield connection

    def _run(self, pool: ThreadPool, work: Callable[[], _T]) -> "Deferred[_T]":
        asked = monotonic()

        def on_thread() -> _T:
            if self._outage.covers(asked):
                raise Unavailable("the server cannot use its database now; try again", RETRY_AFTER)
            try:
                result = work()
            except (IntegrityError, DataError):
                raise  # a mistake of ours: trying again is no use
            except DBAPIError as error:
                self._note_failure(error)
                raise Unavailable("the server cannot use its database now; try again", RETRY_AFTER) from error
            if self._failing:
                self._failing = False
                self._log.info("the registry can be used again")
            return result

        if self._stopping.is_set():
            return fail(Unavailable("the server is stopping; try again", RETRY_AFTER))
        return deferToThreadPool(self._reactor, pool, on_thread)

    def _note_failure(self, error: DBAPIError) -> None:
        if not self._failing:
            self._log.error("the registry cannot be used: {error}", error=problem(error))
        self._failing = True
        # A connection that failed may be why: the next call opens another.
        self._reading.dispose()
        self._writing.dispose()
        if lost(error):
            self._outage.found()
            self._watch.distrust()
