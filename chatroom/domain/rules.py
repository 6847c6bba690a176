"""Who may do what, and what names and texts may be. Pure: yes, or a ChatError that says why not."""

import re
import unicodedata

from chatroom.domain.errors import BadRequest, Forbidden, NotFound, TooLong
from chatroom.domain.events import Message
from chatroom.domain.limits import Limits
from chatroom.domain.model import By, User

DEFAULT_ROOM = "lobby"
NAME_LENGTH = 32
ROOM_LENGTH = 64
DATA_DEPTH = 32

_ROOM = re.compile(r"[^\W_][\w.\-]*\Z")
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


def user_name(raw: str) -> str:
    """A name as it is shown: NFC, single spaces.

    Raises BadRequest where it is not 1 to 32 characters, or has control, direction or other
    invisible ones, with which one name can be made to look like another.
    """
    name = " ".join(unicodedata.normalize("NFC", raw).split(" ")).strip()
    name = re.sub(" +", " ", name)
    if not 1 <= len(name) <= NAME_LENGTH:
        raise BadRequest(f"a name has 1 to {NAME_LENGTH} characters")
    for char in name:
        category = unicodedata.category(char)
        invisible = category[0] == "C" or category in ("Zl", "Zp") or char in _BLANKS
        if invisible and char not in _JOINERS:
            raise BadRequest(f"a name cannot have the invisible character U+{ord(char):04X}")
    if not any(unicodedata.category(char)[0] in "LNPS" for char in name):
        raise BadRequest("a name needs something that can be seen")
    return name


def name_key(name: str) -> str:
    """What two names must differ in to be two names: not in case, nor in what cannot be seen."""
    seen = name.translate(_UNSEEN)
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())


def check_text(text: str, limits: Limits) -> None:
    """Raises TooLong past the limit, BadRequest for an empty text or a NUL in it."""
    if limits.text_length and len(text) > limits.text_length:
        raise TooLong(f"a text has at most {limits.text_length} characters; this one has {len(text)}")
    if not text:
        raise BadRequest("a text has at least one character")
    if "\0" in text:
        raise BadRequest("a text cannot have the character U+0000")


def check_data(data: object, depth: int = DATA_DEPTH) -> None:
    """Raises BadRequest for an application's data nested deeper than 32: whoever reads it recurses."""
    if not isinstance(data, dict | list):
        return
    if not depth:
        raise BadRequest(f"data is nested at most {DATA_DEPTH} deep")
    for value in data.values() if isinstance(data, dict) else data:
        check_data(value, depth - 1)


def may_change(user: User, target: Message | None) -> None:
    """Whether `user` may edit or delete the message `target`.

    Raises NotFound where there is none (any more), Forbidden where it is somebody else's.
    """
    if target is None or target.deleted:
        raise NotFound("no such message")
    if target.by.id != user.id:
        raise Forbidden("only its author can change a message")


def author(user: User) -> By:
    """How events name `user`."""
    return By(user.id, user.name)
