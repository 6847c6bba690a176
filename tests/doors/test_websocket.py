"""The WebSocket door: who is let in, what is a fault, and how a connection ends."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import globalLogPublisher

from chatroom.domain.limits import Limits
from chatroom.doors.settings import LINGER

from ..core.house import UNMETERED
from .premises import Caller, Premises
from .rawframes import ACCEPT, CLOSE, PING, PONG, TEXT, closing, masked, upgrade

pytestmark = pytest.mark.usefixtures("kind")


@pytest.fixture
def premises() -> Premises:
    return Premises(echo=True)


def closed(caller: Caller) -> int:
    """The code that the server closed with; the frame is the last."""
    frames = caller.frames()
    assert frames, "the server has said nothing"
    return frames[-1].code


def refused(premises: Premises, *args: Any, **headers: Any) -> tuple[int, str]:
    """How a handshake is refused."""
    caller = premises.call(upgrade(*args, **headers))
    found = caller.answer()
    assert caller.gone
    return found.status, found.body.decode().rstrip("\n")


class TestHandshake:
    """Who is let in."""

    def test_what_is_right_is_taken(self, premises: Premises) -> None:
        for path in ("/", "/ws"):
            for subprotocol in (None, "chatroom.v1"):
                opened = premises.enter(path, subprotocol).opened
                assert opened is not None
                assert opened.headers["sec-websocket-accept"] == ACCEPT
                assert opened.headers.get("sec-websocket-protocol") == subprotocol
                assert "sec-websocket-extensions" not in opened.headers

    def test_a_subprotocol_is_chosen_from_those_offered(self, premises: Premises) -> None:
        caller = premises.enter(subprotocol="mqtt, chatroom.v1")
        assert caller.opened is not None
        assert caller.opened.headers["sec-websocket-protocol"] == "chatroom.v1"
        assert caller.ask("hello")["type"] == "welcome"
        assert refused(premises, subprotocol="mqtt, chatroom.v2") == (
            400,
            "the subprotocols here are: chatroom.v1; or ask for none",
        )

    def test_a_foreign_page_is_refused_with_the_option_that_lets_it_in(self, premises: Premises) -> None:
        assert refused(premises, Origin="https://foe.example") == (
            403,
            "pages of https://foe.example may not connect: start the server with --origin https://foe.example",
        )
        assert premises.enter(Origin="http://chat.example")
        assert Premises(UNMETERED, "https://foe.example").enter(Origin="https://foe.example")

    def test_the_operator_is_told_of_a_refused_origin_once(self, premises: Premises) -> None:
        said: list[str] = []
        observer = lambda event: said.append(event.get("origin", ""))  # noqa: E731
        globalLogPublisher.addObserver(observer)
        try:
            for origin in ["https://foe.example"] * 3 + [
                f"https://foe{number}.example" for number in range(200)
            ]:
                refused(premises, Origin=origin)
        finally:
            globalLogPublisher.removeObserver(observer)
        assert said.count("https://foe0.example") == 1
        assert len(said) == 100, "nor can anybody fill the log"

    def test_other_paths_are_not_there(self, premises: Premises) -> None:
        for path in ("/nowhere", "/ws/", "/WS", "/chatroom.js", "/healthz"):
            assert refused(premises, path) == (404, "WebSockets are at /ws")
        assert refused(Premises(), "/echo") == (404, "WebSockets are at /ws")

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Sec_WebSocket_Version": "12"}, 400),
            ({"Sec_WebSocket_Version": None}, 400),
            ({"Sec_WebSocket_Key": None}, 400),
            ({"Sec_WebSocket_Key": "c2hvcnQ="}, 400),
            ({"Connection": "keep-alive"}, 400),
            ({"Host": "chat.example:port"}, 400),
            ({"Sec_WebSocket_Extensions": "permessage-deflate; nonsense"}, 400),
        ],
    )
    def test_a_handshake_that_is_wrong_is_refused(
        self, premises: Premises, headers: dict[str, str | None], status: int
    ) -> None:
        assert refused(premises, **headers)[0] == status
        assert premises.admission.connections == 0

    @pytest.mark.parametrize(
        ("query", "why"),
        [
            ("room=a%20b", "a room's name is 1 to 64 letters"),
            ("room=..", "a room's name is 1 to 64 letters"),
            ("room=" + "x" * 65, "a room's name is 1 to 64 letters"),
            ("name=" + "x" * 33, "a name has 1 to 32 characters"),
            ("name=%E2%80%AE", "a name cannot have the invisible character U+202E"),
            ("since=-1", "since is the number of an event"),
            ("since=1.5", "since is the number of an event"),
            ("since=" + "9" * 16, "since is the number of an event"),
            ("since=%D9%A1", "since is the number of an event"),
            ("since=x", "since is the number of an event"),
        ],
    )
    def test_a_plain_connection_that_asks_wrongly_is_told_what_is_wrong(
        self, premises: Premises, query: str, why: str
    ) -> None:
        status, said = refused(premises, f"/ws?{query}")
        assert (status, said[: len(why)]) == (400, why)

    def test_a_plain_connection_comes_in_where_and_as_who_it_asks(self, premises: Premises) -> None:
        listener = premises.chatter("Ana")
        listener.ask("join", room="hall")
        plain = premises.enter("/ws?room=Hall&name=Pia")
        plain.say("hello")
        (heard,) = [one for one in listener.heard() if one["type"] == "message"]
        assert (heard["by"]["name"], heard["text"]) == ("Pia", "hello")
        later = premises.enter("/?room=hall&since=0&name=Pia")
        assert later.texts() == ["hello"]
        again = premises.enter("/?room=hall&since=1&unknown=x")
        assert again.texts() == []

    def test_an_address_has_so_many_connections_and_the_loopback_any(self) -> None:
        premises = Premises(Limits(connections_per_address=2))
        first = premises.enter(subprotocol="chatroom.v1")
        premises.enter()
        third = premises.enter()
        assert closed(third) == 4429
        third.send(closing(4429))
        assert third.gone
        first.vanish()
        assert premises.enter().frames() == []
        for _ in range(5):
            local = premises.call(upgrade(), host="127.0.0.1")
            assert local.answer().status == 101
            assert local.frames() == []

    def test_connections_that_were_waiting_do_not_overfill_the_server(self) -> None:
        premises = Premises(Limits(connections=2))
        waiting = [premises.call(upgrade()[:-2]) for _ in range(4)]
        for caller in waiting:
            caller.send(b"\r\n")
        assert [caller.answer().status for caller in waiting] == [101, 101, 503, 503]
        assert premises.admission.connections == 2


FAULTS: dict[str, tuple[list[bytes], int]] = {
    "unmasked": ([b"\x81\x05hello"], 1002),
    "unmasked and empty": ([b"\x81\x00"], 1002),
    "a reserved bit": ([masked(b"x", first=0xA1)], 1002),
    "compressed, though that was not agreed": ([masked(b"x", first=0xC1)], 1002),
    "a reserved opcode": ([masked(b"x", opcode=3)], 1002),
    "a reserved control opcode": ([masked(b"x", opcode=11)], 1002),
    "a ping in parts": ([masked(b"x", first=PING)], 1002),
    "a ping too long": ([masked(b"x" * 126, opcode=PING)], 1002),
    "a length that is not minimal": ([b"\x81\xfe\x00\x05" + b"\0\0\0\0hello"], 1002),
    "a length that is absurd": ([b"\x81\xff" + b"\xff" * 8 + b"\0\0\0\0"], 1002),
    "a continuation of nothing": ([masked(b"x", opcode=0)], 1002),
    "a message within a message": ([masked(b"x", first=TEXT), masked(b"x")], 1002),
    "half a close code": ([masked(b"x", opcode=CLOSE)], 1002),
    "a close code that may not be sent": ([closing(1005)], 1002),
    "a close reason that is no text": ([masked(b"\x03\xe8\xff", opcode=CLOSE)], 1007),
    "no text": ([masked(b"\xff")], 1007),
    "half a character": ([masked("ü".encode()[:1])], 1007),
    "a surrogate": ([masked(b"\xed\xa0\x80")], 1007),
    "no text in the second part": ([masked(b"x", first=TEXT), masked(b"\xff", opcode=0)], 1007),
    "too large": ([masked(b"x" * 65537)], 1009),
    "too large, and only announced": ([masked(b"x" * 65537)[:14]], 1009),
    "too large in parts": ([masked(b"x" * 40_000, first=TEXT), masked(b"x" * 40_000, opcode=0)], 1009),
}


class TestFaults:
    """What a client may not send, and is told by which code."""

    @pytest.mark.parametrize("fault", FAULTS)
    def test_it_is_told_by_its_code_and_nothing_after_it_counts(self, premises: Premises, fault: str) -> None:
        frames, code = FAULTS[fault]
        caller = premises.enter("/echo")
        caller.send(*frames, masked(b"ignored"))
        assert closed(caller) == code
        caller.send(masked(b"ignored too"), closing(code))
        assert caller.took() == b""
        premises.pass_time(LINGER + 1)
        assert caller.gone
        assert premises.empty()

    def test_binary_data_is_none_of_chatroom_v1(self, premises: Premises) -> None:
        caller = premises.enter(subprotocol="chatroom.v1")
        caller.send(masked(b"\0", opcode=2))
        assert closed(caller) == 1003

    def test_what_is_exactly_as_large_as_may_be_is_taken(self, premises: Premises) -> None:
        caller = premises.enter("/echo")
        caller.send(masked(b"x" * 65536))
        caller.send(masked(b"y" * 30_000, first=TEXT), masked(b"y" * 35_536, opcode=0))
        assert caller.texts() == ["x" * 65536, "y" * 65536]

    def test_without_a_limit_any_size_is_taken(self) -> None:
        caller = Premises(Limits(message_bytes=0), echo=True).enter("/echo")
        caller.send(masked(b"x" * 200_000))
        assert caller.texts() == ["x" * 200_000]

    @given(st.lists(st.integers(0, 600), max_size=10).map(sorted))
    def test_frames_may_come_in_any_pieces(self, cuts: list[int]) -> None:
        sent = (
            masked(b"")
            + masked("first, ünd short".encode())
            + masked(b"p", opcode=PING)
            + masked(b"se", first=TEXT)
            + masked(b"q", opcode=PING)
            + masked(b"cond", opcode=0)
            + masked(b"x" * 300)
            + masked(b"\0\xff", opcode=2)
            + masked(b"last")
        )
        caller = Premises(echo=True).enter("/echo")
        caller.send(*[sent[a:b] for a, b in zip([0, *cuts], [*cuts, len(sent)], strict=True)])
        assert [(frame.opcode, frame.payload) for frame in caller.frames()] == [
            (TEXT, b""),
            (TEXT, "first, ünd short".encode()),
            (PONG, b"p"),
            (PONG, b"q"),
            (TEXT, b"second"),
            (TEXT, b"x" * 300),
            (2, b"\0\xff"),
            (TEXT, b"last"),
        ]


def test_a_room_is_told_in_order_whatever_its_members_speak(premises: Premises) -> None:
    ana, bob = premises.chatter("Ana"), premises.chatter("Bob")
    plain = premises.enter("/ws?room=hall&name=Pia")
    deflated = premises.enter("/ws?room=hall&name=Sam", Sec_WebSocket_Extensions="permessage-deflate")
    for member in (ana, bob):
        assert member.ask("join", room="hall")["room"]["head"] == 0
    seqs = [ana.ask("post", room="hall", text=f"text {number}")["seq"] for number in range(20)]
    plain.say("the last")
    assert seqs == list(range(1, 21))
    texts = [f"text {number}" for number in range(20)]
    assert plain.texts() == texts
    assert deflated.texts() == [*texts, "the last"]
    for member in (ana, bob):
        heard = [one for one in member.heard() if one["type"] == "message"]
        assert [one["seq"] for one in heard] == list(range(1, 22))
        assert [one["text"] for one in heard] == [*texts, "the last"]
