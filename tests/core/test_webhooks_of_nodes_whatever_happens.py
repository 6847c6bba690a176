"""Webhooks of several nodes: all is told in order, whatever becomes of the nodes, the bus and the lead."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom import postman
from chatroom.domain.webhooks import Outcome

from .receiving import OK
from .telling_nodes import TellingNodes, people

DOWN = Outcome(None, problem="connection refused")


WHAT = (
    "post",
    "post",
    "post",
    "bring",
    "lose",
    "double",
    "down",
    "mend",
    "lead",
    "unknown",
    "hang",
    "fail",
    "ok",
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(WHAT), st.integers(0, 2), st.sampled_from([0, 0, 0.3, 1])), max_size=40
    )
)
def test_everything_is_told_in_order_and_twice_only_under_one_id(doings):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postman, "REACHED", 2)
        patch.setattr(postman, "LANES_HOLDING", 1)
        nodes = TellingNodes(3)
        arrived: list[Any] = []
        answers: list[Any] = [OK]

        def answer(parcel):
            if answers[0] is not DOWN:
                arrived.append(parcel)
            return answers[0]

        for courier in nodes.couriers:
            courier.answer = answer
        nodes.hook()
        guests = people(nodes)
        said = 0
        for what, which, seconds in doings:
            if what == "post":
                said += 1
                guests[which].say("post", room=f"room{said % 2}", text=f"{said}")
                nodes.houses[which].settle()
            do(nodes, what, which, answers)
            if seconds:
                nodes.clock.advance(seconds)
        answers[0] = OK
        nodes.network.mend()
        for number, lead in enumerate(nodes.leads):
            lead.changed(lead.held)
            while nodes.couriers[number].hanging:
                nodes.couriers[number].end(DOWN)
        nodes.elapse(60)
        told = [json.loads(parcel.body)["data"] for parcel in arrived]
        for room in ("room0", "room1"):
            seqs = [one["seq"] for one in told if one["room"] == room]
            assert list(dict.fromkeys(seqs)) == [event.seq for event in nodes.houses[0].log(room)]
        whose: dict[str, Any] = {}
        for parcel, one in zip(arrived, told, strict=True):
            assert whose.setdefault(parcel.headers["webhook-id"], one) == one
        assert len(whose) == said


def do(nodes: TellingNodes, what: str, which: int, answers: list[Any]) -> None:
    """Something happens that may go wrong."""
    carried = nodes.network.carried
    if what == "bring" and carried:
        nodes.network.bring(which % len(carried))
    elif what == "lose" and carried:
        del carried[which % len(carried)]
    elif what == "double" and carried:
        carried.append(carried[which % len(carried)])
    elif what == "down":
        nodes.network.break_down()
    elif what == "mend":
        nodes.network.mend()
    elif what in ("lead", "unknown"):
        nodes.leads[which].lose(known=what == "lead")
    elif what in ("hang", "fail", "ok"):
        answers[0] = {"hang": None, "fail": DOWN, "ok": OK}[what]
