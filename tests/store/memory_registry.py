"""A registry in memory, for tests of what stands on one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import structs
from twisted.internet.defer import Deferred

from chatroom.domain.accounts import (
    Account,
    ApiKey,
    Change,
    Deed,
    Invitation,
    Login,
    Membership,
    Report,
    Sanction,
)
from chatroom.domain.errors import BadToken, ChatError, NameTaken, NotFound
from chatroom.domain.registry import APART, CHANGES_KEPT, MAX_CHANGES, SEEN_EVERY, USED_EVERY

from .memory import MemoryStore
from .memory_rooms import MemoryRooms, asked


class MemoryRegistry(MemoryRooms):
    """A `chatroom.domain.registry.Registry`, held to the contract by test_registry_accounts,
    test_registry_rooms and test_registry_moderation.

    Every call is done and answered at once. `stepped`, it waits for its steps as in MemoryStore:
    `work` does the oldest call, `answer` gives the oldest answer, `settle` takes all steps.
    `broken` is what all calls fail with, if set. `store` has the logs beside it; without one
    they are empty.
    """

    def __init__(self, store: MemoryStore | None = None, *, stepped: bool = False) -> None:
        super().__init__()
        self.broken: ChatError | None = None
        self.stepped = stepped
        self._store = store or MemoryStore()
        self._calls: deque[tuple[Callable[[], Any], Deferred[Any]]] = deque()
        self._answers: deque[tuple[Any, Deferred[Any]]] = deque()
        self._accounts: dict[str, Account] = {}
        self._passwords: dict[str, str | None] = {}
        self._logins: dict[str, Login] = {}
        self._keys: dict[str, ApiKey] = {}
        self._invitations: dict[str, Invitation] = {}
        self._sanctions: dict[tuple[str, str, str], Sanction] = {}
        self._reports: list[Report] = []
        self._deeds: list[Deed] = []
        self._changes: list[Change] = []

    # The steps.

    @property
    def steps(self) -> list[Callable[[], None]]:
        """Those that have something to do."""
        todo = [(self._calls, self.work), (self._answers, self.answer)]
        return [step for waiting, step in todo if waiting]

    def settle(self) -> None:
        """Take steps until nothing waits."""
        while self.steps:
            self.steps[0]()

    def work(self) -> None:
        """Do the oldest call."""
        call, done = self._calls.popleft()
        try:
            self._answers.append((self.broken or call(), done))
        except ChatError as error:
            self._answers.append((error, done))

    def answer(self) -> None:
        """Give the oldest answer."""
        result, done = self._answers.popleft()
        if isinstance(result, ChatError):
            done.errback(result)
        else:
            done.callback(result)

    def _ask(self, call: Callable[[], Any]) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self._calls.append((call, done))
        if not self.stepped:
            self.settle()
        return done

    # Accounts.

    @asked
    def add_account(self, account: Account, password: str | None) -> None:
        self._add_account(account, password)

    @asked
    def account(self, account: str) -> Account | None:
        return self._accounts.get(account)

    @asked
    def account_named(self, key: str) -> tuple[Account, str | None] | None:
        found = self._named(key)
        return None if found is None else (found, self._passwords[found.id])

    @asked
    def accounts(self, after: str = "", limit: int = 100) -> Sequence[Account]:
        there = [one for one in self._accounts.values() if not one.deleted and one.key > after]
        return sorted(there, key=lambda one: one.key)[:limit]

    @asked
    def set_password(self, account: str, password: str, but: str | None = None) -> None:
        self._living(account)
        self._passwords[account] = password
        self._changed("account", account)
        self._close_logins(account, but)

    @asked
    def set_role(self, account: str, role: Any) -> None:
        self._accounts[account] = structs.replace(self._living(account), role=role)
        self._changed("account", account)

    @asked
    def delete_account(self, account: str, name: str) -> None:
        gone = self._living(account)
        self._accounts[account] = structs.replace(gone, name="", key="", role="guest", deleted=True)
        self._passwords[account] = None
        self._changed("account", account)
        self._close_logins(account)
        for digest, key in list(self._keys.items()):
            if key.account == account:
                del self._keys[digest]
                self._changed("key", key.id)
        for room, user in sorted(self._memberships):
            if user == account:
                del self._memberships[room, user]
                self._changed("membership", f"{room} {user}")
        self._store.forget_reactions(account)
        for user, room in list(self._marks):
            if user == account:
                del self._marks[user, room]
        self._store.rename_author(account, name)

    @asked
    def open_login(self, login: Login, digest: str) -> None:
        for old, one in list(self._logins.items()):
            if one.until <= login.created - APART:
                del self._logins[old]
                self._changed("login", one.id)
        self._logins[digest] = login

    @asked
    def login(self, digest: str, now: int) -> tuple[Account, Login] | None:
        found = self._logins.get(digest)
        if found is None or found.until <= now:
            return None
        if now - found.seen >= SEEN_EVERY:
            found = self._logins[digest] = structs.replace(found, seen=now)
        return self._accounts[found.account], found

    @asked
    def logins(self, account: str) -> Sequence[Login]:
        mine = [one for one in self._logins.values() if one.account == account]
        return sorted(mine, key=lambda one: (-one.created, one.id))

    @asked
    def close_login(self, account: str, login: str) -> None:
        for digest, one in self._logins.items():
            if (one.account, one.id) == (account, login):
                del self._logins[digest]
                self._changed("login", login)
                return
        raise NotFound("there is no such session")

    @asked
    def close_logins(self, account: str, but: str | None = None) -> None:
        self._close_logins(account, but)

    @asked
    def add_key(self, key: ApiKey, digest: str) -> None:
        if any(one.name == key.name and one.revoked is None for one in self._keys.values()):
            raise NameTaken(f"there is a key named {key.name}")
        self._keys[digest] = key

    @asked
    def key(self, digest: str, now: int) -> tuple[ApiKey, Account] | None:
        found = self._keys.get(digest)
        if found is None or found.revoked is not None:
            return None
        if found.used is None or now - found.used >= USED_EVERY:
            found = self._keys[digest] = structs.replace(found, used=now)
        return found, self._accounts[found.account]

    @asked
    def keys(self) -> Sequence[ApiKey]:
        return sorted(self._keys.values(), key=lambda one: (one.name, one.created, one.id))

    @asked
    def revoke_key(self, name: str, now: int) -> ApiKey:
        for digest, one in self._keys.items():
            if one.name == name and one.revoked is None:
                revoked = self._keys[digest] = structs.replace(one, revoked=now)
                self._changed("key", one.id)
                return revoked
        raise NotFound(f"there is no key named {name}")

    @asked
    def add_invitation(self, invitation: Invitation, digest: str) -> None:
        self._invitations[digest] = invitation

    @asked
    def invitation(self, digest: str, now: int) -> Invitation | None:
        found = self._invitations.get(digest)
        return found if found is not None and now < found.until else None

    @asked
    def sign_up(self, account: Account, password: str, invitation: str | None, now: int) -> None:
        used = None if invitation is None else self._invitations.get(invitation)
        if invitation is not None and (used is None or used.until <= now):
            raise BadToken("this invitation was used up, or ran out")
        self._add_account(account, password)
        if invitation is None or used is None:
            return
        self._invitations[invitation] = structs.replace(used, uses=used.uses - 1)
        if used.uses == 1:
            del self._invitations[invitation]
        if used.room is not None:
            self._place(Membership(used.room, account.id, account.name, "member", account.kind))

    @asked
    def has_owner(self) -> bool:
        return any(one.role == "owner" and not one.deleted for one in self._accounts.values())

    def _living(self, account: str) -> Account:
        found = self._accounts.get(account)
        if found is None or found.deleted:
            raise NotFound("there is no such account")
        return found

    def _named(self, key: str) -> Account | None:
        there = [one for one in self._accounts.values() if one.key == key and not one.deleted]
        return there[0] if there else None

    def _add_account(self, account: Account, password: str | None) -> None:
        if self._named(account.key) is not None:
            raise NameTaken(f"{account.name} is taken")
        self._accounts[account.id] = account
        self._passwords[account.id] = password
        self._changed("account", account.id)

    def _close_logins(self, account: str, but: str | None = None) -> None:
        for digest, one in sorted(self._logins.items(), key=lambda entry: entry[1].id):
            if one.account == account and one.id != but:
                del self._logins[digest]
                self._changed("login", one.id)

    # Moderation.

    @asked
    def impose(self, sanction: Sanction) -> None:
        for place, old in list(self._sanctions.items()):
            if not old.holds(sanction.at - APART):
                del self._sanctions[place]
        self._sanctions[sanction.standing, sanction.room, sanction.subject] = sanction
        self._changed("sanction", f"{sanction.room} {sanction.subject}")

    @asked
    def lift(self, standing: str, room: str, subject: str) -> bool:
        if self._sanctions.pop((standing, room, subject), None) is None:
            return False
        self._changed("sanction", f"{room} {subject}")
        return True

    @asked
    def sanctions(self, now: int) -> Sequence[Sanction]:
        return [one for _, one in sorted(self._sanctions.items()) if one.holds(now)]

    @asked
    def messages_of(self, author: str, room: str | None, limit: int) -> Sequence[tuple[str, int]]:
        said = [one for one in self._store.messages_by(author) if room in (None, one.room)]
        said.sort(key=lambda one: (one.at, one.room, one.seq))
        return [(one.room, one.seq) for one in said][:limit]

    @asked
    def reactions_of(self, author: str, room: str | None, limit: int) -> Sequence[tuple[str, int, str]]:
        found = sorted(self._store.reactions_of(author))
        return [one for one in found if room in (None, one[0])][:limit]

    @asked
    def report(self, room: str, seq: int, by: str, at: int, reason: str) -> int:
        for one in self._reports:
            if (one.room, one.seq, one.by) == (room, seq, by):
                return one.id
        self._reports.append(Report(len(self._reports) + 1, room, seq, by, at, reason))
        return len(self._reports)

    @asked
    def reports(self, limit: int) -> Sequence[Report]:
        return [one for one in self._reports if not one.done][:limit]

    @asked
    def close_report(self, report: int) -> None:
        if not 1 <= report <= len(self._reports):
            raise NotFound("there is no such report")
        self._reports[report - 1] = structs.replace(self._reports[report - 1], done=True)

    @asked
    def note(self, deed: Deed) -> None:
        self._deeds.append(deed)

    @asked
    def disconnect(self, deed: Deed) -> None:
        self._deeds.append(deed)
        self._changed("connections", deed.subject)

    @asked
    def deeds(self, before: int | None, limit: int) -> Sequence[Deed]:
        there = [one for one in self._deeds[::-1] if before is None or one.at < before]
        there.sort(key=lambda one: -one.at)
        return [one for one in there if one.at >= there[:limit][-1].at]

    # Changes.

    @asked
    def changes(self, after: int) -> Sequence[Change]:
        return [one for one in self._changes if one.id > after][:MAX_CHANGES]

    @asked
    def last_change(self) -> int:
        return self._changes[-1].id if self._changes else 0

    def _changed(self, what: Any, subject: str) -> None:
        self._changes.append(Change(self._changes[-1].id + 1 if self._changes else 1, what, subject))
        del self._changes[:-CHANGES_KEPT]
