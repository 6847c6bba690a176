"""The load's parts that need no server of ours: texts, rooms, acknowledgements, waits, installing."""

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench import texts
from bench.contestant import Contestant, Setting
from bench.dialects import SocketIo, Verbatim, Wamp
from bench.durable import Posters
from bench.frames import client_frame
from bench.many import Rooms
from bench.members import Crowd, Member, Place, ServerError
from bench.peers import installing
from bench.prober import Waits
from bench.publishing import answers_in
from bench.scenarios.growth import _slope
from bench.scenarios.large import _wait_figures
from bench.servers import family


@pytest.mark.parametrize("text", [texts.repeated, texts.prose])
@pytest.mark.parametrize("width", [8, 9, 100, 500])
def test_texts_are_of_the_asked_length_and_begin_with_their_number(text: texts.Text, width: int) -> None:
    said = text(12, width)
    assert len(said) == width
    assert said.startswith("00000012")
    assert text(12, width) == said
    assert text(13, width) != said


def test_events_and_readings_are_always_as_long() -> None:
    assert {len(texts.event(number, 500)) for number in range(50)} == {500}
    assert {len(json.dumps(texts.readings(number))) for number in range(50)} == {
        len(json.dumps(texts.readings(0)))
    }
    assert json.loads(texts.event(7, 500))["data"] == texts.readings(7)


@pytest.mark.parametrize("dialect", [Verbatim(160, echoes=True), SocketIo(160)])
def test_what_is_passed_on_verbatim_has_the_size(dialect: Verbatim) -> None:
    assert len(dialect.post(3)) == 160
    assert dialect.hears(dialect.post(3), 3)
    with pytest.raises(ServerError):
        dialect.hears(dialect.post(4), 3)


def test_wamp_events_are_told_from_replies() -> None:
    dialect = Wamp(160)
    said = json.loads(dialect.post(5))[-1][0]
    assert dialect.hears(f'[36,1,2,{{}},["{said}"]]'.encode(), 5)
    assert not dialect.hears(b"[17,1,2]", 5)
    with pytest.raises(ServerError):
        dialect.hears(b'[36,1,2,{},["other"]]', 5)


def _unframed(data: bytes) -> Iterator[bytes]:
    while data:
        size, start = data[1] & 0x7F, 2
        if size == 126:
            size, start = int.from_bytes(data[2:4]), 4
        mask = data[start : start + 4]
        masked = data[start + 4 : start + 4 + size]
        yield bytes(byte ^ mask[at % 4] for at, byte in enumerate(masked))
        data = data[start + 4 + size :]


def _frame(payload: bytes) -> bytes:
    size = len(payload)
    return (bytes((0x81, size)) if size < 126 else bytes((0x81, 126)) + size.to_bytes(2)) + payload


@contextmanager
def answering(members: int, answer: object) -> Iterator[Place]:
    """A server without a handshake: `answer(number, payload)` gives {member number: payload}."""
    door = socket.create_server(("127.0.0.1", 0))

    def serve(number: int, mine: socket.socket, everybody: list[socket.socket]) -> None:
        # Who has what they came for goes, whatever is still on its way.
        with suppress(OSError):
            while data := mine.recv(1 << 16):
                for payload in _unframed(data):
                    for to, reply in answer(number, payload):  # type: ignore[operator]
                        everybody[to].sendall(_frame(reply))

    def accept() -> None:
        everybody = [door.accept()[0] for _ in range(members)]
        for number, mine in enumerate(everybody):
            threading.Thread(target=serve, args=(number, mine, everybody), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    with door:
        yield Place(port=door.getsockname()[1], upgrade=False)


def _peer() -> Contestant:
    return Contestant("peer", "peer", "", lambda _s: [], lambda s: _Raw(s.size, echoes=True))


class _Raw(Verbatim):
    upgrade = False


def _talk(answer: object, seconds: float = 0.1) -> object:
    with answering(6, answer) as place:
        crowd = Crowd(place)
        try:
            setting = Setting(place.port, Path(), size=160)
            live = SimpleNamespace(setting=setting, place=place, dialect=_Raw(160, echoes=True))
            rooms = Rooms(crowd, _peer(), live, 2, 3)  # type: ignore[arg-type]
            rooms.fill()
            return rooms.run([os.getpid()], seconds)
        finally:
            crowd.close()


def test_rooms_talk_by_themselves() -> None:
    def answer(number: int, payload: bytes) -> list[tuple[int, bytes]]:
        first = number // 3 * 3
        return [(to, payload) for to in range(first, first + 3)]

    result = _talk(answer)
    assert result.posts >= 2
    assert result.deliveries == result.posts * 3
    assert len(result.latencies) == result.posts


def test_a_post_that_is_heard_twice_is_noticed() -> None:
    def answer(number: int, payload: bytes) -> list[tuple[int, bytes]]:
        return [(number, payload + payload)]

    with pytest.raises(ServerError, match="twice"):
        _talk(answer)


def test_acknowledgements_are_counted_once_however_they_arrive() -> None:
    def answer(number: int, payload: bytes) -> list[tuple[int, bytes]]:
        post = json.loads(payload)
        event = b'{"type":"message","room":"lobby","text":"%s"}' % post["text"].encode()
        return [(number, event), (number, b'{"type":"ok","id":%d,"seq":1}' % post["id"]), (number, event)]

    with answering(2, answer) as place:
        crowd = Crowd(place)
        try:
            crowd.open(2)
            heads = iter([10, 10 + 10**9])
            result = Posters(crowd, "lobby", 4).run([os.getpid()], 0.1, lambda: next(heads))
        finally:
            crowd.close()
    assert result.posts == len(result.latencies) >= 8
    assert result.kept is False


def test_a_refused_post_is_an_error() -> None:
    with answering(1, lambda n, _p: [(n, b'{"type":"error","id":1}')]) as place:
        crowd = Crowd(place)
        try:
            crowd.open(1)
            with pytest.raises(ServerError, match="refused"):
                Posters(crowd, "lobby", 1).run([os.getpid()], 0.1)
        finally:
            crowd.close()


def test_held_is_the_longest_wait_around_each_post() -> None:
    pings = [(at * 0.01, 0.070 if at == 55 else 0.001) for at in range(100)]
    figures = _wait_figures(Waits(pings, [(0.0, 0.002)]))
    assert figures["held_ms"] == pytest.approx(70)
    assert figures["ping_p50_ms"] == pytest.approx(1)
    assert figures["ack_p99_ms"] == pytest.approx(2)


def test_growth_is_a_slope() -> None:
    assert _slope([5.0, 7.0, 9.0]) == pytest.approx(2)
    assert _slope([5.0, 5.0, 5.0]) == 0


def test_a_process_and_its_children_are_one_family() -> None:
    assert family(os.getpid())[0] == os.getpid()


def test_a_member_of_the_four_thousands_comes_from_another_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        place = Place(port=door.getsockname()[1], upgrade=False)
        member = Member(place, number=4001)
        member.send(client_frame(b"x"))
        accepted, address = door.accept()
        assert address[0] == "127.0.0.2"
        accepted.close()
        member.socket.close()


def test_what_cannot_be_installed_leaves_a_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails() -> str:
        raise installing.InstallError("no network")

    monkeypatch.setattr(installing, "_steps", lambda: [("a", lambda: "1.0"), ("b", fails)])
    monkeypatch.setattr(installing, "PLACE", tmp_path)
    monkeypatch.setattr(installing, "OUTCOME", tmp_path / "outcome.json")
    said: list[str] = []
    assert not installing.install(said.append)
    outcome = json.loads((tmp_path / "outcome.json").read_text())
    assert outcome == {"versions": {"a": "1.0"}, "failed": {"b": "no network"}}
    assert said == ["a 1.0", "b is not to be had: no network"]


def test_answers_are_counted_when_they_are_whole() -> None:
    one = b"HTTP/1.1 201 Created\r\nContent-Length: 3\r\nDate: now\r\n\r\n{}\n"
    for end in range(len(one)):
        assert answers_in(one[:end]) == (0, one[:end])
    assert answers_in(one) == (1, b"")
    assert answers_in(one + one[:-1]) == (1, one[:-1])
    with pytest.raises(ServerError):
        answers_in(one.replace(b"201 Created", b"429 Too Many Requests"))
