"""What /metrics says is what has happened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from twisted.internet.task import Clock

from chatroom.counts import Distribution
from chatroom.domain.errors import BadToken, RateLimited, Unavailable
from chatroom.domain.limits import limited
from chatroom.domain.webhooks import Outcome
from chatroom.metrics import METRICS
from chatroom.roster import LEASE

from .core.house import House
from .core.nodes import Nodes
from .core.receiving import Telling, post
from .doors.premises import Premises
from .measured import Measured
from .store import drafts
from .store.registries import kept_by

_NAME = re.compile(r"chatroom(_[a-z0-9]+)+\Z")


def test_all_of_it_is_as_prometheus_wants_it() -> None:
    nodes = Nodes(1)
    measured = Measured(nodes.houses[0])
    families = measured.families()
    for said in METRICS:
        assert _NAME.match(said.name), said
        assert said.help.endswith(".")
        assert not said.name.endswith(("_total", "_count", "_sum", "_bucket"))
        if "webhook" not in said.name:
            family = families[said.name]
            assert (family.type, family.documentation) == (said.kind, said.help)
    assert "process_cpu_seconds" in families
    assert len({said.name for said in METRICS}) == len(METRICS)


def test_who_asks_for_open_metrics_gets_it() -> None:
    measured = Measured(House())
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
    payload, content_type = measured.measurements.text(accept)
    assert content_type.startswith("application/openmetrics-text")
    assert {said.name for said in METRICS} >= {
        one.name for one in open_metrics(payload.decode()) if one.name.startswith("chatroom")
    }


def test_what_is_not_there_says_nothing() -> None:
    families = Measured(House()).families()
    assert not {"chatroom_bus_up", "chatroom_webhooks", "chatroom_holes_filled"} & families.keys()


def test_who_is_here() -> None:
    house = Premises()
    measured = Measured(house)
    assert measured.value("chatroom_ready") == 1
    ana, ben = house.chatter("Ana"), house.chatter("Ben")
    for room in ("lobby", "tea"):
        ana.ask("join", room=room)
    ben.ask("join", room="lobby")
    names = ("connections", "users", "rooms", "members")
    assert [measured.value(f"chatroom_{name}") for name in names] == [2, 2, 2, 3]
    ana.ask("join", room="lobby", since=0)
    assert measured.value("chatroom_members") == 3
    ana.vanish()
    assert [measured.value(f"chatroom_{name}") for name in names] == [1, 1, 1, 1]
    ben.ask("leave", room="lobby")
    assert [measured.value(f"chatroom_{name}") for name in names] == [1, 1, 0, 0]


def test_what_is_said_and_who_is_told() -> None:
    house = Premises()
    measured = Measured(house)
    callers = [house.chatter(name) for name in ("Ana", "Ben", "Cleo")]
    for one in callers:
        one.ask("join", room="lobby")
    before = measured.value("chatroom_deliveries_total"), measured.value("chatroom_delivered_bytes_total")
    callers[1].took()
    callers[0].ask("post", room="lobby", text="hello")
    heard = len(callers[1].took())
    assert measured.value("chatroom_events_written_total", type="message") == 1
    assert measured.value("chatroom_deliveries_total") == before[0] + 3
    assert measured.value("chatroom_delivered_bytes_total") == before[1] + 3 * heard


def test_why_requests_are_refused() -> None:
    house = Premises(limited(["posts_per_second=1", "text_length=10"], unmetered=False))
    measured = Measured(house)
    ana = house.chatter("Ana")
    for text in ("x" * 11, "fine", "too fast", "too fast"):
        ana.ask("post", room="lobby", text=text)
    ana.ask("history", room="no such room")
    ana.say("not json")
    plain = house.enter("/?room=lobby")
    plain.say("y" * 11)

    def refused(request: str, code: str) -> float | None:
        return measured.value("chatroom_requests_refused_total", request=request, code=code)

    assert refused("post", "too_long") == 2
    assert refused("post", "rate_limited") == 2
    assert refused("history", "bad_request") == 1
    assert refused("none", "bad_json") == 1


def test_faults_are_seen_from_the_first_one_on(monkeypatch: pytest.MonkeyPatch) -> None:
    house = Premises()
    measured = Measured(house)
    assert measured.value("chatroom_faults_total") == 0
    assert measured.value("chatroom_events_written_total", type="message") == 0
    ana = house.chatter("Ana")
    monkeypatch.setattr(house.chat, "uses", {})
    assert ana.ask("who", room="lobby")["code"] == "internal"
    assert measured.value("chatroom_faults_total") == 1


def test_who_is_cut_for_reading_too_slowly() -> None:
    house = Premises(limited(["backlog_bytes=1000"], unmetered=True))
    measured = Measured(house)
    slow, ana = house.chatter("Slow"), house.chatter("Ana")
    for one in (slow, ana):
        one.ask("join", room="lobby")
    slow.protocol.outbox.pauseProducing()
    for _ in range(9):
        ana.ask("post", room="lobby", text="x" * 200)
    assert slow.protocol.outbox.overflowed
    assert measured.value("chatroom_slow_readers_total") == 1


def test_what_http_is_answered_and_who_is_turned_away() -> None:
    house = Premises(limited(["connections=2"], unmetered=True))
    measured = Measured(house)
    house.chatter("Ana")
    for path in (b"/healthz", b"/nowhere"):
        house.call(b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path)
    house.call(b"\x16\x03\x01\x02\x00")
    by_status = [measured.value("chatroom_http_responses_total", status=f"{one}xx") for one in range(1, 6)]
    assert by_status == [1, 1, 0, 1, 0]
    assert measured.value("chatroom_connections_refused_total", status="400") == 1
    for _ in range(2):
        house.call()
    assert measured.value("chatroom_connections_refused_total", status="503") == 1


def test_passwords() -> None:
    house = House()
    measured = Measured(house)
    house.account("Ana")
    for _ in range(7):
        with pytest.raises((BadToken, RateLimited)):
            house.login("Ana", "a wrong one")
    assert measured.value("chatroom_passwords_refused_total", reason="wrong") == 5
    assert measured.value("chatroom_passwords_refused_total", reason="put_off") == 2


def test_the_other_nodes() -> None:
    nodes = Nodes(2)
    here, there = nodes.houses
    measured = Measured(here)
    nodes.elapse(3)
    ana, ben = here.json("Ana"), there.json("Ben")
    for one in (ana, ben):
        one.say("join", room="lobby")
    nodes.settle()
    ben.say("post", room="lobby", text="hello")
    nodes.settle()
    names = ("bus_up", "other_nodes", "foreign_events_total", "leases_ended_total")
    assert [measured.value(f"chatroom_{name}") for name in names] == [1, 1, 1, 0]
    nodes.die(there)
    nodes.elapse(LEASE + 5)
    assert [measured.value(f"chatroom_{name}") for name in names] == [1, 0, 1, 1]
    nodes.network.break_down()
    assert measured.value("chatroom_bus_up") == 0


def test_webhooks() -> None:
    house = Telling()
    measured = Measured(house)
    house.hook()
    answers = iter([Outcome(500), Outcome(200)])
    house.courier.answer = lambda _parcel: next(answers)
    post(house, "a")
    assert measured.value("chatroom_webhook_lead") == 1
    assert (measured.value("chatroom_webhooks"), measured.value("chatroom_webhook_rooms_waiting")) == (1, 1)
    house.elapse(2)
    outcomes = [
        measured.value("chatroom_webhook_deliveries_total", outcome=word)
        for word in ("told", "failed", "dead")
    ]
    assert outcomes == [1, 1, 0]
    assert measured.value("chatroom_webhook_rooms_waiting") == 0


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Any]:
    made = kept_by("sqlite", tmp_path)
    yield made
    made.close()


def test_commits(kept: Any) -> None:
    measured = Measured(House(), writer=kept.store.writer)
    assert (measured.value("chatroom_store_up"), measured.value("chatroom_waiting_events")) == (1, 0)
    for number in range(3):
        kept.wait(kept.store.append(drafts.said(f"number {number}")))
    assert measured.value("chatroom_commit_seconds_count") == 3
    assert measured.value("chatroom_commit_events_bucket", le="1.0") == 3
    assert measured.value("chatroom_commit_events_sum") == 3
    assert measured.value("chatroom_commit_failures_total") == 0


def test_a_database_that_is_away_while_nobody_posts() -> None:
    house = House()
    measured = Measured(house)
    house.registry.broken = Unavailable("the disk is on fire")
    house.elapse(1)
    assert measured.value("chatroom_store_up") == 0
    house.registry.broken = None
    house.elapse(1)
    assert measured.value("chatroom_store_up") == 1


def test_how_late_the_reactor_is() -> None:
    house = House()
    measured = Measured(house)
    measured.lag.startService()
    house.clock.advance(0.25)
    house.clock.advance(0.25 + 0.3)
    assert measured.value("chatroom_reactor_lag_seconds_count") == 2
    assert measured.value("chatroom_reactor_lag_seconds_bucket", le="0.001") == 1
    assert measured.value("chatroom_reactor_lag_seconds_bucket", le="0.25") == 1
    assert measured.value("chatroom_reactor_lag_seconds_sum") == pytest.approx(0.3)
    measured.lag.stopService()
    house.clock.advance(9)
    assert measured.value("chatroom_reactor_lag_seconds_count") == 2


def test_a_clock_that_is_set_back_is_no_lag() -> None:
    clock, house = Clock(), House()
    measured = Measured(house)
    measured.lag._now = clock.seconds
    measured.lag.startService()
    house.clock.advance(0.25)
    assert measured.value("chatroom_reactor_lag_seconds_sum") == 0
    measured.lag.stopService()


def test_a_distribution_counts_each_under_its_bound() -> None:
    sizes = Distribution((1, 10))
    for size in (0, 1, 1.5, 10, 11):
        sizes.add(size)
    assert sizes.cumulative() == [(1, 2), (10, 4), (float("inf"), 5)]
    assert sizes.sum == 23.5
