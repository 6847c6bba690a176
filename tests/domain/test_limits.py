"""Limits and the token bucket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from chatroom.domain.errors import RateLimited
from chatroom.domain.limits import UNMETERED, Limits, TokenBucket, limited

NAMES = Limits.__struct_fields__


def test_no_setting_gives_the_defaults():
    assert limited([]) == Limits()


def test_a_setting_sets_its_limit_and_no_other():
    assert limited(["text_length=5"]) == structs.replace(Limits(), text_length=5)


def test_of_two_settings_the_later_counts():
    assert limited(["text_length=5", "text_length=6"]).text_length == 6


@pytest.mark.parametrize("name", NAMES)
def test_every_limit_can_be_taken_off(name):
    assert getattr(limited([f"{name}=0"]), name) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_keeps_its_type(name):
    assert type(getattr(limited([f"{name}=3"]), name)) is Limits.__annotations__[name]


def test_no_limits_takes_off_rates_and_counts_and_leaves_sizes_and_timeouts():
    limits = limited([], unmetered=True)
    assert {name for name in NAMES if not getattr(limits, name)} == UNMETERED
    assert all(getattr(limits, name) == getattr(Limits(), name) for name in set(NAMES) - UNMETERED)


def test_a_setting_counts_also_with_no_limits():
    assert limited(["connections=7"], unmetered=True).connections == 7


@pytest.mark.parametrize(
    "setting",
    [
        "",
        "text_length",
        "no_such=1",
        "=1",
        "text_length=",
        "text_length=x",
        "text_length=-1",
        "text_length=1.5",
        "hello_timeout=nan",
        "hello_timeout=inf",
        "hello_timeout=-0.1",
        "connections=1e99",
    ],
)
def test_a_setting_that_is_none_is_refused_with_a_sentence(setting):
    with pytest.raises(ValueError, match="--limit") as refused:
        limited([setting])
    assert "\n" not in str(refused.value)


@given(st.text())
def test_any_other_setting_is_refused_with_a_sentence(setting):
    if setting.partition("=")[0].strip() in NAMES:
        return
    with pytest.raises(ValueError, match="--limit"):
        limited([setting])


def test_a_bucket_gives_its_burst_and_then_refuses():
    bucket = TokenBucket(rate=1, burst=3, now=100)
    for _ in range(3):
        bucket.take(100)
    with pytest.raises(RateLimited) as refused:
        bucket.take(100)
    assert refused.value.retry_after == 1


@given(rate=st.floats(0.01, 1000), tried=st.floats(0, 0.0009))
def test_a_bucket_gives_another_after_retry_after(rate, tried):
    bucket = TokenBucket(rate=rate, burst=1, now=0)
    bucket.take(0)
    with pytest.raises(RateLimited) as refused:
        bucket.take(tried)
    bucket.take(tried + refused.value.retry_after + 1e-6)


def test_a_bucket_holds_no_more_than_its_burst():
    bucket = TokenBucket(rate=1, burst=2, now=0)
    bucket.take(1000)
    bucket.take(1000)
    with pytest.raises(RateLimited):
        bucket.take(1000)


def test_a_bucket_of_rate_0_never_refuses():
    bucket = TokenBucket(rate=0, burst=0, now=0)
    for _ in range(1000):
        bucket.take(0)


def test_a_clock_that_goes_back_gives_nothing_and_takes_nothing():
    bucket = TokenBucket(rate=1, burst=1, now=100)
    bucket.take(100)
    with pytest.raises(RateLimited):
        bucket.take(50)
    bucket.take(51)


@pytest.mark.parametrize("rate", [0.1, 0.4, 0.9])
def test_a_rate_below_one_a_second_lets_some_through(rate):
    bucket = TokenBucket(rate=rate, burst=2 * rate, now=0)
    bucket.take(0)
    with pytest.raises(RateLimited) as refused:
        bucket.take(0)
    bucket.take(refused.value.retry_after + 1e-6)


def test_a_bucket_is_idle_when_it_is_full_again():
    bucket = TokenBucket(rate=1, burst=2, now=0)
    assert bucket.idle(0)
    bucket.take(0)
    assert not bucket.idle(0.9)
    assert bucket.idle(1)


@given(
    rate=st.floats(0.01, 100),
    burst=st.floats(1, 50),
    gaps=st.lists(st.floats(0, 10), min_size=1, max_size=60),
)
def test_a_bucket_never_gives_more_than_burst_and_rate_allow(rate, burst, gaps):
    bucket, now, given_out = TokenBucket(rate, burst, 0), 0.0, 0
    for gap in gaps:
        now += gap
        try:
            bucket.take(now)
        except RateLimited:
            continue
        given_out += 1
        assert given_out <= burst + rate * now + 1e-6
