"""The port behind which accounts, keys, rooms' rules and sanctions are kept, beside the logs.

Every write is durable when its Awaitable fires. One that somebody may already have looked at leaves
a `Change` in the same transaction, by which other processes (the command line, other nodes) and this
one learn of it: of accounts, rooms, memberships and sanctions every write, of logins and keys their
end. A `digest` is the SHA-256 of a secret, in hex. Errors are `Unavailable`, and those that a method
names.
"""

from collections.abc import Awaitable, Collection, Sequence
from typing import Protocol

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
from chatroom.domain.model import Millis, Role, Seq

APART: Millis = 5 * 60_000
"""What has run out is forgotten so many milliseconds later: on another node it may not have run out, their
clocks being apart."""

SEEN_EVERY: Millis = 5 * 60_000
"""How exactly it is kept when a login was last seen."""

USED_EVERY: Millis = 60_000
"""How exactly it is kept when a key was last used."""

MAX_CHANGES = 1_000
"""So many changes at most are read at once."""

CHANGES_KEPT = 10_000
"""So many are kept: who has not read more than these looks at everything again."""


class Accounts(Protocol):
    """Accounts and what lets them in."""

    def add_account(self, account: Account, password: str | None) -> Awaitable[None]:
        """Keep a new account with its argon2 hash. Raises NameTaken where the name's key is taken."""

    def account(self, account: str) -> Awaitable[Account | None]:
        """The account of that id, deleted ones too."""

    def account_named(self, key: str) -> Awaitable[tuple[Account, str | None] | None]:
        """The account with that name key, not a deleted one, and its password's hash."""

    def accounts(self, after: str = "", limit: int = 100) -> Awaitable[Sequence[Account]]:
        """Accounts that are not deleted, by name key, those after `after`."""

    def set_password(self, account: str, password: str, but: str | None = None) -> Awaitable[None]:
        """A new hash; ends every login of the account `but` the one of that id. Raises NotFound."""

    def set_role(self, account: str, role: Role) -> Awaitable[None]:
        """A new role on the whole server. Raises NotFound."""

    def delete_account(self, account: str, name: str) -> Awaitable[None]:
        """Take name, password, logins, keys, memberships, reactions and read marks away, and write
        `name` over theirs in all events, their own and those about them; their role is `guest` then. Where it
        fails, it can be asked for again. Raises NotFound."""

    def open_login(self, login: Login, digest: str) -> Awaitable[None]:
        """Keep a login by the hash of its token; those that have run out by now are forgotten."""

    def login(self, digest: str, now: Millis) -> Awaitable[tuple[Account, Login] | None]:
        """Whose token that is; None where it ended or ran out. Notes when it was last seen (to about
        five minutes)."""

    def logins(self, account: str) -> Awaitable[Sequence[Login]]:
        """The devices of an account, newest first."""

    def close_login(self, account: str, login: str) -> Awaitable[None]:
        """End one. Raises NotFound where that account has none of that id."""

    def close_logins(self, account: str, but: str | None = None) -> Awaitable[None]:
        """End all, `but` that one."""

    def add_key(self, key: ApiKey, digest: str) -> Awaitable[None]:
        """Keep an API key of an account. Raises NameTaken where a key that is not revoked has its
        name."""

    def key(self, digest: str, now: Millis) -> Awaitable[tuple[ApiKey, Account] | None]:
        """Whose key that is, None where it was revoked. Notes its use (to about a minute)."""

    def keys(self) -> Awaitable[Sequence[ApiKey]]:
        """All keys, revoked ones too, by name."""

    def revoke_key(self, name: str, now: Millis) -> Awaitable[ApiKey]:
        """End the key of that name. Raises NotFound."""

    def add_invitation(self, invitation: Invitation, digest: str) -> Awaitable[None]:
        """Keep an invitation by the hash of its token."""

    def invitation(self, digest: str, now: Millis) -> Awaitable[Invitation | None]:
        """What a token invites to, if it still does."""

    def sign_up(
        self, account: Account, password: str, invitation: str | None, now: Millis
    ) -> Awaitable[None]:
        """Keep a new account, and where an `invitation` (its digest) is given use it up once: one
        transaction. Into the room that it names, the account comes as a member. Raises NameTaken,
        and BadToken where the invitation is none any more."""

    def has_owner(self) -> Awaitable[bool]:
        """Whether an account that is not deleted is an owner of this server."""


class Rooms(Protocol):
    """Rooms' rules, and who has a place in them."""

    def create_room(self, room: RoomRecord, members: Sequence[Membership]) -> Awaitable[None]:
        """Keep a new room with its first members. Raises Conflict where there is one of that name."""

    def set_room(self, room: RoomRecord) -> Awaitable[None]:
        """Change title, topic, slow (`head` is not looked at). Raises NotFound."""

    def room(self, name: str) -> Awaitable[RoomRecord | None]:
        """What is kept about a room, also one that came into being by a post."""

    def memberships(self, room: str) -> Awaitable[Sequence[Membership]]:
        """Everybody who has a place in a room."""

    def memberships_of(self, user: str) -> Awaitable[Sequence[Membership]]:
        """Every place that a user has."""

    def spoken_with(self, users: Collection[str], since: Millis) -> Awaitable[Sequence[tuple[str, str, Seq]]]:
        """The direct rooms in which something is from after a time, or from then: of each its name, whose of
        `users` it is (once for each) and its newest event."""

    def set_membership(self, membership: Membership) -> Awaitable[None]:
        """Give somebody a place in a room, or another role there."""

    def end_membership(self, room: str, user: str) -> Awaitable[bool]:
        """Take it away; whether there was one."""

    def visible(self, user: str) -> Awaitable[Sequence[tuple[RoomRecord, Seq]]]:
        """The public and announcement rooms, and those that `user` has a place in, each with what
        they have read of it (0 for nothing), by name."""

    def mark_read(self, user: str, room: str, seq: Seq) -> Awaitable[Seq]:
        """`user` has read `room` up to `seq`; the mark, which never goes back. Leaves no Change."""

    def others(self, room: str, user: str) -> Awaitable[Sequence[Membership]]:
        """Who else has a place in a room: of a direct one, the other."""


class Moderation(Protocol):
    """Sanctions, reports and the audit log."""

    def impose(self, sanction: Sanction) -> Awaitable[None]:
        """Keep a sanction, in place of one of the same kind on the same subject and room; those
        that have run out by then are forgotten."""

    def lift(self, standing: str, room: str, subject: str) -> Awaitable[bool]:
        """Take one back; whether there was one."""

    def sanctions(self, now: Millis) -> Awaitable[Sequence[Sanction]]:
        """All that still hold."""

    def messages_of(self, author: str, room: str | None, limit: int) -> Awaitable[Sequence[tuple[str, Seq]]]:
        """Room and seq of `author`'s messages that are not deleted, the oldest first; of all rooms
        where `room` is None."""

    def reactions_of(
        self, author: str, room: str | None, limit: int
    ) -> Awaitable[Sequence[tuple[str, Seq, str]]]:
        """Room, message and emoji of what `author` has put under messages; of all rooms where `room` is
        None."""

    def report(self, room: str, seq: Seq, by: str, at: Millis, reason: str) -> Awaitable[int]:
        """Keep a report, once for each member and message; its id, or the first one's."""

    def reports(self, limit: int) -> Awaitable[Sequence[Report]]:
        """The open ones, oldest first."""

    def close_report(self, report: int) -> Awaitable[None]:
        """It was looked at. Raises NotFound."""

    def note(self, deed: Deed) -> Awaitable[None]:
        """Add a line to the audit log."""

    def disconnect(self, deed: Deed) -> Awaitable[None]:
        """As `note`, and leave a change: every process ends the connections of the deed's subject."""

    def deeds(self, before: Millis | None, limit: int) -> Awaitable[Sequence[Deed]]:
        """The audit log before a time, newest first: `limit` deeds, and those that were done in the
        same millisecond as the last of them, so that the next page begins before it."""


class Registry(Accounts, Rooms, Moderation, Protocol):
    """All of it."""

    def changes(self, after: int) -> Awaitable[Sequence[Change]]:
        """What was changed after the change `after`, oldest first; at most MAX_CHANGES.

        Ids have no gaps: where the first one is not `after` + 1, what was between is no longer kept,
        and anything may be different.
        """

    def last_change(self) -> Awaitable[int]:
        """The newest change's id; 0 for none."""
