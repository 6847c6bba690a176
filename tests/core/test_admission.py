"""How many may come in, and how fast."""

import pytest
from twisted.internet.task import Clock

from chatroom.admission import Admission, network_of
from chatroom.domain.errors import RateLimited
from chatroom.domain.limits import Limits

HERE, THERE = "192.0.2.1", "192.0.2.2"


def test_connections_are_counted_in_all():
    admission = Admission(Limits(connections=2), Clock())
    assert not admission.full
    admission.arrive(HERE)
    local = admission.arrive(None)
    assert (admission.full, admission.connections) == (True, 2)
    local.leave()
    assert (admission.full, admission.connections) == (False, 1)


def test_who_says_nothing_of_where_they_are_is_not_counted_by_it():
    admission = Admission(Limits(connections_per_address=1, hellos_per_minute=1), Clock())
    places = [admission.arrive(None) for _ in range(10)]
    assert not any(place.crowded for place in places)
    for _ in range(10):
        admission.hello(None)
    assert admission.connections == 10


def test_limits_of_0_are_none():
    admission = Admission(Limits(connections=0, connections_per_address=0, hellos_per_minute=0), Clock())
    for _ in range(100):
        assert not admission.arrive(HERE).crowded
        admission.hello(HERE)
    assert not admission.full


def hellos(admission: Admission, address: str, most: int = 1000) -> int:
    """How many hellos are taken now."""
    for number in range(most):
        try:
            admission.hello(address)
        except RateLimited:
            return number
    return most


def test_hellos_are_limited_by_address_and_over_time():
    clock = Clock()
    admission = Admission(Limits(hellos_per_minute=60), clock)
    assert hellos(admission, HERE) == 10
    assert hellos(admission, THERE) == 10
    clock.advance(3)
    assert hellos(admission, HERE) == 3


def test_who_says_too_many_is_told_when_to_try_again():
    clock = Clock()
    admission = Admission(Limits(hellos_per_minute=60), clock)
    hellos(admission, HERE)
    with pytest.raises(RateLimited) as refused:
        admission.hello(HERE)
    clock.advance(refused.value.retry_after)
    assert hellos(admission, HERE) == 1


def test_a_low_rate_still_lets_one_in():
    clock = Clock()
    admission = Admission(Limits(hellos_per_minute=1), clock)
    assert hellos(admission, HERE) == 1
    clock.advance(60)
    assert hellos(admission, HERE) == 1


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002::/64"),
        ("2001:db8:1:2::9", "2001:0db8:0001:0002::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("fe80::1%eth0", "fe80:0000:0000:0000::/64"),
        ("host.example", "host.example"),
    ],
)
def test_an_address_is_what_one_customer_has(host, address):
    assert network_of(host) == address


class TestPlaces:
    """One connection each."""

    def test_a_place_is_left_once(self) -> None:
        admission = Admission(Limits(), Clock())
        here, there = admission.arrive(HERE), admission.arrive(None)
        assert admission.connections == 2
        for _ in range(2):
            here.leave()
            assert admission.connections == 1
        there.leave()
        assert not admission._by_address
        assert admission.connections == 0

    def test_who_is_one_too_many_of_an_address_is_crowded_and_twice_as_many_swamp(self) -> None:
        admission = Admission(Limits(connections_per_address=2), Clock())
        places = [admission.arrive(HERE) for _ in range(6)]
        assert [place.crowded for place in places] == [False, False, True, True, True, True]
        assert [place.swamped for place in places] == [False, False, False, False, True, True]
        assert not admission.arrive(THERE).crowded
        for place in places[:5]:
            place.leave()
        assert not admission.arrive(HERE).crowded

    def test_a_place_moves_to_the_address_that_a_proxy_speaks_for(self) -> None:
        admission = Admission(Limits(connections_per_address=1), Clock())
        first, second = admission.arrive(None), admission.arrive(None)
        first.move(HERE)
        second.move(HERE)
        assert (first.crowded, second.crowded) == (False, True)
        second.move(THERE)
        assert not second.crowded
        second.move(None)
        assert not second.crowded
        assert admission.connections == 2
        first.leave()
        second.leave()
        second.move(HERE)
        assert not admission._by_address
        assert admission.connections == 0

    def test_what_has_nothing_to_do_may_stay_until_half_of_all_is_taken(self) -> None:
        admission = Admission(Limits(connections_per_address=4, connections=12), Clock())
        here = [admission.arrive(HERE) for _ in range(2)]
        assert all(place.roomy for place in here)
        here.append(admission.arrive(HERE))
        assert not any(place.roomy for place in here)
        other, local = admission.arrive(THERE), admission.arrive(None)
        assert other.roomy
        assert local.roomy
        admission.arrive(None)
        assert local.roomy
        admission.arrive(None)
        assert not other.roomy
        assert not local.roomy

    def test_without_limits_there_is_always_room(self) -> None:
        admission = Admission(Limits(connections=0, connections_per_address=0), Clock())
        places = [admission.arrive(HERE) for _ in range(100)]
        assert all(place.roomy for place in places)
        assert not any(place.crowded or place.swamped for place in places)
