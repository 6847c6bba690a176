"""Which passwords are taken, and hashing them beside the reactor's work."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, extract_parameters
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.selectreactor import SelectReactor

from chatroom import passwords
from chatroom.domain.errors import BadRequest, Unavailable
from chatroom.passwords import Passwords

from ..logs import Logs
from ..store.keeping import PATIENCE, Calls, outcome

GOOD = "correct horse battery"


@pytest.fixture
def quick(monkeypatch) -> None:
    """Hashes that cost nothing."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def hashing(calls) -> Iterator[Passwords]:
    made = Passwords(calls)
    made.start()
    yield made
    made.stop()


class Gate:
    """Stands in for hashing a password: nobody is through before `open`."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self, password: str) -> str:
        self.entered.set()
        assert self.opened.wait(PATIENCE)
        return f"hash of {password}"


@pytest.fixture
def gate(monkeypatch) -> Iterator[Gate]:
    made = Gate()
    monkeypatch.setattr(passwords, "hashed", made)
    yield made
    made.opened.set()


def begin(coroutine) -> Deferred:
    return Deferred.fromCoroutine(coroutine)


def wait(calls: Calls, done: Deferred):
    while not done.called:
        calls.call_one()
    return outcome(done)


@pytest.mark.parametrize(
    "password",
    [GOOD, "8 chars.", "正しい馬の電池ホチキス", "👩\u200d💻👩\u200d💻👩\u200d💻", "xyz" * 341 + "x"],
)
def test_a_password_is_anything_long_enough(password):
    passwords.check(password, "Ana")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("", "at least 8"),
        ("7 chars", "at least 8"),
        ("e\u0301" * 7, "at least 8"),
        ("xyz" * 342, "at most 1024"),
        ("\ufdfa" * 100, "at most 1024"),
        ("e\u0301" * 600, "at most 1024"),
        ("lone surrogate \ud800", "Unicode knows"),
        ("unassigned \u0378", "Unicode knows"),
        ("Ana Maria Silva", "be the name"),
        ("ana maria silva", "be the name"),
        ("password", "tried first"),
        ("PassWord123", "tried first"),
        ("\uff50assword", "tried first"),
        ("aaaaaaaaaaaa", "tried first"),
        ("abababababab", "tried first"),
    ],
)
def test_a_password_that_will_not_do_is_refused_with_the_reason(password, why):
    with pytest.raises(BadRequest, match=why):
        passwords.check(password, "Ana Maria Silva")


def test_every_common_password_listed_is_one_that_length_alone_would_let_pass():
    assert all(len(password) >= passwords.SHORTEST for password in passwords.COMMON)
    assert all(password == password.casefold() for password in passwords.COMMON)


def test_a_hash_is_argon2id_with_the_parameters_that_were_chosen():
    digest = passwords.hashed(GOOD)
    assert digest.startswith(f"$argon2id$v=19$m={passwords.MEMORY},t={passwords.PASSES},p={passwords.LANES}$")
    assert passwords.matches(digest, GOOD)
    assert not passwords.matches(digest, GOOD + ".")
    assert not passwords.needs_rehash(digest)


def test_nobodys_hash_costs_what_a_real_one_does():
    assert extract_parameters(passwords._NOBODYS) == extract_parameters(passwords.hashed(GOOD))


def test_a_hash_made_with_other_parameters_is_to_be_made_anew(quick):
    digest = PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(GOOD)
    assert passwords.matches(digest, GOOD)
    assert passwords.needs_rehash(digest)


def test_two_hashes_of_one_password_differ(quick):
    assert passwords.hashed(GOOD) != passwords.hashed(GOOD)


@pytest.mark.parametrize(
    ("one", "other"),
    [("caf\u00e9 au lait", "cafe\u0301 au lait"), ("\uff50\uff41\uff53\uff53 words", "pass words")],
)
def test_it_does_not_matter_how_a_keyboard_writes_a_character(quick, one, other):
    assert passwords.matches(passwords.hashed(one), other)


@given(st.text(st.characters(), max_size=passwords.LONGEST))
def test_what_is_taken_can_be_hashed_and_is_known_again(password):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        try:
            passwords.check(password, "Ana")
        except BadRequest:
            return
        assert passwords.matches(passwords.hashed(password), password)


class Counted:
    """A hasher that writes down what it is asked to compare with."""

    def __init__(self) -> None:
        self.real = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        self.compared: list[str] = []

    def hash(self, password: bytes) -> str:
        return self.real.hash(password)

    def verify(self, digest: str, password: bytes) -> bool:
        self.compared.append(digest)
        return self.real.verify(digest, password)


def test_the_same_work_is_done_whether_there_is_an_account_or_not(monkeypatch):
    hasher = Counted()
    monkeypatch.setattr(passwords, "_hasher", hasher)
    digest = hasher.hash(GOOD.encode())
    assert passwords.matches(digest, GOOD)
    assert not passwords.matches(None, GOOD)
    assert not passwords.matches(digest, "x" * 1_000_000)
    assert not passwords.matches(None, "\ud800")
    assert hasher.compared == [digest, passwords._NOBODYS, digest, passwords._NOBODYS]


def test_nobodys_hash_is_the_hash_of_nothing_not_even_when_it_matches(monkeypatch):
    monkeypatch.setattr(passwords, "_NOBODYS", PasswordHasher(1, 8, 1).hash(GOOD))
    assert not passwords.matches(None, GOOD)


def test_hashes_are_made_and_compared_in_threads(quick, hashing, calls):
    digest = wait(calls, begin(hashing.hash(GOOD)))
    assert wait(calls, begin(hashing.verify(digest, GOOD))) is True
    assert wait(calls, begin(hashing.verify(digest, "wrong horse"))) is False
    assert wait(calls, begin(hashing.verify(None, GOOD))) is False


def test_a_broken_hash_lets_nobody_in_and_is_logged(quick, hashing, calls):
    with Logs() as logs:
        assert wait(calls, begin(hashing.verify("$2b$12$bcrypt", GOOD))) is False
    assert "none that argon2 made" in str([event["log_format"] for event in logs.events])
    assert not logs.tracebacks()
    assert wait(calls, begin(hashing.verify("$argon2id$v=19$m=8,t=1,p=1$broken", GOOD))) is False


def test_the_reactor_turns_while_a_password_is_hashed(monkeypatch):
    """The work is on another thread, and holds neither the reactor nor Python's lock."""
    reactor = SelectReactor()
    began, turns, heard = threading.Event(), [], []
    real = passwords.hashed

    def watched(password: str) -> str:
        heard.append(threading.current_thread())
        began.set()
        return real(password)

    monkeypatch.setattr(passwords, "hashed", watched)
    hashing = Passwords(reactor)

    def turn() -> None:
        if began.is_set():
            turns.append(threading.current_thread())
        reactor.callLater(0, turn)

    def end(digest: str) -> None:
        heard.append(digest)
        hashing.stop()
        reactor.stop()

    hashing.start()
    reactor.callWhenRunning(turn)
    reactor.callWhenRunning(lambda: begin(hashing.hash(GOOD)).addBoth(end))
    reactor.run(installSignalHandlers=False)
    worker, digest = heard
    assert passwords.matches(digest, GOOD)
    assert worker is not threading.current_thread()
    # Held, it would turn once or twice: before the hashing begins, and after it.
    assert len(turns) > 20


def test_more_than_may_wait_is_told_to_try_again(hashing, calls, gate, monkeypatch):
    monkeypatch.setattr(passwords, "MAX_WAITING", 3)
    waiting = [begin(hashing.hash(str(number))) for number in range(3)]
    with pytest.raises(Unavailable) as refusal:
        outcome(begin(hashing.hash("one too many")))
    assert refusal.value.retry_after > 0
    gate.opened.set()
    assert [wait(calls, done) for done in waiting] == ["hash of 0", "hash of 1", "hash of 2"]
    assert wait(calls, begin(hashing.hash("after"))) == "hash of after"


def test_who_went_away_still_counts_until_the_work_is_done(hashing, calls, gate, monkeypatch):
    monkeypatch.setattr(passwords, "MAX_WAITING", 1)
    gone = begin(hashing.hash("gone"))
    gone.addErrback(lambda failure: None)
    gone.cancel()
    with pytest.raises(Unavailable):
        outcome(begin(hashing.hash("one too many")))
    gate.opened.set()
    calls.call_one()
    assert wait(calls, begin(hashing.hash("after"))) == "hash of after"


def test_work_that_fails_is_its_own_askers_error_alone(hashing, calls, monkeypatch):
    def broken(password: str) -> str:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(passwords, "hashed", broken)
        with pytest.raises(ZeroDivisionError):
            wait(calls, begin(hashing.hash(GOOD)))
    monkeypatch.setattr(passwords, "hashed", str.upper)
    assert wait(calls, begin(hashing.hash("after"))) == "AFTER"


def test_stopping_waits_for_the_work_in_hand_and_refuses_the_rest(calls, gate, monkeypatch):
    hashing = Passwords(calls)
    hashing.start()
    join = hashing._pool.stop
    monkeypatch.setattr(hashing._pool, "stop", lambda: (gate.opened.set(), join()))
    waiting = [begin(hashing.hash(str(number))) for number in range(10)]
    assert gate.entered.wait(PATIENCE)
    hashing.stop()
    assert wait(calls, waiting[0]) == "hash of 0"
    for done in waiting[1:]:
        with pytest.raises(Unavailable):
            wait(calls, done)
    with pytest.raises(Unavailable):
        outcome(begin(hashing.hash("after")))
    assert not [thread for thread in threading.enumerate() if "chatroom-passwords" in thread.name]


def test_stopping_what_never_started_is_nothing(calls):
    Passwords(calls).stop()
