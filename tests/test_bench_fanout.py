"""The load against small servers of its own, right and wrong ones, over real sockets."""

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.dialects import Unheard, Verbatim
from bench.fanout import Loop
from bench.members import Crowd, Place, ServerError

SIZE = 128
MEMBERS = 5
HEAD = bytes((0x81, 126)) + SIZE.to_bytes(2)
Answer = Callable[[int, list[bytes]], bytes]


class Raw(Verbatim):
    """Verbatim without a handshake: the servers here have none."""

    upgrade = False


def unmasked(stream: bytes) -> list[bytes]:
    """The payloads of whole masked frames of SIZE."""
    step = 4 + 4 + SIZE
    found = []
    for at in range(0, len(stream) // step * step, step):
        mask, masked = stream[at + 4 : at + 8], stream[at + 8 : at + step]
        found.append(bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked)))
    return found


@contextmanager
def serving(answer: Answer) -> Iterator[Place]:
    """A server that sends member number n `answer(n, payloads)` for each lot of posts."""
    door = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        members = [door.accept()[0] for _ in range(MEMBERS)]
        with suppress(ConnectionError):
            while posted := members[0].recv(1 << 16):
                while len(posted) % (8 + SIZE):
                    posted += members[0].recv(1 << 16)
                payloads = unmasked(posted)
                for number, member in enumerate(members):
                    member.sendall(answer(number, payloads))
        for member in members:
            member.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with door:
        yield Place(port=door.getsockname()[1], upgrade=False)
    thread.join(5)
    assert not thread.is_alive()


def everything(_number: int, payloads: list[bytes]) -> bytes:
    return b"".join(HEAD + payload for payload in payloads)


@contextmanager
def looping(answer: Answer, dialect: Verbatim) -> Iterator[Loop]:
    with serving(answer) as place:
        crowd = Crowd(place)
        try:
            crowd.open(MEMBERS)
            yield Loop(crowd, dialect)
        finally:
            crowd.close()


@pytest.mark.parametrize("window", [1, 8])
def test_every_delivery_is_counted(window: int) -> None:
    with looping(everything, Raw(SIZE, echoes=True)) as loop:
        loop.calibrate()
        result = loop.run([os.getpid()], seconds=0.1, window=window)
    assert result.posts >= window
    assert result.deliveries == result.posts * MEMBERS
    assert len(result.latencies) == result.posts
    assert result.wire_bytes == len(HEAD) + SIZE
    assert result.strange == 0
    assert result.cost.busy > 0


def test_a_paced_run_posts_at_its_rate() -> None:
    with looping(everything, Raw(SIZE, echoes=True)) as loop:
        loop.calibrate()
        result = loop.run([os.getpid()], seconds=0.2, rate=100)
    assert result.posts == 20
    assert result.cost.wall >= 0.19


def test_a_poster_that_must_not_hear_itself() -> None:
    def others(number: int, payloads: list[bytes]) -> bytes:
        return everything(number, payloads) if number else b""

    with looping(others, Raw(SIZE, echoes=False)) as loop:
        loop.calibrate()
        result = loop.run([os.getpid()], seconds=0.05)
    assert result.deliveries == result.posts * (MEMBERS - 1)


def test_deliveries_in_pieces_and_other_frames_between() -> None:
    ping, half = b"\x89\x00", SIZE // 2
    with looping(everything, Raw(SIZE, echoes=True)) as loop:
        loop.calibrate()
        fd = loop._crowd.members[3].socket.fileno()
        data = ping + everything(3, [loop._dialect.post(0)]) * 2
        loop._buffer[: len(data) - half] = data[:-half]
        assert loop._count(fd, len(data) - half) == 1
        loop._buffer[:half] = data[-half:]
        assert loop._count(fd, half) == 1
        assert fd not in loop._slow


def test_a_changed_text_is_noticed() -> None:
    def wrong(_number: int, payloads: list[bytes]) -> bytes:
        return b"".join(HEAD + payload[:-1] + b"?" for payload in payloads)

    with (
        looping(wrong, Raw(SIZE, echoes=True)) as loop,
        pytest.raises(ServerError, match="not the text"),
    ):
        loop.calibrate()


def test_swapped_posts_are_noticed() -> None:
    def swapped(_number: int, payloads: list[bytes]) -> bytes:
        return b"".join(HEAD + payload for payload in reversed(payloads))

    with looping(swapped, Raw(SIZE, echoes=True)) as loop:
        loop.calibrate()
        with pytest.raises(ServerError, match="delivery 0"):
            loop.run([os.getpid()], seconds=0.1, window=2)


def test_the_floor_is_only_counted() -> None:
    def floor(_number: int, payloads: list[bytes]) -> bytes:
        return (HEAD + b"x" * SIZE) * len(payloads)

    with looping(floor, Unheard(SIZE, echoes=True)) as loop:
        loop.calibrate()
        assert loop.run([os.getpid()], seconds=0.05, window=3).posts >= 3


def test_more_than_was_posted_is_noticed() -> None:
    def thrice(number: int, payloads: list[bytes]) -> bytes:
        return everything(number, payloads) * (3 if number == 2 else 1)

    with looping(thrice, Raw(SIZE, echoes=True)) as loop:
        loop.calibrate()
        with pytest.raises(ServerError, match="more than was posted"):
            loop.run([os.getpid()], seconds=0.1)
