"""The tail: what the store would answer, from memory."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatroom import tail as module
from chatroom.domain.events import Event
from chatroom.tail import Tail
from chatroom.wire.dialects import json_dialect, plain_dialect

from ..store.drafts import ANA, BOB, deleted, edited, reacted, said
from ..store.keeping import InMemory

JSON, PLAIN = json_dialect(), plain_dialect()


def filled(*events: Event) -> Tail:
    tail = Tail()
    tail.fill(events, events[-1].seq if events else 0)
    return tail


def numbered(*texts: str) -> list[Event]:
    return [said(text, seq=number) for number, text in enumerate(texts, 1)]


def read(payloads: Iterable[bytes]) -> list[dict]:
    events = [json.loads(payload) for payload in payloads]
    for event in events:
        # In which order different ones stand, the store alone knows once some were taken away.
        event.get("reactions", []).sort(key=lambda tally: tally["emoji"])
    return events


def test_an_empty_tail_is_at_the_beginning_and_reaches_it():
    tail = filled()
    assert (tail.head, tail.reaches(0)) == (0, True)
    assert tail.after(0, JSON, 10) == ([], False)
    assert tail.newest(JSON, 10) == []


def test_a_room_whose_events_were_not_read_has_their_head():
    tail = Tail()
    tail.fill([], 7)
    assert (tail.head, tail.reaches(7), tail.reaches(6)) == (7, True, False)


@pytest.mark.parametrize(
    ("seq", "limit", "texts", "more"),
    [
        (0, 9, "abcde", False),
        (0, 5, "abcde", False),
        (0, 4, "abcd", True),
        (3, 9, "de", False),
        (3, 1, "d", True),
        (5, 9, "", False),
        (9, 9, "", False),
        (0, 0, "", True),
        (5, 0, "", False),
    ],
)
def test_after_gives_the_first_ones_after_a_seq(seq, limit, texts, more):
    stretch = filled(*numbered(*"abcde")).after(seq, JSON, limit)
    assert ("".join(one["text"] for one in read(stretch.payloads)), stretch.more) == (texts, more)


def test_newest_gives_the_last_ones_oldest_first():
    tail = filled(*numbered(*"abcde"))
    assert [one["text"] for one in read(tail.newest(JSON, 2))] == ["d", "e"]
    assert len(tail.newest(JSON, 99)) == 5


def test_answers_are_bounded_in_bytes_but_have_at_least_one_event():
    tail = filled(*numbered(*["x" * 1000] * 8))
    assert [len(tail.after(0, JSON, 99, size).payloads) for size in (1, 2000, 2**20)] == [1, 2, 8]
    assert [len(tail.newest(JSON, 99, size)) for size in (1, 3000, 2**20)] == [1, 2, 8]
    assert tail.after(0, JSON, 99, 1).more


def test_plain_members_are_told_texts_and_not_what_was_taken_back():
    tail = filled(said("a", seq=1), said("b", seq=2), edited(2, "bb", seq=3), deleted(1, seq=4))
    assert tail.after(0, PLAIN, 99) == ([b"bb"], False)
    assert tail.newest(PLAIN, 99) == [b"bb"]


def test_an_event_is_encoded_once_however_many_ask():
    class Counting(type(JSON)):
        calls = 0

        def event(self, event):
            Counting.calls += 1
            return super().event(event)

    dialect, tail = Counting(JSON.frame), filled(*numbered(*"abc"))
    for _ in range(5):
        tail.after(0, dialect, 99)
        tail.newest(dialect, 2)
        tail.payload(said("c", seq=3), dialect)
    assert Counting.calls == 3


def test_dialects_that_differ_in_framing_alone_share_what_is_encoded():
    tail = filled(*numbered("a"))
    assert tail.newest(JSON, 1)[0] is tail.newest(json_dialect(15), 1)[0]


def test_an_event_that_is_not_held_is_encoded_all_the_same():
    tail = filled(*numbered("a"))
    assert json.loads(tail.payload(said("later", seq=2), JSON))["text"] == "later"


def test_no_more_events_are_held_than_it_may(monkeypatch):
    monkeypatch.setattr(module, "MAX_EVENTS", 3)
    tail = filled(*numbered(*"abcde"))
    assert [tail.reaches(seq) for seq in range(6)] == [False, False, True, True, True, True]
    assert [one["text"] for one in read(tail.newest(JSON, 99))] == ["c", "d", "e"]


@pytest.mark.parametrize("more", [{"text": "x" * 100}, {"text": "x", "data": {"y": ["z" * 50] * 2}}])
def test_no_more_bytes_are_held_than_it_may(monkeypatch, more):
    monkeypatch.setattr(module, "MAX_BYTES", 350)
    tail = filled(*[said(seq=number, **more) for number in range(1, 9)])
    assert 1 <= len(tail.newest(JSON, 99)) <= 3
    tail.append(said("x" * 10_000, seq=9))
    assert len(tail.newest(JSON, 99)) == 1


def test_a_deleted_text_is_nowhere_in_it():
    message = said("secret", seq=1, data={"a": "another secret"})
    tail = filled(message, edited(1, "secret too", seq=2), said("x", seq=3), deleted(1, seq=4))
    assert b"secret" not in b"".join(tail.after(0, JSON, 99).payloads)


def test_what_somebody_who_is_gone_has_put_under_messages_is_not_told():
    tail = filled(said("a", seq=1), reacted(1, seq=2), reacted(1, seq=3, by=BOB), reacted(1, "🎉", seq=4))
    tail.rename(ANA.id, "deleted")
    assert read(tail.newest(JSON, 9))[0]["reactions"] == [{"emoji": "👍", "by": [BOB.id], "count": 1}]


class TailAgainstStore(RuleBasedStateMachine):
    """Whatever is posted, edited and deleted: where the tail reaches, it answers as the store does."""

    def __init__(self) -> None:
        super().__init__()
        self.tail, self.store = Tail(), InMemory()
        self.loaded = False
        self.store.store.on_commit = self.committed

    def committed(self, committed):
        if self.loaded:
            for event, _ in committed:
                self.tail.append(event)

    @property
    def head(self) -> int:
        return self.store.wait(self.store.store.head("lobby"))

    @rule(text=st.text(max_size=12), many=st.integers(1, 3))
    def post(self, text, many):
        for _ in range(many):
            self.store.wait(self.store.store.append(said(text)))

    @precondition(lambda self: self.head)
    @rule(data=st.data(), change=st.sampled_from([edited, edited, deleted]))
    def change(self, data, change):
        draft = change(data.draw(st.integers(1, self.head)), at=5000 + self.head)
        done = self.store.store.append(draft)
        done.addErrback(lambda _refused: None)
        self.store.wait(done)

    @precondition(lambda self: self.head)
    @rule(data=st.data(), emoji=st.sampled_from("👍🎉"), by=st.sampled_from([ANA, BOB]), on=st.booleans())
    def react(self, data, emoji, by, on):
        draft = reacted(data.draw(st.integers(1, self.head)), emoji, by=by, on=on)
        done = self.store.store.append(draft)
        done.addErrback(lambda _refused: None)
        self.store.wait(done)

    @precondition(lambda self: not self.loaded)
    @rule(limit=st.integers(1, 9))
    def load(self, limit):
        page = self.store.wait(self.store.store.before("lobby", None, limit))
        self.tail.fill(page.events, page.events[-1].seq if page.events else 0)
        self.loaded = True

    @invariant()
    def answers_as_the_store_does(self):
        if not self.loaded:
            return
        head = self.head
        assert self.tail.head == head
        for seq in range(head + 1):
            if self.tail.reaches(seq):
                for limit in (2, 99):
                    page = self.store.wait(self.store.store.after("lobby", seq, limit))
                    told = read(JSON.event(event) for event in page.events)
                    stretch = self.tail.after(seq, JSON, limit)
                    assert (read(stretch.payloads), stretch.more) == (told, page.more)
        page = self.store.wait(self.store.store.before("lobby", None, 4))
        newest = read(self.tail.newest(JSON, 4))
        told = read(JSON.event(event) for event in page.events)
        assert newest == told[len(page.events) - len(newest) :]

    @invariant()
    def holds_no_more_than_it_may(self):
        held = len(self.tail.newest(JSON, 10_000))
        assert held <= 8
        assert held == 0 or self.tail.reaches(self.tail.head - held)
        assert held <= 1 or sum(len(one.get("text", "")) for one in read(self.tail.newest(JSON, 99))) <= 60


@pytest.fixture(autouse=True)
def _small(request, monkeypatch):
    if request.node.name == "runTest":
        monkeypatch.setattr(module, "MAX_EVENTS", 8)
        monkeypatch.setattr(module, "MAX_BYTES", 60)


TestTailAgainstStore = TailAgainstStore.TestCase
TestTailAgainstStore.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
