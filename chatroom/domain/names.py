"""What rooms and people may be called."""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256

from chatroom.domain.errors import BadRequest
from chatroom.domain.lookalikes import skeleton
from chatroom.domain.model import RoomKind

DEFAULT_ROOM = "lobby"
NAME_LENGTH = 32
ROOM_LENGTH = 64
NODE_LENGTH = 64

EVERY_ROOM = "*"
"""In place of a room's name, all of them; after the beginning of one, all that begin so."""

PRIVATE, DIRECT = "~", "@"
"""How the names of private and direct rooms begin. Nobody chooses those whole, so that none can be
guessed, and asking for one of them tells nobody whether it is there."""

_ROOM = re.compile(r"(?:~?[^\W_][\w.\-]*|@[0-9a-f]{24})\Z")
_NODE = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]{{0,{NODE_LENGTH - 1}}}\Z")
_JOINERS = "\u200c\u200d"
"""Format characters that names do need: Persian's and Hindi's spelling, and emoji of several parts."""
_BLANKS = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and signs that show nothing: Hangul's and Khmer's fillers, Braille's empty cell."""
_UNSEEN = dict.fromkeys(
    [*map(ord, _JOINERS), 0x034F, *range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]
)
"""What may stand in a name and is not seen: also the combining joiner and the variation selectors."""


def room_name(raw: str) -> str:
    """The one spelling of a room's name: NFKC, lower case (so that Lobby is lobby).

    Raises BadRequest where it is not 1 to 64 letters, digits, `_`, `-` and `.`, a letter or digit
    first.
    """
    name = unicodedata.normalize("NFKC", raw.strip()).casefold()
    if len(name) > ROOM_LENGTH or not _ROOM.match(name) or not _BLANKS.isdisjoint(name):
        raise BadRequest(
            f"a room's name is 1 to {ROOM_LENGTH} letters, digits, '_', '-' and '.', a letter or digit first"
        )
    return name


def node_name(raw: str) -> str:
    """A server's name among several, as it is. Raises ValueError where it is not 1 to 64 ASCII letters,
    digits, `_`, `-` and `.`: it goes into the headers of HTTP."""
    if not _NODE.match(raw):
        raise ValueError(f"--node takes 1 to {NODE_LENGTH} letters, digits, '_', '-' and '.', not {raw!r}")
    return raw


def private_name(wanted: str, secret: str) -> str:
    """The name of a new private room: what its owner wants, and a `secret` that nobody guesses."""
    return f"{PRIVATE}{room_name(wanted).lstrip(PRIVATE)[: ROOM_LENGTH - 2 - len(secret)]}-{secret}"


def direct_name(one: str, other: str) -> str:
    """The name of the direct room of two users, by their ids in either order."""
    both = "\0".join(sorted((one, other)))
    return DIRECT + sha256(both.encode()).hexdigest()[:24]


def kind_of(name: str) -> RoomKind | None:
    """What a room's name alone says of its kind; None where that is public or announcement."""
    first = name[:1]
    return "private" if first == PRIVATE else "direct" if first == DIRECT else None


def room_pattern(raw: str) -> str:
    """The one spelling of a room's name, or of how several begin with a `*` for the rest.

    Raises BadRequest where no room could be called so.
    """
    raw = raw.strip()
    if raw == EVERY_ROOM:
        return raw
    if raw.endswith(EVERY_ROOM):
        return room_name(f"{raw[:-1]}x")[:-1] + EVERY_ROOM
    return room_name(raw)


def admits(patterns: Iterable[str] | None, room: str) -> bool:
    """Whether a room is one of those that `patterns` (as `room_pattern` spells them) are for; None is
    for all."""
    if patterns is None:
        return True
    return any(
        room.startswith(pattern[:-1]) if pattern.endswith(EVERY_ROOM) else room == pattern
        for pattern in patterns
    )


def user_name(raw: str) -> str:
    """A name as it is shown: NFC, single spaces.

    Raises BadRequest where it is not 1 to 32 characters, or has control, direction or other
    invisible ones, with which one name can be made to look like another.
    """
    # Nearly all names, and nothing in them can be wrong but their length.
    plain = raw.isascii() and raw.isprintable()
    name = " ".join(raw.split()) if plain else re.sub(" +", " ", unicodedata.normalize("NFC", raw).strip())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise BadRequest(f"a name has 1 to {NAME_LENGTH} characters")
    if not plain:
        _check_seen(name, "name")
    return name


def room_title(raw: str) -> str:
    """A room's title as it is shown. Raises BadRequest where it is empty, or has invisible characters."""
    title = unicodedata.normalize("NFC", raw).strip()
    _check_seen(title, "title")
    return title


def _check_seen(text: str, what: str) -> None:
    for char in text:
        category = unicodedata.category(char)
        invisible = category[0] == "C" or category in ("Zl", "Zp") or char in _BLANKS
        if invisible and char not in _JOINERS:
            raise BadRequest(f"a {what} cannot have the invisible character U+{ord(char):04X}")
    if not any(unicodedata.category(char)[0] in "LNPS" for char in text):
        raise BadRequest(f"a {what} needs something that can be seen")


# Asked for again with everything that somebody of that name does.
@lru_cache(maxsize=4096)
def name_key(name: str) -> str:
    """What two names must differ in to be two names: not in case, nor in what cannot be seen or told
    apart by eye."""
    return skeleton(name if name.isascii() else name.translate(_UNSEEN))
