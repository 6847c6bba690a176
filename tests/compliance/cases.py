"""The 517 cases of the suite, and the sets of them that we run.

A case is named by its id, "1.1.1" to "13.7.18": group, then one or two numbers. The list is
committed (cases.txt) because the gate has to know what a complete report holds: the suite itself
forgets, without a word, whatever it could not run.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

CASES_FILE = Path(__file__).with_name("cases.txt")

COMPRESSION_GROUPS = (12, 13)

# Each parameter set of groups 12 and 13 has 18 sub-cases of 1,000 messages. These ten carry every
# payload kind and every negotiated parameter, messages of 16 bytes to 32 KiB, and both a whole and
# a fragmented message; the other eight repeat them with larger messages for 80 % of the time.
SHORT_SUBCASES = (1, 2, 3, 4, 5, 6, 7, 8, 11, 12)

# What is run again over TLS inside `make test`: framing, pings, fragments, UTF-8 and the closing
# handshake are the same code as plain; what TLS can break is large writes and how they are cut up.
TLS_PATTERNS = ("1.*", "2.*", "5.*", "7.*", "9.*", "10.*", "12.*.7", "12.*.12", "13.*.7")


def numbers(case: str) -> tuple[int, ...]:
    """The id as numbers, to sort by: "1.10" comes after "1.9"."""
    return tuple(int(part) for part in case.split("."))


def group(case: str) -> int:
    """The case's group, 1 to 13."""
    return numbers(case)[0]


@cache
def every_case() -> tuple[str, ...]:
    """All 517 ids, in numeric order."""
    return tuple(sorted(CASES_FILE.read_text(encoding="ascii").split(), key=numbers))


def short_set() -> tuple[str, ...]:
    """Groups 1 to 10 whole, and the ten short sub-cases of each set in 12 and 13: 421 ids."""
    return tuple(case for case in every_case() if _is_short(case))


def _is_short(case: str) -> bool:
    return group(case) not in COMPRESSION_GROUPS or numbers(case)[-1] in SHORT_SUBCASES


def tls_set() -> tuple[str, ...]:
    """The smaller set that `make test` runs over TLS."""
    return matching(TLS_PATTERNS)


def matching(patterns: Iterable[str]) -> tuple[str, ...]:
    """The ids that fit at least one pattern, in numeric order.

    A pattern is an id, with `*` for any characters: "7.*", "12.*.1", "9.1.6".
    ValueError names a pattern that fits no case, so that a misspelt one never passes for a run.
    """
    chosen: set[str] = set()
    for pattern in patterns:
        found = {case for case in every_case() if fnmatchcase(case, pattern)}
        if not found:
            raise ValueError(f"no case fits {pattern!r}")
        chosen |= found
    return tuple(sorted(chosen, key=numbers))


def chosen(words: Sequence[str]) -> tuple[str, ...]:
    """The ids that command-line words stand for: "all", "short", "tls", or patterns."""
    sets = {"all": every_case(), "short": short_set(), "tls": tls_set()}
    return sets.get(" ".join(words)) or matching(words)
