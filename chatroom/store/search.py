"""Finding messages by the words in them: FTS5 on SQLite, a text search index on PostgreSQL.

PostgreSQL keeps its index with each post. SQLite's is brought up to date before a search, from the
logs: a post costs nothing more for it. A message that is deleted is taken out of both at once.
"""

from collections.abc import Collection, Sequence

import msgspec
from sqlalchemy import Connection, bindparam, inspect, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import String

from chatroom.domain.events import Edited, Message
from chatroom.domain.model import Seq
from chatroom.store.reactions import with_reactions
from chatroom.store.rows import events_of, to_event
from chatroom.store.tables import event, room

PAGE = 500
"""So many events are looked through in one transaction: posts wait for no more."""

_SECURE_DELETE = (3, 42)
"""Since this SQLite, FTS5 can be told to leave nothing of what is taken out."""

# An index's row is the message's time (milliseconds) and a number: the newest come first whichever
# room was looked through first, and a message's row is found by its time.
_BITS = 16

_TABLES = (
    "CREATE TABLE search_progress (room VARCHAR PRIMARY KEY, seq BIGINT NOT NULL)",
    "CREATE VIRTUAL TABLE search_index USING fts5("
    "room UNINDEXED, seq UNINDEXED, text, tokenize = 'unicode61 remove_diacritics 2')",
)

_INDEX = text("CREATE INDEX IF NOT EXISTS message_words ON message USING gin (to_tsvector('simple', text))")

_BEHIND = text(
    "SELECT room.name, coalesce(search_progress.seq, 0) FROM room LEFT JOIN search_progress"
    " ON search_progress.room = room.name WHERE room.name IN (SELECT value FROM json_each(:rooms))"
    " AND room.head > coalesce(search_progress.seq, 0) ORDER BY room.name LIMIT 1"
)
_REACHED = text("INSERT OR REPLACE INTO search_progress (room, seq) VALUES (:room, :seq)")
_LAST = text("SELECT max(rowid) FROM search_index WHERE rowid BETWEEN :first AND :last")
_PUT = text("INSERT INTO search_index (rowid, room, seq, text) VALUES (:id, :room, :seq, :text)")
_TAKE = text(
    "DELETE FROM search_index WHERE rowid IN (SELECT rowid FROM search_index"
    " WHERE rowid BETWEEN :first AND :last AND room = :room AND seq = :seq)"
)
_FTS5 = text(
    "SELECT room, seq FROM search_index WHERE search_index MATCH :words"
    " AND room IN (SELECT value FROM json_each(:rooms)) ORDER BY rowid DESC LIMIT :limit"
)
_TSVECTOR = text(
    "SELECT message.room, message.seq FROM message JOIN event USING (room, seq)"
    " WHERE to_tsvector('simple', message.text) @@ plainto_tsquery('simple', :words)"
    " AND message.room = ANY(:rooms) AND NOT message.deleted"
    " ORDER BY event.at DESC, message.room, message.seq DESC LIMIT :limit"
).bindparams(bindparam("rooms", type_=ARRAY(String)))


def prepare(connection: Connection) -> None:
    """Make the index where there is none yet."""
    if connection.dialect.name == "postgresql":
        # Asking for it with IF NOT EXISTS waits for all who write, and has all who want to write wait.
        if connection.scalar(text("SELECT to_regclass('message_words')")) is None:
            connection.execute(_INDEX)
        return
    if inspect(connection).has_table("search_progress"):
        return
    for table in _TABLES:
        connection.execute(text(table))
    version = connection.dialect.server_version_info
    if version is not None and version >= _SECURE_DELETE:
        connection.execute(text("INSERT INTO search_index (search_index, rank) VALUES ('secure-delete', 1)"))


def as_json(rooms: Collection[str]) -> str:
    """Rooms' names as SQLite takes any number of them."""
    return msgspec.json.encode(sorted(rooms)).decode()


def catch_up(connection: Connection, rooms: str) -> bool:
    """Take up to PAGE events of one of these rooms (names, as JSON) into SQLite's index; False where
    all are in it."""
    behind = connection.execute(_BEHIND, {"rooms": rooms}).first()
    if behind is None:
        return False
    name, start = behind
    query = events_of(name).where(event.c.seq > start).order_by(event.c.seq).limit(PAGE)
    rows = connection.execute(query).all()
    for row in rows:
        one = to_event(row)
        if isinstance(one, Message) and not one.deleted:
            _put(connection, one)
        elif isinstance(one, Edited) and one.target <= start:
            _put_again(connection, name, one.target)
    # A room whose head is past its last event is not to be looked through for ever.
    head = connection.scalar(select(room.c.head).where(room.c.name == name)) or 0
    connection.execute(_REACHED, {"room": name, "seq": rows[-1].seq if len(rows) == PAGE else head})
    return True


def forget(connection: Connection, target: tuple[str, Seq]) -> None:
    """Take a message that is deleted out of SQLite's index, if it is there already."""
    if connection.dialect.name == "postgresql":
        return
    at = connection.scalar(select(event.c.at).where(event.c.room == target[0], event.c.seq == target[1]))
    if at is not None:
        connection.execute(_TAKE, {**_between(at), "room": target[0], "seq": target[1]})


def search(connection: Connection, words: Sequence[str], rooms: Collection[str], limit: int) -> list[Message]:
    """See the port; SQLite's index is caught up by now."""
    if connection.dialect.name == "postgresql":
        asked = {"words": " ".join(words), "rooms": list(rooms), "limit": limit}
        pairs = connection.execute(_TSVECTOR, asked).all()
    else:
        quoted = " ".join(f'"{word}"' for word in words)
        named = as_json(rooms)
        pairs = connection.execute(_FTS5, {"words": quoted, "rooms": named, "limit": limit}).all()
    found = [_message(connection, name, seq) for name, seq in pairs]
    return [one for one in found if one is not None]


def _message(connection: Connection, name: str, seq: Seq) -> Message | None:
    row = connection.execute(events_of(name).where(event.c.seq == seq)).first()
    one = None if row is None else to_event(row)
    if not isinstance(one, Message) or one.deleted:
        return None
    (told,) = with_reactions(connection, name, [one])
    return told if isinstance(told, Message) else None


def _put(connection: Connection, said: Message) -> None:
    between = _between(said.at)
    last = connection.scalar(_LAST, between)
    number = between["first"] if last is None else min(last + 1, between["last"])
    connection.execute(_PUT, {"id": number, "room": said.room, "seq": said.seq, "text": said.text})


def _put_again(connection: Connection, name: str, seq: Seq) -> None:
    forget(connection, (name, seq))
    said = _message(connection, name, seq)
    if said is not None:
        _put(connection, said)


def _between(at: int) -> dict[str, int]:
    return {"first": at << _BITS, "last": (at + 1 << _BITS) - 1}
