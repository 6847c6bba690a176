"""How fast anybody may go, by user and by address."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from chatroom import metering as module
from chatroom.domain.errors import RateLimited
from chatroom.domain.limits import TokenBucket, limited
from chatroom.metering import Meters, Rate

HERE, THERE = "192.0.2.1", "192.0.2.2"


def meters(*settings: str, clock: Clock | None = None) -> Meters:
    """All off but for these."""
    return Meters(limited(list(settings), unmetered=True), clock or Clock())


def taken(take: Callable[[], object], most: int = 500) -> int:
    """How many can be taken now."""
    for number in range(most):
        try:
            take()
        except RateLimited:
            return number
    return most


def test_a_user_has_one_rate_on_all_their_connections() -> None:
    clock = Clock()
    metered = meters("requests_per_second=3", clock=clock)
    assert taken(lambda: metered.request("ana", HERE)) == 6
    assert taken(lambda: metered.request("ana", THERE)) == 0
    assert taken(lambda: metered.request("ben", HERE)) == 6
    clock.advance(1)
    assert taken(lambda: metered.request("ana", THERE)) == 3


def test_posts_and_other_requests_are_metered_apart() -> None:
    metered = meters("requests_per_second=3", "posts_per_second=1")
    assert taken(lambda: metered.post("ana", HERE)) == 2
    assert taken(lambda: metered.request("ana", HERE)) == 6


@pytest.mark.parametrize("what", ["post", "request"])
def test_an_address_has_a_rate_for_all_who_come_from_it(what: str) -> None:
    metered = meters(f"{what}s_per_second_per_address=2")
    users = iter(range(1000))
    assert taken(lambda: getattr(metered, what)(f"user {next(users)}", HERE)) == 4
    assert taken(lambda: getattr(metered, what)(None, HERE)) == 0
    assert taken(lambda: getattr(metered, what)(None, THERE)) == 4


def test_who_is_too_fast_takes_nothing_from_their_neighbours() -> None:
    metered = meters("requests_per_second=1", "requests_per_second_per_address=10")
    assert taken(lambda: metered.request("fast", HERE)) == 2
    for _ in range(100):
        with pytest.raises(RateLimited):
            metered.request("fast", HERE)
    assert taken(lambda: metered.request(None, HERE)) == 18


def test_logins_are_metered_by_address_and_a_minutes_worth_may_come_at_once() -> None:
    clock = Clock()
    metered = meters("logins_per_minute=30", clock=clock)
    assert taken(lambda: metered.login(HERE)) == 30
    assert taken(lambda: metered.login(THERE)) == 30
    clock.advance(4)
    assert taken(lambda: metered.login(HERE)) == 2


def test_rooms_are_metered_by_user_and_an_address_may_make_ten_times_as_many() -> None:
    clock = Clock()
    metered = meters("rooms_created_per_hour=4", clock=clock)
    assert taken(lambda: metered.room("ana", HERE)) == 4
    guests = iter(range(1000))
    assert taken(lambda: metered.room(f"guest {next(guests)}", HERE)) == 36
    clock.advance(900)
    assert taken(lambda: metered.room("ana", THERE)) == 1


def test_who_is_told_when_to_try_again_can() -> None:
    clock = Clock()
    metered = meters("logins_per_minute=1", clock=clock)
    metered.login(HERE)
    with pytest.raises(RateLimited) as refused:
        metered.login(HERE)
    assert refused.value.retry_after is not None
    clock.advance(refused.value.retry_after)
    metered.login(HERE)


def test_an_address_that_says_nothing_is_not_metered() -> None:
    metered = Meters(limited([]), Clock())
    assert taken(lambda: metered.login(None)) == 500
    assert taken(lambda: metered.request(None, None)) == 500


def test_limits_of_0_are_none_and_nothing_is_kept() -> None:
    metered = meters()
    for take in (metered.post, metered.request, metered.room):
        assert taken(partial(take, "ana", HERE)) == 500
    assert taken(lambda: metered.login(HERE)) == 500
    refusals, clock = metered.refusals(), Clock()
    assert taken(lambda: refusals.take(clock.seconds())) == 500
    assert not len(metered._posts) + len(metered._logins)


def test_a_connection_is_refused_so_often_in_a_minute() -> None:
    clock = Clock()
    metered = meters("refusals_per_minute=60", clock=clock)
    one, other = metered.refusals(), metered.refusals()
    assert taken(lambda: one.take(clock.seconds())) == 60
    assert taken(lambda: other.take(clock.seconds())) == 60
    clock.advance(5)
    assert taken(lambda: one.take(clock.seconds())) == 5


class TestRate:
    """Buckets by key."""

    def test_those_that_have_been_quiet_are_forgotten_and_busy_ones_are_not(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "SWEEP", 10)
        rate = Rate(1, 10)
        for number in range(100):
            rate.take(f"quiet {number}", now=number)
        assert len(rate) <= 10
        assert taken(lambda: rate.take("busy", 100)) == 10
        for number in range(50):
            rate.take(f"other {number}", now=100)
        assert taken(lambda: rate.take("busy", 100)) == 0

    def test_a_flood_of_keys_is_swept_seldom(self, monkeypatch: pytest.MonkeyPatch) -> None:
        looked: list[float] = []
        idle = TokenBucket.idle
        monkeypatch.setattr(TokenBucket, "idle", lambda self, now: looked.append(now) or idle(self, now))
        monkeypatch.setattr(module, "SWEEP", 10)
        rate = Rate(1, 10)
        for number in range(5000):
            rate.take(f"key {number}", 0)
        assert len(looked) < 3 * 5000

    @given(
        st.floats(0.01, 10),
        st.floats(1, 20),
        st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 5)), max_size=80),
    )
    def test_forgetting_changes_nothing(
        self, per_second: float, burst: float, takes: list[tuple[str, float]]
    ) -> None:
        forgetful, now = Rate(per_second, burst), 0.0
        forgetful._sweep_at = 1
        kept = {key: TokenBucket(per_second, burst, 0) for key in "abc"}
        for key, gap in takes:
            now += gap
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(module, "SWEEP", 1)
                got = taken(partial(forgetful.take, key, now), 1)
            assert got == taken(partial(kept[key].take, now), 1)
