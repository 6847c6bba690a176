"""What becomes of what a webhook could not be told: tried again, given up after a day, kept over a crash."""

from __future__ import annotations

from itertools import pairwise

import pytest
from twisted.logger import LogLevel

from chatroom.domain.errors import Unavailable
from chatroom.domain.webhooks import Outcome
from chatroom.postman import AT_ONCE, DAY, LANES_HOLDING

from ..logs import Logs
from .receiving import OK, Telling, post

DOWN = Outcome(None, problem="connection refused")


@pytest.fixture
def house() -> Telling:
    return Telling()


def test_what_failed_is_told_again_under_the_same_id_and_what_came_after_it_later(house):
    house.hook()
    house.courier.answer = lambda _parcel: Outcome(500)
    post(house, "a", "b")
    assert house.courier.texts() == ["a"]
    house.elapse(1)
    assert house.courier.texts() == ["a", "a"]
    house.courier.answer = lambda _parcel: OK
    house.elapse(2)
    assert house.courier.texts() == ["a", "a", "a", "b"]
    assert len(set(house.courier.ids)) == 2
    stamps = [one.headers["webhook-timestamp"] for one in house.courier.sent]
    assert stamps[0] < stamps[1] < stamps[2]


def test_a_room_that_fails_holds_up_no_other(house):
    house.hook()
    house.courier.answer = lambda parcel: Outcome(400) if b'"bad"' in parcel.body else OK
    post(house, "x", room="bad")
    for number in range(20):
        post(house, "y", room=f"room{number}")
    assert house.courier.texts().count("y") == 20


def test_the_attempts_become_less_and_less_frequent(house):
    house.hook()
    house.courier.answer = lambda _parcel: DOWN
    post(house, "a")
    attempts = []
    for _ in range(100):
        before = len(house.courier.sent)
        waited = 0
        while len(house.courier.sent) == before and waited < 7200:
            house.elapse(0.25)
            waited += 0.25
        attempts.append(waited)
        if waited > 1700:
            break
    assert attempts[0] <= 1
    assert all(later >= earlier / 2 for earlier, later in pairwise(attempts))
    assert 1700 < attempts[-1] <= 3600


def test_a_receiver_that_is_gone_for_an_hour_is_told_everything_when_it_is_back(house):
    house.hook()
    house.courier.answer = lambda _parcel: DOWN
    for number in range(LANES_HOLDING + 20):
        post(house, "a", "b", room=f"room{number}")
    house.elapse(3600)
    assert len(house.courier.sent) < 20
    house.courier.answer = lambda _parcel: OK
    house.courier.sent.clear()
    house.elapse(3600)
    assert house.webhooks.waiting == 0
    for number in range(LANES_HOLDING + 20):
        told = [one["data"]["text"] for one in house.courier.told() if one["data"]["room"] == f"room{number}"]
        assert told == ["a", "b"]


def test_one_failure_of_many_at_once_is_one(house):
    house.hook()
    house.courier.answer = lambda _parcel: None
    for number in range(AT_ONCE):
        post(house, "x", room=f"room{number}")
    while house.courier.hanging:
        house.courier.end(DOWN)
    house.courier.answer = lambda _parcel: OK
    house.elapse(1)
    assert house.webhooks.waiting == 0


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_kept(house, status):
    house.hook()
    house.courier.answer = lambda _parcel: Outcome(status, retry_after=300)
    post(house, "a")
    house.elapse(299)
    assert len(house.courier.sent) == 1
    house.elapse(1)
    assert len(house.courier.sent) == 2


def test_after_a_day_it_is_a_dead_letter_and_the_room_goes_on(house):
    hook = house.hook()
    house.courier.answer = lambda parcel: Outcome(400) if b'"bad"' in parcel.body else OK
    post(house, "bad", "good")
    for _ in range(27):
        house.elapse(3600)
    assert house.courier.texts()[-1] == "good"
    (dead,) = house.kept._do_dead(hook.id, 10)
    assert (dead.room, dead.seq, dead.body, dead.reason) == ("lobby", 1, None, "it answered 400")
    assert dead.dead - dead.at >= DAY
    # Sent again when somebody asks for that, under the same id.
    house.courier.answer = lambda _parcel: OK
    first = house.courier.ids[0]
    house.kept.resend(hook.id, None, house.now)
    house.look()
    assert (house.courier.texts()[-1], house.courier.ids[-1]) == ("bad", first)
    house.keep()
    assert house.kept._do_lettered(hook.id) == []
    assert house.kept._do_dead(hook.id, 10) == []


def test_of_a_receiver_that_stays_away_everything_becomes_a_dead_letter(house):
    hook = house.hook()
    house.courier.answer = lambda _parcel: DOWN
    post(house, *"abc")
    post(house, "x", room="plans")
    for _ in range(27):
        house.elapse(3600)
    assert len(house.kept._do_dead(hook.id, 10)) == 4
    assert house.webhooks.waiting == 0
    post(house, "new")
    house.courier.answer = lambda _parcel: OK
    house.elapse(3600)
    assert house.courier.texts()[-1] == "new"


def test_gone_disables_it(house):
    hook = house.hook()
    house.courier.answer = lambda _parcel: Outcome(410)
    with Logs() as logs:
        post(house, "a", "b")
        house.elapse(1)
    assert house.courier.texts() == ["a"]
    (kept,) = house.kept._do_webhooks()
    assert (kept.disabled is not None, kept.reason) == (True, "it answered 410")
    assert house.registry._deeds[-1].what == "webhook.disable"
    assert any("disabled" in line for line in logs.of(LogLevel.warn))
    # Enabled again, it goes on where it was.
    house.courier.answer = lambda _parcel: OK
    house.kept.set_webhook(hook.id, None, "")
    house.look()
    assert house.courier.texts() == ["a", "a", "b"]


def test_a_removed_webhook_is_told_nothing_more(house):
    hook = house.hook()
    house.courier.answer = lambda _parcel: None
    post(house, "a", "b")
    house.kept.remove_webhook(hook.id)
    house.look()
    house.courier.end()
    post(house, "c")
    assert house.courier.texts() == ["a"]
    house.keep()


def test_a_server_that_died_after_a_delivery_tells_it_again_under_the_same_id(house):
    house.hook()
    post(house, "a")
    house.keep()
    post(house, "b")
    assert house.courier.texts() == ["a", "b"]
    other = house.again()
    assert other.courier.texts() == ["b"]
    assert other.courier.ids == house.courier.ids[1:]
    other.keep()
    assert house.again().courier.texts() == []


def test_a_server_that_stops_tells_nothing_twice(house):
    house.hook()
    post(house, "a", "b")
    house.done(house.webhooks.stop())
    post(house, "c")
    assert house.again().courier.texts() == ["c"]


def test_what_was_said_while_no_receiver_was_asked_is_told_after_a_restart(house):
    house.hook("mention")
    house.courier.answer = lambda _parcel: DOWN
    post(house, "nothing", "@otto one", "nothing", "@Otto two")
    other = house.again()
    assert other.courier.texts() == ["@otto one", "@Otto two"]


def test_what_is_not_told_is_noted_without_hurry(house):
    hook = house.hook("mention")
    post(house, *("nothing" for _ in range(3)))
    house.keep()
    assert house.kept.cursor(hook.id, "lobby") == 0
    house.elapse(30)
    assert house.kept.cursor(hook.id, "lobby") == 3
    assert len(house.kept.kept) == 1


def test_a_thousand_deliveries_are_kept_in_few_transactions(house):
    house.hook()
    for number in range(100):
        post(house, *"abcde", room=f"room{number}")
    house.keep()
    assert len(house.courier.sent) == 500
    assert len(house.kept.kept) == 1


def test_a_text_that_was_deleted_is_not_told_after_that(house):
    house.hook()
    house.courier.answer = lambda _parcel: None
    ana = house.json("Ana")
    for text in ("first", "secret", "draft", "last"):
        ana.does("post", room="lobby", text=text)
    ana.does("delete", room="lobby", seq=2)
    ana.does("edit", room="lobby", seq=3, text="final")
    house.courier.answer = lambda _parcel: OK
    house.courier.end()
    house.settle()
    assert house.courier.texts() == ["first", "final", "last"]
    assert not any(b"secret" in one.body for one in house.courier.sent)


def test_a_log_that_cannot_be_read_is_read_later(house):
    house.hook()
    house.courier.answer = lambda _parcel: Outcome(500)
    post(house, "a")
    house.store.broken = Unavailable("no disk", 2.0)
    house.elapse(1)
    house.store.broken = None
    house.courier.answer = lambda _parcel: OK
    house.elapse(10)
    assert house.courier.texts() == ["a", "a"]


def test_what_cannot_be_kept_is_kept_later(house):
    hook = house.hook()
    house.kept.broken = Unavailable("no disk", 2.0)
    post(house, "a")
    with Logs() as logs:
        house.keep()
    assert any("cannot be kept" in line for line in logs.of(LogLevel.error))
    post(house, "b")
    house.kept.broken = None
    house.keep()
    assert house.kept.cursor(hook.id, "lobby") == 2
