"""One key for all names that look alike: a skeleton after Unicode's UTS 39, section 4.

There each character is mapped to a prototype: the Cyrillic, Greek and full-width ones to the Latin
one they look like, `1` and `I` to `l`, `0` to `O`, `m` to `rn`. Here case does not matter either, and
that takes three decisions of its own:

- `i` is `l`, since `I` is both.
- A small letter that looks like no Latin one goes by its capital, so that it stays with it: Cyrillic
  H looks like Latin H, and both are `h`.
- Greek nu and upsilon look like v and u when small, like N and Y when capital. A word all of which
  looks Latin is read as it looks, any other one as small letters.

Accounts are kept under these keys. So they must not change: neither the library's data (its version
is pinned; it has Unicode 13's) nor what is decided here, unless every account's key is made anew.
"""

from itertools import groupby
from unicodedata import combining, normalize

from confusable_homoglyphs.utils import load  # type: ignore[import-untyped]


def skeleton(text: str) -> str:
    """What two texts must differ in not to be taken for each other. For comparing, never for showing."""
    if text.isascii():
        return text.lower().translate(_LATIN)
    decomposed = normalize("NFD", normalize("NFKC", text))
    words = ["".join(word) for _, word in groupby(decomposed, _in_word)]
    return normalize("NFD", "".join(map(_read, words)).casefold().translate(_KEYS))


def _in_word(char: str) -> bool:
    return char.isalnum() or combining(char) > 0


def _read(word: str) -> str:
    letters = "".join(char for char in word if not combining(char))
    return _looks(word) if _looks(letters).isascii() else word


def _looks(text: str) -> str:
    """UTS 39's own skeleton, of which case is a part."""
    return normalize("NFD", normalize("NFD", text).translate(_PROTOTYPES))


def _prototypes() -> dict[int, str]:
    """UTS 39's table, from the library's, which has its lines in both directions.

    A prototype stands for many, or for several characters; where one character is paired with one
    other, it does not matter which stands for both.
    """
    marked: dict[str, list[dict[str, str]]] = load("confusables.json")
    # Around those that are written from right to left stands the mark for left to right.
    twins = {char.strip("\u200e"): [twin["c"].strip("\u200e") for twin in of] for char, of in marked.items()}
    found = {}
    for char, (twin, *more) in twins.items():
        known = not more and (len(twin) > 1 or len(twins[twin]) > 1 or twin < char)
        if len(char) == 1 and known:
            found[ord(char)] = twin
    return {char: twin.translate(found) for char, twin in found.items()}


def _key(char: str) -> str:
    """The key of one character, which is a small one or has no case."""
    looks = _looks(char)
    if not looks.isascii():
        capital = _looks(char.upper())
        looks = capital if capital.isascii() else looks
    # Once more for what is a capital as it looks, and looks like another one when small: m.
    return _looks(looks.casefold()).casefold().replace("i", "l")


def _keys() -> dict[int, str]:
    chars = {small for char in map(chr, _PROTOTYPES) for small in (char, *char.casefold())} | {"i"}
    return {ord(char): key for char in chars if (key := _key(char)) != char}


_PROTOTYPES = _prototypes()
_KEYS = _keys()
_LATIN = {char: key for char, key in _KEYS.items() if char < 128}
