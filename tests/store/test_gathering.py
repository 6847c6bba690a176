"""What comes while something is being written is written together with the next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred

from chatroom.domain.errors import Unavailable
from chatroom.store import gathering
from chatroom.store.gathering import Gathering

from .keeping import outcome


class Disk:
    """Writes what it is given when the test says so."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self._writing: list[Deferred[list[int]]] = []

    def write(self, items: list[int]) -> Deferred[list[int]]:
        self.batches.append(items)
        self._writing.append(Deferred())
        return self._writing[-1]

    @property
    def busy(self) -> bool:
        return bool(self._writing)

    def done(self) -> None:
        (writing,) = self._writing
        self._writing = []
        writing.callback([10 * item for item in self.batches[-1]])

    def fail(self) -> None:
        (writing,) = self._writing
        self._writing = []
        writing.errback(Unavailable("no"))


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def gathered(disk) -> Gathering[int, int]:
    return Gathering(disk.write)


def test_what_comes_alone_is_written_at_once(disk, gathered):
    done = gathered.add(1)
    assert disk.batches == [[1]]
    assert not done.called
    disk.done()
    assert outcome(done) == 10
    assert not disk.busy


def test_what_comes_meanwhile_is_written_together(disk, gathered):
    waiting = [gathered.add(item) for item in (1, 2, 3, 4)]
    assert disk.batches == [[1]]
    disk.done()
    assert disk.batches == [[1], [2, 3, 4]]
    disk.done()
    assert [outcome(done) for done in waiting] == [10, 20, 30, 40]


def test_no_more_than_so_many_are_written_together(disk, gathered, monkeypatch):
    monkeypatch.setattr(gathering, "MAX_TOGETHER", 2)
    for item in range(6):
        gathered.add(item)
    while disk.busy:
        disk.done()
    assert disk.batches == [[0], [1, 2], [3, 4], [5]]


def test_what_cannot_be_written_fails_for_all_of_it_and_no_others(disk, gathered):
    waiting = [gathered.add(item) for item in (1, 2, 3)]
    disk.done()
    later = gathered.add(4)
    disk.fail()
    disk.done()
    assert (outcome(waiting[0]), outcome(later)) == (10, 40)
    for done in waiting[1:]:
        with pytest.raises(Unavailable):
            outcome(done)


def test_who_is_told_may_ask_again(disk, gathered):
    again: list[Deferred[int]] = []
    gathered.add(1).addCallback(lambda _result: again.append(gathered.add(2)))
    disk.done()
    disk.done()
    assert outcome(again[0]) == 20


def test_a_write_that_is_refused_at_once_is_told_at_once():
    def refuse(_items: list[int]) -> Deferred[list[int]]:
        raised: Deferred[list[int]] = Deferred()
        raised.errback(Unavailable("no"))
        return raised

    gathered: Gathering[int, int] = Gathering(refuse)
    for _ in range(2):
        with pytest.raises(Unavailable):
            outcome(gathered.add(1))


@given(st.lists(st.sampled_from(["add", "done"]), max_size=40))
def test_everything_is_written_once_in_its_order(steps):
    disk = Disk()
    gathered: Gathering[int, int] = Gathering(disk.write)
    waiting: list[Deferred[int]] = []
    for step in steps:
        if step == "add":
            waiting.append(gathered.add(len(waiting)))
        elif disk.busy:
            disk.done()
    while disk.busy:
        disk.done()
    assert [item for batch in disk.batches for item in batch] == list(range(len(waiting)))
    assert [outcome(done) for done in waiting] == [10 * item for item in range(len(waiting))]
