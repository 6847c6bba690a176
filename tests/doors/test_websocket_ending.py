"""The WebSocket door: who is still there, how a connection ends, and that nothing is left of it."""

from __future__ import annotations

import gc
import json
import weakref

import pytest

from chatroom.domain.limits import Limits
from chatroom.doors.settings import LINGER
from chatroom.wire.frames import frame

from .premises import Caller, Premises
from .rawframes import CLOSE, FIN, PING, PONG, TEXT, closing, masked, upgrade

pytestmark = pytest.mark.usefixtures("kind")


@pytest.fixture
def premises() -> Premises:
    return Premises(echo=True)


def closed(caller: Caller) -> int:
    """The code that the server closed with; the frame is the last."""
    frames = caller.frames()
    assert frames, "the server has said nothing"
    return frames[-1].code


class TestPings:
    """Who is still there."""

    def test_a_ping_is_answered_with_what_it_said(self, premises: Premises) -> None:
        caller = premises.enter()
        caller.send(masked(b"are you there?", opcode=PING), masked(b"", opcode=PING))
        assert [(frame.first, frame.payload) for frame in caller.frames()] == [
            (FIN | PONG, b"are you there?"),
            (FIN | PONG, b""),
        ]
        caller.send(masked(b"nobody asked", opcode=PONG))
        assert caller.took() == b""

    def test_who_is_silent_is_asked_and_stays_if_anything_comes(self) -> None:
        premises = Premises(Limits(ping_interval=25, ping_timeout=20, hello_timeout=0))
        caller = premises.enter("/ws?name=Pia")
        premises.pass_time(25)
        for answer in (None, masked(b"text"), masked(b"\0", opcode=2), None):
            (asked,) = caller.frames()
            assert (asked.opcode, len(asked.payload)) == (PING, 12)
            premises.pass_time(19)
            caller.send(masked(asked.payload, opcode=PONG) if answer is None else answer)
            premises.pass_time(24.9)
            assert caller.took() == b""
            assert not caller.gone
            premises.pass_time(0.2)

    def test_a_pong_that_answers_nothing_counts_for_nothing(self) -> None:
        premises = Premises(Limits(ping_interval=25, ping_timeout=20, hello_timeout=0))
        caller = premises.enter()
        premises.pass_time(26)
        caller.send(masked(b"something else", opcode=PONG))
        premises.pass_time(20)
        assert caller.gone

    def test_who_does_not_answer_is_dropped(self) -> None:
        premises = Premises(Limits(ping_interval=25, ping_timeout=20, hello_timeout=0))
        caller = premises.enter()
        premises.pass_time(44)
        assert not caller.gone
        premises.pass_time(2)
        assert caller.gone
        assert premises.empty()

    def test_it_can_be_switched_off(self) -> None:
        premises = Premises(Limits(ping_interval=0, hello_timeout=0))
        caller = premises.enter()
        premises.pass_time(100_000)
        assert caller.took() == b""
        assert not caller.gone


class TestEnding:
    """How a connection ends, and that nothing is left of it."""

    @pytest.mark.parametrize("subprotocol", [None, "chatroom.v1"])
    def test_a_client_that_takes_leave_gets_an_answer(
        self, premises: Premises, subprotocol: str | None
    ) -> None:
        for farewell in (closing(1000, "bye"), closing(4711), masked(b"", opcode=CLOSE)):
            caller = premises.enter(subprotocol=subprotocol)
            caller.send(farewell)
            assert closed(caller) == 1000
            assert caller.gone
        premises.pass_time(1)
        assert premises.empty()
        assert premises.admission.connections == 0

    def test_a_server_that_stops_says_so_and_when_to_come_back(self, premises: Premises) -> None:
        json_caller, plain, echo = premises.chatter("Ana"), premises.enter(), premises.enter("/echo")
        unknown = premises.enter(subprotocol="chatroom.v1")
        early = premises.call(upgrade()[:-2])
        premises.websocket.close_all("the server is restarting", 1.5)
        premises.websocket.close_all("the server is restarting", 1.5)
        for caller in (json_caller, unknown):
            event, last = caller.frames()
            assert json.loads(event.text) == {
                "type": "closing",
                "reason": "the server is restarting",
                "reconnect_after": 1.5,
            }
            assert (last.code, last.payload[2:]) == (4000, b"the server is restarting")
        for caller in (plain, echo):
            assert [frame.code for frame in caller.frames()] == [4000]
        assert early.took() == b""
        for caller in (json_caller, plain, echo, unknown):
            caller.send(closing(4000))
            assert caller.gone
        assert premises.websocket.open == set()

    def test_who_does_not_answer_a_close_is_cut_off(self, premises: Premises) -> None:
        caller = premises.enter()
        premises.websocket.close_all("bye", 1)
        premises.pass_time(LINGER - 1)
        assert not caller.gone
        premises.pass_time(2)
        assert caller.gone
        assert caller.transport.aborted
        assert premises.empty()

    def test_no_hello_in_time_is_told(self) -> None:
        premises = Premises(Limits(hello_timeout=10))
        caller = premises.enter(subprotocol="chatroom.v1")
        premises.pass_time(11)
        assert closed(caller) == 4401

    def test_a_slow_reader_is_told_to_resume(self) -> None:
        premises = Premises(Limits(backlog_bytes=2_000, posts_per_second=0))
        slow, quick = premises.enter("/ws?name=Sam"), premises.enter("/ws?name=Kim")
        slow.transport.producer.pauseProducing()
        for number in range(30):
            quick.say(f"{number} " + "x" * 100)
        assert slow.took() == b""
        slow.transport.producer.resumeProducing()
        assert [one.code for one in slow.frames()] == [4008]
        quick.say("on and on")
        assert slow.took() == b""
        slow.send(closing(4008))
        assert slow.gone
        assert quick.took() == b""

    def test_who_pings_and_reads_no_pongs_is_a_slow_reader(self) -> None:
        premises = Premises(Limits(backlog_bytes=2_000))
        caller = premises.enter()
        caller.transport.producer.pauseProducing()
        caller.send(*[masked(b"x" * 125, opcode=PING)] * 1_000)
        caller.transport.producer.resumeProducing()
        assert closed(caller) == 4008
        premises.pass_time(LINGER + 1)
        assert caller.gone
        assert premises.empty()

    @pytest.mark.parametrize("last", [masked(b"p", opcode=PING), closing(1000)], ids=["ping", "close"])
    def test_nothing_follows_the_close_frame_of_a_slow_reader(self, last: bytes) -> None:
        premises = Premises(Limits(backlog_bytes=200))
        caller = premises.enter("/ws?name=Sam")
        caller.transport.producer.pauseProducing()
        # Too much, in the same tick as an answer to what the client says last.
        caller.protocol.send(frame(b"x" * 300))
        caller.protocol.dataReceived(last)
        caller.transport.producer.resumeProducing()
        assert [one.code for one in caller.frames()] == [4008]
        premises.pass_time(LINGER + 1)
        assert caller.gone
        assert premises.empty()

    CONVERSATION = (
        *(upgrade(subprotocol="chatroom.v1")[:40], upgrade(subprotocol="chatroom.v1")[40:]),
        masked(b'{"type":"hello","name":"Ana"}'),
        masked(b'{"type":"join","room":"lobby"}'),
        masked(b'{"type":"post","room":"lobby","text":"hello"}'),
        masked(b'{"type":"po', first=TEXT),
        masked(b"p", opcode=PING),
        masked(b"rest", opcode=0)[:5],
    )

    @pytest.mark.parametrize("words", range(len(CONVERSATION) + 1))
    @pytest.mark.parametrize("closing_first", [False, True])
    def test_whoever_vanishes_whenever_leaves_nothing(
        self, premises: Premises, words: int, closing_first: bool
    ) -> None:
        caller = premises.call(*self.CONVERSATION[:words])
        if closing_first:
            premises.websocket.close_all("bye", 1)
        protocol = weakref.ref(caller.protocol)
        gc.collect()
        gc.disable()
        try:
            caller.vanish()
            premises.pass_time(1)
            assert protocol() is None, "only the garbage collector would have freed it"
        finally:
            gc.enable()
        premises.pass_time(1)
        assert premises.empty()
        assert premises.admission.connections == 0
        assert not premises.admission._by_address
        assert premises.websocket.open == set()

    def test_what_the_hub_still_sends_to_who_is_gone_goes_nowhere(self, premises: Premises) -> None:
        caller = premises.enter()
        protocol = caller.protocol
        caller.vanish()
        protocol.write(b"x")
        protocol.send(b"x")
        protocol.close(4000, "bye")
        premises.settle()
        assert caller.took() == b""
