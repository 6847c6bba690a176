"""Slowing down who guesses passwords, and nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from chatroom import attempts as module
from chatroom.attempts import FOR_ACCOUNT, FREE, FROM_ADDRESS, LONGEST_WAIT, Attempts, Fading, Newest
from chatroom.domain.errors import RateLimited

HERE, THERE = "192.0.2.1", "192.0.2.2"
HOUR = 3600.0


@pytest.fixture
def clock() -> Clock:
    made = Clock()
    made.advance(1_700_000_000)
    return made


@pytest.fixture
def attempts(clock: Clock) -> Attempts:
    return Attempts(clock)


def wrong(attempts: Attempts, name: str, address: str | None) -> float:
    """Try a wrong password: 0, or the seconds to wait where that was not allowed."""
    try:
        attempts.check(name, address)
    except RateLimited as refused:
        return refused.retry_after or 0
    attempts.failed(name, address)
    return 0


def right(attempts: Attempts, name: str, address: str | None) -> None:
    attempts.check(name, address)
    attempts.succeeded(name, address)


def guesses(attempts: Attempts, clock: Clock, name: str, address: str | None, seconds: float) -> int:
    """How many passwords somebody can try in that time who waits exactly as long as they are told."""
    end, tried = clock.seconds() + seconds, 0
    while clock.seconds() < end:
        wait = wrong(attempts, name, address)
        tried += not wait
        clock.advance(wait)
    return tried


def test_each_wrong_password_doubles_the_wait_after_some_that_are_free(attempts, clock):
    waits = []
    for _ in range(FREE + 12):
        assert wrong(attempts, "ana", HERE) == 0
        waits.append(wrong(attempts, "ana", HERE) if len(waits) >= FREE else 0)
        clock.advance(waits[-1])
    assert waits == [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, LONGEST_WAIT, LONGEST_WAIT, LONGEST_WAIT]


def test_asking_too_early_costs_nothing_more(attempts, clock):
    for _ in range(FREE + 1):
        wrong(attempts, "ana", HERE)
    for _ in range(100):
        assert wrong(attempts, "ana", HERE) == 1
    clock.advance(0.75)
    assert wrong(attempts, "ana", HERE) == 0.25
    clock.advance(0.25)
    assert wrong(attempts, "ana", HERE) == 0


def test_the_wait_begins_when_the_password_was_found_wrong(attempts, clock):
    for _ in range(FREE):
        wrong(attempts, "ana", HERE)
    attempts.check("ana", HERE)
    clock.advance(30)
    attempts.failed("ana", HERE)
    assert wrong(attempts, "ana", HERE) == 1


def test_the_right_password_ends_the_wait(attempts, clock):
    for _ in range(FREE + 3):
        clock.advance(wrong(attempts, "ana", HERE))
    clock.advance(LONGEST_WAIT)
    right(attempts, "ana", HERE)
    assert [wrong(attempts, "ana", HERE) for _ in range(FREE)] == [0] * FREE


def test_wrong_passwords_are_forgotten(attempts, clock):
    for _ in range(FREE + 1):
        wrong(attempts, "ana", HERE)
    clock.advance(HOUR)
    assert [wrong(attempts, "ana", HERE) for _ in range(FREE)] == [0] * FREE


def test_who_mistypes_stops_neither_others_here_nor_themselves_elsewhere(attempts):
    for _ in range(20):
        wrong(attempts, "ana", HERE)
    right(attempts, "ben", HERE)
    right(attempts, "ana", THERE)


def test_many_tries_at_once_are_no_way_around_it(attempts):
    let_through = 0
    for _ in range(300):
        try:
            attempts.check("ana", HERE)
        except RateLimited:
            continue
        let_through += 1
    assert let_through == FREE + 1


def test_a_try_that_came_to_nothing_counts(attempts):
    """As when the server was too busy to look: else an attacker would see to that."""
    for _ in range(FREE + 1):
        attempts.check("ana", HERE)
    assert wrong(attempts, "ana", HERE) == 1


def test_one_address_cannot_try_a_password_on_every_account(attempts, clock):
    tried = [wrong(attempts, f"user {number}", HERE) for number in range(FROM_ADDRESS + 1)]
    assert tried == [0] * FROM_ADDRESS + [60]
    assert wrong(attempts, "another", THERE) == 0
    clock.advance(60)
    assert wrong(attempts, "another", HERE) == 0
    assert wrong(attempts, "another", HERE) == 60


def test_right_passwords_take_nothing_from_the_budget_of_an_address(attempts):
    for number in range(3 * FROM_ADDRESS):
        right(attempts, f"pupil {number}", HERE)
    assert wrong(attempts, "pupil 1", HERE) == 0


def test_an_account_of_ones_own_does_not_wash_an_address_clean(attempts, clock):
    tried = 0
    for number in range(5 * FROM_ADDRESS):
        tried += not wrong(attempts, f"user {number}", HERE)
        try:
            right(attempts, "mallory", HERE)
        except RateLimited:
            pass
    assert tried == FROM_ADDRESS


def test_many_addresses_cannot_guess_one_accounts_password(attempts, clock):
    tried = [wrong(attempts, "ana", f"192.0.2.{number}") for number in range(FOR_ACCOUNT + 1)]
    assert tried == [0] * FOR_ACCOUNT + [120]
    assert wrong(attempts, "ben", "192.0.2.1") == 0


def test_nobody_is_locked_out_where_they_have_logged_in_before(attempts, clock):
    right(attempts, "ana", HERE)
    for number in range(1000):
        wrong(attempts, "ana", f"2001:db8:{number:x}::/64")
    with pytest.raises(RateLimited):
        attempts.check("ana", THERE)
    right(attempts, "ana", HERE)
    # Who guesses there is slowed down all the same.
    assert guesses(attempts, clock, "ana", HERE, HOUR) < 30


def test_one_attacker_alone_locks_nobody_out(attempts, clock):
    """Not from an address the account was never used from, either."""
    for _ in range(24):
        guesses(attempts, clock, "ana", HERE, HOUR)
        right(attempts, "ana", f"198.51.100.{_}")


def test_an_account_is_known_at_the_addresses_it_was_used_from_last(attempts, clock):
    for number in range(module.KNOWN_ADDRESSES + 1):
        right(attempts, "ana", f"198.51.100.{number}")
    for number in range(FOR_ACCOUNT):
        wrong(attempts, "ana", f"192.0.2.{number}")
    for number in range(1, module.KNOWN_ADDRESSES + 1):
        right(attempts, "ana", f"198.51.100.{number}")
    with pytest.raises(RateLimited):
        attempts.check("ana", "198.51.100.0")


def test_an_address_that_says_nothing_has_no_budget_but_waits(attempts, clock):
    for number in range(2 * FROM_ADDRESS):
        assert wrong(attempts, f"user {number}", None) == 0
    assert guesses(attempts, clock, "ana", None, HOUR) < 30


def test_a_wrong_password_after_a_right_one_at_once_is_the_first(attempts):
    attempts.check("ana", HERE)
    right(attempts, "ana", HERE)
    attempts.failed("ana", HERE)
    assert [wrong(attempts, "ana", HERE) for _ in range(FREE)] == [0] * FREE
    assert wrong(attempts, "ana", HERE) == 1


def test_what_is_remembered_is_bounded(clock, monkeypatch):
    monkeypatch.setattr(module, "MOST", 50)
    attempts = Attempts(clock)
    for number in range(1000):
        wrong(attempts, f"user {number}", f"address {number}")
        right(attempts, f"user {number}", f"another {number}")
    kept = (attempts._waits, attempts._addresses, attempts._accounts, attempts._known)
    assert [len(one) <= 50 for one in kept] == [True] * 4
    # The newest are.
    assert ("user 999", "address 999") in attempts._waits


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["wrong", "right", "asked"]),
            st.sampled_from(["ana", "ben"]),
            st.sampled_from([HERE, THERE, None]),
            st.floats(0, 2 * HOUR),
        ),
        max_size=200,
    )
)
def test_whoever_waits_as_long_as_told_may_try_again(deeds):
    clock = Clock()
    attempts = Attempts(clock)
    for what, name, address, pause in deeds:
        clock.advance(pause)
        try:
            attempts.check(name, address)
        except RateLimited as refused:
            clock.advance(refused.retry_after)
            attempts.check(name, address)
        if what == "wrong":
            attempts.failed(name, address)
        elif what == "right":
            attempts.succeeded(name, address)


@settings(max_examples=20)
@given(st.integers(1, 80), st.floats(HOUR, 4 * HOUR))
def test_guesses_are_few_however_many_addresses_they_come_from(addresses, seconds):
    clock = Clock()
    attempts = Attempts(clock)
    end, tried = seconds, 0
    while clock.seconds() < end:
        waits = [wrong(attempts, "ana", f"address {number}") for number in range(addresses)]
        tried += waits.count(0)
        clock.advance(min(waits) or 1)
    assert tried <= FOR_ACCOUNT + 1 + seconds * module.FOR_ACCOUNT_FADE


class TestFading:
    """Levels that go down by themselves."""

    @given(st.lists(st.tuples(st.integers(-2, 2), st.floats(0, 100)), max_size=50))
    def test_a_level_is_never_below_nothing_and_goes_down_with_time(self, steps):
        fading, now = Fading(5, 0.1), 0.0
        for times, pause in steps:
            now += pause
            fading.add("one", times, now)
            assert 0 <= fading._level("one", now + 1) <= fading._level("one", now)
        assert fading.wait("one", now + 1000) <= 0

    def test_what_has_come_to_nothing_is_not_kept(self):
        fading = Fading(5, 0.1)
        fading.add("one", 1, 0)
        fading.add("one", -1, 0)
        fading.add(None, 1, 0)
        assert len(fading) == 0


def test_the_newest_are_kept_by_when_they_were_put_last():
    newest: Newest[str, int] = Newest(2)
    for key in ("a", "b", "a", "c"):
        newest.put(key, 1)
    assert list(newest) == ["a", "c"]
