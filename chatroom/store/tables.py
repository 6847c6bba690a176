"""The tables. Alembic's migrations make them; a test compares the two."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    text,
)

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)
"""A few facts of the log as a whole; `epoch` is the random id of its life."""

room = Table(
    "room",
    metadata,
    Column("name", String, primary_key=True),
    Column("title", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("head", BigInteger, nullable=False),
    Column("topic", String, nullable=False, server_default=text("''")),
    Column("slow", Float, nullable=False, server_default=text("0")),
)
"""`head` is raised in the transaction that inserts the events: gapless, whoever writes. The defaults
are those of a room that comes into being by a post."""

# Listing the public rooms must not read the direct ones, of which there may be many more.
Index("room_kind", room.c.kind)

event = Table(
    "event",
    metadata,
    Column("room", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("author", String, nullable=False),
    Column("name", String, nullable=False),
    Column("key", String),
    Column("target", BigInteger),
    Column("body", Text),
    ForeignKeyConstraint(["room"], ["room.name"]),
    sqlite_with_rowid=False,
)
"""The log: append-only. `name` is the author's at the time; `target` the message that an edit or a
deletion is about; `body` what else the event has, as JSON."""

Index(
    "event_key",
    event.c.room,
    event.c.author,
    event.c.key,
    unique=True,
    sqlite_where=event.c.key.is_not(None),
    postgresql_where=event.c.key.is_not(None),
)

message = Table(
    "message",
    metadata,
    Column("room", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("edited", BigInteger),
    Column("deleted", Boolean, nullable=False),
    ForeignKeyConstraint(["room", "seq"], ["event.room", "event.seq"]),
    sqlite_with_rowid=False,
)
"""What each message says now. The only place that holds a text, so that deleting one deletes it."""

reaction = Table(
    "reaction",
    metadata,
    Column("room", String, primary_key=True),
    Column("target", BigInteger, primary_key=True, autoincrement=False),
    Column("emoji", String, primary_key=True),
    Column("author", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""What is under each message now; `seq` is that of the event that put it there."""

Index("reaction_author", reaction.c.author)

account = Table(
    "account",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("key", String),
    Column("kind", String, nullable=False),
    Column("role", String, nullable=False),
    Column("password", String),
    Column("created", BigInteger, nullable=False),
)
"""`key` is what no two names may share, NULL once the account is deleted: its row stays, so that its
id is nobody else's. `password` is an argon2 hash, NULL for an account that only keys let in."""

Index("account_key", account.c.key, unique=True)

login = Table(
    "login",
    metadata,
    Column("digest", String, primary_key=True),
    Column("id", String, nullable=False),
    Column("account", String, ForeignKey("account.id"), nullable=False),
    Column("client", String, nullable=False),
    Column("address", String, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""What a session token, known here by its SHA-256, lets in."""

Index("login_account", login.c.account)
Index("login_until", login.c.until)

api_key = Table(
    "api_key",
    metadata,
    Column("digest", String, primary_key=True),
    Column("id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("account", String, ForeignKey("account.id"), nullable=False),
    Column("scopes", String, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("used", BigInteger),
    Column("revoked", BigInteger),
    sqlite_with_rowid=False,
)
"""`scopes` has a space between two: there is none in a room's name."""

Index(
    "api_key_name",
    api_key.c.name,
    unique=True,
    sqlite_where=api_key.c.revoked.is_(None),
    postgresql_where=api_key.c.revoked.is_(None),
)

invitation = Table(
    "invitation",
    metadata,
    Column("digest", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("room", String),
    Column("by", String, nullable=False),
    sqlite_with_rowid=False,
)
"""`uses` is how many may still come by it; a row with none left is gone."""

membership = Table(
    "membership",
    metadata,
    Column("room", String, primary_key=True),
    Column("user", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("kind", String, nullable=False),
    sqlite_with_rowid=False,
)
"""Who has a place in a room, also in a public one that nobody has posted to: it has no row yet."""

Index("membership_user", membership.c.user)

read_mark = Table(
    "read_mark",
    metadata,
    Column("user", String, primary_key=True),
    Column("room", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""How far somebody has read a room."""

sanction = Table(
    "sanction",
    metadata,
    Column("standing", String, primary_key=True),
    Column("room", String, primary_key=True),
    Column("subject", String, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("by", String, nullable=False),
    Column("until", BigInteger),
    Column("reason", String, nullable=False),
    sqlite_with_rowid=False,
)
"""Who is kept out or silent, in a room or (with the empty name) everywhere."""

report = Table(
    "report",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("room", String, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("by", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", String, nullable=False),
    Column("done", Boolean, nullable=False),
)
"""What members want the moderators to look at."""

Index("report_once", report.c.room, report.c.seq, report.c.by, unique=True)

deed = Table(
    "deed",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("by", String, nullable=False),
    Column("what", String, nullable=False),
    Column("room", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("detail", String, nullable=False),
)
"""The audit log: append-only."""

Index("deed_at", deed.c.at)

webhook = Table(
    "webhook",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("url", String, nullable=False),
    Column("secret", String, nullable=False),
    Column("rooms", String, nullable=False),
    Column("events", String, nullable=False),
    Column("account", String, ForeignKey("account.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("disabled", BigInteger),
    Column("reason", String, nullable=False),
    sqlite_with_rowid=False,
)
"""`rooms` and `events` have a space between two. `secret` signs, so it is kept as it is."""

webhook_cursor = Table(
    "webhook_cursor",
    metadata,
    Column("hook", String, primary_key=True),
    Column("room", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    ForeignKeyConstraint(["hook"], ["webhook.id"]),
    sqlite_with_rowid=False,
)
"""How far a webhook was told of a room's log; none: not at all yet."""

letter = Table(
    "letter",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hook", String, ForeignKey("webhook.id"), nullable=False),
    Column("room", String, nullable=False),
    Column("after", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("seq", BigInteger),
    Column("body", Text),
    Column("dead", BigInteger),
    Column("reason", String, nullable=False),
    # Whoever has read up to an id is told of none after it that they have not read.
    sqlite_autoincrement=True,
)
"""What a webhook is to be told and no cursor stands for; `dead` ones wait to be sent again. Of an event
it has the `seq` alone: a text is kept in one place."""

Index("letter_room", letter.c.hook, letter.c.room)

present = Table(
    "present",
    metadata,
    Column("room", String, primary_key=True),
    Column("user", String, primary_key=True),
    Column("node", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""Who is in the rooms of which webhooks are told who comes and goes, on which nodes, since when. A node
that died leaves its people here, until another notices."""

Index("present_node", present.c.node)

change = Table(
    "change",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("what", String, nullable=False),
    Column("subject", String, nullable=False),
)
"""What was changed lately, for those who hold some of it in memory. `id` has no gaps (no sequence
promises that): it is one more than the newest."""
