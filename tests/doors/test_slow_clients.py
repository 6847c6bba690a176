"""Clients that send a byte now and then, so as never to be idle and never to be done (slowloris): each
has as much time as a limit says, whatever part of a conversation it draws out."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from chatroom.domain.limits import Limits

from .premises import Caller, Premises
from .rawframes import FIN, RSV1, TEXT, masked, upgrade
from .test_websocket_compression import deflated

HEAD = b"GET /healthz HTTP/1.1\r\nHost: chat.example\r\n"
FORM = b"POST /healthz HTTP/1.1\r\nHost: chat.example\r\nContent-Type: application/json\r\n"
LIMITS = Limits(handshake_timeout=10, idle_timeout=60, hello_timeout=10, ping_interval=25, ping_timeout=20)


def lasts(premises: Premises, caller: Caller, drop: bytes, step: float) -> float:
    """Seconds until the server has enough of somebody who sends `drop` every `step` seconds."""
    begun = premises.clock.seconds()
    while not caller.gone:
        assert premises.clock.seconds() - begun < 1_000, "it goes on for ever"
        caller.send(drop)
        premises.pass_time(step)
    return premises.clock.seconds() - begun


@pytest.mark.parametrize("drop", [b"x", b"a:\r\n"])
def test_a_first_head_has_the_time_of_a_handshake(drop: bytes) -> None:
    premises = Premises(LIMITS)
    assert lasts(premises, premises.call(HEAD), drop, 1) <= 13


@pytest.mark.parametrize("begun", [HEAD, upgrade()[:-2]])
@pytest.mark.parametrize("drop", [b"x", b"a:\r\n"])
def test_a_later_head_has_the_time_of_an_idle_connection(begun: bytes, drop: bytes) -> None:
    premises = Premises(LIMITS)
    caller = premises.call(HEAD + b"\r\n")
    assert caller.answer().status == 200
    caller.send(begun)
    assert lasts(premises, caller, drop, 7) <= 80


@pytest.mark.parametrize(
    ("length", "drop"),
    [(b"Content-Length: 4000\r\n\r\n", b"x"), (b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n")],
)
def test_a_body_has_the_time_of_an_idle_connection(length: bytes, drop: bytes) -> None:
    premises = Premises(LIMITS)
    assert lasts(premises, premises.call(FORM + length), drop, 7) <= 80


@pytest.mark.parametrize("subprotocol", [None, "chatroom.v1"])
def test_a_frame_that_is_drawn_out_is_no_sign_of_life(subprotocol: str | None) -> None:
    premises = Premises(LIMITS)
    caller = premises.enter(subprotocol=subprotocol)
    caller.say(json.dumps({"type": "hello"}))
    caller.send(masked(b"x" * 60_000)[:100])
    assert lasts(premises, caller, b"x", 3) <= 60


@pytest.mark.parametrize("offer", [None, "permessage-deflate"])
@pytest.mark.parametrize("subprotocol", [None, "chatroom.v1"])
def test_a_message_of_empty_frames_without_end_takes_no_memory(
    subprotocol: str | None, offer: str | None
) -> None:
    premises = Premises(LIMITS)
    caller = premises.enter(subprotocol=subprotocol, Sec_WebSocket_Extensions=offer)
    hello = b'{"type": "hello"}' if offer is None else deflated(b'{"type": "hello"}')
    caller.send(masked(hello[:9], first=TEXT | (RSV1 if offer else 0)))
    frames = masked(b"", first=0) * 1_000
    caller.send(frames)
    tracemalloc.start()
    for _ in range(20):
        caller.send(frames)
    grown, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert grown < 20_000
    caller.send(masked(hello[9:], first=FIN))
    assert len(caller.frames()) == (0 if subprotocol is None else 1)
    assert [one.text for one in premises.log()] == ([] if subprotocol else ['{"type": "hello"}'])


def test_who_draws_everything_out_stops_nobody_else() -> None:
    premises = Premises(LIMITS)
    slow = [premises.call(HEAD, host=f"192.0.2.{number}") for number in range(1, 200)]
    ana, ben = premises.chatter("Ana"), premises.chatter("Ben")
    ben.ask("join", room="lobby")
    assert ana.ask("post", room="lobby", text="hello")["type"] == "ok"
    assert "hello" in [event.get("text") for event in ben.heard()]
    for one in slow:
        one.send(b"x")
    premises.pass_time(15)
    assert all(one.gone for one in slow)
    assert not ana.gone
    assert premises.admission.connections == 2
