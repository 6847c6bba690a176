"""Whatever fails and whenever the server dies: a webhook is told everything, in the order of each room."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chatroom.domain.errors import Unavailable
from chatroom.domain.webhooks import Outcome, Parcel

from .receiving import OK, Telling

ROOMS = st.sampled_from(["lobby", "plans", "ops"])
WAYS = st.sampled_from(["ok", "down", "error", "some", "hang"])


class Survival(RuleBasedStateMachine):
    """Somebody talks, a receiver has its moods, the disk and the server fail."""

    def __init__(self) -> None:
        super().__init__()
        self.house = Telling()
        self.way = "ok"
        self.requests = 0
        self.told: list[dict[str, Any]] = []
        self.said: dict[str, list[int]] = {}
        self.gone: set[tuple[str, int]] = set()
        self.hook = self.house.hook()
        self.house.courier.answer = self.answer
        self.ana = self.house.member("Ana")

    def answer(self, _parcel: Parcel) -> Outcome | None:
        self.requests += 1
        if self.way == "hang":
            return None
        if self.way == "down" or (self.way == "some" and self.requests % 3):
            return Outcome(None, problem="connection refused")
        if self.way == "error":
            return Outcome(500)
        return OK

    @rule(room=ROOMS, count=st.integers(1, 4))
    def talk(self, room: str, count: int) -> None:
        for _ in range(count):
            seq = self.ana.does("post", room=room, text=f"in {room}")["seq"]
            self.said.setdefault(room, []).append(seq)

    @rule(room=ROOMS, which=st.integers(0, 9), delete=st.booleans())
    def change(self, room: str, which: int, delete: bool) -> None:
        left = [seq for seq in self.said.get(room, []) if (room, seq) not in self.gone]
        if not left:
            return
        seq = left[which % len(left)]
        if delete:
            self.ana.does("delete", room=room, seq=seq)
            self.gone.add((room, seq))
        else:
            self.ana.does("edit", room=room, seq=seq, text=f"again in {room}")

    @rule(way=WAYS)
    def feel(self, way: str) -> None:
        self.way = way

    @rule()
    def answer_late(self) -> None:
        while self.house.courier.hanging:
            self.house.courier.end(OK)
            self.house.settle()
            if self.way == "hang":
                break

    @rule(seconds=st.sampled_from([0.1, 0.5, 2.0, 60.0, 4000.0]))
    def wait(self, seconds: float) -> None:
        self.house.elapse(seconds)

    @rule(seconds=st.sampled_from([0.5, 30.0]))
    def lose_the_disk(self, seconds: float) -> None:
        self.house.kept.broken = Unavailable("no disk", 2.0)
        self.house.elapse(seconds)
        self.house.kept.broken = None

    @rule(politely=st.booleans())
    def restart(self, politely: bool) -> None:
        now = self.house.clock.seconds()
        if politely:
            self.house.done(self.house.webhooks.stop())
        self.told += self.house.courier.told()
        self.house = Telling(self.house.registry, self.house.kept)
        self.house.clock.advance(max(0.0, now - self.house.clock.seconds()))
        self.house.courier.answer = self.answer
        self.house.settle()
        self.ana = self.house.json(token=self.house.login("Ana"))

    @invariant()
    def nothing_is_told_before_what_came_before_it(self) -> None:
        heard: dict[str, set[int]] = {}
        for one in [*self.told, *self.house.courier.told()]:
            room, seq = one["data"]["room"], one["data"]["seq"]
            before = {s for s in self.said.get(room, []) if s < seq and (room, s) not in self.gone}
            assert before <= heard.setdefault(room, set())
            heard[room].add(seq)

    def teardown(self) -> None:
        self.way = "ok"
        for _ in range(3):
            self.answer_late()
            self.house.elapse(4000)
        heard: dict[str, set[int]] = {}
        for one in [*self.told, *self.house.courier.told()]:
            heard.setdefault(one["data"]["room"], set()).add(one["data"]["seq"])
        for room, seqs in self.said.items():
            assert {seq for seq in seqs if (room, seq) not in self.gone} <= heard.get(room, set())
        assert self.house.webhooks.waiting == 0
        assert self.house.kept._do_dead(self.hook.id, 10) == []


TestSurvival = Survival.TestCase
TestSurvival.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
