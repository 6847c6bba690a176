"""The list of cases and the sets taken from it."""

import pytest

from .cases import (
    COMPRESSION_GROUPS,
    chosen,
    every_case,
    group,
    matching,
    numbers,
    short_set,
    tls_set,
)


def test_the_list_is_the_whole_suite() -> None:
    sizes = {number: sum(group(case) == number for case in every_case()) for number in range(1, 14)}
    assert sum(sizes.values()) == len(set(every_case())) == 517
    assert (sizes[12], sizes[13]) == (5 * 18, 7 * 18)
    assert list(every_case()) == sorted(every_case(), key=numbers)


def test_the_short_set_holds_groups_1_to_10_and_every_parameter_set() -> None:
    def sets(cases: tuple[str, ...]) -> set[tuple[int, ...]]:
        return {numbers(case)[:2] for case in cases if group(case) in COMPRESSION_GROUPS}

    assert {case for case in every_case() if group(case) <= 10} <= set(short_set())
    assert sets(short_set()) == sets(tls_set()) == sets(every_case())
    assert len(short_set()) == 301 + 12 * 10


def test_a_pattern_means_what_it_says() -> None:
    assert matching(["12.*.1"]) == tuple(f"12.{number}.1" for number in range(1, 6))
    assert matching(["1.1.2", "1.1.1", "1.1.*"]) == tuple(f"1.1.{n}" for n in range(1, 9))
    assert all(group(case) == 1 for case in matching(["1.*"]))


def test_a_pattern_that_fits_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"14\.\*"):
        matching(["1.1.1", "14.*"])


def test_command_line_words() -> None:
    assert chosen(["all"]) == every_case()
    assert chosen(["short"]) == short_set()
    assert chosen(["2.1", "2.2"]) == ("2.1", "2.2")
