"""Passwords: which are taken, and hashing them with argon2id (RFC 9106) beside the reactor's work."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFromThreads
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from chatroom.domain import names
from chatroom.domain.errors import BadRequest, Unavailable

SHORTEST, LONGEST = 8, 1024
"""The length of a password in characters, once normalized (NIST SP 800-63B, section 5.1.1.2)."""

PASSES, MEMORY = 3, 64 * 1024
"""Time and memory (KiB) of a hash: RFC 9106's second recommendation (section 4). It takes 0.2 to 0.3 s
of one core of the machine this was written on."""
LANES = 1
"""RFC 9106 says 4, which argon2's library works on with as many threads. One at a time leaves the
other cores to the reactor, whose longest turn it halved or better, and costs an attacker the same."""

T = TypeVar("T")

MAX_WAITING = 300
"""More passwords than this wait for no thread: a minute's work for one."""
RETRY_AFTER = 10.0
"""Seconds after which who was refused may try again."""

COMMON = frozenset(
    """
    00000000 11111111 11223344 12341234 12344321 123123123 12345678 123456789 1234567890 12345678910
    1234qwer 123qwe123 147258369 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 20202020 87654321 987654321 a1234567
    aa123456 abc12345 abcd1234 abcdefgh access14 admin123 adminadmin administrator asdfasdf asdfghjkl
    baseball basketball changeme charlie1 chocolate computer corvette dragon123 football football1
    iloveyou iloveyou1 internet jennifer letmein1 liverpool loveyou1 mercedes michelle midnight
    p@ssw0rd p@ssword passw0rd password password1 password12 password123 princess princess1 q1w2e3r4
    q1w2e3r4t5 qazwsxedc qwer1234 qwerty12 qwerty123 qwertyui qwertyuiop qwertz123 samantha starwars
    sunshine superman trustno1 welcome1 welcome123 whatever zaq12wsx zxcvbnm1
    """.split()  # noqa: SIM905
)
"""The ones tried first, of those that are long enough."""

_hasher = PasswordHasher(time_cost=PASSES, memory_cost=MEMORY, parallelism=LANES, type=Type.ID)
_NOBODYS = f"$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${'A' * 22}${'A' * 43}"
"""A hash of no password, to be compared with where there is no account: it takes as long."""


def check(password: str, name: str) -> None:
    """Whether `password` will do for the account called `name`. Raises BadRequest.

    It has 8 to 1024 characters, whichever they are (no rule that some must be digits: NIST
    SP 800-63B), and is neither the name nor one of those that everybody tries first.
    """
    wanted = normalized(password) if len(password) <= LONGEST else password
    if len(wanted) > LONGEST:
        raise BadRequest(f"a password has at most {LONGEST} characters")
    if len(wanted) < SHORTEST:
        raise BadRequest(f"a password has at least {SHORTEST} characters; a sentence is a good one")
    if any(unicodedata.category(char) in ("Cn", "Cs") for char in password):
        raise BadRequest("a password has only characters that Unicode knows")
    if names.name_key(wanted) == names.name_key(name):
        raise BadRequest("a password cannot be the name; everybody sees that")
    if wanted.casefold() in COMMON or len(set(wanted)) < 3:
        raise BadRequest("that password is one of those that are tried first; take another one")


def normalized(password: str) -> str:
    """The same text for a password however a keyboard writes it: NFKC (NIST SP 800-63B)."""
    return unicodedata.normalize("NFKC", password)


def hashed(password: str) -> str:
    """The argon2id hash of a password that `check` lets pass, with its salt and parameters (PHC string).

    It takes a few tenths of a second: for the command line. A server asks its Passwords.
    """
    return _hasher.hash(_bytes(password))


def matches(digest: str | None, password: str) -> bool:
    """Whether `password` has that hash. Takes as long where there is none, and is False then.

    Raises argon2's InvalidHashError for what is no hash.
    """
    possible = len(password) <= LONGEST
    try:
        _hasher.verify(digest or _NOBODYS, _bytes(password if possible else ""))
    except VerificationError:
        return False
    return digest is not None and possible


def needs_rehash(digest: str) -> bool:
    """Whether a hash was made with other parameters than today's: hash the password anew at login."""
    return _hasher.check_needs_rehash(digest)


class Passwords:
    """Hashes passwords in threads of its own, so that neither the reactor nor the store wait for it.

    What waits is bounded: past MAX_WAITING, `hash` and `verify` raise Unavailable at once.
    """

    _log = Logger()

    def __init__(self, reactor: IReactorFromThreads, *, threads: int = 1) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(0, threads, "chatroom-passwords")
        self._waiting = 0
        self._stopping = False

    def start(self) -> None:
        """Start the threads."""
        self._pool.start()

    def stop(self) -> None:
        """End the threads: waits for what each is hashing now, and refuses what comes after it."""
        self._stopping = True
        if self._pool.started:
            self._pool.stop()

    async def hash(self, password: str) -> str:
        """The hash to keep. Raises Unavailable."""
        return await self._run(lambda: hashed(password))

    async def verify(self, digest: str | None, password: str) -> bool:
        """Whether `password` has that hash; the same work and False for None: nobody shall learn from
        the time it takes who has an account. Raises Unavailable."""
        try:
            return await self._run(lambda: matches(digest, password))
        except InvalidHashError:
            self._log.error("a password's hash in the database is none that argon2 made")
            return False

    def _run(self, work: Callable[[], T]) -> Deferred[T]:
        """What `work` returns or raises, from one of the threads. Cancelling it does not stop that."""
        if self._stopping or self._waiting >= MAX_WAITING:
            raise Unavailable("too many people are logging in just now; try again", RETRY_AFTER)
        self._waiting += 1
        done: Deferred[T] = Deferred()

        def worked() -> T:
            if self._stopping:
                raise Unavailable("the server is stopping; try again", RETRY_AFTER)
            return work()

        def finish(succeeded: bool, result: T | Failure) -> None:
            self._reactor.callFromThread(self._finish, done, result)

        self._pool.callInThreadWithCallback(finish, worked)
        return done

    def _finish(self, done: Deferred[T], result: T | Failure) -> None:
        self._waiting -= 1
        done.callback(result)


def _bytes(password: str) -> bytes:
    return normalized(password).encode(errors="surrogatepass")
