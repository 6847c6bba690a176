"""The short way of publishing: the same answers as the long one, whatever is asked and however it comes."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatroom.domain.limits import limited
from chatroom.doors.channel import HELD

from ..logs import Logs
from .premises import Caller
from .programs import Office, Program
from .rawframes import Answer, answer

PATH = "/rooms/lobby/messages"
LIMITS = limited(["posts_per_second=3", "text_length=20"])

KEYS = ("publisher", "reader", "banned", "revoked", "nobody", "ana", "none")

bodies = st.one_of(
    st.fixed_dictionaries(
        {"text": st.sampled_from(["x", "Zoë 😀", "", "\0", "x" * 21])},
        optional={
            "data": st.sampled_from([None, {"n": 1}, 3]),
            "as": st.sampled_from([None, "Grafana", "Ana", "", "\u202e"]),
            "reply_to": st.sampled_from([None, 0, 1, -1]),
            "more": st.just("?"),
        },
    ).map(lambda one: json.dumps(one).encode()),
    st.sampled_from([b"{", b"[]", b"\xff", b"null", b'{"text":1}', b'{"text":"' + b"x" * 66_000 + b'"}']),
)
usual = st.fixed_dictionaries(
    {"key": st.just("publisher"), "path": st.just(PATH), "body": bodies.filter(lambda one: len(one) < 100)},
    optional={"Idempotency_Key": st.sampled_from(["a", '"a"', "b"])},
)
unusual = st.fixed_dictionaries(
    {
        "key": st.sampled_from(KEYS),
        "path": st.sampled_from(
            [PATH, "/rooms/LOBBY/messages", "/rooms/a..b/messages", "/rooms/caf%C3%A9/messages", "/rooms"]
        ),
        "body": bodies,
    },
    optional={
        "Idempotency_Key": st.sampled_from(["a", "b", "x" * 129, ""]),
        "Content_Type": st.sampled_from([None, "text/plain", "application/json; charset=utf-8"]),
        "Connection": st.sampled_from(["keep-alive", "Keep-Alive", "close"]),
        "Origin": st.sampled_from(["https://friend.example", "https://foe.example"]),
        "X_Forwarded_For": st.just("198.51.100.1"),
        "Accept": st.just("*/*"),
        "Content_Length": st.sampled_from(["0", "007", "x"]),
    },
)
conversations = st.lists(
    st.lists(st.one_of(usual, usual, unusual), min_size=1, max_size=4), min_size=1, max_size=3
)


class Town:
    """A server on which some things have happened, and those who ask it."""

    def __init__(self, *, publishing: bool) -> None:
        self.office = office = Office(LIMITS, "https://friend.example", publishing=publishing)
        names = ("publisher", "reader", "banned", "revoked")
        scopes = {"publisher": "publish:*", "reader": "read:*", "banned": "publish:*", "revoked": "publish:*"}
        self.programs = {name: office.program(scopes[name]) for name in names}
        self.programs["ana"] = office.person("Ana")
        self.programs["nobody"] = office.anybody()
        self.programs["none"] = office.anybody(Authorization="Bearer ck_" + "x" * 43)
        office.registry.revoke_key("key 4", office.now)
        office.look()
        boss = office.member("Boss", "owner")
        assert boss.ask("ban", user="Bot 3")["type"] == "ok"

    def raw(self, wanted: dict[str, Any]) -> bytes:
        fields = {name: value for name, value in wanted.items() if name[0].isupper()}
        program: Program = self.programs[wanted["key"]]
        return program.raw("POST", wanted["path"], wanted["body"], **fields)


def converse(town: Town, caller: Caller, parts: list[bytes]) -> bytes:
    """What is answered to bytes that come in parts."""
    told = b""
    for part in parts:
        if not caller.gone and not caller.transport.disconnecting:
            caller.send(part)
            told += caller.took()
    return told


def answers(data: bytes) -> list[Answer]:
    found = []
    while data:
        found.append(answer(data, "POST"))
        data = found[-1].rest
    return [one._replace(headers={**one.headers, "date": ""}, rest=b"") for one in found]


def cut(raw: bytes, places: list[float]) -> list[bytes]:
    ends = sorted({int(place * len(raw)) for place in places} | {0, len(raw)})
    return [raw[start:end] for start, end in pairwise(ends)]


@given(conversations, st.lists(st.floats(0, 1), max_size=4), st.floats(0, 1))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_both_ways_give_the_same_answers(
    wanted: list[list[dict[str, Any]]], places: list[float], wait: float
) -> None:
    told = []
    for publishing in (True, False):
        town = Town(publishing=publishing)
        found: list[Any] = []
        for conversation in wanted:
            # Pipelined, on a connection of their own.
            caller = town.office.call()
            raw = b"".join(town.raw(one) for one in conversation)
            found.append(answers(converse(town, caller, cut(raw, places))))
            found.append(caller.gone or caller.transport.disconnecting)
            caller.vanish()
            town.office.pass_time(wait)
        log = [(e.by.name, e.by.id[:1], getattr(e, "text", ""), e.key) for e in town.office.log()]
        told.append((found, log))
        assert town.office.admission.connections == 0
    assert told[0] == told[1]


class TestTheShortWay:
    """What only it could get wrong."""

    @pytest.fixture
    def office(self) -> Office:
        office = Office()
        # Nothing that is of the commonest kind may go the other way.
        del office.web.resource.children[b"api"]
        return office

    @pytest.fixture
    def program(self, office: Office) -> Program:
        return office.program("publish:*")

    def test_requests_are_answered_in_their_order(self, office: Office, program: Program) -> None:
        caller = office.call(*[program.raw("POST", PATH, b'{"text":"%d"}' % n) for n in range(50)])
        seqs = [json.loads(one.body)["seq"] for one in answers(caller.took())]
        assert seqs == [event.seq for event in office.log()] == list(range(1, 51))
        assert [event.text for event in office.log()] == [str(n) for n in range(50)]

    def test_a_request_may_come_byte_by_byte(self, office: Office, program: Program) -> None:
        raw = program.raw("POST", PATH, b'{"text":"slowly"}')
        head = raw.index(b"\r\n\r\n") + 4
        caller = office.call(raw[:head])
        caller.send(*[bytes([byte]) for byte in raw[head:]])
        assert caller.answer("POST").status == 201
        assert [event.text for event in office.log()] == ["slowly"]

    def test_who_is_slow_with_a_body_is_let_go(self, office: Office, program: Program) -> None:
        caller = office.call(program.raw("POST", PATH, b'{"text":"x"}')[:-1])
        office.pass_time(61)
        assert caller.gone
        assert office.log() == []

    def test_who_has_nothing_more_to_say_is_let_go(self, office: Office, program: Program) -> None:
        caller = office.call(program.raw("POST", PATH, b'{"text":"x"}'))
        assert caller.answer("POST").status == 201
        office.pass_time(50)
        caller.send(program.raw("POST", PATH, b'{"text":"x"}'))
        assert caller.answer("POST").status == 201
        office.pass_time(50)
        assert not caller.gone
        office.pass_time(11)
        assert caller.gone

    def test_who_goes_before_the_answer_has_published(self, office: Office, program: Program) -> None:
        caller = office.call(program.raw("POST", PATH, b'{"text":"1"}'))
        caller.transport.protocol.dataReceived(program.raw("POST", PATH, b'{"text":"2"}'))
        caller.vanish()
        assert [event.text for event in office.log()] == ["1", "2"]

    def test_who_sends_much_at_once_is_read_when_what_came_before_is_done(
        self, office: Office, program: Program
    ) -> None:
        caller, one = office.call(), program.raw("POST", PATH, b'{"text":"x"}')
        count = 2 * HELD // len(one)
        for _ in range(count):
            caller.transport.protocol.dataReceived(one)
        assert caller.transport.producerState == "paused"
        assert [found.status for found in answers(caller.took())] == [201] * count
        assert caller.transport.producerState == "producing"

    def test_who_reads_no_answers_is_not_read(self, office: Office, program: Program) -> None:
        caller, one = office.call(), program.raw("POST", PATH, b'{"text":"x"}')
        for _ in range(2 * HELD // len(one)):
            caller.transport.protocol.dataReceived(one)
        caller.transport.producer.pauseProducing()
        office.settle()
        assert caller.transport.producerState == "paused"
        caller.transport.producer.resumeProducing()
        assert caller.transport.producerState == "producing"
        caller.took()
        caller.transport.producer.pauseProducing()
        office.pass_time(61)
        assert caller.gone

    def test_a_key_that_is_revoked_between_two_requests_is_good_no_more(
        self, office: Office, program: Program
    ) -> None:
        caller = office.call(program.raw("POST", PATH, b'{"text":"x"}'))
        assert caller.answer("POST").status == 201
        office.registry.revoke_key("key 1", office.now)
        office.look()
        caller.send(program.raw("POST", PATH, b'{"text":"x"}'))
        assert caller.answer("POST").status == 401

    def test_another_key_on_the_same_connection_is_somebody_else(
        self, office: Office, program: Program
    ) -> None:
        other = office.program("publish:*")
        caller = office.call()
        for one in (program, other, program, office.program("read:*")):
            caller.send(one.raw("POST", PATH, b'{"text":"x"}'))
        assert [one.status for one in answers(caller.took())] == [201, 201, 201, 403]
        assert [event.by.name for event in office.log()] == ["Bot 1", "Bot 2", "Bot 1"]

    def test_what_fails_is_told_and_logged(self, office: Office, program: Program) -> None:
        caller = office.call(program.raw("POST", PATH, b'{"text":"x"}'))
        assert caller.answer("POST").status == 201

        def fails(*_given: object) -> None:
            raise RuntimeError("no")

        office.store.append = fails  # type: ignore[method-assign,assignment]
        with Logs() as logs:
            caller.send(program.raw("POST", PATH, b'{"text":"x"}'))
        assert caller.answer("POST").status == 500
        (traceback,) = logs.tracebacks()
        assert "RuntimeError: no" in traceback

    def test_who_waits_to_be_told_to_go_on_is_told(self) -> None:
        office = Office()
        program = office.program("publish:*")
        caller = office.call(program.raw("POST", PATH, b'{"text":"x"}', Expect="100-continue")[:-12])
        assert caller.took() == b"HTTP/1.1 100 Continue\r\n\r\n"
        caller.send(b'{"text":"x"}')
        assert caller.answer("POST").status == 201

    def test_the_rest_of_a_connection_is_twisteds_after_something_else(self) -> None:
        office = Office()
        program = office.program("publish:*", "read:*")
        asked = [
            program.raw("POST", PATH, b'{"text":"1"}'),
            program.raw("GET", PATH),
            program.raw("POST", PATH, b'{"text":"2"}'),
        ]
        caller = office.call(b"".join(asked))
        assert [one.status for one in answers(caller.took())] == [201, 200, 201]
