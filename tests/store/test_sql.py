"""The SQL store as a whole: over a restart, with what was deleted, when reading fails."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from chatroom.domain.errors import Unavailable

from .drafts import deleted, edited, said
from .keeping import OnDisk


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[OnDisk]:
    made = OnDisk(tmp_path)
    yield made
    made.close()


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("chatroom")]


def test_a_log_goes_on_where_it_was(kept, tmp_path):
    first = [kept.wait(kept.store.append(one)) for one in (said("a", key="k"), said("b"), edited(1, "aa"))]
    kept.close()
    again = OnDisk(tmp_path)
    try:
        assert again.wait(again.store.append(said("a", key="k"))).seq == first[0].seq
        assert again.wait(again.store.append(said("c"))).seq == 4
        page = again.wait(again.store.after("lobby", 0, 10))
        assert [(event.seq, event.text) for event in page.events] == [
            (1, "aa"),
            (2, "b"),
            (3, "aa"),
            (4, "c"),
        ]
    finally:
        again.close()


def test_the_epoch_is_the_logs_for_life(kept, tmp_path):
    epoch = kept.store.epoch
    kept.close()
    again = OnDisk(tmp_path, start=False)
    assert again.store.epoch == epoch
    (tmp_path / "other").mkdir()
    assert OnDisk(tmp_path / "other", start=False).store.epoch != epoch


def test_stopping_ends_every_thread(kept):
    for _ in range(5):
        kept.wait(kept.store.append(said()))
        kept.wait(kept.store.after("lobby", 0, 1))
    assert threads()
    kept.close()
    assert threads() == []


def test_stopping_leaves_one_file(kept, tmp_path):
    kept.wait(kept.store.append(said()))
    kept.wait(kept.store.head("lobby"))
    kept.close()
    assert [path.name for path in tmp_path.iterdir()] == ["log.sqlite3"]


def pieces(text: str) -> list[bytes]:
    """Parts of a text from its beginning to its end: none of them may be left over."""
    return [text[start : start + 12].encode() for start in range(0, max(1, len(text) - 12), 100)]


def test_a_deleted_text_is_nowhere_in_the_files(kept, tmp_path):
    rng = random.Random(20)
    texts = [f"<{n}:{rng.randbytes(rng.choice([4, 40, 400, 4000])).hex()}>" for n in range(150)]
    waiting = [kept.store.append(said(text)) for text in texts]
    order = rng.sample(range(150), 100)
    kept_texts = set(range(150)) - set(order)
    waiting += [kept.store.append(edited(n + 1, "short" * rng.randint(1, 9))) for n in order[:50]]
    waiting += [kept.store.append(deleted(n + 1)) for n in order[50:]]
    for done in waiting:
        kept.wait(done)
    kept.close()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert {n for n in range(150) if any(piece in written for piece in pieces(texts[n]))} == kept_texts


def test_a_reading_that_fails_says_try_again_and_the_next_one_works(kept, tmp_path):
    kept.wait(kept.store.append(said()))
    kept.wait(kept.store.head("lobby"))
    kept.store._reading.dispose()
    hidden = kept.path.rename(tmp_path / "hidden")
    kept.path.mkdir()
    with pytest.raises(Unavailable) as refused:
        kept.wait(kept.store.after("lobby", 0, 10))
    assert refused.value.retry_after
    kept.path.rmdir()
    hidden.rename(kept.path)
    assert len(kept.wait(kept.store.after("lobby", 0, 10)).events) == 1


def test_many_may_read_at_once(kept):
    for _ in range(3):
        kept.wait(kept.store.append(said()))
    waiting = [kept.store.after("lobby", n % 3, 10) for n in range(60)]
    assert [len(kept.wait(done).events) for done in waiting] == [3, 2, 1] * 20


def test_reading_goes_on_while_another_program_writes(kept):
    kept.wait(kept.store.append(said()))
    with kept.store._writing.begin():
        assert kept.wait(kept.store.head("lobby")) == 1


def test_stopping_waits_for_what_is_being_read(kept):
    kept.wait(kept.store.append(said()))
    waiting = [kept.store.head("lobby") for _ in range(10)]
    stopped = Deferred.fromCoroutine(kept.store.stop())
    kept.wait(stopped)
    kept._closed = True
    assert [kept.wait(done) for done in waiting] == [1] * 10
