"""permessage-deflate at the WebSocket door (RFC 7692): bounded, and the same bytes for all."""

from __future__ import annotations

import json
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatroom.domain.limits import Limits

from .premises import Caller, Premises
from .rawframes import BINARY, CLOSE, FIN, RSV1, TEXT, Frame, closing, masked

pytestmark = pytest.mark.usefixtures("kind")

OFFER = "permessage-deflate"
LONG = "".join(f"<{number * 7919 % 10007}>" for number in range(1_000))
"""Text that deflate finds old pieces in from far back, if its window lets it."""


def deflated(payload: bytes, window_bits: int = 15) -> bytes:
    """A message's payload, compressed as a client does (section 7.2.1)."""
    stream = zlib.compressobj(9, zlib.DEFLATED, -window_bits)
    return (stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflated(frame: Frame, window_bits: int = 15) -> bytes:
    """What a server's frame says, to a client that has seen no other."""
    if not frame.first & RSV1:
        return frame.payload
    inflater = zlib.decompressobj(-window_bits)
    # In small steps, so that it has its window to look back into, and not what it has just put out.
    said, data = b"", frame.payload + b"\x00\x00\xff\xff"
    while data:
        said += inflater.decompress(data, 64)
        data = inflater.unconsumed_tail
    return said + inflater.flush()


def enter(premises: Premises, path: str = "/echo", offer: str = OFFER, **settings: str) -> Caller:
    return premises.enter(path, Sec_WebSocket_Extensions=offer, **settings)


def agreed(caller: Caller) -> set[str]:
    """What the server has agreed to."""
    assert caller.opened is not None
    name, *parameters = caller.opened.headers["sec-websocket-extensions"].split(";")
    assert name == "permessage-deflate"
    stripped = [parameter.strip() for parameter in parameters]
    assert len(set(stripped)) == len(stripped)
    return set(stripped)


def closed(caller: Caller) -> int:
    return caller.frames()[-1].code


NO_CONTEXT = {"server_no_context_takeover", "client_no_context_takeover"}


@pytest.mark.parametrize(
    ("offer", "more"),
    [
        ("permessage-deflate", set()),
        ("permessage-deflate; client_max_window_bits", set()),
        ("permessage-deflate; client_no_context_takeover", set()),
        ("permessage-deflate; server_no_context_takeover", set()),
        ("permessage-deflate; server_max_window_bits=9", {"server_max_window_bits=9"}),
        ("permessage-deflate; server_max_window_bits=15", {"server_max_window_bits=15"}),
        ("x-webkit-deflate-frame, permessage-deflate; client_max_window_bits", set()),
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", {"server_max_window_bits=10"}),
    ],
)
def test_it_is_agreed_without_context_either_way(offer: str, more: set[str]) -> None:
    assert agreed(enter(Premises(echo=True), offer=offer)) == NO_CONTEXT | more


def test_these_tests_would_notice_a_window_that_is_too_large() -> None:
    with pytest.raises(zlib.error, match="too far back"):
        inflated(Frame(FIN | RSV1 | TEXT, deflated(LONG.encode(), 15)), 9)


@pytest.mark.parametrize("window_bits", [9, 10, 12, 15])
@pytest.mark.parametrize("path", ["/echo", "/ws"])
def test_the_window_that_was_agreed_is_not_left(window_bits: int, path: str) -> None:
    premises = Premises(echo=True)
    offer = f"permessage-deflate; server_max_window_bits={window_bits}"
    caller = enter(premises, path, offer)
    for text in (LONG, "short", LONG[::-1]):
        (caller if path == "/echo" else premises.enter()).send(masked(text.encode()))
        (frame,) = caller.frames()
        # A larger window than this makes zlib fail, as it would a small client.
        assert inflated(frame, window_bits).decode() == text
        assert len(text) < 100 or len(frame.payload) < len(text) * 0.7


def test_members_with_the_same_agreement_get_the_very_same_bytes() -> None:
    premises = Premises()
    members = [
        enter(premises, "/ws", OFFER, subprotocol="chatroom.v1"),
        enter(premises, "/ws", f"{OFFER}; client_max_window_bits", subprotocol="chatroom.v1"),
        premises.enter("/ws", "chatroom.v1"),
    ]
    for member in members:
        for request in ({"type": "hello"}, {"type": "join", "room": "lobby"}):
            member.say(json.dumps(request))
        premises.pass_time(2)
    for member in members:
        member.took()
    premises.enter("/ws?name=Pia").say(LONG)
    first, second, plain = (member.took() for member in members)
    assert first == second
    assert len(first) < len(plain) / 2


def test_every_message_stands_alone_in_both_directions() -> None:
    caller = enter(Premises(echo=True))
    for _ in range(3):
        caller.send(masked(deflated(LONG.encode()), first=FIN | RSV1 | TEXT))
        caller.send(masked(LONG.encode()))
        caller.send(masked(deflated(LONG.encode()), first=FIN | RSV1 | BINARY))
        for frame in caller.frames():
            assert inflated(frame) == LONG.encode()


@given(st.lists(st.integers(1, 400), max_size=6).map(sorted), st.text(max_size=300))
def test_a_message_may_come_in_parts(cuts: list[int], text: str) -> None:
    data = deflated(text.encode())
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True) if a < len(data)] or [
        data
    ]
    caller = enter(Premises(echo=True))
    for place, part in enumerate(parts):
        fin = FIN if place == len(parts) - 1 else 0
        caller.send(masked(part, first=fin | (RSV1 | TEXT if place == 0 else 0)))
    (frame,) = caller.frames()
    assert inflated(frame).decode() == text


class TestFaults:
    """What is compressed wrongly."""

    @pytest.mark.parametrize(
        ("frames", "code"),
        [
            ([masked(b"\xff\xff\xff\xff", first=FIN | RSV1 | TEXT)], 1007),
            ([masked(deflated(b"\xff\xfe" * 100), first=FIN | RSV1 | TEXT)], 1007),
            ([masked(b"x", first=FIN | RSV1 | CLOSE)], 1002),
            ([masked(b"x", first=TEXT), masked(b"x", first=FIN | RSV1)], 1002),
            ([masked(b"x", first=FIN | 0x20 | TEXT)], 1002),
        ],
    )
    def test_it_is_told_by_its_code(self, frames: list[bytes], code: int) -> None:
        premises = Premises(echo=True)
        caller = enter(premises)
        caller.send(*frames)
        assert closed(caller) == code
        caller.send(closing(code))
        premises.pass_time(10)
        assert caller.gone
        assert premises.empty()

    @pytest.mark.parametrize("parts", [1, 3])
    @pytest.mark.parametrize(
        ("path", "subprotocol"), [("/echo", None), ("/ws", None), ("/ws", "chatroom.v1")]
    )
    def test_a_small_message_that_inflates_past_all_bounds_dies_early(
        self, path: str, subprotocol: str | None, parts: int
    ) -> None:
        bomb = deflated(bytes(50_000_000))
        assert len(bomb) < 60_000
        step = len(bomb) // parts + 1
        pieces = [bomb[start : start + step] for start in range(0, len(bomb), step)]
        caller = enter(Premises(echo=True), path, subprotocol=subprotocol)
        tracemalloc.start()
        for place, piece in enumerate(pieces):
            fin = FIN if place == len(pieces) - 1 else 0
            caller.send(masked(piece, first=fin | (RSV1 | BINARY if place == 0 else 0)))
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert closed(caller) == 1009
        assert peak < 5_000_000

    def test_what_inflates_to_exactly_the_limit_is_taken(self) -> None:
        caller = enter(Premises(Limits(message_bytes=10_000), echo=True))
        caller.send(masked(deflated(b"x" * 10_000), first=FIN | RSV1 | TEXT))
        (frame,) = caller.frames()
        assert inflated(frame) == b"x" * 10_000
        caller.send(masked(deflated(b"x" * 10_001), first=FIN | RSV1 | TEXT))
        assert closed(caller) == 1009
