"""The front door: which request heads go where, whatever pieces they come in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.protocol import Factory, Protocol

from chatroom.admission import Admission
from chatroom.deadlines import Deadlines
from chatroom.domain.limits import Limits
from chatroom.doors.front import FrontFactory
from chatroom.doors.heads import MAX_HEAD, Head, Refused, read_head

from .premises import Caller, Premises
from .rawframes import upgrade

GET = b"GET / HTTP/1.1\r\nHost: chat.example\r\n\r\n"
BODILESS = [
    "Content-Length: 1",
    "Content-Length: 00005",
    "Content-Length: +5",
    "Content-Length: 0, 5",
    "Content-Length: 0x5",
    "content-length:\t7",
    "CONTENT-LENGTH:-1",
    "Transfer-Encoding: chunked",
    "transfer-encoding:identity",
]
CONTROLS = [*range(9), *range(10, 32), 127, 133]
"""All but the tab, which may stand in a value."""


class Room(Factory):
    """Stands for what is behind the front door: takes down what it is given."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def takes(self, head: Head) -> bool:
        return head.target.startswith(b"/events")

    def buildProtocol(self, _addr: Any) -> Protocol:
        heard, place = self.heard, len(self.heard)
        heard.append(b"")

        class Listener(Protocol):
            def dataReceived(self, data: bytes) -> None:
                heard[place] += data

            def upgrade(self, head: Head, rest: bytes) -> None:
                self.dataReceived(head.raw + rest)

        return Listener()


class Unfinished:
    """Something that is still to be written."""

    def stopProducing(self) -> None:
        pass


class Hall(Premises):
    """A front door with nothing much behind it."""

    def __init__(self, limits: Limits = Limits(connections=0)) -> None:  # noqa: B008 - frozen
        super().__init__(limits)
        self.front.websocket = self.chats = Room()
        self.front.streams = self.streams = Room()
        self.front.web = self.pages = Room()

    def outcome(self, *chunks: bytes) -> tuple[str, bytes]:
        """What becomes of a connection that sends this: where it goes, with what."""
        caller = self.call(*chunks)
        self.pass_time(30)
        rooms = {"chat": self.chats, "stream": self.streams, "page": self.pages}
        if heard := [(name, room.heard[0]) for name, room in rooms.items() if room.heard]:
            assert caller.took() == b""
            assert not caller.gone
            assert len(heard) == 1
            return heard[0]
        assert caller.gone
        said = caller.took()
        return (str(int(said[9:12])) if said else "dropped"), said


def status(*chunks: bytes) -> str:
    return Hall().outcome(*chunks)[0]


def test_an_upgrade_goes_to_the_chat_a_listener_to_the_streams_and_all_else_to_the_page() -> None:
    assert Hall().outcome(upgrade() + b"\x81\x80abcd") == ("chat", upgrade() + b"\x81\x80abcd")
    assert Hall().outcome(GET + GET) == ("page", GET + GET)
    listening = GET.replace(b"GET / ", b"GET /events ")
    assert Hall().outcome(listening + GET) == ("stream", listening + GET)
    assert status(upgrade("/events")) == "chat"
    assert status(b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc") == "page"
    assert status(b"GET / HTTP/1.0\r\n\r\n") == "page"
    assert status(upgrade(Upgrade="h2c, WebSocket")) == "chat"
    assert status(upgrade(Upgrade="h2c")) == "page"
    assert status(upgrade(Content_Length="0")) == "chat"


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("where", ["method", "target", "name", "value", "line", "version"])
def test_a_control_byte_anywhere_is_refused(control: int, where: str) -> None:
    parts = dict.fromkeys(["method", "target", "name", "value", "line", "version"], b"")
    parts[where] = bytes([control])
    head = (
        b"GE%(method)sT /%(target)sx HTTP/1%(version)s.1\r\nHost: a\r\nUpgrade: websocket\r\n"
        b"X-%(name)sOdd: v%(value)sv\r\n%(line)sX-Even: w\r\n\r\n"
    )
    assert status(head % {name.encode(): byte for name, byte in parts.items()}) == "400"


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n",
        b"\r\n" + GET,
        b"GET / HTTP/1.1\nHost: a\n\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\n: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1 \r\n\r\n",
        b"GET / / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n",
        upgrade(Host=None),
        upgrade().replace(b"Host:", b"Host: other\r\nHost:"),
        *[upgrade().replace(b"\r\n\r\n", f"\r\n{line}\r\n\r\n".encode()) for line in BODILESS],
    ],
)
def test_what_is_no_request_is_refused(head: bytes) -> None:
    assert status(head) == "400"


def test_bytes_past_ascii_may_stand_in_a_value_as_they_do_in_cookies() -> None:
    assert status(GET.replace(b"example", "exämple\x84\xa0".encode("latin-1"))) == "page"


def test_a_tls_handshake_on_a_plain_port_is_told_what_it_is() -> None:
    kind, said = Hall().outcome(bytes.fromhex("16030100f8010000f40303"), b"\r\n\r\n")
    assert kind == "400"
    assert said.endswith(b"This port speaks plain HTTP: use http:// or ws://.\n")


def test_a_head_has_a_bound_whatever_pieces_it_comes_in() -> None:
    padding = MAX_HEAD - len(GET) - len(b"X: \r\n")
    largest = GET.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * padding + b"\r\n\r\n")
    assert len(largest) == MAX_HEAD
    larger = largest.replace(b"X: ", b"X: x")
    for cut in range(1, 6):
        assert status(largest[:-cut], largest[-cut:]) == "page"
        assert status(larger[:-cut], larger[-cut:]) == "431"
    assert status(b"x" * 100_000) == "431"
    assert status(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000) == "431"
    # What comes behind the head does not count.
    assert status(GET + b"x" * 100_000) == "page"


def test_what_is_endless_is_not_kept() -> None:
    hall = Hall()
    caller = hall.call(*[b"x" * 1_000] * 17)
    door = caller.protocol
    assert caller.answer().status == 431
    for _ in range(100):
        caller.send(b"x" * 1_000)
    assert door is None or len(door._head) <= MAX_HEAD + 1_000


def test_a_head_that_does_not_end_in_time_is_told_so_and_silence_is_dropped() -> None:
    hall = Hall(Limits(handshake_timeout=10))
    slow, silent, quick = hall.call(b"GET / HT"), hall.call(), hall.call(GET)
    hall.pass_time(9.9)
    assert not slow.gone
    assert not silent.gone
    hall.pass_time(0.2)
    assert slow.answer().status == 408
    assert slow.gone
    assert silent.took() == b""
    assert silent.gone
    hall.pass_time(100)
    assert not quick.gone


def test_without_a_limit_a_head_may_take_any_time() -> None:
    hall = Hall(Limits(handshake_timeout=0))
    slow = hall.call(GET[:5])
    hall.pass_time(100_000)
    slow.send(GET[5:])
    assert hall.pages.heard == [GET]


def test_a_full_server_says_so() -> None:
    hall = Hall(Limits(connections=1))
    place = hall.admission.arrive(None)
    caller = hall.call(GET)
    refused = caller.answer()
    assert (refused.status, refused.body) == (503, b"The server is full; try again later.\n")
    assert caller.gone
    place.leave()
    hall.call(GET)
    assert hall.pages.heard == [GET]


def test_a_refused_caller_who_does_not_read_is_cut_off() -> None:
    hall = Hall()
    caller = Caller(hall, "192.0.2.1")
    caller.transport.registerProducer(Unfinished(), True)
    caller.transport.protocol.dataReceived(b"nonsense\r\n\r\n")
    hall.clock.advance(1.9)
    assert not caller.transport.aborted
    hall.clock.advance(0.2)
    assert caller.transport.aborted
    assert caller.gone


def test_nothing_is_left_of_those_who_were_refused_or_went() -> None:
    hall = Hall()
    for chunks in ([b"nonsense\r\n\r\n"], [b"GET / HT"], [GET], [upgrade()], []):
        caller = hall.call(*chunks)
        if not caller.gone:
            caller.vanish()
    hall.pass_time(30)
    assert hall.empty()


def test_where_the_factory_takes_nobody_the_connection_ends() -> None:
    class Closed(Factory):
        def buildProtocol(self, _addr: Any) -> None:
            return None

    hall = Hall()
    hall.front.web = Closed()
    assert hall.call(GET).gone


PIECES = st.sampled_from(
    [
        *(b"GET", b"POST", b" ", b"/", b"/ws", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n", b"\r", b":", b"\t"),
        *(b"Host: a\r\n", b"Upgrade: websocket\r\n", b"Connection: Upgrade\r\n", b"\r\n\r\n"),
        *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"\x16\x03\x01", b"x" * 900),
        *(b"\0", b"\x0b", b"\x1c", b"\x85", GET, upgrade(), upgrade()[:-2], GET[:-2], GET[:-4]),
    ]
)
NEARLY_HTTP = st.lists(st.one_of(PIECES, PIECES, st.binary(max_size=4)), max_size=30).map(b"".join)


def _stretched(head: bytes, fill: int) -> bytes:
    return head[:-4] + b"\r\nX: " + b"x" * fill + head[-4:]


LONG = st.builds(_stretched, NEARLY_HTTP, st.integers(16_200, 16_400))


@given(st.one_of(NEARLY_HTTP, LONG), st.data())
@example(GET + GET, None)
def test_any_pieces_come_to_the_same_as_the_whole(sent: bytes, data: Any) -> None:
    cuts = [1, 2, len(sent)] if data is None else data.draw(_cuts(sent))
    chunks = [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    whole, pieces = Hall().outcome(sent), Hall().outcome(*chunks)
    assert whole == pieces
    assert whole[0] in ("chat", "page", "400", "408", "431", "dropped")
    if whole[0] in ("chat", "page"):
        assert whole[1] == sent


def _cuts(sent: bytes) -> st.SearchStrategy[list[int]]:
    """Where to cut; mostly about the ends of lines and the bound."""
    ends = [place for place in range(len(sent)) if sent[place : place + 1] in b"\r\n"][-200:]
    near = [end + off for end in ends for off in (0, 1, 2)] + list(range(MAX_HEAD - 6, MAX_HEAD + 6))
    places = [place for place in near if place < len(sent)] or [0]
    return st.lists(st.one_of(st.sampled_from(places), st.integers(0, len(sent))), max_size=8).map(sorted)


@given(st.binary(max_size=200))
def test_garbage_never_raises(garbage: bytes) -> None:
    assert Hall().outcome(garbage)[0] in ("400", "408", "431", "dropped", "page", "chat")


@given(st.one_of(NEARLY_HTTP, st.binary(max_size=20).map(lambda value: GET[:-4] + b"\r\nX: " + value)))
def test_a_head_that_is_taken_has_the_same_lines_for_autobahn(head: bytes) -> None:
    head += b"\r\n\r\n"
    end = head.find(b"\r\n\r\n") + 4
    try:
        read_head(head[:end])
    except Refused:
        return
    # Autobahn takes it apart with splitlines: were there another line end, a header could be smuggled in.
    assert head[:end].decode("latin-1").splitlines() == [*_lines(head[: end - 4]), ""]


def _lines(head: bytes) -> list[str]:
    return head.decode("latin-1").split("\r\n")


def test_a_second_request_behind_an_upgrade_never_reaches_the_page() -> None:
    hall = Hall()
    hall.call(upgrade() + GET, GET)
    assert hall.chats.heard == [upgrade() + GET + GET]
    assert hall.pages.heard == []


def test_a_front_door_needs_no_address() -> None:
    hall = Hall()
    deadlines, admission = Deadlines(hall.clock), Admission(Limits(), hall.clock)
    factory = FrontFactory(hall.chats, hall.streams, hall.pages, deadlines, admission, 10)
    assert factory.buildProtocol(None).factory is factory
